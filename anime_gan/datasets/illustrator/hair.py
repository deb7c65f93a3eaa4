"""The hair of the head: the cap with the fringe, the side locks, and the hair behind the head."""

from __future__ import annotations

import numpy as np

from anime_gan.datasets.drawn.canvas import Color, ellipse, mirrored, smooth, tress
from anime_gan.datasets.drawn.palette import mix
from anime_gan.datasets.illustrator import view
from anime_gan.datasets.illustrator.colors import Colors
from anime_gan.datasets.illustrator.easel import Easel, Layer, Mask
from anime_gan.datasets.illustrator.hair_shapes import (
    BACK_HAIR,
    SIDE_LOCKS,
    Fringe,
    curls,
    fringe_name,
    shape_cap,
    tips_of,
)
from anime_gan.datasets.illustrator.parameters import Portrait


def dye(layer: Layer, face: Portrait, colors: Colors, outline: np.ndarray, clip: Mask, start: float) -> None:
    """Colors the ends of two-tone hair, from `start` (a share of the height) downward."""
    if face.hair_pattern == "two_tone":
        sharp = 7.0 if layer.look.shading != "soft" else 2.5
        layer.blend(outline, colors.second.base, 1.0, clip, (-sharp * start, sharp * (1 - start)))


def draw_back_hair(easel: Easel, face: Portrait, colors: Colors) -> None:
    """Draws the hair behind the neck and the shoulders."""
    if face.hair_style not in BACK_HAIR:
        return
    layer, hair = easel.custom(easel.view.behind), colors.hair
    half, bottom, count, reach = BACK_HAIR[face.hair_style]
    side = np.asarray(half) * (face.hair_volume, 1.0)
    if half[-1][1] > 0.3:
        side[:, 1] = np.where(side[:, 1] > 0.2, 0.2 + (side[:, 1] - 0.2) * face.hair_length, side[:, 1])
        bottom = 0.2 + (bottom - 0.2) * face.hair_length
    top = [(0.0, -0.36), (0.22, -0.28)]
    right = smooth([*top, *side])
    left = mirrored(right)
    edge = smooth(
        [right[-1], (right[-1][0] * 0.5, bottom), (0.0, bottom + 0.01), (left[-1][0] * 0.5, bottom), left[-1]]
    )
    if face.hair_style == "curly":
        body = [curls(right[6:], 6, 0.035), curls(edge, 6, 0.04), curls(left[:5:-1], 6, 0.035)]
    else:
        # The edge runs from right to left, so its tips point downward.
        body = [right, tips_of(edge, count, -reach, face.wobble[10:], 0.05)[:]]
        body.append(left[::-1])
    outline = np.concatenate(body)
    dark = mix(hair.base, hair.shadow, 0.5)
    layer.shape(outline, hair, 1.0, dark)
    clip = layer.mask(outline)
    dye(layer, face, colors, outline, clip, 0.55)
    inner = outline * (0.78, 1.0) + (0.0, 0.03)
    layer.shadow(inner, hair, clip, 0.85, mix(hair.shadow, hair.line, 0.35))
    long = half[-1][1] > 0.3
    if long:
        for side_ in (-1, 1):
            for offset, width in ((0.0, 0.0075), (0.045, 0.006)):
                rim = np.asarray([(0.318, 0.0), (0.33, 0.15), (0.345, 0.3), (0.36, 0.66)]) - (offset, 0.0)
                layer.stroke(mirrored(rim, side_), (0.0, width, width, 0.0), hair.line, 0.6, clip)
    if face.hair_style in ("short", "wolf"):
        _draw_nape_tufts(layer, face, colors)


def _draw_nape_tufts(layer: Layer, face: Portrait, colors: Colors) -> None:
    """Draws tufts beside the cheeks; those of a wolf cut are long and flick outward."""
    tufts: list[list[tuple[float, float]]] = [
        [(0.2, 0.02), (0.27, 0.11), (0.272, 0.24)],
        [(0.24, 0.0), (0.31, 0.08), (0.335, 0.18)],
    ]
    width = (0.1, 0.09, 0.0)
    if face.hair_style == "wolf":
        tufts = [
            [(0.15, 0.1), (0.17, 0.3), (0.2, 0.42), (0.26, 0.5)],
            [(0.2, 0.05), (0.25, 0.22), (0.285, 0.33), (0.35, 0.385)],
            [(0.25, 0.0), (0.31, 0.12), (0.345, 0.2), (0.41, 0.225)],
        ]
        width = (0.1, 0.11, 0.0)
    dark = mix(colors.hair.base, colors.hair.shadow, 0.6)
    for side in (-1, 1):
        for number, tuft in enumerate(tufts):
            end = np.asarray(tuft)
            end[-1] += np.asarray(face.wobble[number + 3 * (side > 0)]) * (0.012 * side, 0.014)
            outline = tress(mirrored(end, side), width)
            layer.shape(outline, colors.hair, 0.9, dark)
            clip = layer.mask(outline)
            dye(layer, face, colors, outline, clip, 0.6)
            layer.shadow(outline - (0.0, 0.07), colors.hair, clip, 0.6)


def draw_side_lock(easel: Easel, face: Portrait, colors: Colors, side: int) -> None:
    """Draws the lock in front of one ear."""
    style = lock_style(face)
    if style is None or (fringe_name(face) == "back" and not covers_ears(face)):
        return
    hair = colors.hair
    layer = easel.rigid(0.03, (side * 0.28, 0.0), 0.3)
    points, widths = SIDE_LOCKS[style]
    middle = mirrored(points, side) * (face.hair_volume, 1)
    if middle[-1, 1] > 0.3:
        middle[:, 1] = np.where(
            middle[:, 1] > 0.2, 0.2 + (middle[:, 1] - 0.2) * face.hair_length, middle[:, 1]
        )
    middle[-1, 0] += face.wobble[16 + side] * 0.014
    long = middle[-1, 1] > 0.26 and style in ("long", "medium")
    outlines = [tress(middle, widths)]
    if long:
        # A second, thinner lock beside the first.
        beside = middle[1:] + (side * 0.022, 0.03)
        beside[-1] += (side * 0.03, -0.06)
        outlines.insert(0, tress(beside, (0.04, 0.06, 0.05, 0.0)))
    if style == "curly":
        path = tress(middle, widths)
        outlines = [curls(path, 10, 0.014)] if side > 0 else [curls(path[::-1], 10, 0.014)]
    streaked = face.hair_pattern == "streaks" and side == face.part_side and face.hair_style != "curly"
    base = colors.second.base if streaked else hair.base
    for outline in outlines:
        layer.shape(outline, hair, 1.0, base)
        clip = layer.mask(outline)
        dye(layer, face, colors, outline, clip, 0.5)
        tone = colors.second.shadow if streaked else hair.shadow
        layer.shade(outline, tone, clip, (-0.1, 0.9), 0.8)
        dark = outline + (0.032 if side > 0 else 0.03, 0.01)
        layer.shadow(dark, hair, clip, 0.7, tone)
    stripe = middle + (side * 0.006, 0.0)
    layer.stroke(stripe[:-1] if len(middle) > 3 else stripe, (0.0, 0.007, 0.0), hair.line, 0.5)
    shine = middle[1:3] + (-0.012, 0.0)
    layer.stroke(shine, (0.0, 0.013, 0.0), hair.shine, 0.7 * layer.look.shine)


def lock_style(face: Portrait) -> str | None:
    """Returns the style of the side locks; under a hood they are short."""
    if face.hair_style not in SIDE_LOCKS:
        return None
    return "ponytail" if face.has("hood") else face.hair_style


def covers_ears(face: Portrait) -> bool:
    """Whether the hair covers the ears."""
    return face.hair_style in ("long", "medium", "bob", "hime", "wolf", "curly")


def cast_shadow(easel: Easel, face: Portrait, colors: Colors, fringe: Fringe, clip: Mask) -> None:
    """Draws the shadow of the fringe on the skin."""
    layer = easel.dome(view.FRINGE - 0.02)
    drop = 0.03 if fringe_name(face) != "back" else 0.018
    shadow = np.concatenate([[(-0.31, -0.28), (0.31, -0.28)], fringe.edge + (0.006, drop)])
    tone = mix(colors.skin.shadow, colors.hair.shadow, 0.12)
    layer.shadow(shadow, colors.skin, clip, 0.95, tone)
    style = lock_style(face)
    if style is not None:
        points, widths = SIDE_LOCKS[style]
        for side in (-1, 1):
            lock = tress(mirrored(points, side), widths) - (side * 0.018 - 0.004, -0.006)
            easel.rigid(0.03, (side * 0.28, 0.0), 0.3).shadow(lock, colors.skin, clip, 0.95, tone)


def draw_front_hair(easel: Easel, face: Portrait, colors: Colors, fringe: Fringe) -> None:
    """Draws the cap with the fringe."""
    if face.hair_style == "bald":
        return
    if face.hair_style == "shaved":
        _draw_shaved(easel, face, colors)
        return
    layer, hair = easel.dome(view.FRINGE), colors.hair
    outline = np.concatenate([shape_cap(face), fringe.edge])
    layer.shape(outline, hair)
    clip = layer.mask(outline)
    whorl = np.asarray([face.part_side * 0.05, -0.33])
    if face.hair_pattern == "streaks":
        for tip in fringe.tips[1::3]:
            _flow(layer, whorl, tip, 0.06, (0.0, 0.05, 0.06, 0.0), colors.second.base, clip)
    elif face.hair_pattern == "two_tone":
        layer.blend(
            outline,
            colors.second.base,
            1.0,
            clip,
            (-5.2, 2.4) if easel.look.shading != "soft" else (-1.6, 1.1),
        )
    layer.shade(outline, hair.shadow, clip, (-0.8, 1.0), 0.7)
    if easel.look.gradient:
        top = easel.dome(view.CAP)
        top.glow((-0.07, -0.29), (0.2, 0.13), hair.shine, 0.35 * easel.look.gradient, clip)
    _draw_rim_shadow(easel, colors, clip)
    _draw_lock_shadows(layer, colors, fringe, whorl, clip)
    _draw_highlight(easel, face, colors, clip)
    strand = mix(hair.line, hair.shadow, 0.2)
    dense = len(fringe.notches) > 6
    for number, notch in enumerate(fringe.notches):
        if dense and number % 2:
            continue
        start = 0.3 + 0.3 * abs(face.wobble[number]) if fringe_name(face) != "back" else 0.08
        _flow(layer, whorl, notch, start, (0.0, 0.005, 0.0095, 0.007), strand, clip)
    if fringe_name(face) != "back" and not dense:
        # Thin strands within the locks.
        for number, tip in enumerate(fringe.tips[1:-1]):
            root = tip * 0.86 + whorl * 0.14
            stop = tip * 0.45 + whorl * 0.55
            middle = (root + stop) / 2 + (0.01 * face.wobble[number + 4], 0.0)
            layer.stroke(np.stack([stop, middle, root]), (0.0, 0.0055, 0.0), hair.line, 0.45, clip)


def _flow(
    layer: Layer,
    whorl: np.ndarray,
    end: np.ndarray,
    start: float,
    widths: tuple[float, ...],
    color: Color,
    clip: Mask,
) -> None:
    """Draws a strand of the way from the whorl to a point of the fringe, from the share `start` on."""
    t = np.linspace(start, 1.0, 6)[:, None]
    bulge = (end - whorl) * (0.85, 0.12)
    curve = whorl + 2 * t * (1 - t) * bulge + t**2 * (end - whorl)
    layer.stroke(curve, widths, color, 1.0, clip)


def _draw_rim_shadow(easel: Easel, colors: Colors, clip: Mask) -> None:
    """Draws shadows on both sides of the crown, which make it look round."""
    layer = easel.dome(0.0)
    for side, strength in ((-1, 0.5), (1, 0.9)):
        rim = [(0.34, 0.08), (0.4, -0.18), (0.25, -0.37), (0.283, -0.2), (0.272, -0.04)]
        layer.shadow(smooth(mirrored(rim, side), closed=True), colors.hair, clip, strength)


def _draw_lock_shadows(layer: Layer, colors: Colors, fringe: Fringe, whorl: np.ndarray, clip: Mask) -> None:
    """Draws the shadow that each lock of the fringe casts on the next one."""
    if len(fringe.tips) == len(fringe.notches):
        return
    for notch, tip in zip(fringe.notches, fringe.tips[1:], strict=True):
        root = notch * 0.72 + whorl * 0.28
        edge = notch + (tip - notch) * (0.4, 0.92)
        side = notch + (tip - notch) * (0.5, 0.3)
        layer.shadow(
            smooth([root, notch - (0.003, 0.0), edge, side], closed=True, steps=4),
            colors.hair,
            clip,
            0.8 if len(fringe.notches) < 7 else 0.5,
        )


def _draw_highlight(easel: Easel, face: Portrait, colors: Colors, clip: Mask) -> None:
    """Draws the highlight around the crown."""
    if face.hair_style == "curly":
        layer = easel.dome(view.CAP)
        places = ((-0.17, -0.2), (-0.09, -0.28), (0.0, -0.22), (0.09, -0.29), (0.16, -0.21))
        for number, place in enumerate(places):
            arc = np.asarray([(-0.035, 0.016), (0.0, -0.008), (0.035, 0.014)]) + place
            layer.light(tress(arc, (0.0, 0.02 + 0.004 * face.wobble[number], 0.0)), colors.hair.shine, clip)
        return
    layer = easel.dome(0.11)
    kind = face.highlight
    x = np.linspace(-0.25, 0.25, 64)
    swell = np.sqrt(np.maximum(0, 1 - (x / 0.25) ** 2))
    crown = -0.222 if fringe_name(face) != "back" else -0.272
    middle = crown + 0.95 * x**2
    if kind == "zigzag":
        tooth, samples = np.arange(64) // 7, 7
        length = 0.75 + 0.45 * np.asarray(face.wobble)[tooth]
        peak = (1 - np.abs(np.linspace(-1, 1, samples)))[np.arange(64) % samples] ** 1.4
        upper, lower = (
            middle - (0.008 + 0.02 * peak * length) * swell,
            middle + (0.008 + 0.045 * peak * length) * swell,
        )
        layer.light(_band(x, upper, lower), colors.hair.shine, clip)
    elif kind == "band":
        for start, end in ((0, 27), (31, 50), (53, 62)):
            taper = np.sin(np.linspace(0.05, np.pi - 0.05, end - start)) ** 0.5
            part = slice(start, end)
            half = 0.024 * swell[part] * taper
            layer.light(
                _band(x[part], middle[part] - half, middle[part] + half), colors.hair.shine, clip, 0.85
            )
    elif kind == "bubbles":
        part = slice(8, 40)
        half = 0.02 * swell[part] * np.sin(np.linspace(0.05, np.pi - 0.05, 32)) ** 0.6
        layer.light(_band(x[part], middle[part] - half, middle[part] + half), colors.hair.shine, clip)
        for right, radius in ((0.09, 0.017), (0.14, 0.011)):
            center = (right, crown + 0.95 * right**2)
            layer.light(ellipse(center, (radius, radius * 0.9), 12), colors.hair.shine, clip)
    else:
        for number in range(9):
            root = -0.2 + 0.05 * number + 0.01 * face.wobble[number]
            y = crown + 0.95 * root**2
            long = 0.034 + 0.02 * face.wobble[number + 6]
            spark = [(root * 0.84, y - long), (root, y), (root * 1.19, y + long * 1.2)]
            layer.light(tress(spark, (0.0, 0.016, 0.0)), colors.hair.shine, clip)


def _band(x: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    return np.concatenate([np.stack([x, upper], 1), np.stack([x, lower], 1)[::-1]])


def _draw_shaved(easel: Easel, face: Portrait, colors: Colors) -> None:
    """Draws hair of a few millimeters, which shows the shape of the skull."""
    layer = easel.dome(view.CAP)
    half = [(0.0, -0.342), (0.14, -0.315), (0.24, -0.235), (0.284, -0.12), (0.282, -0.04), (0.262, 0.0)]
    right = smooth(half)
    line = smooth(
        [(0.235, 0.06), (0.225, -0.03), (0.232, -0.1), (0.185, -0.152), (0.09, -0.185), (0.0, -0.192)]
    )
    edge = np.concatenate([line, mirrored(line)[-2::-1]])
    outline = np.concatenate([mirrored(right)[::-1], right, edge])
    base = mix(colors.hair.base, colors.skin.shadow, 0.22)
    layer.shape(outline, colors.hair, 0.7, base)
    clip = layer.mask(outline)
    _draw_rim_shadow(easel, colors, clip)
    top = easel.dome(0.02)
    top.light(
        smooth([(-0.16, -0.24), (-0.06, -0.29), (0.05, -0.285), (-0.05, -0.26)], closed=True),
        colors.hair.shine,
        clip,
        0.5,
    )
    for row in range(5):
        for column in range(-4, 5):
            x, y = column * 0.05 + (row % 2) * 0.025, -0.3 + row * 0.032 + 0.9 * (column * 0.05) ** 2
            layer.stroke([(x, y), (x + 0.1 * x, y + 0.014)], (0.004, 0.004), colors.hair.line, 0.4, clip)


def draw_ahoge(easel: Easel, face: Portrait, colors: Colors) -> None:
    """Draws the ahoge, a single strand that stands up."""
    layer = easel.rigid(0.02)
    points = [(0.0, -0.36), (-0.005, -0.43), (0.045, -0.485), (0.125, -0.47)]
    strand = tress(mirrored(points, face.part_side), (0.034, 0.036, 0.026, 0.0))
    layer.shape(strand, colors.hair, 0.9)
    layer.shadow(strand + (0.012, 0.014), colors.hair, layer.mask(strand), 0.7)
