"""The table of expressions: which attributes a happy face has, and how it talks and blinks."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from anime_gan.attributes.edits import definite
from anime_gan.attributes.phrases import split_phrases
from anime_gan.attributes.schema import AttributeRequestError, Schema
from anime_gan.common.errors import InputError
from anime_gan.common.json_files import read_json
from anime_gan.common.suggestions import nearest

BUILT_IN = Path(__file__).with_name("expressions.json")
# The expression that all others are compared with, and that a crowd shows.
NEUTRAL = "neutral"
FACE, TALK, BLINK = "face", "talk", "blink"
FRAMES = (FACE, TALK, BLINK)
# Value of a group of expressions -> the tags with which it is the usual one; the first that fits counts.
USUAL_VALUES = (("laugh", ("smile", "open_mouth")), ("gentle_smile", ("smile",)), ("neutral", ()))


class ExpressionError(InputError):
    """The table of expressions cannot be used."""


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    """An expression in the table: the attributes of each frame; those that are not named are absent."""

    face: str
    talk: str | None = None
    blink: str | None = None


@dataclasses.dataclass(frozen=True)
class Frame:
    """A picture of an expression.

    Attributes:
        expression: Name of the expression.
        kind: One of `FRAMES`.
        changes: The attributes that make it, with every attribute of the table, such as `smile, no angry`.
    """

    expression: str
    kind: str
    changes: str

    @property
    def name(self) -> str:
        """Name of the picture, such as `happy` or `happy_talk`."""
        return self.expression if self.kind == FACE else f"{self.expression}_{self.kind}"


@dataclasses.dataclass(frozen=True)
class Expressions:
    """The expressions that a model can draw.

    Attributes:
        frames: All pictures of a character, `neutral` first.
        missing: Names of the expressions for which the model lacks an attribute.
        columns: bool [num_labels], the label columns that the expressions set.
    """

    frames: tuple[Frame, ...]
    missing: tuple[str, ...]
    columns: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the expressions."""
        return tuple(dict.fromkeys(frame.expression for frame in self.frames))

    def only(self, names: Sequence[str], moving: bool) -> Expressions:
        """Returns the expressions with these names, with or without talking and blinking frames.

        Raises:
            ExpressionError: There is no such expression.
        """
        for name in names:
            if name not in self.names:
                what = "the model lacks its attributes" if name in self.missing else "unknown expression"
                hint = nearest(name, self.names) or f"; use {', '.join(self.names)}"
                raise ExpressionError(f"{what}: {name!r}{hint}", "expressions")
        kept = tuple(
            frame for frame in self.frames if frame.expression in names and (moving or frame.kind == FACE)
        )
        return dataclasses.replace(self, frames=kept)


def read_expressions(path: Path | None, schema: Schema) -> Expressions:
    """Reads a table of expressions, and keeps those that a model can draw.

    Args:
        path: A JSON file like `expressions.json` in this folder; None for the built-in table.
        schema: The attributes of the model.

    Raises:
        ExpressionError: The file is damaged, or has no expression that the model can draw.
    """
    rows = read_json(path or BUILT_IN, dict[str, _Row], ExpressionError)
    for name in rows:
        # Names become parts of file names and of the image names of engines.
        if not re.fullmatch("[a-z][a-z0-9]*", name):
            raise ExpressionError(
                f"{name!r} is not a valid name; use lowercase ASCII letters and digits, with a letter first",
                "expressions",
                path,
            )
    if NEUTRAL not in rows:
        raise ExpressionError(f"contains no expression named {NEUTRAL!r}; add it", "expressions", path)
    known = {
        phrase: columns
        for row in rows.values()
        for frame in FRAMES
        for phrase in split_phrases(getattr(row, frame) or "")
        if (columns := _columns(phrase, schema)) is not None
    }
    used = np.any([np.zeros(schema.num_labels, bool), *known.values()], axis=0)
    frames: list[Frame] = []
    missing: list[str] = []
    for name in sorted(rows, key=lambda name: name != NEUTRAL):
        row = rows[name]
        if not all(phrase in known for phrase in split_phrases(row.face)):
            missing.append(name)
            continue
        for kind in FRAMES:
            text = getattr(row, kind)
            if text is not None and all(phrase in known for phrase in split_phrases(text)):
                frames.append(Frame(name, kind, _complete(text, used, schema)))
    if all(frame.expression == NEUTRAL for frame in frames) and len(rows) > 1 and path is not None:
        raise ExpressionError(
            "this model can draw none of these expressions; use attributes from generate.py --list_attrs",
            "expressions",
            path,
        )
    return Expressions(tuple(frames), tuple(missing), used)


def _columns(phrase: str, schema: Schema) -> np.ndarray | None:
    """Returns the label columns that a phrase sets; None if the schema does not have it."""
    try:
        return np.asarray(schema.parse(phrase) != 0)
    except AttributeRequestError:
        return None


def _complete(text: str, used: np.ndarray, schema: Schema) -> str:
    """Returns a request that also sets every other tag of the table to absent.

    A group that other rows of the table name, such as `expression`, gets the value that fits the tags.
    """
    wanted = schema.parse(text)
    for slot in schema.slots:
        if not slot.is_group and used[slot.start] and not wanted[slot.start]:
            wanted[slot.start] = -1
    for slot in schema.slots:
        if slot.is_group and used[slot.columns].any() and not wanted[slot.columns].any():
            fitting = [
                column
                for value, tags in USUAL_VALUES
                if all(wanted[schema.columns.index(tag)] > 0 for tag in tags if tag in schema.columns)
                for column in range(slot.start, slot.start + slot.size)
                if schema.terms[column].name == value
            ]
            if fitting:
                wanted[slot.columns] = -1
                wanted[fitting[0]] = 1
    return definite_text(wanted, schema, text)


def definite_text(wanted: np.ndarray, schema: Schema, text: str) -> str:
    """Returns the words of a request that names a value for each group that it mentions."""
    return schema.describe(definite(wanted, schema, text, "expressions"))
