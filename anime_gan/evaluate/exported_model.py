"""An exported model that draws many faces at a time, and what the commands that measure it share."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from anime_gan.common.alpha import Color, has_alpha, on_background, transparency
from anime_gan.common.command_line import MODEL_HELP, Flags, print_lines
from anime_gan.common.errors import InputError
from anime_gan.common.source_names import split_sources
from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.datasets.load import load_dataset
from anime_gan.datasets.mapped import mapped
from anime_gan.exports.names import folder_name
from anime_gan.exports.read import read_export
from anime_gan.faces.generator import FaceGenerator

BATCH = 64


class ExportedModel:
    """The SavedModel of an export, and the files beside it.

    Attributes:
        directory: The version folder.
        schema: The attributes that can be requested.
        record: `training.json`: configuration, steps, statement, checksums.
        background: Color behind transparent faces; None if they keep their alpha channel.
    """

    def __init__(self, directory: Path | None, background: Color | None = None) -> None:
        """Reads the files next to the model; the model itself is loaded with the first face.

        Args:
            directory: As in `find_export`.
            background: Color behind transparent faces; None keeps their alpha channel.

        Raises:
            ModelError: There is no complete model.
        """
        self._export = read_export(directory)
        self.directory, self.schema = self._export.directory, self._export.schema
        self.record = self._export.record
        self.background = background

    @property
    def channels(self) -> int:
        """4 if the model draws transparent pictures, else 3."""
        return self._export.channels

    @functools.cached_property
    def generator(self) -> FaceGenerator:
        """The loaded model."""
        return FaceGenerator(self.directory)

    def inputs(self, attributes: Sequence[str], seeds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Returns the inputs that `generate.py` uses for these requests and seeds, without truncation.

        Args:
            attributes: [n] requests as typed; open attributes follow the training distribution.
            seeds: [n], 0 and up.

        Returns:
            Latents float32 [n, z] and complete labels float32 [n, num_labels].
        """
        parts = (slice(start, start + BATCH) for start in range(0, len(seeds), BATCH))
        drawn = [self.generator.draw_inputs(attributes[part], seeds[part], 1.0) for part in parts]
        return np.concatenate([latents for latents, _ in drawn]), np.concatenate([row for _, row in drawn])

    def render(self, latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Draws faces, all in one batch: uint8 [n, h, w, channels], RGB on a background."""
        images = self.generator.images(latents.astype(np.float32), labels.astype(np.float32))
        # Here, because it imports TensorFlow at its top.
        from anime_gan.models.pixels import to_uint8

        return on_background(to_uint8(images).numpy(), self.background)

    def training_data(self, data: str | None) -> Dataset:
        """Loads the data that the model was trained on, and prints notes about it.

        Args:
            data: The data source, as in `train.py --data`; None for the one that the export records.

        Raises:
            DataError: It cannot be read, or has other attributes than the model.
        """
        config = self.record["config"]
        source = data or self.recorded_data()
        dataset = load_dataset(
            source,
            config["num_images"],
            config["resolution"],
            config["seed"],
            transparency(self._export.channels),
            labels_from=config.get("labels_from", "auto"),
            import_code=bool(data),
            shares=config.get("data_shares", "") if len(split_sources(source)) > 1 else "",
        )
        print_lines(dataset.report.lines())
        check_schema(self, dataset)
        return dataset

    def recorded_data(self) -> str:
        """Returns the data source. The export records only its name; the run around it, if any, the path."""
        recorded: str = self.record["config"]["data"]
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            config = json.loads((self._export.directory.parents[1] / "config.json").read_text("utf-8"))
            if folder_name(config["data"]) == recorded:
                return str(config["data"])
        return recorded

    def on_background(self, dataset: Dataset) -> Dataset:
        """Returns the images of a dataset on the model's background, with a checksum of their own."""
        if self.background is None or not has_alpha(dataset.images):
            return dataset
        place = functools.partial(on_background, color=self.background)
        return mapped(dataset, place, f"on {self.background}")


def check_schema(model: ExportedModel, dataset: Dataset) -> None:
    """Checks that the data has the model's attributes.

    Raises:
        DataError: It does not; the message names the differences.
    """
    ours, theirs = model.schema.columns, dataset.schema.columns
    if ours == theirs:
        return
    sides = {"only in the data": set(theirs) - set(ours), "only in the model": set(ours) - set(theirs)}
    parts = [f"{side}: {', '.join(sorted(names)[:5])}" for side, names in sides.items() if names]
    raise DataError(
        f"{dataset.name}: its attributes differ from the model's ({'; '.join(parts) or 'in another order'}); "
        "pass the model's training data"
    )


def measuring_flags(out: str | None, out_help: str) -> Flags:
    """Returns the flags of all commands that measure a model; `out` is the default of `--out`."""
    flags = Flags()
    flags.path("model", None, MODEL_HELP)
    flags.sources(
        "data", None, "the model's training data, as in train.py --data (default: as recorded in the export)"
    )
    flags.path("out", out, out_help)
    return flags


def model_and_folder(flags: Flags, background: Color | None = None) -> tuple[ExportedModel, Path]:
    """Returns the model, and the folder for the results: `--out`, or the export.

    Args:
        flags: From `measuring_flags`.
        background: As for `ExportedModel`.

    Raises:
        ModelError: There is no complete model.
        InputError: `--out` is a file.
    """
    model = ExportedModel(Path(flags.model) if flags.model else None, background)
    out = Path(flags.out) if flags.out else model.directory
    if out.exists() and not out.is_dir():
        raise InputError("is a file; must be a folder", "out", out)
    return model, out
