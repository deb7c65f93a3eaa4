"""Finds an exported model and reads the files beside it; needs no TensorFlow."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.common.errors import InputError

if TYPE_CHECKING:
    from anime_gan.attributes.label_sampler import LabelRows

# The models that come with the package, in numbered versions, and the one that is used when none is named.
PRETRAINED = Path(__file__).parents[1] / "pretrained"
SHIPPED = PRETRAINED / "sutemo-64"
# Beside the SavedModel: the judge that `python -m anime_gan.evaluate` trains and leaves there.
CRITIC = "critic"
# So many digits of a checksum name a model or a critic in a picture.
NAME_DIGITS = 16


class ModelError(InputError):
    """There is no usable exported model where one was looked for."""


def find_export(directory: Path | None) -> Path:
    """The newest complete version at or below a directory.

    Args:
        directory: A version, an `export` folder, a run, or a folder of runs (of which the one that
            exported last counts); or the name of a model that comes with the package, such as `sutemo-128`,
            unless there is a folder of that name. None: `SHIPPED`.

    Raises:
        ModelError: There is none.
    """
    if directory is None:
        directory = SHIPPED
    names = sorted(path.name for path in PRETRAINED.iterdir())
    if str(directory) in names and not directory.exists():
        directory = PRETRAINED / directory
    found = _newest_version(directory)
    if found is None:
        raise ModelError(
            f"--model={directory}: no exported model there (a finished run has one in export/), nor one that "
            f"comes with the package ({', '.join(names)})"
        )
    for name in ("attributes.json", "training.json"):
        if not (found / name).is_file():
            raise ModelError(f"--model={found}: {name} is missing beside saved_model.pb")
    return found


def _newest_version(directory: Path) -> Path | None:
    """The exported version that a directory stands for."""
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


def check_critic(export: Path) -> None:
    """Makes sure that a critic lies beside a model.

    Raises:
        ModelError: There is none; the message says how to get one.
    """
    if not (export / CRITIC).is_dir():
        raise ModelError(
            f"{export}: has no critic to choose among candidates: run python -m anime_gan.evaluate "
            f"--model={export} first"
        )


def read_schema(export: Path) -> Schema:
    """The schema that lies beside a model.

    Raises:
        ModelError: It is damaged.
    """
    file = export / "attributes.json"
    try:
        return Schema.from_json(file.read_text("utf-8"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{file}: is damaged: {error}") from error


def read_record(export: Path) -> dict[str, Any]:
    """What an export's `training.json` says of it.

    Raises:
        ModelError: It is damaged.
    """
    file = export / "training.json"
    try:
        record = json.loads(file.read_text("utf-8"))
        missing = {"config", "statement", "weights_sha256"} - set(record)
    except (ValueError, TypeError, RecursionError) as error:
        raise ModelError(f"{file}: is damaged: {error}") from error
    if missing or not isinstance(record, dict):
        raise ModelError(f"{file}: is damaged: it does not say {', '.join(sorted(missing))}")
    return record


LABEL_ROWS = "label_rows.npz"


def read_label_rows(export: Path) -> LabelRows:
    """The label rows that lie beside a model.

    Raises:
        ValueError: They cannot be read.
    """
    # Here, since it imports TensorFlow at its top.
    from anime_gan.attributes.label_sampler import LabelRows

    path = export / LABEL_ROWS
    try:
        with np.load(path, allow_pickle=False) as file:
            return LabelRows(file["rows"], file["counts"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: missing or damaged ({error}): bring the whole model here again") from error
