"""Where labelled images come from; every source ends in the same `Dataset`."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from anime_gan.attributes import Schema


class DataError(ValueError):
    """A data source cannot be used; the message says what, where, and what to do."""


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Labelled images in memory.

    Attributes:
        name: Short name, for run directories.
        images: uint8 [n, height, width, 3], RGB.
        labels: int8 [n, num_labels] of +1, -1 and 0 (unknown).
        schema: What the label columns mean.
        statement: What the images are, their licence and whom to credit.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    schema: Schema
    statement: str

    def checksum(self) -> str:
        """SHA-256 of schema, labels and images: tells whether two runs saw the same data."""
        digest = hashlib.sha256(self.schema.to_json().encode())
        digest.update(self.labels.tobytes())
        for image in self.images:
            digest.update(image.tobytes())
        return digest.hexdigest()

    def statistics(self) -> str:
        """How many images have each attribute value, a line an attribute."""
        lines = []
        for slot in self.schema.slots:
            columns = self.labels[:, slot.columns]
            having = np.sum(columns > 0, axis=0)
            terms = self.schema.terms[slot.columns]
            parts = [f"{term.name} {count}" for term, count in zip(terms, having, strict=True)]
            unknown = int(np.sum(np.all(columns == 0, axis=1)))
            lines.append(f"{slot.name}: {', '.join(parts)}" + (f", unknown {unknown}" if unknown else ""))
        return "\n".join(lines)


def load_dataset(data: str, num_images: int, resolution: int, seed: int) -> Dataset:
    """Opens a data source by the text of `--data`.

    Args:
        data: `drawn`, `sutemo:DIR`, or a folder that holds `labels.csv`.
        num_images: Images to draw or compose; of a folder, at most this many.
        resolution: Pixels along a side.
        seed: Decides what is drawn.

    Raises:
        DataError: There is no such source, or it cannot be read.
    """
    # Imported here: a folder needs none of the illustrators.
    kind, _, where = data.partition(":")
    if kind == "drawn" and not where:
        from anime_gan.datasets.drawn import DrawnFaces
        from anime_gan.datasets.generated import render

        return render(DrawnFaces(seed), num_images, resolution)
    if kind == "sutemo" and where:
        from anime_gan.datasets.generated import render
        from anime_gan.datasets.sutemo import SutemoFaces

        try:
            source = SutemoFaces(where, seed)
        except (OSError, ValueError) as error:
            raise DataError(f"--data={data}: {error}") from error
        return render(source, num_images, resolution)
    if Path(data).is_dir():
        from anime_gan.datasets.folder import load_folder

        return load_folder(Path(data), num_images, resolution)
    raise DataError(f"--data={data}: no such folder; use drawn, sutemo:DIR, or a folder with labels.csv")
