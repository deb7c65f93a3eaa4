"""Selects the best of several candidates with both critics of a dataset."""

from __future__ import annotations

import dataclasses
import hashlib
import zipfile
from pathlib import Path

import numpy as np

from anime_gan.common.files import written_whole
from anime_gan.judges.critic import Critic
from anime_gan.judges.details import Details
from anime_gan.judges.store import JudgeError

# Folder in the folder of the critic for whole images. Models from before version 0.2.0 do not have it.
DETAILS = "details"
CROPS = "crops.npz"


@dataclasses.dataclass(frozen=True)
class Selector:
    """The critics that select among candidates.

    Attributes:
        whole: The critic of whole images.
        detail: The critic of details at full resolution; None in older models.
        crops: Crops the details; None without a critic of details.
    """

    whole: Critic
    detail: Critic | None = None
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
        """Writes the critics into a folder, atomically."""
        with written_whole(directory) as partial:
            self.whole.save(partial)
            if self.detail is not None and self.crops is not None:
                self.detail.save(partial / DETAILS)
                np.savez_compressed(partial / DETAILS / CROPS, **dataclasses.asdict(self.crops))

    @classmethod
    def load(cls, directory: Path) -> Selector:
        """Loads the critics that `save` wrote, or the only critic of an older model.

        Raises:
            JudgeError: There is no critic, or a file is damaged.
        """
        whole = Critic.load(directory)
        folder = directory / DETAILS
        if not folder.is_dir():
            return cls(whole)
        return cls(whole, Critic.load(folder), _read_crops(folder / CROPS))


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
