"""Meaningless pictures and models that are fast to make."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.datasets.dataset import Dataset
from anime_gan.datasets.prepared import Chunk

CHUNK = 1_000


class NoiseFaces:
    """A data source for `prepare`: color noise with random labels, the same every time."""

    name = "noise"
    statement = "Color noise."
    verb = "making"
    channels = 3
    notes: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    schema = Schema.from_names(
        {"hair_color": ("blue", "red", "black", "blonde"), "smile": None, "glasses": None}
    )

    def __init__(self, num_items: int) -> None:
        self.num_items = num_items

    def fingerprint(self) -> str:
        """Returns hexadecimal digits that identify the data."""
        return f"{self.num_items:016x}"

    def chunks(self, first_item: int, resolution: int) -> Iterator[Chunk]:
        """Yields noise from `first_item` on, which must be the start of a chunk."""
        for start in range(first_item, self.num_items, CHUNK):
            random = np.random.default_rng([0, start])
            count = min(CHUNK, self.num_items - start)
            images = random.integers(0, 256, (count, resolution, resolution, 3), np.uint8)
            yield Chunk(count, images, self._labels(random, count), ())

    def _labels(self, random: np.random.Generator, count: int) -> np.ndarray:
        labels = np.full((count, self.schema.num_labels), -1, np.int8)
        for slot in self.schema.slots:
            # A tag has one column and is present in half of the rows.
            value = random.integers(0, max(slot.size, 2), count)
            rows = np.flatnonzero(value < slot.size)
            labels[rows, slot.start + value[rows]] = 1
        return labels


def untrained_export(folder: Path, architecture: str = "published", latent_dim: int = 100) -> Path:
    """Exports an untrained generator; returns the version folder."""
    # Imported here because they import TensorFlow.
    from anime_gan.exports.write import export_model
    from anime_gan.models import get_architecture
    from anime_gan.runs.start import make_trainer, split_for
    from anime_gan.training.config import TrainConfig

    config = TrainConfig(
        architecture=architecture,
        resolution=get_architecture(architecture).resolutions[0],
        latent_dim=latent_dim,
        precision="float32",
    )
    source = NoiseFaces(500)
    chunk = next(source.chunks(0, config.resolution))
    dataset = Dataset(source.name, chunk.images, chunk.labels, source.schema, source.statement, checksum="")
    trainer = make_trainer(config, dataset, split_for(config, dataset).train)
    return export_model(trainer, dataset, config, folder / "0")
