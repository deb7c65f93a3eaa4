"""Chooses the model of a cast: the largest bundled one that draws the expressions well."""

from __future__ import annotations

from pathlib import Path

import msgspec

from anime_gan.characters.expressions import read_expressions
from anime_gan.common.errors import InputError
from anime_gan.common.json_files import read_json
from anime_gan.exports.read import PRETRAINED, TAGGER, Export, ModelError, read_export
from anime_gan.faces.request import PictureOrigin

# At least this share of a bundled model's faces must have intact details: expressions change exactly these.
INTACT_SHARE = 0.5


class _Success(msgspec.Struct):
    model: float


class _Details(msgspec.Struct):
    success: _Success


class _Evaluation(msgspec.Struct):
    """The entries of `evaluation.json` that are read."""

    details: _Details


def choose_model(model: Path | None, table: Path | None) -> Export:
    """Returns the model that the user names, or else the largest bundled one with the most expressions.

    A bundled model without a tagger is chosen only if none has one, because its faces cannot be checked. One
    that draws flaws in most faces is chosen only if all do.

    Args:
        model: As in `find_export`; None if the user names none.
        table: The user's table of expressions; None for the built-in one.
    """
    if model is not None:
        return read_export(model)

    def rank(export: Export) -> tuple[bool, bool, int, int]:
        has_tagger = (export.directory / TAGGER).is_dir()
        count = len(read_expressions(table, export.schema).names)
        return has_tagger, _details_are_intact(export), count, _side(export)

    return max(_bundled(), key=rank)


def model_of_picture(origin: PictureOrigin, model: Path | None) -> Export:
    """Returns the model that drew a picture.

    Raises:
        InputError: It is not the one that the user names, or is not bundled.
    """
    candidates = _bundled() if model is None else [read_export(model)]
    for export in candidates:
        if export.name == origin.model:
            return export
    if model is None:
        raise InputError(f"was drawn by model {origin.model}, which is not bundled; name it with --model")
    raise InputError(
        f"was drawn by model {origin.model}, but {candidates[0].directory} is model {candidates[0].name}; "
        "choose the right one with --model"
    )


def _bundled() -> list[Export]:
    return [read_export(folder) for folder in sorted(PRETRAINED.iterdir()) if folder.is_dir()]


def _details_are_intact(export: Export) -> bool:
    """Whether most faces of an evaluated model have intact eyes, mouths, and hair edges."""
    path = export.directory / "evaluation.json"
    return path.is_file() and read_json(path, _Evaluation, ModelError).details.success.model >= INTACT_SHARE


def _side(export: Export) -> int:
    resolution: int = export.record["config"]["resolution"]
    return resolution
