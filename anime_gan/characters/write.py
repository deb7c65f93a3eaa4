"""Writes a pack into a folder: pictures, animations, the files of each engine, and what describes them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import numpy as np

from anime_gan.characters import animation, atlas, godot, renpy, rpgmaker, unity
from anime_gan.characters.expressions import FACE
from anime_gan.characters.pack import Pack, save_plain_png
from anime_gan.common.alpha import on_background
from anime_gan.common.files import write_text
from anime_gan.common.layout import TINT, captioned, grid
from anime_gan.faces.picture_files import save_png

OVERVIEW, LICENSE, READ_ME = "overview.png", "LICENSE.txt", "README.txt"
# Rows of the overview; a crowd is shown as a grid.
MAX_ROWS = 24


class _Engine(Protocol):
    def __call__(self, pack: Pack, folder: Path) -> list[str]: ...


ENGINES: Mapping[str, _Engine] = MappingProxyType(
    {
        "renpy": renpy.write,
        "rpgmaker": rpgmaker.write,
        "godot": godot.write,
        "unity": unity.write,
        "atlas": atlas.write,
    }
)


def write_pack(pack: Pack, folder: Path, engines: Sequence[str], animations: Sequence[str]) -> None:
    """Writes all files of a pack except its manifest and table.

    Args:
        pack: The cast.
        folder: An existing folder.
        engines: Keys of `ENGINES`; each gets a folder of its own.
        animations: Some of `animation.KINDS`.
    """
    for character in pack.characters:
        for name, face in character.faces.items():
            # A crowd has one face each.
            stem = f"{character.name.tag}/{name}" if len(character.faces) > 1 else character.name.tag
            save_png(folder / "faces" / f"{stem}.png", pack.scaling.apply(face.image), character.texts[name])
        for expression in character.expressions:
            for kind in animations:
                animation.write(pack, character, expression, kind, folder / "animations")
    lines = [
        "faces/ contains every face as a PNG file. overview.png shows them all.",
        "LICENSE.txt says what you may do with them.",
    ]
    for engine in engines:
        uses = ENGINES[engine](pack, folder / engine)
        lines += ["", f"{engine}/", *(f"  {line}" for line in uses)]
    write_text(folder / READ_ME, "\n".join([*lines, ""]))
    write_text(folder / LICENSE, pack.license)
    save_plain_png(folder / OVERVIEW, overview(pack))


def overview(pack: Pack) -> np.ndarray:
    """Returns a picture of all characters: a row each with all expressions, or a grid of a crowd."""
    if len(pack.characters) > MAX_ROWS or len(pack.characters[0].expressions) == 1:
        faces = np.stack([character.neutral.image for character in pack.characters])
        return grid(on_background(faces, TINT), math.ceil(math.sqrt(2 * len(faces))))
    images = [
        face.image
        for character in pack.characters
        for face in character.faces.values()
        if face.frame.kind == FACE
    ]
    expressions = pack.characters[0].expressions
    picture = grid(on_background(np.stack(images), TINT), len(expressions))
    names = [character.name.shown for character in pack.characters]
    return captioned(picture, names, len(images[0]), expressions)
