"""The manifest of a pack, and its table of characters: everything needed to make the pack again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

import anime_gan
from anime_gan.attributes.schema import Schema
from anime_gan.characters.cast import Member
from anime_gan.characters.expressions import Expressions
from anime_gan.characters.names import Name
from anime_gan.characters.pack import Character
from anime_gan.common.errors import InputError
from anime_gan.common.json_files import read_json
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.request import request_text

MANIFEST, TABLE = "manifest.json", "characters.csv"


def manifest(
    options: Mapping[str, object],
    generator: FaceGenerator,
    judges: Mapping[str, str],
    expressions: Expressions,
    cast: Sequence[tuple[Character, Member]],
) -> str:
    """Returns the manifest as JSON.

    Args:
        options: The options of the command.
        generator: The model.
        judges: Name -> first digits of the checksum of each judge that checked the faces.
        expressions: What was drawn, and what the model cannot draw.
        cast: The characters, and how they were found.
    """
    content: dict[str, Any] = {
        "program": "anime_gan",
        "version": anime_gan.__version__,
        "options": dict(options),
        "model": generator.name,
        "judges": dict(judges),
        "expressions": {frame.name: frame.changes for frame in expressions.frames},
        "missing_expressions": list(expressions.missing),
        "characters": [_entry(character, member) for character, member in cast],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


class _Named(msgspec.Struct):
    name: str
    tag: str


class _Manifest(msgspec.Struct):
    """The entries of `manifest.json` that are read."""

    characters: list[_Named]


def names_in(folder: Path) -> list[Name]:
    """Returns the names of the characters of a pack.

    Raises:
        InputError: It has no readable manifest.
    """
    if not (folder / MANIFEST).is_file():
        raise InputError(f"has no {MANIFEST}; name a folder that this command wrote", "beside", folder)
    entries = read_json(folder / MANIFEST, _Manifest, InputError).characters
    return [Name(entry.name, entry.tag) for entry in entries]


def _entry(character: Character, member: Member) -> dict[str, Any]:
    return {
        "name": character.name.shown,
        "tag": character.name.tag,
        "person": request_text(member.person.request),
        "persons_drawn": member.tries,
        "faces_redrawn": member.redrawn,
        "nearest_other": None if member.nearest is None else round(member.nearest, 4),
        "complete": member.is_complete,
        "faces": {
            name: {**request_text(face.request), "faults": list(face.faults)}
            for name, face in character.faces.items()
        },
    }


def table(schema: Schema, expressions: Expressions, cast: Sequence[tuple[Character, Member]]) -> str:
    """Returns the names and attributes of all characters as CSV, without the attributes of expressions."""
    slots = [slot for slot in schema.slots if not expressions.columns[slot.start]]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["tag", "name", *(slot.name for slot in slots), "seed", "complete"])
    for character, member in cast:
        row = member.person.labels[0]
        values = [
            schema.terms[slot.start + int(np.argmax(row[slot.columns]))].name
            if slot.is_group
            else schema.scales[slot.start].number(row[slot.start])
            if slot.is_scale
            else ("yes" if row[slot.start] > 0 else "no")
            for slot in slots
        ]
        seeds = member.person.request.seeds
        complete = "yes" if member.is_complete else "no"
        writer.writerow([character.name.tag, character.name.shown, *values, *(seeds[:1] or [""]), complete])
    return text.getvalue()
