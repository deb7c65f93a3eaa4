"""Named tints with random variations that do not overlap.

A color label can be learned only if no two colors are confused. Each color therefore varies within a ball in
CIELAB, where distances match perceived differences. The ball ends before the midpoint to the nearest other
color of the palette.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from anime_gan.common.lab import lab_to_rgb, rgb_to_lab

#: Hair colors as sRGB, 0..255. Lit parts of the hair layers are white, so these are the visible colors.
HAIR: Mapping[str, tuple[int, int, int]] = {
    "blonde": (248, 218, 118),
    "brown": (122, 76, 46),
    "black": (44, 42, 52),
    "blue": (62, 100, 212),
    "pink": (252, 150, 192),
    "purple": (142, 84, 198),
    "green": (84, 176, 92),
    "red": (204, 40, 48),
    "silver": (168, 171, 182),
    "white": (248, 248, 252),
    "orange": (244, 136, 48),
    "aqua": (96, 212, 216),
}

#: Eye colors as sRGB, 0..255. They are brighter than hair colors, because irises are dark at the top.
EYES: Mapping[str, tuple[int, int, int]] = {
    "blue": (60, 110, 245),
    "red": (225, 28, 40),
    "brown": (140, 82, 40),
    "green": (60, 190, 80),
    "purple": (160, 80, 230),
    "yellow": (255, 222, 60),
    "pink": (255, 130, 195),
    "aqua": (80, 228, 235),
    "black": (46, 44, 50),
    "orange": (255, 140, 30),
}

#: Skin colors as sRGB, 0..255.
SKIN: Mapping[str, tuple[int, int, int]] = {
    "pale": (255, 234, 224),
    "light": (255, 211, 176),
    "tan": (220, 160, 114),
    "dark": (146, 92, 64),
}

#: Part of a face -> its named colors.
PALETTES: Mapping[str, Mapping[str, tuple[int, int, int]]] = {
    "hair": HAIR,
    "eyes": EYES,
    "skin": SKIN,
}

_LARGEST_JITTER = 8.0  # CIELAB units, about four times the smallest visible difference
_GRAY_CHROMA = 30.0  # grayer colors vary less in hue, so that silver does not turn light blue


def jittered(
    palette: Mapping[str, tuple[int, int, int]], name: str, rng: np.random.Generator
) -> tuple[int, int, int]:
    """Samples a variation of a palette's color that stays closest to that color.

    Args:
        palette: Color name -> sRGB, at least two colors.
        name: One of the palette's names.
        rng: Random number generator.

    Returns:
        sRGB, 0..255.

    Raises:
        KeyError: The palette has no such name.
    """
    center = rgb_to_lab(np.array(palette[name]))
    others = rgb_to_lab(np.array([rgb for key, rgb in palette.items() if key != name]))
    nearest = float(np.linalg.norm(others - center, axis=1).min())
    direction = rng.normal(size=3)
    # The cube root makes the samples uniform in the ball.
    length = min(_LARGEST_JITTER, 0.3 * nearest) * rng.random() ** (1 / 3)
    offset = direction * (length / np.linalg.norm(direction))
    offset[1:] *= min(1.0, max(0.25, float(np.hypot(*center[1:])) / _GRAY_CHROMA))
    lab = center + offset
    red, green, blue = np.rint(lab_to_rgb(lab)).astype(int).tolist()
    return red, green, blue
