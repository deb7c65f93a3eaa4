"""The mouths and brows."""

from __future__ import annotations

import math

import numpy as np

from anime_gan.datasets.drawn.canvas import ellipse, mirrored, smooth, tress
from anime_gan.datasets.drawn.palette import WHITE, Shades, mix
from anime_gan.datasets.illustrator import view
from anime_gan.datasets.illustrator.colors import Colors
from anime_gan.datasets.illustrator.easel import Easel, Layer
from anime_gan.datasets.illustrator.expressions import expression_of
from anime_gan.datasets.illustrator.parameters import Portrait
from anime_gan.datasets.illustrator.proportions import Proportions

_INSIDE, _TONGUE = (150, 38, 56), (242, 118, 122)


def draw_mouth(easel: Easel, face: Portrait, size: Proportions, colors: Colors) -> None:
    """Draws the mouth of the expression."""
    y, scale = size.mouth_y, size.mouth
    layer = easel.custom(
        lambda points: easel.view.dome(np.asarray(points, float) * scale + (0.0, y), view.MOUTH)
    )
    deep = sum(colors.skin.base) < 330
    dark = mix(colors.skin.line, (26, 4, 12) if deep else (84, 14, 32), 0.75 if deep else 0.55)
    draw = {
        "line": _line, "smile": _smile, "laugh": _laugh, "shout": _shout, "frown": _frown, "wail": _wail,
        "round": _round, "cat_open": _cat_open, "pout": _pout, "smirk": _smirk, "fang": _fang, "wave": _wave,
    }[expression_of(face).mouth]  # fmt: skip
    shades = Shades(
        easel.look.color(_INSIDE), mix(_INSIDE, (60, 10, 40), 0.5), dark, easel.look.color(_TONGUE)
    )
    draw(layer, shades, colors)


def _underlip(layer: Layer, colors: Colors, y: float, wide: float) -> None:
    layer.blend(ellipse((0.0, y), (wide, 0.0055), 12), colors.skin.shadow, 0.9)


def _opening(
    layer: Layer, outline: np.ndarray, mouth: Shades, tongue: tuple[float, float, float, float] | None
) -> None:
    """Draws an open mouth, with a tongue (x, y, and radii)."""
    layer.shape(outline, mouth, 1.0 if layer.look.line_width else 0.0)
    clip = layer.mask(outline)
    if tongue:
        layer.blend(ellipse(tongue[:2], tongue[2:]), mouth.shine, 1.0, clip)


def _teeth(layer: Layer, outline: np.ndarray, points: list[tuple[float, float]]) -> None:
    layer.blend(smooth(points, closed=True), WHITE, 1.0, layer.mask(outline))


def _line(layer: Layer, mouth: Shades, colors: Colors) -> None:
    layer.stroke([(-0.033, 0.003), (0, 0.0), (0.033, 0.003)], (0.006, 0.014, 0.006), mouth.line)
    _underlip(layer, colors, 0.03, 0.018)


def _smile(layer: Layer, mouth: Shades, colors: Colors) -> None:
    curve = [(-0.066, -0.018), (-0.037, 0.006), (0, 0.014), (0.037, 0.006), (0.066, -0.018)]
    layer.stroke(curve, (0.005, 0.010, 0.0125, 0.010, 0.005), mouth.line)
    for side in (-1, 1):
        layer.stroke(mirrored([(0.06, -0.024), (0.071, -0.017)], side), (0.004, 0.008), mouth.line)
    _underlip(layer, colors, 0.036, 0.022)


def _laugh(layer: Layer, mouth: Shades, colors: Colors) -> None:
    top = smooth([(-0.078, -0.026), (0, -0.014), (0.078, -0.026)])
    bottom = smooth([(0.078, -0.026), (0.058, 0.03), (0, 0.058), (-0.058, 0.03), (-0.078, -0.026)])
    outline = np.concatenate([top, bottom[1:]])
    _opening(layer, outline, mouth, (0.0, 0.058, 0.044, 0.03))
    _teeth(layer, outline, [(-0.064, -0.034), (0.064, -0.034), (0.05, -0.002), (-0.05, -0.002)])


def _shout(layer: Layer, mouth: Shades, colors: Colors) -> None:
    top = smooth([(-0.048, -0.004), (-0.024, -0.026), (0.024, -0.026), (0.048, -0.004)])
    bottom = smooth(
        [(0.048, -0.004), (0.056, 0.03), (0.034, 0.044), (-0.034, 0.044), (-0.056, 0.03), (-0.048, -0.004)]
    )
    outline = np.concatenate([top, bottom[1:]])
    _opening(layer, outline, mouth, (0.0, 0.046, 0.034, 0.016))
    _teeth(layer, outline, [(-0.04, -0.03), (0.04, -0.03), (0.042, -0.004), (-0.042, -0.004)])


def _frown(layer: Layer, mouth: Shades, colors: Colors) -> None:
    curve = [(-0.044, 0.014), (-0.022, 0.0), (0, -0.005), (0.022, 0.0), (0.044, 0.014)]
    layer.stroke(curve, (0.007, 0.012, 0.014, 0.012, 0.007), mouth.line)
    _underlip(layer, colors, 0.026, 0.018)


def _wail(layer: Layer, mouth: Shades, colors: Colors) -> None:
    top = smooth([(-0.05, 0.026), (-0.03, -0.012), (0, -0.024), (0.03, -0.012), (0.05, 0.026)])
    bottom = smooth(
        [(0.05, 0.026), (0.026, 0.03), (0.012, 0.022), (-0.012, 0.022), (-0.026, 0.03), (-0.05, 0.026)]
    )
    outline = np.concatenate([top, bottom[1:]])
    _opening(layer, outline, mouth, (0.0, 0.026, 0.028, 0.016))


def _round(layer: Layer, mouth: Shades, colors: Colors) -> None:
    outline = ellipse((0.0, 0.014), (0.031, 0.04))
    _opening(layer, outline, mouth, (0.0, 0.044, 0.026, 0.018))


def _cat_open(layer: Layer, mouth: Shades, colors: Colors) -> None:
    top = smooth([(-0.056, -0.018), (-0.03, -0.004), (0, -0.012), (0.03, -0.004), (0.056, -0.018)])
    bottom = smooth([(0.045, -0.014), (0.034, 0.026), (0, 0.042), (-0.034, 0.026), (-0.045, -0.014)])
    outline = np.concatenate([top[4:-4], bottom])
    _opening(layer, outline, mouth, (0.0, 0.042, 0.03, 0.024))
    layer.stroke([(-0.062, -0.022), (-0.03, -0.004), (0, -0.013), (0.03, -0.004), (0.062, -0.022)],
                 (0.007, 0.01, 0.009, 0.01, 0.007), mouth.line)  # fmt: skip


def _pout(layer: Layer, mouth: Shades, colors: Colors) -> None:
    layer.stroke([(-0.022, 0.01), (-0.012, -0.006), (0, -0.001), (0.012, -0.006), (0.022, 0.01)],
                 (0.007, 0.012, 0.012, 0.012, 0.007), mouth.line)  # fmt: skip
    lip = smooth([(-0.016, 0.008), (0, 0.0), (0.016, 0.008), (0, 0.018)], closed=True)
    layer.blend(lip, mix(colors.blush, mouth.line, 0.2), 0.8)
    _underlip(layer, colors, 0.028, 0.014)


def _smirk(layer: Layer, mouth: Shades, colors: Colors) -> None:
    curve = [(-0.05, 0.008), (-0.02, 0.012), (0.014, 0.006), (0.046, -0.014), (0.066, -0.036)]
    layer.stroke(curve, (0.006, 0.011, 0.014, 0.012, 0.007), mouth.line)
    layer.stroke([(0.058, -0.042), (0.076, -0.03)], (0.004, 0.01), mouth.line)
    _underlip(layer, colors, 0.034, 0.018)


def _fang(layer: Layer, mouth: Shades, colors: Colors) -> None:
    top = smooth([(-0.066, -0.026), (0, -0.01), (0.066, -0.026)])
    bottom = smooth([(0.066, -0.026), (0.05, 0.024), (0, 0.044), (-0.05, 0.024), (-0.066, -0.026)])
    outline = np.concatenate([top, bottom[1:]])
    _opening(layer, outline, mouth, (0.0, 0.048, 0.036, 0.024))
    clip = layer.mask(outline)
    for side in (-1, 1):
        tooth = mirrored([(0.014, -0.016), (0.05, -0.026), (0.034, 0.022)], side)
        layer.blend(tooth, WHITE, 1.0, clip)


def _wave(layer: Layer, mouth: Shades, colors: Colors) -> None:
    x = np.linspace(-0.06, 0.06, 13)
    y = 0.012 * np.sin(np.linspace(0, 2.5 * 2 * math.pi, 13))
    layer.stroke(np.stack([x, y + 0.004], 1), (0.006, 0.012, 0.012, 0.012, 0.006), mouth.line)
    _underlip(layer, colors, 0.036, 0.016)


def draw_brows(easel: Easel, face: Portrait, size: Proportions, colors: Colors) -> None:
    """Draws the brows over the fringe, as is usual in anime."""
    inner, middle, outer = expression_of(face).brow
    layer, thick = easel.dome(view.BROWS), size.brow
    wobble = 0.004 * face.wobble[20]
    for side in (-1, 1):
        points = np.asarray(
            [
                (size.eye_x - 0.06, size.brow_y + 0.012 + inner),
                (size.eye_x - 0.015, size.brow_y - 0.004 + middle + (inner - middle) * 0.35),
                (size.eye_x + 0.035, size.brow_y - 0.004 + middle + (outer - middle) * 0.3),
                (size.eye_x + 0.074, size.brow_y + 0.016 + outer + wobble),
            ]
        )
        widths = np.asarray((0.010, 0.017, 0.0135, 0.0)) * thick
        layer.blend(tress(mirrored(points, side), widths), colors.brow, 0.92)
