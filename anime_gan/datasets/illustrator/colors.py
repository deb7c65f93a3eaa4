"""The colors of an illustrated face, in the style of the picture."""

from __future__ import annotations

import dataclasses

from anime_gan.datasets.drawn import palette
from anime_gan.datasets.drawn.canvas import Color
from anime_gan.datasets.drawn.palette import Shades, mix
from anime_gan.datasets.illustrator.looks import Look
from anime_gan.datasets.illustrator.parameters import Portrait

# Skin -> (lightest, darkest) base; shadow; blush.
SKINS: dict[str, tuple[tuple[Color, Color], Color, Color]] = {
    "pale": (((255, 243, 236), (255, 236, 226)), (244, 198, 196), (255, 130, 142)),
    "light": (((255, 228, 208), (250, 216, 190)), (238, 178, 158), (250, 112, 114)),
    "tan": (((236, 190, 150), (220, 170, 128)), (194, 128, 98), (222, 84, 76)),
    "dark": (((176, 120, 86), (154, 100, 70)), (124, 74, 58), (188, 58, 58)),
    "very_dark": (((130, 86, 64), (102, 66, 50)), (74, 42, 40), (166, 48, 56)),
}
EYE_WHITE: Color = (252, 251, 255)


@dataclasses.dataclass(frozen=True)
class Colors:
    """The shades of the materials of one face."""

    skin: Shades
    blush: Color
    hair: Shades
    second: Shades
    brow: Color
    iris: Color
    white: Color
    lash: Color
    outfit: Shades
    accent: Shades
    hat: Shades
    bow: Shades
    flower: Shades
    frame: Shades


def colors_of(face: Portrait, look: Look) -> Colors:
    """Returns the colors of a face in a style."""
    (light, dark), shadow, blush = SKINS[face.skin]
    skin = look.shades(mix(light, dark, 0.5 - 0.5 * face.skin_tone), shadow)
    # Lines on skin are warm and lighter than those of the hair.
    warm = mix(shadow, (96, 24, 30), 0.5)
    skin = dataclasses.replace(skin, line=mix(warm, look.line_ink[0], look.line_ink[1] * 0.8))
    hair = _hair(face.hair_color, face, look)
    second = _hair(face.second_color, face, look)
    brow = mix(hair.line, hair.shadow, 0.3)
    if face.hair_style == "bald":
        brow = mix(skin.line, (40, 30, 40), 0.5)
    cloth, accent = face.outfit_color, face.accent_color
    if palette.distance(cloth, accent) < 120:
        accent = mix(palette.shades(cloth).shadow, (60, 40, 90), 0.5)
    return Colors(
        skin=skin,
        blush=look.color(blush),
        hair=hair,
        second=second,
        brow=brow,
        iris=look.color(palette.tinted(palette.EYES[face.eye_color], face.eye_tint)),
        white=look.color(EYE_WHITE),
        lash=mix(mix(palette.INK, hair.line, 0.35), look.line_ink[0], look.line_ink[1] * 0.5),
        outfit=look.shades(cloth),
        accent=look.shades(accent),
        hat=look.shades(face.hat_color),
        bow=look.shades(face.bow_color),
        flower=look.shades(face.flower_color),
        frame=look.shades(face.glasses_color),
    )


def _hair(name: str, face: Portrait, look: Look) -> Shades:
    base, shadow = palette.HAIR[name]
    shades = look.shades(palette.tinted(base, face.hair_tint), palette.tinted(shadow, face.hair_tint))
    if face.age == "old":
        return Shades(*(mix(color, (206, 204, 210), 0.14) for color in dataclasses.astuple(shades)))
    return shades
