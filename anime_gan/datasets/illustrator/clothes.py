"""The clothes: shoulders and collars, scarf, and choker."""

from __future__ import annotations

import numpy as np

from anime_gan.datasets.drawn.canvas import ellipse, mirrored, smooth, tress
from anime_gan.datasets.drawn.palette import WHITE, mix
from anime_gan.datasets.illustrator import view
from anime_gan.datasets.illustrator.colors import Colors
from anime_gan.datasets.illustrator.easel import Easel, Layer
from anime_gan.datasets.illustrator.parameters import Portrait
from anime_gan.datasets.illustrator.proportions import Proportions

# Outfit -> lowest point of the neckline; the others have a V-neck.
_NECKLINES = {"shirt": 0.4, "hoodie": 0.405, "sweater": 0.4, "dress": 0.49}


def draw_clothes(easel: Easel, face: Portrait, size: Proportions, colors: Colors) -> None:
    """Draws the shoulders with the outfit and its collar."""
    layer, cloth, wide = easel.body(view.BODY_TURN), colors.outfit, size.shoulders
    neck = (size.neck + 0.026, 0.385)
    right = smooth([neck, (0.19 * wide, 0.41), (0.3 * wide, 0.437), (0.385 * wide, 0.5), (0.43 * wide, 0.72)])
    left_neck = (-neck[0], neck[1])
    if face.outfit in _NECKLINES:
        low = _NECKLINES[face.outfit]
        dip = smooth([left_neck, (-0.06, low - 0.01), (0.0, low + 0.012), (0.06, low - 0.01), neck])
    else:
        dip = np.asarray([left_neck, (0.0, 0.54), neck])
    outline = np.concatenate([dip, right[1:], mirrored(right)[::-1]])
    layer.shape(outline, cloth)
    clip = layer.mask(outline)
    layer.shade(outline, cloth.shadow, clip, (0.0, 0.9), 0.8)
    layer.shadow(
        smooth(
            [(-0.2, 0.35), (0.0, 0.44), (0.25, 0.36), (0.3, 0.43), (0.04, 0.5), (-0.18, 0.42)], closed=True
        ),
        cloth,
        clip,
        0.7,
    )
    for side in (-1, 1):
        fold = mirrored([(0.27 * wide, 0.53), (0.3 * wide, 0.57), (0.292 * wide, 0.66)], side)
        layer.stroke(fold, (0.0, 0.009, 0.006), cloth.line, 0.7, clip)
    draw = {
        "sailor": _sailor, "shirt": _shirt, "kimono": _kimono, "hoodie": _hoodie, "sweater": _sweater,
        "dress": _dress, "suit": _suit,
    }[face.outfit]  # fmt: skip
    draw(layer, colors, neck[0])


def _sailor(layer: Layer, colors: Colors, neck: float) -> None:
    for side in (-1, 1):
        flap = mirrored(
            [(neck - 0.01, 0.372), (neck + 0.11, 0.41), (neck + 0.15, 0.57), (0.0, 0.6), (0.0, 0.52)], side
        )
        layer.shape(flap, colors.accent, 0.8)
        stripe = mirrored([(neck + 0.03, 0.402), (neck + 0.085, 0.428), (neck + 0.115, 0.54)], side)
        layer.stroke(stripe, (0.01, 0.01), mix(colors.accent.shine, WHITE, 0.5))
    for side in (-1, 1):
        loop = mirrored(
            smooth([(0.0, 0.522), (0.08, 0.485), (0.095, 0.54), (0.02, 0.545)], closed=True), side
        )
        layer.shape(loop, colors.bow, 0.8)
    layer.shape(ellipse((0.0, 0.528), (0.022, 0.022), 12), colors.bow, 0.7)


def _shirt(layer: Layer, colors: Colors, neck: float) -> None:
    tie = [(-0.024, 0.425), (0.024, 0.425), (0.02, 0.462), (0.038, 0.62), (-0.038, 0.62), (-0.02, 0.462)]
    layer.shape(tie, colors.accent, 0.8)
    layer.stroke([(-0.022, 0.46), (0.022, 0.46)], (0.006, 0.006), colors.accent.line)
    for side in (-1, 1):
        flap = mirrored([(neck - 0.018, 0.352), (neck + 0.02, 0.4), (neck - 0.01, 0.478), (0.0, 0.424)], side)
        layer.shape(flap, colors.outfit, 0.8, colors.outfit.shine)


def _kimono(layer: Layer, colors: Colors, neck: float) -> None:
    for side in (1, -1):
        under = mirrored([(neck - 0.012, 0.37), (neck * 0.55, 0.435), (-0.05, 0.57)], side)
        layer.shape(tress(under, (0.032, 0.032), 4), colors.outfit, 0.7, mix(WHITE, colors.outfit.base, 0.08))
        band = mirrored([(neck + 0.014, 0.372), (neck * 0.72, 0.445), (-0.05, 0.62)], side)
        layer.shape(tress(band, (0.048, 0.054), 4), colors.accent, 0.8)


def _hoodie(layer: Layer, colors: Colors, neck: float) -> None:
    for side in (-1, 1):
        roll = mirrored([(0.0, 0.442), (0.1, 0.425), (neck + 0.085, 0.36)], side)
        outline = tress(roll, (0.06, 0.075, 0.03))
        layer.shape(outline, colors.outfit, 0.9)
        layer.shadow(outline + (0.0, 0.03), colors.outfit, layer.mask(outline), 0.7)
        cord = mirrored([(0.052, 0.452), (0.056, 0.56)], side)
        layer.stroke(cord, (0.014, 0.014), colors.accent.base)


def _sweater(layer: Layer, colors: Colors, neck: float) -> None:
    outline = smooth(
        [
            (-neck, 0.345),
            (0.0, 0.362),
            (neck, 0.345),
            (neck + 0.012, 0.402),
            (0.0, 0.432),
            (-neck - 0.012, 0.402),
        ],
        closed=True,
    )
    layer.shape(outline, colors.outfit, 0.9)
    clip = layer.mask(outline)
    layer.shadow(outline + (0.03, 0.03), colors.outfit, clip, 0.6)
    for x in np.linspace(-0.9, 0.9, 9) * neck:
        layer.stroke([(x, 0.345), (x * 1.06, 0.43)], (0.005, 0.005), colors.outfit.line, 0.45, clip)


def _dress(layer: Layer, colors: Colors, neck: float) -> None:
    for side in (-1, 1):
        path = smooth([(neck + 0.026, 0.385), (0.06, 0.475), (0.0, 0.502)])
        frill = mirrored(tress(path, (0.03, 0.04, 0.04), 2), side)
        layer.shape(frill, colors.accent, 0.8, mix(colors.accent.shine, WHITE, 0.4))
        loop = mirrored(
            smooth([(0.0, 0.5), (0.062, 0.475), (0.072, 0.525), (0.015, 0.52)], closed=True), side
        )
        layer.shape(loop, colors.bow, 0.8)
    layer.shape(ellipse((0.0, 0.507), (0.02, 0.02), 12), colors.bow, 0.7)


def _suit(layer: Layer, colors: Colors, neck: float) -> None:
    chest = [(-neck - 0.01, 0.38), (neck + 0.01, 0.38), (0.0, 0.62)]
    layer.shape(chest, colors.outfit, 0.6, mix(WHITE, colors.outfit.base, 0.06))
    layer.shape(
        [(-0.024, 0.432), (0.024, 0.432), (0.018, 0.468), (0.036, 0.62), (-0.036, 0.62), (-0.018, 0.468)],
        colors.accent,
        0.8,
    )
    for side in (-1, 1):
        layer.shape(
            mirrored([(neck - 0.018, 0.356), (neck + 0.014, 0.398), (neck - 0.03, 0.47), (0.0, 0.43)], side),
            colors.outfit,
            0.7,
            WHITE,
        )
        lapel = mirrored(
            [
                (neck + 0.012, 0.376),
                (neck + 0.075, 0.43),
                (neck + 0.1, 0.5),
                (neck + 0.05, 0.51),
                (0.012, 0.66),
                (neck - 0.03, 0.46),
            ],
            side,
        )
        layer.shape(lapel, colors.outfit, 0.9, colors.outfit.shadow)


def draw_choker(easel: Easel, face: Portrait, size: Proportions, colors: Colors) -> None:
    """Draws a band around the neck with a pendant."""
    layer = easel.body(view.BODY_TURN)
    y, wide = 0.335 + 0.4 * size.chin, size.neck
    path = [(-wide * 1.0, y - 0.012), (0.0, y + 0.012), (wide * 1.0, y - 0.012)]
    layer.shape(tress(path, (0.026, 0.03, 0.026)), colors.bow, 0.7)
    layer.shape(ellipse((0.0, y + 0.03), (0.017, 0.019), 14), colors.flower, 0.7)


def draw_scarf(easel: Easel, face: Portrait, size: Proportions, colors: Colors) -> None:
    """Draws a thick scarf, which hides neck and collar."""
    layer, scarf = easel.body(view.BODY_TURN), colors.accent
    end = tress(mirrored([(0.1, 0.4), (0.14, 0.5), (0.13, 0.66)], face.bow_side), (0.09, 0.11, 0.12), 4)
    layer.shape(end, scarf, 1.0, mix(scarf.base, scarf.shadow, 0.4))
    y = 0.3 + 0.3 * size.chin
    points = [
        (-0.2, y + 0.02),
        (0.0, y + 0.03),
        (0.2, y + 0.02),
        (0.25, y + 0.09),
        (0.17, y + 0.155),
        (0.0, y + 0.178),
        (-0.17, y + 0.155),
        (-0.25, y + 0.09),
    ]
    outline = smooth(points, closed=True)
    layer.shape(outline, scarf)
    clip = layer.mask(outline)
    layer.shadow(outline * (1.0, 1.0) + (0.03, 0.08), scarf, clip, 0.8)
    layer.shadow(
        smooth([(-0.14, y), (0.14, y), (0.1, y + 0.055), (-0.1, y + 0.055)], closed=True), scarf, clip, 0.9
    )
    for offset in (-0.03, 0.035):
        fold = [(-0.2, y + 0.075 + offset), (-0.05, y + 0.11 + offset), (0.16, y + 0.085 + offset)]
        layer.stroke(fold, (0.0, 0.008, 0.0), scarf.line, 0.7, clip)
