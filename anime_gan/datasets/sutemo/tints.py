"""Named tints whose variations never overlap.

A colour label is learnable only if two colours cannot be mistaken for each other. Every palette
here is therefore jittered inside a ball around each colour in CIE Lab, where distance is close to
what the eye sees, and the ball ends before the half-way point to the nearest neighbour.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from anime_gan.common.lab import lab_to_rgb, rgb_to_lab

#: Hair colours as sRGB, 0..255. The hair layers are white where lit, so this is what one sees.
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

#: Eye colours as sRGB, 0..255. Brighter than hair: the iris layers are dark in their upper half.
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

#: Skin colours as sRGB, 0..255.
SKIN: Mapping[str, tuple[int, int, int]] = {
    "pale": (255, 234, 224),
    "light": (255, 211, 176),
    "tan": (220, 160, 114),
    "dark": (146, 92, 64),
}

#: Part of a face -> its named colours.
PALETTES: Mapping[str, Mapping[str, tuple[int, int, int]]] = {
    "hair": HAIR,
    "eyes": EYES,
    "skin": SKIN,
}

_LARGEST_JITTER = 8.0  # Lab units; about four times the smallest difference one can see
_GREY_CHROMA = 30.0  # colours greyer than this keep their hue, or silver would turn light blue


def jittered(
    palette: Mapping[str, tuple[int, int, int]], name: str, rng: np.random.Generator
) -> tuple[int, int, int]:
    """Draws a variation of a palette's colour which stays nearest to that colour.

    Args:
        palette: Colour name -> sRGB, at least two colours.
        name: One of the palette's names.
        rng: Where the randomness comes from.

    Returns:
        sRGB, 0..255.

    Raises:
        KeyError: The palette has no such name.
    """
    centre = rgb_to_lab(np.array(palette[name]))
    others = rgb_to_lab(np.array([rgb for key, rgb in palette.items() if key != name]))
    nearest = float(np.linalg.norm(others - centre, axis=1).min())
    direction = rng.normal(size=3)
    # The cube root spreads the draws evenly over the ball instead of crowding its middle.
    length = min(_LARGEST_JITTER, 0.3 * nearest) * rng.random() ** (1 / 3)
    offset = direction * (length / np.linalg.norm(direction))
    offset[1:] *= min(1.0, max(0.25, float(np.hypot(*centre[1:])) / _GREY_CHROMA))
    lab = centre + offset
    red, green, blue = np.rint(lab_to_rgb(lab)).astype(int).tolist()
    return red, green, blue
