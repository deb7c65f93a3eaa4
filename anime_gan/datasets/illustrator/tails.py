"""Tails, drills, buns, and braids."""

from __future__ import annotations

import numpy as np

from anime_gan.datasets.drawn.canvas import ellipse, mirrored, smooth, tress
from anime_gan.datasets.drawn.palette import mix
from anime_gan.datasets.illustrator import view
from anime_gan.datasets.illustrator.colors import Colors
from anime_gan.datasets.illustrator.easel import Easel, Layer
from anime_gan.datasets.illustrator.hair import dye
from anime_gan.datasets.illustrator.parameters import Portrait


def draw_tails(easel: Easel, face: Portrait, colors: Colors) -> None:
    """Draws what is tied behind the head: tails and buns."""
    if face.hair_style == "twin_tails":
        for side in (-1, 1):
            layer = easel.rigid(view.TAILS, (side * 0.27, -0.2), 0.25)
            _tail(
                layer,
                face,
                colors,
                side,
                [(0.27, -0.2), (0.375, -0.19), (0.425, -0.02), (0.43, 0.18), (0.38, 0.44)],
            )
    elif face.hair_style == "ponytail":
        layer = easel.rigid(view.TAILS, (face.bow_side * 0.13, -0.34))
        _tail(
            layer,
            face,
            colors,
            face.bow_side,
            [(0.13, -0.34), (0.28, -0.4), (0.4, -0.27), (0.435, -0.02), (0.37, 0.28)],
        )
    elif face.hair_style == "buns":
        for side in (-1, 1):
            _bun(easel.rigid(view.TAILS * 0.6, (side * 0.22, -0.33), 0.2), colors, side, face)


def draw_front_tail(easel: Easel, face: Portrait, colors: Colors, side: int) -> None:
    """Draws what hangs over one shoulder: a drill or a braid."""
    layer = easel.rigid(0.0, (side * 0.28, 0.1), 0.2)
    if face.hair_style == "drill":
        _drill(layer, face, colors, side)
    elif face.hair_style == "braids":
        _braid(layer, face, colors, side)


def _tail(layer: Layer, face: Portrait, colors: Colors, side: int, points: list[tuple[float, float]]) -> None:
    """Draws one bundle of hair with several tips, and the tie at its root."""
    hair, line = colors.hair, np.asarray(points)
    line[2:] += np.asarray(face.wobble[12:18]).reshape(3, 2) * (0.014, 0.028)
    line[3:, 1] *= face.hair_length
    widths = (0.06, 0.13, 0.155, 0.13, 0.0)
    dark = mix(hair.base, hair.shadow, 0.7)
    for offset, tone in ((0.055, dark), (-0.055, dark), (0.0, hair.base)):
        bend = np.linspace(0, 1, len(line))[:, None] * (offset, -abs(offset) * 0.9)
        outline = tress(mirrored(line + bend, side), widths, 10)
        layer.shape(outline, hair, 1.0, tone)
        clip = layer.mask(outline)
        dye(layer, face, colors, outline, clip, 0.6)
    layer.shade(outline, hair.shadow, clip, (0.0, 1.0), 0.7)
    if face.hair_pattern == "streaks":
        streak = tress(mirrored(line + (0.03, 0.0), side), (0.0, 0.03, 0.04, 0.0), 10)
        layer.blend(streak, colors.second.base, 1.0, clip)
    inner = tress(mirrored(line + (-0.038, 0.015), side), (0.03, 0.045, 0.06, 0.05, 0.0))
    layer.shadow(inner, hair, clip, 0.9)
    for offset in (-0.02, 0.03):
        strand = mirrored(line[1:] + (offset, 0.0), side)
        layer.stroke(strand, (0.0, 0.007, 0.006, 0.0), hair.line, 0.55, clip)
    shine = tress(mirrored(line[1:4] + (0.012, 0.0), side), (0.0, 0.034, 0.0), 10)
    layer.light(shine, hair.shine, clip, 0.8)
    tie = mirrored([line[0] + (0.012, -0.045), line[0] + (0.03, 0.05)], side)
    band = tress(tie, (0.048, 0.048), 3)
    layer.shape(band, colors.bow, 0.8)


def _bun(layer: Layer, colors: Colors, side: int, face: Portrait) -> None:
    """Draws a bun with the spiral of its hair."""
    hair, center = colors.hair, (side * 0.235, -0.345)
    outline = ellipse(center, (0.108, 0.1), 32)
    layer.shape(outline, hair)
    clip = layer.mask(outline)
    dye(layer, face, colors, outline, clip, 0.5)
    layer.shadow(
        np.concatenate([outline, (ellipse((center[0] - 0.03, center[1] - 0.03), (0.094, 0.088), 32))[::-1]]),
        hair,
        clip,
        0.9,
    )
    angle = np.linspace(0.4, 4.6 * np.pi, 26)
    radius = np.linspace(0.014, 0.088, 26)
    spiral = np.stack([np.cos(angle) * side, np.sin(angle)], 1) * radius[:, None] + center
    layer.stroke(spiral, (0.006, 0.0085, 0.0), hair.line, 0.6, clip)
    arc = [
        (center[0] - 0.062, center[1] - 0.012),
        (center[0] - 0.042, center[1] - 0.056),
        (center[0] + 0.004, center[1] - 0.072),
    ]
    layer.light(tress(arc, (0.0, 0.026, 0.0)), hair.shine, clip, 0.9)


def _drill(layer: Layer, face: Portrait, colors: Colors, side: int) -> None:
    """Draws a long ringlet: turns of a band that gets narrower."""
    hair, turns = colors.hair, 6
    top, length = 0.0, 0.5 * face.hair_length
    for number in reversed(range(turns)):
        share = number / turns
        y, wide = top + share * length, 0.088 * (1 - 0.72 * share**1.3)
        high = length / turns
        x = 0.318 + 0.025 * share
        # Each turn hangs lower on the outer side.
        band = [
            (x - wide, y + 0.1 * high),
            (x - 0.5 * wide, y - 0.35 * high),
            (x + 0.5 * wide, y - 0.1 * high),
            (x + wide, y + 0.55 * high),
            (x + 0.92 * wide, y + 1.25 * high),
            (x + 0.3 * wide, y + 1.5 * high),
            (x - 0.5 * wide, y + 1.2 * high),
            (x - 0.98 * wide, y + 0.75 * high),
        ]
        outline = smooth(mirrored(band, side), closed=True)
        tipped = face.hair_pattern == "two_tone" and share > 0.45
        streaked = face.hair_pattern == "streaks" and number % 3 == 1
        tone = colors.second if tipped or streaked else hair
        layer.shape(outline, hair, 1.0, tone.base)
        clip = layer.mask(outline)
        under = [
            (x - wide, y + 0.7 * high),
            (x, y + 1.05 * high),
            (x + wide, y + 0.95 * high),
            (x + wide, y + 1.7 * high),
            (x - wide, y + 1.6 * high),
        ]
        layer.shadow(mirrored(under, side), hair, clip, 0.9, mix(tone.base, tone.shadow, 1.0))
        gleam = tress(
            mirrored(
                [
                    (x - 0.45 * wide, y + 0.3 * high),
                    (x + 0.1 * wide, y + 0.42 * high),
                    (x + 0.5 * wide, y + 0.62 * high),
                ],
                side,
            ),
            (0.0, 0.2 * high, 0.0),
        )
        layer.light(gleam, tone.shine, clip, 0.9)


def _braid(layer: Layer, face: Portrait, colors: Colors, side: int) -> None:
    """Draws a plait of alternating strands with a tie and a tuft."""
    hair, count = colors.hair, 6
    length = 0.42 * face.hair_length
    step = length / count
    x0, y0 = 0.285, 0.1
    end = (x0 + 0.012, y0 + length + 0.03)
    tuft = tress(
        mirrored([end, (end[0] + 0.008, end[1] + 0.06), (end[0] + 0.03, end[1] + 0.12)], side),
        (0.035, 0.07, 0.0),
    )
    second = face.hair_pattern == "two_tone"
    layer.shape(tuft, hair, 1.0, colors.second.base if second else hair.base)
    for number in range(count):
        y = y0 + number * step
        wide = 0.055 * (1 - 0.25 * number / count)
        for lean in (-1, 1):
            x = x0 + 0.012 * number / count
            shift = 0.0 if lean < 0 else 0.5 * step
            leaf = [
                (x + lean * 0.1 * wide, y + shift + 1.3 * step),
                (x - lean * 0.25 * wide, y + shift + 0.75 * step),
                (x + lean * 0.35 * wide, y + shift - 0.15 * step),
                (x + lean * 1.05 * wide, y + shift - 0.1 * step),
                (x + lean * 1.08 * wide, y + shift + 0.55 * step),
            ]
            outline = smooth(mirrored(leaf, side), closed=True, steps=5)
            tone = (
                colors.second
                if (second and number > 3) or (face.hair_pattern == "streaks" and number % 2 and lean > 0)
                else hair
            )
            layer.shape(outline, hair, 0.9, tone.base)
            clip = layer.mask(outline)
            shade = np.asarray(leaf) + (lean * 0.3 * wide, 0.5 * step)
            layer.shadow(smooth(mirrored(shade, side), closed=True, steps=4), hair, clip, 0.85, tone.shadow)
    layer.shape(ellipse((side * end[0], end[1] + 0.004), (0.028, 0.02), 14), colors.bow, 0.8)
