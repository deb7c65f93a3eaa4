"""Glasses, eye patch, earrings, and what is worn in the hair."""

from __future__ import annotations

import math

import numpy as np

from anime_gan.datasets.drawn.canvas import ellipse, mirrored, smooth, tress
from anime_gan.datasets.drawn.palette import WHITE, mix
from anime_gan.datasets.illustrator import view
from anime_gan.datasets.illustrator.colors import Colors
from anime_gan.datasets.illustrator.easel import Easel
from anime_gan.datasets.illustrator.parameters import Portrait
from anime_gan.datasets.illustrator.proportions import Proportions


def draw_glasses(easel: Easel, face: Portrait, size: Proportions, colors: Colors) -> None:
    """Draws the glasses, of one of four kinds."""
    layer, frame = easel.dome(view.GLASSES), colors.frame
    color = frame.shadow if easel.look.shading == "flat" else frame.base
    y, kind = size.eye_y + 0.012, face.glasses_shape
    scale = 0.5 + 0.5 * size.eye_height / 0.09
    for side in (-1, 1):
        x = side * (size.eye_x + 0.001)
        if kind == "round":
            rim = ellipse((x, y), (0.108, 0.104 * scale), 32)
        elif kind == "sunglasses":
            corner = [
                (-0.1, -0.07),
                (0.0, -0.076),
                (0.108, -0.07),
                (0.114, 0.0),
                (0.076, 0.078),
                (0.0, 0.094),
                (-0.07, 0.076),
                (-0.104, 0.0),
            ]
            rim = smooth(mirrored(np.asarray(corner) * (1, max(scale, 0.94)), side) + (x, y), closed=True)
        else:
            corner = [
                (-0.1, -0.07),
                (0, -0.08),
                (0.106, -0.076),
                (0.112, 0.0),
                (0.092, 0.072),
                (0, 0.084),
                (-0.084, 0.072),
                (-0.108, 0.0),
            ]
            rim = smooth(mirrored(np.asarray(corner) * (1, scale), side) + (x, y), closed=True)
        clip = layer.mask(rim)
        if kind == "sunglasses":
            dark = mix((34, 28, 44), frame.base, 0.18)
            layer.fill(rim, dark)
            layer.blend(rim, mix(dark, (150, 120, 190), 0.55), 0.9, clip, (-0.8, 0.9))
            glare = np.asarray([(-0.05, -0.09), (0.0, -0.09), (-0.06, 0.09), (-0.11, 0.09)])
            layer.blend(glare + (x, y), WHITE, 0.35, clip)
        else:
            glare = np.asarray([(-0.02, -0.085), (0.035, -0.085), (-0.035, 0.085), (-0.09, 0.085)])
            layer.blend(glare + (x, y), WHITE, 0.16, clip)
        ring = np.concatenate([rim, rim[:1]])
        if kind == "half_rim":
            lower = rim[rim[:, 1] > y - 0.012]
            order = np.argsort(np.arctan2(lower[:, 1] - y + 0.03, lower[:, 0] - x))
            ring = lower[order]
        layer.fill(tress(ring, (0.016, 0.016), 1), color)
        if side == easel.view.far and abs(easel.view.turn) > 10:
            continue
        ear_y = y - (0.012 if kind == "half_rim" else 0.03)
        temple = [(side * (size.eye_x + 0.098), ear_y), (side * 0.262, ear_y - 0.006)]
        layer.fill(tress(temple, (0.014, 0.012), 2), color)
    inner = size.eye_x - 0.104
    bridge = [(-inner, y - 0.008), (0, y - 0.022), (inner, y - 0.008)]
    layer.fill(tress(bridge, (0.015, 0.015)), color)


def draw_eye_patch(easel: Easel, face: Portrait, size: Proportions, colors: Colors) -> None:
    """Draws an eye patch, which hides one eye, and its strap."""
    layer, side = easel.dome(view.GLASSES - 0.01), face.patch_side
    x, y = side * size.eye_x, size.eye_y
    medical = face.wobble[2] > 0
    shades = (
        easel.look.shades((246, 246, 250), (204, 208, 226))
        if medical
        else easel.look.shades((52, 44, 58), (34, 28, 40))
    )
    for start, end in (
        ((x + side * 0.06, y - 0.06), (side * 0.29, y - 0.1)),
        ((x - side * 0.07, y - 0.05), (-side * 0.2, y - 0.2)),
    ):
        layer.stroke([start, end], (0.012, 0.012), shades.line if not medical else shades.shadow)
    corner = [(-0.104, -0.06), (0.0, -0.11), (0.104, -0.06), (0.098, 0.056), (0.0, 0.118), (-0.098, 0.056)]
    outline = smooth(np.asarray(corner) * (1.0, 0.55 + 0.45 * size.eye_height / 0.09) + (x, y), closed=True)
    layer.shape(outline, shades)
    clip = layer.mask(outline)
    layer.shadow(outline + (0.03, 0.05), shades, clip, 0.9)
    if medical:
        layer.stroke([(x, y - 0.035), (x, y + 0.035)], (0.016, 0.016), colors.blush, 0.9)
        layer.stroke([(x - 0.035, y), (x + 0.035, y)], (0.016, 0.016), colors.blush, 0.9)
    else:
        layer.light(
            tress([(x - 0.06, y - 0.03), (x - 0.02, y - 0.066), (x + 0.03, y - 0.07)], (0.0, 0.018, 0.0)),
            shades.shine,
            clip,
            0.5,
        )


def draw_earrings(easel: Easel, face: Portrait, colors: Colors) -> None:
    """Draws an earring below each visible ear."""
    for side in (-1, 1):
        if side == easel.view.far and abs(easel.view.turn) > 10:
            continue
        layer = easel.rigid(view.EARS + 0.02, (side * 0.27, 0.05))
        x = side * 0.285
        layer.stroke([(x, 0.108), (x, 0.15)], (0.008, 0.008), colors.flower.line)
        gem = np.asarray([(0.0, -0.03), (0.024, 0.005), (0.0, 0.042), (-0.024, 0.005)])
        if face.wobble[5] > 0:
            gem = ellipse((0.0, 0.006), (0.024, 0.026), 14)
        layer.shape(gem + (x, 0.165), colors.flower, 0.8)
        layer.blend(ellipse((x - 0.007, 0.16), (0.006, 0.008), 8), WHITE, 0.9)


def _turned(points: np.ndarray, degrees: float, center: tuple[float, float]) -> np.ndarray:
    angle = math.radians(degrees)
    matrix = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return np.asarray(points, float) @ matrix + center


def draw_ribbon(easel: Easel, face: Portrait, colors: Colors) -> None:
    """Draws a hair bow; with a hat or headphones it sits lower on the head."""
    side, bow = face.bow_side, colors.bow
    low = face.has("hat") or face.has("headphones") or face.has("hood")
    center, tilt = ((side * 0.31, -0.1), 70.0) if low else ((side * 0.22, -0.285), 40.0)
    layer = easel.rigid(0.04, center, 0.5)
    end = [(0, 0), (0.05, 0.06), (0.085, 0.15), (0.05, 0.135), (0.025, 0.155), (0.01, 0.05)]
    loop = smooth(
        [(0.0, 0.0), (0.07, -0.075), (0.14, -0.08), (0.155, 0.0), (0.13, 0.07), (0.06, 0.045)], closed=True
    )
    for half in (-1, 1):
        layer.shape(_turned(mirrored(end, half), 6.0 * side, center), bow, 0.9, bow.shadow)
    for half in (-1, 1):
        wing = _turned(mirrored(loop, half), tilt * side, center)
        layer.shape(wing, bow)
        clip = layer.mask(wing)
        layer.shadow(wing + (0.03, 0.045), bow, clip, 0.8)
        crease = _turned(mirrored([(0.02, 0.0), (0.07, 0.0), (0.11, 0.015)], half), tilt * side, center)
        layer.stroke(crease, (0.022, 0.012, 0), mix(bow.shadow, bow.line, 0.4), 1.0, clip)
    layer.shape(_turned(ellipse((0.0, 0.0), (0.032, 0.036), 16), 0.0, center), bow)


def draw_hairpin(easel: Easel, face: Portrait, colors: Colors) -> None:
    """Draws two crossed pins, or bars, in the fringe."""
    layer, side = easel.dome(view.FRINGE + 0.01), face.pin_side
    pin = colors.accent
    for number, (start, end) in enumerate(
        (((0.14, -0.165), (0.235, -0.115)), ((0.15, -0.112), (0.235, -0.165)))
    ):
        del number
        bar = tress(mirrored([start, end], side), (0.022, 0.022), 4)
        layer.shape(bar, pin, 0.9)
    layer.stroke(mirrored([(0.155, -0.158), (0.2, -0.134)], side), (0.0, 0.008, 0.0), WHITE, 0.8)


def draw_flower(easel: Easel, face: Portrait, colors: Colors) -> None:
    """Draws a flower in the hair, on the side without the bow."""
    side, flower = -face.bow_side, colors.flower
    center = (
        (side * 0.262, -0.185) if not (face.has("hat") or face.has("headphones")) else (side * 0.29, -0.1)
    )
    layer = easel.rigid(0.05, center, 0.5)
    leaf = smooth([(0.0, 0.0), (0.09, -0.02), (0.125, 0.03), (0.06, 0.05)], closed=True)
    green = easel.look.shades((96, 168, 96))
    for degrees in (-30.0, 120.0):
        layer.shape(_turned(leaf, degrees, center), green, 0.8)
    petal = smooth(
        [(0.0, 0.0), (0.03, 0.035), (0.032, 0.085), (0.0, 0.1), (-0.032, 0.085), (-0.03, 0.035)], closed=True
    )
    for number in range(5):
        shape = _turned(petal, 72.0 * number + 20, center)
        layer.shape(shape, flower, 0.9)
        layer.shadow(_turned(petal * (0.6, 0.55), 72.0 * number + 20, center), flower, layer.mask(shape), 0.7)
    layer.shape(ellipse(center, (0.026, 0.026), 14), easel.look.shades((252, 214, 92)), 0.8)
