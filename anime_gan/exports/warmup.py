"""The warm-up requests of an export, which TF Serving runs before it answers the first caller.

Without them, the first caller of each signature waits until TensorFlow has optimized the graph.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from anime_gan.common.backend import tf

# TF Serving reads this file of an export.
FILE = Path("assets.extra") / "tf_serving_warmup_requests"

# The fields of TF Serving's messages that a warm-up request uses: field -> (number, type of its message).
# A map has the wire format of repeated messages with a key and a value.
_MESSAGES = {
    "PredictionLog": {"predict_log": (6, "PredictLog")},
    "PredictLog": {"request": (1, "PredictRequest")},
    "PredictRequest": {"model_spec": (1, "ModelSpec"), "inputs": (2, "Input")},
    "ModelSpec": {"signature_name": (3, "")},
    # A serialized TensorProto has the wire format of a field of type bytes.
    "Input": {"key": (1, ""), "value": (2, "bytes")},
}


def write_warmup_requests(export: Path, signatures: Mapping[str, tf.types.experimental.Callable]) -> None:
    """Writes a request for each signature: a TFRecord file of `tensorflow.serving.PredictionLog`.

    A request has one row. TF Serving does not load a model if one of its warm-up requests fails, and a larger
    one fails on servers with a smaller `max_batch_size`.

    Args:
        export: The version folder.
        signatures: Signature name -> function with an input signature.
    """
    (export / FILE).parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(export / FILE)) as file:
        for name, function in signatures.items():
            file.write(prediction_log(name, _one_row(function.input_signature)))


def prediction_log(signature: str, inputs: Mapping[str, tf.Tensor]) -> bytes:
    """Returns a serialized `tensorflow.serving.PredictionLog` with one request."""
    log = _message_class("PredictionLog")()
    request = log.predict_log.request
    request.model_spec.signature_name = signature
    for key, value in inputs.items():
        request.inputs.add(key=key, value=tf.make_tensor_proto(value.numpy()).SerializeToString())
    serialized: bytes = log.SerializeToString()
    return serialized


def _one_row(specs: tuple[tf.TensorSpec, ...]) -> dict[str, tf.Tensor]:
    """Returns inputs that are right for every model."""
    values = {tf.string: "", tf.int64: 0, tf.float32: 1.0}
    return {
        spec.name: tf.fill([1, *spec.shape[1:]], tf.constant(values[spec.dtype], spec.dtype))
        for spec in specs
    }


@functools.cache
def _message_class(name: str) -> Any:
    """Returns the class of a message in `_MESSAGES`."""
    package = "anime_gan.warmup"
    types = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="warmup.proto", package=package, syntax="proto3")
    for message, fields in _MESSAGES.items():
        description = file.message_type.add(name=message)
        for field, (number, kind) in fields.items():
            added = description.field.add(name=field, number=number, label=types.LABEL_OPTIONAL)
            if kind in _MESSAGES:
                added.type, added.type_name = types.TYPE_MESSAGE, f".{package}.{kind}"
            else:
                added.type = types.TYPE_BYTES if kind else types.TYPE_STRING
            if field == "inputs":
                added.label = types.LABEL_REPEATED
    # A pool of its own, because `tensorflow-serving-api` may describe its messages in the default pool.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
