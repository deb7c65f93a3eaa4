"""The colors of the drawn faces, and functions that mix shades."""

from __future__ import annotations

import colorsys
import dataclasses

from anime_gan.datasets.drawn.canvas import Color


@dataclasses.dataclass(frozen=True)
class Shades:
    """The shades of one color that a drawing needs."""

    base: Color
    shadow: Color
    line: Color
    shine: Color


WHITE: Color = (255, 255, 255)
INK: Color = (44, 32, 46)

# Name -> (base, shadow). The bases stay far apart in CIELAB, even with the tint of a face.
HAIR: dict[str, tuple[Color, Color]] = {
    "blonde": ((250, 219, 122), (224, 168, 84)),
    "brown": ((134, 84, 54), (98, 56, 42)),
    "black": ((54, 52, 66), (34, 31, 46)),
    "blue": ((66, 110, 214), (44, 72, 166)),
    "pink": ((250, 160, 192), (222, 112, 160)),
    "purple": ((146, 92, 200), (106, 60, 158)),
    "green": ((92, 176, 92), (54, 128, 82)),
    "red": ((206, 52, 58), (150, 28, 56)),
    "silver": ((216, 220, 230), (166, 170, 194)),
    "orange": ((246, 142, 56), (208, 96, 40)),
    "aqua": ((88, 214, 212), (48, 162, 178)),
}

EYES: dict[str, Color] = {
    "blue": (46, 104, 232),
    "red": (222, 34, 44),
    "brown": (134, 78, 40),
    "green": (40, 160, 64),
    "purple": (136, 60, 210),
    "yellow": (244, 196, 30),
    "pink": (250, 104, 176),
    "aqua": (30, 200, 206),
}

# Name -> (base, shadow, line, blush).
SKIN: dict[str, tuple[Color, Color, Color, Color]] = {
    "porcelain": ((255, 237, 226), (246, 202, 194), (176, 104, 100), (255, 128, 138)),
    "fair": ((255, 228, 208), (244, 190, 172), (170, 96, 84), (252, 118, 122)),
    "warm": ((252, 214, 184), (232, 170, 144), (154, 84, 66), (244, 102, 98)),
    "tan": ((234, 184, 146), (204, 140, 110), (128, 66, 50), (224, 72, 74)),
    "brown": ((190, 132, 98), (154, 96, 76), (92, 46, 40), (198, 50, 58)),
}

BACKDROPS: tuple[Color, ...] = (
    (253, 226, 232), (214, 234, 250), (222, 244, 226), (255, 243, 208), (232, 224, 250),
    (250, 250, 250), (176, 212, 240), (255, 204, 188), (186, 226, 208), (196, 184, 232),
    (248, 190, 210), (120, 148, 200), (110, 176, 170), (240, 176, 120), (92, 92, 132),
)  # fmt: skip

CLOTHES: tuple[Color, ...] = (
    (250, 250, 252), (58, 72, 120), (196, 62, 78), (92, 150, 196), (250, 206, 214),
    (250, 222, 140), (96, 150, 120), (74, 66, 86), (176, 140, 204), (228, 214, 190),
)  # fmt: skip

ACCENTS: tuple[Color, ...] = (
    (232, 48, 70), (250, 250, 252), (56, 92, 196), (255, 196, 60), (250, 120, 170),
    (54, 46, 66), (60, 176, 140), (130, 78, 190),
)  # fmt: skip


def mix(first: Color, second: Color, share: float) -> Color:
    """Mixes two colors; `share` (0 to 1) is the weight of the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def tinted(color: Color, tint: tuple[float, float, float]) -> Color:
    """Shifts the hue of a color and scales its saturation and value.

    Args:
        color: RGB, 0..255.
        tint: Shift of the hue (1 is a full turn), and relative changes of saturation and value.
    """
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in color))
    saturation = min(1.0, max(0.0, saturation * (1 + tint[1])))
    value = min(1.0, max(0.0, value * (1 + tint[2])))
    red, green, blue = colorsys.hsv_to_rgb((hue + tint[0]) % 1.0, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def shades(base: Color, shadow: Color | None = None) -> Shades:
    """Returns the shades of a color; the line is a dark version of the same hue."""
    shadow = shadow or mix(base, (70, 40, 90), 0.25)
    return Shades(base, shadow, mix(shadow, (40, 10, 40), 0.55), mix(base, WHITE, 0.6))


def hair_shades(name: str, tint: tuple[float, float, float]) -> Shades:
    """Returns the shades of a named hair color with the tint of a face."""
    base, shadow = HAIR[name]
    return shades(tinted(base, tint), tinted(shadow, tint))


def distance(first: Color, second: Color) -> float:
    """Returns the approximate perceptual distance between two colors, 0 to about 760."""
    red_mean = (first[0] + second[0]) / 2
    red, green, blue = (a - b for a, b in zip(first, second, strict=True))
    weighted = (2 + red_mean / 256) * red**2 + 4 * green**2 + (2 + (255 - red_mean) / 256) * blue**2
    distance: float = weighted**0.5
    return distance
