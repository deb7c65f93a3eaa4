"""The colors of pixel-art layers: named palettes, and what a layer's numbers mean.

A layer's red, green, and blue are not colors. They are the weights of the three colors of a palette, except
for gray pixels, which are between black and white.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anime_gan.datasets.drawn import palette
from anime_gan.datasets.drawn.canvas import Color

BLACK = np.array([15, 8, 20], np.float32)
WHITE = np.array([255, 255, 255], np.float32)
# From this difference between two weights on, a pixel is not gray at all.
COLORED = 0.1


class Palette(NamedTuple):
    """The three colors of a material."""

    light: Color
    dark: Color
    shadow: Color


SKINS = {
    "pale": Palette((255, 230, 226), (153, 107, 136), (76, 51, 92)),
    "light": Palette((255, 211, 176), (186, 116, 104), (88, 50, 70)),
    "tan": Palette((220, 160, 114), (150, 88, 70), (72, 40, 54)),
    "dark": Palette((146, 92, 64), (88, 48, 46), (42, 22, 32)),
    "very_dark": Palette((102, 64, 50), (58, 34, 40), (26, 14, 24)),
}
FLUFF = Palette((250, 246, 240), (190, 178, 186), (110, 98, 118))
METALS = (
    Palette((224, 242, 243), (106, 117, 135), (24, 20, 32)),
    Palette((238, 204, 140), (140, 90, 42), (58, 34, 30)),
    Palette((96, 90, 108), (44, 40, 54), (20, 16, 26)),
)


def hair_palette(color: str) -> Palette:
    """Returns the palette of a hair color."""
    base, shade = palette.HAIR[color]
    return Palette(base, palette.mix(shade, palette.INK, 0.25), palette.mix(shade, palette.INK, 0.7))


def eye_palette(color: str) -> Palette:
    """Returns the palette of an eye color; most of an iris has its dark color."""
    base = palette.EYES[color]
    return Palette(palette.mix(base, palette.WHITE, 0.5), base, palette.mix(base, palette.INK, 0.45))


def cloth_palette(color: Color) -> Palette:
    """Returns the palette of a piece of cloth."""
    return Palette(color, palette.mix(color, palette.INK, 0.45), palette.mix(color, palette.INK, 0.8))


def colored(weights: np.ndarray, colors: Palette) -> np.ndarray:
    """Turns the numbers of a layer into colors.

    Args:
        weights: uint8 [..., 3].
        colors: Colors of the material.

    Returns:
        float32 [..., 3], 0..255.
    """
    parts = weights.astype(np.float32) / 255
    red, green, blue = (parts[..., i : i + 1] for i in range(3))
    light, dark, shadow = (np.array(color, np.float32) for color in colors)
    hue = np.maximum(np.abs(red - green), np.abs(blue - green))
    share = np.minimum(hue / COLORED, 1)
    value = (red + green + blue) / 3
    material = dark * red + light * green + shadow * blue
    gray = (1 - value) * BLACK + value * WHITE
    mixed: np.ndarray = np.clip(material * share + gray * (1 - share), 0, 255)
    return mixed
