"""`--for=atlas`: all faces of a character in one picture, with their places as JSON.

The JSON has the hash form of TexturePacker, which Phaser, PixiJS, LibGDX tools, and many others read.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import anime_gan
from anime_gan.characters.pack import Character, Pack, save_plain_png
from anime_gan.common.files import write_text

# Transparent pixels between two faces, so that filters do not mix them.
GAP = 2


class Cell(NamedTuple):
    """The place of a face in an atlas, in pixels from the top left."""

    name: str
    left: int
    top: int
    side: int


def write(pack: Pack, folder: Path) -> list[str]:
    """Writes `TAG.png` and `TAG.json` for each character; returns how to use them."""
    for character in pack.characters:
        picture, cells = make_atlas(pack, character)
        save_plain_png(folder / f"{character.name.tag}.png", picture)
        write_text(
            folder / f"{character.name.tag}.json", atlas_json(f"{character.name.tag}.png", picture, cells)
        )
    return ["TAG.png has all faces of a character, and TAG.json their places (TexturePacker, JSON hash)."]


def make_atlas(pack: Pack, character: Character) -> tuple[np.ndarray, list[Cell]]:
    """Lays out all faces of a character in a square grid: uint8 RGBA, and the place of each."""
    images = [pack.sprite(face) for face in character.faces.values()]
    side = len(images[0])
    columns = math.ceil(math.sqrt(len(images)))
    rows = -(-len(images) // columns)
    pitch = side + GAP
    picture = np.zeros((rows * pitch - GAP, columns * pitch - GAP, 4), np.uint8)
    cells = []
    for index, (name, image) in enumerate(zip(character.faces, images, strict=True)):
        top, left = (index // columns) * pitch, (index % columns) * pitch
        picture[top : top + side, left : left + side] = image
        cells.append(Cell(name, left, top, side))
    return picture, cells


def atlas_json(file: str, picture: np.ndarray, cells: list[Cell]) -> str:
    """Returns the places of the faces in the hash form of TexturePacker."""
    frames: dict[str, Any] = {
        cell.name: {
            "frame": {"x": cell.left, "y": cell.top, "w": cell.side, "h": cell.side},
            "rotated": False,
            "trimmed": False,
            "spriteSourceSize": {"x": 0, "y": 0, "w": cell.side, "h": cell.side},
            "sourceSize": {"w": cell.side, "h": cell.side},
        }
        for cell in cells
    }
    height, width = picture.shape[:2]
    meta = {
        "app": "anime_gan",
        "version": anime_gan.__version__,
        "image": file,
        "format": "RGBA8888",
        "size": {"w": width, "h": height},
        "scale": "1",
    }
    return json.dumps({"frames": frames, "meta": meta}, indent=1) + "\n"
