"""Selects the best of several candidates with both critics of a dataset."""

from __future__ import annotations

import dataclasses
import hashlib
import zipfile
from pathlib import Path
from typing import Protocol

import numpy as np

from anime_gan.common.files import written_whole
from anime_gan.exports.portable_form import CRITIC_FILE, DETAILS_FILE
from anime_gan.judges.details import Details
from anime_gan.judges.record import JudgeError

# Folder in the folder of the critic for whole images. Models from before version 0.2.0 do not have it.
DETAILS = "details"
CROPS = "crops.npz"


class Scorer(Protocol):
    """A critic of any engine; see `Critic`."""

    checksum: str
    floor: float

    def score(self, images: np.ndarray) -> np.ndarray:
        """Scores images: uint8 [n, h, w, channels] -> float32 [n]."""


@dataclasses.dataclass(frozen=True)
class Selector:
    """The critics that select among candidates.

    Attributes:
        whole: The critic of whole images.
        detail: The critic of details at full resolution; None in older models.
        crops: Crops the details; None without a critic of details.
    """

    whole: Scorer
    detail: Scorer | None = None
    crops: Details | None = None

    @property
    def checksum(self) -> str:
        """SHA-256 that identifies the critics, hexadecimal. Margins of other critics cannot be compared."""
        if self.detail is None:
            return self.whole.checksum
        return hashlib.sha256(f"{self.whole.checksum} {self.detail.checksum}".encode()).hexdigest()

    def margins(self, images: np.ndarray) -> np.ndarray:
        """Returns by how much each image passes the critic that likes it least.

        An image passes both critics if its margin is 0 or more. So if one of several candidates does, the
        candidate with the largest margin does too.

        Args:
            images: uint8 [n, h, w, channels], as large as the training images. Alpha is straight.

        Returns:
            float32 [n]: the smaller of the two differences between a critic's score and its floor.
        """
        margins = self.whole.score(images) - self.whole.floor
        if self.detail is None or self.crops is None:
            return margins
        return np.minimum(margins, self.detail.score(self.crops.mosaic(images)) - self.detail.floor)

    def save(self, directory: Path) -> None:
        """Writes the critics into a folder, atomically; they must be of the TensorFlow engine."""
        with written_whole(directory) as partial:
            _saved(self.whole, partial)
            if self.detail is not None and self.crops is not None:
                _saved(self.detail, partial / DETAILS)
                np.savez_compressed(partial / DETAILS / CROPS, **dataclasses.asdict(self.crops))

    @classmethod
    def load(cls, directory: Path) -> Selector:
        """Loads the critics that `save` wrote, or the only critic of an older model.

        Raises:
            JudgeError: There is no critic, or a file is damaged.
        """
        # Imported here because it imports TensorFlow.
        from anime_gan.judges.critic import Critic

        whole = Critic.load(directory)
        folder = directory / DETAILS
        if not folder.is_dir():
            return cls(whole)
        return cls(whole, Critic.load(folder), _read_crops(folder / CROPS))

    @classmethod
    def load_onnx(cls, directory: Path, portable: Path) -> Selector:
        """Loads the same critics into onnxruntime.

        Args:
            directory: The folder of the critics.
            portable: The folder with their ONNX files.

        Raises:
            JudgeError: There is no critic, or a file is missing or damaged.
        """
        # Imported here because most programs do not need it.
        from anime_gan.judges.onnx_critic import OnnxCritic

        whole = OnnxCritic(directory, portable / CRITIC_FILE)
        folder = directory / DETAILS
        if not folder.is_dir():
            return cls(whole)
        return cls(whole, OnnxCritic(folder, portable / DETAILS_FILE), _read_crops(folder / CROPS))


def _saved(critic: Scorer, directory: Path) -> None:
    save = getattr(critic, "save", None)
    if save is None:
        raise TypeError("only critics of the TensorFlow engine can be saved")
    save(directory)


def _read_crops(path: Path) -> Details:
    try:
        with np.load(path, allow_pickle=False) as file:
            eyes = tuple((int(row), int(column)) for row, column in file["eyes"])
            row, column = map(int, file["mouth"])
            return Details(int(file["side"]), eyes, (row, column), file["hair"].astype(bool))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise JudgeError(
            f"{path}: cannot be read ({error}); evaluate the model again to replace the critics"
        ) from error
