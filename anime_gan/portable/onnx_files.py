"""Converts Keras networks to ONNX files with float16 weights."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from anime_gan.common.backend import tf
from anime_gan.common.errors import InputError
from anime_gan.common.files import written_whole

EXTRA = 'needs the packages "onnx" and "tf2onnx": pip install "anime_gan[onnx]"'
# Unity's Inference Engine reads opsets up to 15; onnxruntime and onnxruntime-web read all of these.
OPSET = 15
# Smaller constants, such as shapes and biases, stay in float32. They take little space.
SMALLEST_HALF = 256


def write_onnx(
    path: Path,
    function: Callable[..., Any],
    inputs: Mapping[str, tuple[int, ...]],
    output: str,
    metadata: Mapping[str, str],
) -> None:
    """Converts a function to an ONNX file, checks the file, and writes it whole.

    Args:
        path: The file.
        function: Takes float32 tensors and returns one.
        inputs: Name -> shape without the batch axis, in the order of the arguments.
        output: Name of the result.
        metadata: Facts to store in the file.

    Raises:
        InputError: The packages that convert are missing.
    """
    onnx, tf2onnx = _converters()
    specs = [tf.TensorSpec([None, *shape], tf.float32, name=name) for name, shape in inputs.items()]
    model, _ = tf2onnx.convert.from_function(
        tf.function(lambda *values: tf.identity(function(*values), name=output), input_signature=specs),
        specs,
        opset=OPSET,
    )
    graph = model.graph
    _rename(graph, {graph.output[0].name: output})
    _rename(graph, {value.name: name for value, name in zip(graph.input, inputs, strict=True)})
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "faces"
    # Names and texts of the converter may hold paths of this machine.
    graph.name, graph.doc_string, model.doc_string = "anime_gan", "", ""
    _store_half(onnx, graph)
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    with written_whole(path) as partial:
        onnx.save(model, str(partial))


def _converters() -> tuple[Any, Any]:
    try:
        import onnx
        import tf2onnx
    except ImportError as error:
        raise InputError(f"the portable form {EXTRA}") from error
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    return onnx, tf2onnx


def _rename(graph: Any, names: Mapping[str, str]) -> None:
    """Renames values of a graph."""
    for node in graph.node:
        for values in (node.input, node.output):
            for index, value in enumerate(values):
                values[index] = names.get(value, value)
    for value in (*graph.input, *graph.output):
        value.name = names.get(value.name, value.name)


def _store_half(onnx: Any, graph: Any) -> None:
    """Stores large float32 constants in float16; a `Cast` in front of the graph restores float32."""
    casts = []
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < SMALLEST_HALF:
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(
            onnx.helper.make_node(
                "Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT, name=f"{name}_cast"
            )
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
