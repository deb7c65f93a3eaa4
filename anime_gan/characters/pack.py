"""A pack: everything that is written for a cast, apart from how a game engine wants it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from anime_gan.characters.expressions import BLINK, FACE, NEUTRAL, TALK
from anime_gan.characters.names import Name
from anime_gan.characters.person import Face
from anime_gan.common.alpha import has_alpha
from anime_gan.faces.resizing import Scaling, resized

# Share of a sprite's width over which it fades out at either side.
FADING_SHARE = 1 / 16


@dataclasses.dataclass(frozen=True)
class Character:
    """A named person with all faces.

    Attributes:
        name: The name.
        faces: Name of the frame, such as `happy` or `happy_talk` -> the face.
        texts: Name of the frame -> the text fields of its picture, from which it can be drawn again.
    """

    name: Name
    faces: Mapping[str, Face]
    texts: Mapping[str, Mapping[str, str]]

    @property
    def expressions(self) -> list[str]:
        """Names of the expressions."""
        return [face.frame.expression for face in self.faces.values() if face.frame.kind == FACE]

    def talk(self, expression: str) -> Face | None:
        """Returns the talking frame of an expression, if there is one."""
        return self.faces.get(f"{expression}_{TALK}")

    def blink(self, expression: str) -> Face | None:
        """Returns the blinking frame of an expression, if there is one."""
        return self.faces.get(f"{expression}_{BLINK}")

    @property
    def neutral(self) -> Face:
        """The neutral face."""
        return self.faces[NEUTRAL]


@dataclasses.dataclass(frozen=True)
class Pack:
    """A cast that is to be written.

    Attributes:
        title: Lower-case ASCII name of the pack, for file names and identifiers.
        characters: The cast.
        scaling: The size of the pictures, as the user asked.
        license: The license sheet.
    """

    title: str
    characters: tuple[Character, ...]
    scaling: Scaling
    license: str

    def picture(self, face: Face, usual: int = 0) -> np.ndarray:
        """Returns a face at the size that the user asked for, or else at the usual one of an engine.

        Args:
            face: The face.
            usual: Side in pixels; 0 for the side that the model draws.

        Returns:
            uint8 RGBA [side, side, 4] with straight alpha.
        """
        asked = self.scaling.size or self.scaling.pixel
        image = self.scaling.apply(face.image) if asked or not usual else resized(face.image, usual)
        if has_alpha(image):
            return image
        return np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])

    def sprite(self, face: Face, usual: int = 0) -> np.ndarray:
        """Returns a face that stands free in a scene, as `picture` does, but hair fades out at the sides.

        Long hair leaves the picture there, and a straight cut would show. Pixel art and opaque pictures stay
        as they are.
        """
        image = self.picture(face, usual)
        if self.scaling.pixel or not has_alpha(face.image):
            return image
        side = image.shape[1]
        distance = np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5
        ramp = np.minimum(distance / (FADING_SHARE * side), 1.0)
        image = image.copy()
        image[..., 3] = np.rint(image[..., 3] * (ramp * ramp * (3.0 - 2.0 * ramp))).astype(np.uint8)
        return image


def save_plain_png(path: Path, image: np.ndarray) -> None:
    """Writes a PNG that contains several faces, in a folder that is not final yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, "PNG")
