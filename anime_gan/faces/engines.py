"""Engines, which compute what a face generator draws: TensorFlow, or onnxruntime without TensorFlow."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from anime_gan.common.errors import InputError
from anime_gan.exports.portable_form import FOLDER, MODEL
from anime_gan.exports.read import Export

if TYPE_CHECKING:
    from anime_gan.judges.selection import Selector

ENGINES = ("auto", "tensorflow", "onnx")
ENGINE_HELP = (
    "program that computes the faces: tensorflow (the reference), onnx (starts faster; pictures differ by at "
    "most 1 of 255; needs onnxruntime and the portable form of the model), or auto (tensorflow if it is "
    "installed, else onnx; default)"
)


class Engine(Protocol):
    """Computes latent vectors, labels, and pictures of one model."""

    @property
    def latent_dim(self) -> int:
        """Size of a latent vector."""

    @property
    def resolution(self) -> int:
        """Height and width of a face in pixels."""

    def draw_inputs(
        self, texts: Sequence[str], seeds: Sequence[int], truncation: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Computes the latent vectors [n, z] and complete labels [n, a] of n requests with their seeds."""

    def render(self, latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Draws faces one at a time: uint8 [n, height, width, channels] with straight alpha."""

    def images(self, latents: Any, labels: Any) -> Any:
        """Draws faces in one batch: float32 [n, h, w, channels] in [-1, 1]."""

    def load_selector(self) -> Selector:
        """Loads the critics of the model, which must have some."""


def chosen_engine(name: str, export: Export) -> str:
    """Returns the engine that `--engine` selects.

    Args:
        name: One of `ENGINES`.
        export: The model.

    Returns:
        `tensorflow` or `onnx`.

    Raises:
        InputError: The engine is not installed, or the model has no portable form.
    """
    has_tensorflow = importlib.util.find_spec("tensorflow") is not None
    if name == "auto":
        name = "tensorflow" if has_tensorflow else "onnx"
    if name == "tensorflow":
        if not has_tensorflow:
            raise InputError(
                'the package "tensorflow" is not installed: pip install tensorflow', "engine", name
            )
        return name
    if not (export.directory / FOLDER / MODEL).is_file():
        raise InputError(
            f"{export.directory} has no portable form; to write it, on a machine with TensorFlow: "
            f"python -m anime_gan.portable --model={export.directory}",
            "engine",
            "onnx",
        )
    return name


def load_engine(name: str, export: Export) -> Engine:
    """Loads a model into an engine.

    Args:
        name: One of `ENGINES`.
        export: The model.

    Raises:
        InputError: As in `chosen_engine`, or the model is damaged.
    """
    if chosen_engine(name, export) == "tensorflow":
        # Imported here because it imports TensorFlow.
        from anime_gan.faces.tensorflow_engine import TensorFlowEngine

        return TensorFlowEngine(export)
    from anime_gan.faces.onnx_engine import OnnxEngine

    return OnnxEngine(export)
