"""A pack whose faces are disks of known colors, drawn without a model."""

import numpy as np

from anime_gan.characters.expressions import Frame
from anime_gan.characters.names import Name
from anime_gan.characters.pack import Character, Pack
from anime_gan.characters.person import Face
from anime_gan.faces.request import FaceRequest
from anime_gan.faces.resizing import Scaling

SIDE = 16
FRAMES = ("neutral", "neutral_talk", "neutral_blink", "happy", "happy_talk", "asleep")


def color_of(character: int, frame: int) -> tuple[int, int, int]:
    return 40 + 100 * character, 30 + 30 * frame, 200


def make_face(character: int, frame: int) -> Face:
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    image = np.zeros((SIDE, SIDE, 4), np.uint8)
    image[np.hypot(x, y) < 6] = (*color_of(character, frame), 255)
    expression, _, kind = FRAMES[frame].partition("_")
    return Face(Frame(expression, kind or "face", ""), FaceRequest(), np.ones(1, np.float32), image)


def make_pack(size: int = 0, pixel: int = 0) -> Pack:
    characters = []
    for number, name in enumerate((Name("Zoë", "zoe"), Name('Max "M" [x]', "max_1"))):
        faces = {frame: make_face(number, index) for index, frame in enumerate(FRAMES)}
        characters.append(Character(name, faces, {frame: {"expression": frame} for frame in FRAMES}))
    return Pack("pack", tuple(characters), Scaling(size, pixel), "Anything goes.\n")
