"""A critic that scores images with onnxruntime, for programs without TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anime_gan.common.alpha import premultiplied
from anime_gan.common.json_files import read_json
from anime_gan.common.onnx_session import OnnxSession
from anime_gan.judges.record import CriticRecord, JudgeError


class OnnxCritic:
    """Scores images like `Critic`, whose attributes it has."""

    def __init__(self, directory: Path, network: Path) -> None:
        """Loads a critic.

        Args:
            directory: The folder of the critic, with `critic.json`.
            network: The ONNX file of its network.

        Raises:
            JudgeError: A file is missing or damaged, or the network is not that of this critic.
        """
        record = read_json(directory / "critic.json", CriticRecord, JudgeError)
        self.checksum, self.floor = record.checksum, record.floor
        self._side = record.side
        self._session = OnnxSession(network, record.checksum, JudgeError)

    def score(self, images: np.ndarray) -> np.ndarray:
        """Scores images one at a time: uint8 [n, h, w, channels] -> float32 [n]; see `Critic.score`."""
        scores = [self._session.run(images=self._to_input(image)[np.newaxis])[0] for image in images]
        return np.array(scores, np.float32)

    def _to_input(self, image: np.ndarray) -> np.ndarray:
        """Scales an image to [-1, 1] and reduces it to the critic's side by area averaging."""
        values = premultiplied(image) / np.float32(127.5) - np.float32(1.0)
        height, width, channels = values.shape
        if (height % self._side, width % self._side) != (0, 0):
            raise JudgeError(
                f"images of {width}x{height} pixels cannot be reduced to {self._side} without TensorFlow; "
                "use --engine=tensorflow"
            )
        cells = values.reshape(self._side, height // self._side, self._side, width // self._side, channels)
        return np.asarray(cells.mean(axis=(1, 3), dtype=np.float32))
