"""`python -m anime_gan.importers.webdnn`: makes an export of a published model in WebDNN form.

The models of make.girls.moe (Jin et al. 2017, arXiv 1708.05509) were published for browsers: a list of
kernels in JSON, and weights in eight bits. Whoever has those two files gets an export like any other.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags

from anime_gan.common.command_line import run_command
from anime_gan.common.quiet import import_tensorflow
from anime_gan.importers import make_girls_moe
from anime_gan.importers.webdnn_files import WebDnnError, read_graph, read_weights
from anime_gan.importers.webdnn_graph import Layer, Network, read_network

SUMMARY = """Makes an export, as training does, of a model that was published in WebDNN form: the generator of
make.girls.moe by Yanghua Jin and colleagues, CC BY-NC 2.0, non-commercial. Bring its two files yourself."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flag_values = flags.FlagValues()
    for name, help_text in (
        ("weights", "the weights, for example weight_webgpu.bin"),
        ("graph", "the list of kernels, for example graph_webgpu.json"),
        ("out", "the folder to write, a new one"),
    ):
        flags.DEFINE_string(name, None, help_text, flag_values=flag_values)
    arguments = sys.argv[1:] if argv is None else argv

    def command() -> int:
        weights, graph, out = (flag_values[name].value for name in ("weights", "graph", "out"))
        if not weights or not graph or not out:
            raise flags.Error("--weights, --graph and --out are needed, see --help")
        if Path(out).exists():
            raise ValueError(f"--out={out}: exists already; choose another folder")
        network = import_model(Path(weights), Path(graph), Path(out))
        print(
            f"{out}: {network.blocks} residual blocks of {network.filters} channels; by Yanghua Jin and "
            f"colleagues, CC BY-NC 2.0, see MODEL_CARD.md. Try: python generate.py --model={out}"
        )
        return 0

    return run_command("anime_gan.importers.webdnn", SUMMARY, flag_values, command, arguments)


def import_model(weights: Path, graph: Path, out: Path) -> Network:
    """Writes an export of a published model.

    Args:
        weights: Its weights.
        graph: Its list of kernels.
        out: The folder to write.

    Returns:
        What was found in the files.

    Raises:
        WebDnnError: The files are damaged, or hold something else.
    """
    network = load_network(weights, graph)
    import_tensorflow()
    # Here, since they import TensorFlow at their top.
    from anime_gan.exports.write import make_generator, weights_checksum, write_export

    schema = make_girls_moe.schema()
    config = network_config(network)
    generator = make_generator(config, schema)
    fill(generator, network)
    record = {
        "config": config,
        "steps": 0,
        "images": 0,
        "statement": make_girls_moe.STATEMENT,
        "data_checksum": "",
        "weights_sha256": weights_checksum(generator),
        "imported": {
            "weights_file_sha256": _checksum(weights),
            "graph_file_sha256": _checksum(graph),
        },
    }
    write_export(out, generator, schema, make_girls_moe.label_rows(), record)
    return network


def load_network(weights: Path, graph: Path) -> Network:
    """Reads both files and makes sure that `models.srresnet` can build what is in them.

    Raises:
        WebDnnError: The files are damaged, or hold something else.
    """
    kernels = read_graph(graph)
    arrays = read_weights(weights, kernels)
    try:
        network = read_network(kernels, arrays)
        _check_network(network)
    except WebDnnError as error:
        raise WebDnnError(f"{graph}: {error}") from error
    return network


def network_config(network: Network) -> dict[str, Any]:
    """What `training.json` says of the options: those of the network, and that no training is known."""
    return {
        "architecture": "srresnet",
        "resolution": 128,
        "latent_dim": network.num_inputs - make_girls_moe.schema().num_labels,
        "generator_options": {"filters": network.filters, "blocks": network.blocks},
        # For `anime_gan.evaluate`, which needs --data then.
        "data": "",
        "num_images": 0,
        "seed": 0,
        "flip": False,
        "hold_out": "",
        "test_every": 10,
    }


def fill(generator: Any, network: Network) -> None:
    """Puts the weights into a generator of `models.srresnet` of the same size."""
    for (layer, normalization), (ours, statistics) in zip(
        generator.normalized_convolutions, network.normalized, strict=True
    ):
        layer.set_weights([ours.kernel, ours.bias])
        normalization.set_weights([statistics.gamma, statistics.beta, statistics.mean, statistics.variance])
    # The published models draw blue, green, red.
    generator.rgb.set_weights([network.rgb.kernel[..., ::-1], network.rgb.bias[::-1]])


def _check_network(network: Network) -> None:
    """Makes sure that the layers are those of `models.srresnet`, before one of their size is made.

    Raises:
        WebDnnError: One is not; the message names its kernel.
    """
    import_tensorflow()
    from anime_gan.models.srresnet import EPSILON, STAGES, START

    stages = len(network.normalized) - 2 * network.blocks - 2
    if stages != STAGES:
        raise WebDnnError(f"the side is doubled {stages} times, must be {STAGES} times")
    latent_dim = network_config(network)["latent_dim"]
    if latent_dim < 1:
        raise WebDnnError(f"{network.num_inputs} inputs are too few for a latent and 34 labels")
    width = network.filters
    shapes: list[tuple[int, ...]] = [
        (network.num_inputs, START * START * width),
        *[(3, 3, width, width)] * (2 * network.blocks + 1),
        *[(3, 3, width, 4 * width)] * STAGES,
    ]
    for (layer, normalization), shape in zip(network.normalized, shapes, strict=True):
        _check_shape(layer, shape)
        # Read as float32, in which 0.00002 is not exact.
        if not abs(normalization.epsilon - EPSILON) < 1e-3 * EPSILON:
            raise WebDnnError(f"{normalization.place}: epsilon is {normalization.epsilon:g}, not {EPSILON:g}")
    _check_shape(network.rgb, (9, 9, width, 3))


def _check_shape(layer: Layer, shape: tuple[int, ...]) -> None:
    if layer.kernel.shape != shape:
        raise WebDnnError(f"{layer.place}: has weights {list(layer.kernel.shape)}, must have {list(shape)}")


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
