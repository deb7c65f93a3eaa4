"""`python -m anime_gan.importers.webdnn`: converts a published WebDNN model to an export.

The models of make.girls.moe (Jin et al. 2017, arXiv 1708.05509) were published for browsers, as a list of
kernels in JSON and a file of weights in 8 bits. This command makes an export from these two files.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anime_gan.common.command_line import Flags, run_command
from anime_gan.common.errors import InputError
from anime_gan.common.quiet import import_tensorflow
from anime_gan.importers import make_girls_moe
from anime_gan.importers.webdnn_files import WebDnnError, read_graph, read_weights
from anime_gan.importers.webdnn_graph import Layer, Network, read_network

SUMMARY = """Converts the generator of make.girls.moe, which was published in WebDNN format, to an export. The
model is by Yanghua Jin and colleagues (CC BY-NC 2.0, non-commercial use only). Its files are not included."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flags = Flags()
    flags.path("weights", None, "file with the weights, such as weight_webgpu.bin")
    flags.path("graph", None, "file with the list of kernels, such as graph_webgpu.json")
    flags.path("out", None, "folder to write (must not exist yet)")

    def command() -> int:
        for name in ("weights", "graph", "out"):
            if not flags[name].value:
                raise InputError(f"--{name} is required; see --help")
        out = flags.out
        if Path(out).exists():
            raise InputError("already exists; choose another folder", "out", out)
        network = import_model(Path(flags.weights), Path(flags.graph), Path(out))
        print(
            f"{out}: imported {network.blocks} residual blocks with {network.filters} channels\n"
            "license: CC BY-NC 2.0, by Yanghua Jin and colleagues; see MODEL_CARD.md\n"
            f"draw: python generate.py --model={out}"
        )
        return 0

    return run_command("anime_gan.importers.webdnn", SUMMARY, flags, command, argv)


def import_model(weights: Path, graph: Path, out: Path) -> Network:
    """Converts a published model to an export.

    Args:
        weights: The file with the weights.
        graph: The file with the list of kernels.
        out: The folder to write.

    Returns:
        The network found in the files.

    Raises:
        WebDnnError: A file is damaged or contains something else.
    """
    network = load_network(weights, graph)
    import_tensorflow()
    # Imported here because they import TensorFlow.
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
    """Reads both files and checks that `models.srresnet` can build the network.

    Raises:
        WebDnnError: A file is damaged or contains something else.
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
    """Returns the configuration for `training.json`, in which only the network's options are known."""
    return {
        "architecture": "srresnet",
        "resolution": 128,
        "latent_dim": network.num_inputs - make_girls_moe.schema().num_labels,
        "generator_options": {"filters": network.filters, "blocks": network.blocks},
        # Read by `anime_gan.evaluate`, which requires --data for such a model.
        "data": "",
        "num_images": 0,
        "seed": 0,
        "flip": False,
        "hold_out": "",
        "test_every": 10,
    }


def fill(generator: Any, network: Network) -> None:
    """Copies the weights to a generator of `models.srresnet` of the same size."""
    for (layer, normalization), (ours, statistics) in zip(
        generator.normalized_convolutions, network.normalized, strict=True
    ):
        layer.set_weights([ours.kernel, ours.bias])
        normalization.set_weights([statistics.gamma, statistics.beta, statistics.mean, statistics.variance])
    # The channel order of the published models is blue, green, red.
    generator.rgb.set_weights([network.rgb.kernel[..., ::-1], network.rgb.bias[::-1]])


def _check_network(network: Network) -> None:
    """Checks that the layers are those of `models.srresnet`, before a generator of that size is built.

    Raises:
        WebDnnError: A layer differs. The message names its kernel.
    """
    import_tensorflow()
    from anime_gan.models.srresnet import EPSILON, STAGES, START

    stages = len(network.normalized) - 2 * network.blocks - 2
    if stages != STAGES:
        raise WebDnnError(f"found {stages} upsampling stages, expected {STAGES}")
    latent_dim = network_config(network)["latent_dim"]
    if latent_dim < 1:
        raise WebDnnError(f"{network.num_inputs} inputs are too few for a latent vector and 34 labels")
    width = network.filters
    shapes: list[tuple[int, ...]] = [
        (network.num_inputs, START * START * width),
        *[(3, 3, width, width)] * (2 * network.blocks + 1),
        *[(3, 3, width, 4 * width)] * STAGES,
    ]
    for (layer, normalization), shape in zip(network.normalized, shapes, strict=True):
        _check_shape(layer, shape)
        # The file contains float32 numbers, which cannot represent 0.00002 exactly.
        if not abs(normalization.epsilon - EPSILON) < 1e-3 * EPSILON:
            raise WebDnnError(
                f"{normalization.place}: epsilon is {normalization.epsilon:g}, expected {EPSILON:g}"
            )
    _check_shape(network.rgb, (9, 9, width, 3))


def _check_shape(layer: Layer, shape: tuple[int, ...]) -> None:
    if layer.kernel.shape != shape:
        raise WebDnnError(
            f"{layer.place}: the weights have shape {list(layer.kernel.shape)}, expected {list(shape)}"
        )


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
