"""`--for=rpgmaker`: face sheets of RPG Maker MV and MZ, with eight cells of 144 pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anime_gan.characters.expressions import FACE
from anime_gan.characters.pack import Character, Pack, save_plain_png
from anime_gan.faces.resizing import Scaling

CELL, COLUMNS, ROWS = 144, 4, 2


def write(pack: Pack, folder: Path) -> list[str]:
    """Writes `img/faces/NAME.png` for each character; returns how to use it."""
    faces = folder / "img" / "faces"
    lines = ["Copy img/ into the folder of your project. Each sheet shows, from the top left:"]
    order: list[str] = []
    for character in pack.characters:
        names, sheets = face_sheets(character)
        order = order or names
        for number, sheet in enumerate(sheets):
            stem = character.name.tag.capitalize() + (f"_{number + 1}" if len(sheets) > 1 else "")
            save_plain_png(faces / f"{stem}.png", sheet)
    return [*lines, ", ".join(order)]


def face_sheets(character: Character) -> tuple[list[str], list[np.ndarray]]:
    """Returns the names of the expressions in order, and sheets with them: uint8 RGBA [288, 576, 4]."""
    shown = [face for face in character.faces.values() if face.frame.kind == FACE]
    pack = Pack("", (), Scaling(), "")
    size = COLUMNS * ROWS
    sheets = []
    for start in range(0, len(shown), size):
        sheet = np.zeros((ROWS * CELL, COLUMNS * CELL, 4), np.uint8)
        for index, face in enumerate(shown[start : start + size]):
            top, left = CELL * (index // COLUMNS), CELL * (index % COLUMNS)
            sheet[top : top + CELL, left : left + CELL] = pack.picture(face, CELL)
        sheets.append(sheet)
    return [face.frame.expression for face in shown], sheets
