"""Finds an exported model, checks the files beside it, and loads it."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from anime_gan.attributes.label_rows import LabelRows
from anime_gan.attributes.schema import Schema
from anime_gan.common import json_files
from anime_gan.common.errors import InputError
from anime_gan.common.plain_paths import readable
from anime_gan.common.quiet import import_tensorflow
from anime_gan.common.stores import store_url
from anime_gan.common.system_limits import system_limit
from anime_gan.exports.from_store import fetch_export
from anime_gan.training.checkpoints import Checkpoints, checkpoint_step
from anime_gan.training.run_files import CHECKPOINTS, CONFIG

# The folder of the bundled models, the default model, and the smallest one.
PRETRAINED = Path(__file__).parents[1] / "pretrained"
DEFAULT = PRETRAINED / "sutemo-128"
SMALLEST = PRETRAINED / "sutemo-64"
# The folder beside the SavedModel with the critic that `python -m anime_gan.evaluate` trains.
CRITIC = "critic"
# The folders beside it with the other judges of `python -m anime_gan.evaluate`, which check characters.
TAGGER = "tagger"
PERSON = "person"
LABEL_ROWS = "label_rows.npz"
# Number of checksum digits that identify a model or a critic in a picture file.
NAME_DIGITS = 16


class ModelError(InputError):
    """An exported model is missing, incomplete, or damaged."""


class _Config(msgspec.Struct):
    """The options in `training.json` that are read again. Older exports do not have all of them."""

    architecture: str
    latent_dim: int
    resolution: int
    data: str = ""
    channels: int = 3
    base_resolution: int = 0
    num_images: int = 0
    batch_size: int = 0
    seed: int = 0
    test_every: int = 0
    hold_out: str = ""
    flip: bool = False
    generator_options: dict[str, Any] | None = None


class _TrainingRecord(msgspec.Struct):
    """The entries in `training.json` that are read again."""

    config: _Config
    statement: str
    weights_sha256: str
    steps: int = 0
    seconds: float = 0.0
    images: int = 0
    data_checksum: str | None = None
    packing: dict[str, Any] = {}


@dataclasses.dataclass(frozen=True)
class Export:
    """An exported model: its folder, and the files beside the SavedModel.

    Attributes:
        directory: The version folder.
        schema: The attributes that can be requested.
        record: The contents of `training.json`: configuration, statement, and checksums.
    """

    directory: Path
    schema: Schema
    record: dict[str, Any]

    @property
    def name(self) -> str:
        """The first digits of the weights' checksum, which identify the model in its pictures."""
        return self.record["weights_sha256"][:NAME_DIGITS]

    @property
    def channels(self) -> int:
        """4 if the model draws transparent pictures, else 3."""
        # The entry is absent before version 0.2.0.
        channels: int = self.record["config"].get("channels", 3)
        return channels

    def load(self) -> Any:
        """Loads the SavedModel.

        Raises:
            ModelError: It is damaged.
            Exception: A limit of the system is reached; see `system_limit`.
        """
        try:
            with readable(self.directory) as folder:
                return import_tensorflow().saved_model.load(str(folder))
        except Exception as error:  # TensorFlow raises almost anything on a damaged file.
            if system_limit(error):
                raise
            reason = " ".join(str(error).split())[:200]
            raise ModelError(f"{self.directory}: the SavedModel cannot be loaded: {reason}") from error


def read_export(directory: Path | None) -> Export:
    """Finds an export and reads the files beside its SavedModel, without TensorFlow.

    Args:
        directory: As in `find_export`.

    Raises:
        ModelError: There is no export, or a file is missing or damaged.
    """
    found = find_export(directory)
    return Export(found, read_schema(found), read_record(found))


def find_export(directory: Path | str | None) -> Path:
    """Returns the newest complete version of an exported model.

    A run that was stopped has a checkpoint that is newer than its exports. The checkpoint is then exported.

    Args:
        directory: A version folder, an `export` folder, a run or one of its checkpoints, a folder of runs
            (the newest export is used), or the name of a bundled model, such as `sutemo-128`. An existing
            folder of that name takes precedence. None means the default bundled model. A version folder, an
            `export` folder, or a run may also be in a bucket, from which it is downloaded.

    Raises:
        ModelError: There is no such model, or it is incomplete, or a checkpoint cannot be exported.
        InputError: A bucket has no such model, or cannot be read.
    """
    if directory is None:
        directory = DEFAULT
    if url := store_url(directory):
        directory = fetch_export(url)
    directory = Path(directory)
    names = sorted(path.name for path in PRETRAINED.iterdir())
    if str(directory) in names and not directory.exists():
        directory = PRETRAINED / directory
    found = _newest_version(directory)
    # The newest checkpoint of a folder of runs is taken only if there is no export.
    unfinished = found is None or (directory / CONFIG).is_file()
    if unfinished and (newer := _exported_checkpoint(directory, found)) is not None:
        return newer
    if found is None:
        reason = (
            "no exported model found (a finished run has one in export/, and a stopped run has checkpoints), "
            f"and no bundled model has that name (available: {', '.join(names)})"
        )
        raise ModelError(reason, "model", directory)
    for name in ("attributes.json", "training.json"):
        if not (found / name).is_file():
            raise ModelError(f"the export is incomplete: {name} is missing", "model", found)
    return found


def _newest_version(directory: Path) -> Path | None:
    if (directory / "saved_model.pb").is_file():
        return directory
    versions = [
        path.parent
        for pattern in ("[0-9]*/saved_model.pb", "export/[0-9]*/saved_model.pb")
        for path in directory.glob(pattern)
        if path.parent.name.isdigit()
    ]
    if versions:
        return max(versions, key=lambda path: int(path.name))
    of_runs = list(directory.glob("*/export/[0-9]*/saved_model.pb"))
    return max(of_runs, key=lambda path: path.stat().st_mtime).parent if of_runs else None


def _exported_checkpoint(directory: Path, export: Path | None) -> Path | None:
    """Exports a checkpoint, or the newest one of a run if it is newer than the export.

    Args:
        directory: A checkpoint, a run, or a folder of runs, which may be stages of one another.
        export: The newest export in the folder.
    """
    chosen = run_of_checkpoint(directory) is not None
    runs = [directory] if chosen or (directory / CONFIG).is_file() else _by_checkpoint(directory)
    after = int(export.name) if export and export.name.isdecimal() else 0
    if not runs or not (chosen or Checkpoints(runs[-1] / CHECKPOINTS).newest() > after):
        return None
    # Imported here because it imports TensorFlow.
    import_tensorflow()
    from anime_gan.exports.from_checkpoint import export_checkpoint, export_newest

    return export_checkpoint(directory) if chosen else export_newest(runs[-1], after)


def _by_checkpoint(directory: Path) -> list[Path]:
    """Returns the runs in a folder that have a checkpoint, the one with the newest checkpoint last."""
    times = {}
    for file in directory.glob(f"*/{CONFIG}"):
        checkpoints = Checkpoints(file.parent / CHECKPOINTS)
        if newest := checkpoints.newest():
            times[file.parent] = checkpoints.path(newest).stat().st_mtime
    return sorted(times, key=lambda run: times[run])


def run_of_checkpoint(directory: Path) -> Path | None:
    """Returns the run that a checkpoint belongs to; None if the path is not a checkpoint of a run."""
    folder = directory.resolve().parent
    belongs = checkpoint_step(directory) and folder.name == CHECKPOINTS and (folder.parent / CONFIG).is_file()
    return folder.parent if belongs and directory.is_dir() else None


def check_critic(export: Path) -> None:
    """Checks that an export has a critic, which selects among candidates.

    Raises:
        ModelError: It has none; the message says how to train one.
    """
    if not (export / CRITIC).is_dir():
        raise ModelError(
            "this model has no critic to select among candidates; to train one: "
            f"python -m anime_gan.evaluate --model={export}"
        )


def read_schema(export: Path) -> Schema:
    """Reads the schema of an export.

    Raises:
        ModelError: The file is damaged.
    """
    return Schema.read(export / "attributes.json", ModelError)


def read_record(export: Path) -> dict[str, Any]:
    """Reads the `training.json` of an export.

    Raises:
        ModelError: The file is damaged.
    """
    return json_files.read_record(export / "training.json", _TrainingRecord, ModelError)


def read_label_rows(export: Path) -> LabelRows:
    """Reads the training set's label rows, from which an export samples open attributes.

    Raises:
        ModelError: The file is missing or damaged.
    """
    path = export / LABEL_ROWS
    try:
        with np.load(path, allow_pickle=False) as file:
            return LabelRows(file["rows"], file["counts"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} is missing or damaged ({error}); copy the whole export again") from error
