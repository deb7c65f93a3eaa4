"""What sits on the head: hats, hoods, headphones, animal ears, and horns."""

from __future__ import annotations

import numpy as np

from anime_gan.datasets.drawn.canvas import ellipse, mirrored, smooth, tress
from anime_gan.datasets.drawn.palette import WHITE, Shades, mix
from anime_gan.datasets.illustrator import view
from anime_gan.datasets.illustrator.colors import Colors
from anime_gan.datasets.illustrator.easel import Easel, Layer
from anime_gan.datasets.illustrator.parameters import Portrait


def draw_hat(easel: Easel, face: Portrait, colors: Colors) -> None:
    """Draws the hat; the fringe and the sides of the hair stay visible."""
    draw = {"beret": _beret, "sunhat": _sunhat, "beanie": _beanie, "cap": _cap, "witch": _witch}[
        face.hat_kind
    ]
    draw(easel.dome(view.HEADWEAR), face, colors)


def _cast(layer: Layer, colors: Colors, outline: np.ndarray, width: float) -> None:
    """Draws the shadow of a hat on the hair; `width` is relative to the width of the outline."""
    shadow = outline * (width, 1.0) + (0.0, 0.026)
    layer.blend(shadow, mix(colors.hair.line, colors.hair.shadow, 0.3), 0.45)


def _dome(layer: Layer, hat: Shades, width: float, top: float, base: float) -> None:
    half = [(width, base), (width * 0.97, base - 0.1), (width * 0.72, top + 0.04), (0.0, top)]
    arch = smooth(np.concatenate([half, mirrored(half)[-2::-1]]))
    outline = np.concatenate([arch, [(0.0, base - 0.05)]])
    layer.shape(outline, hat)
    _round_off(layer, hat, outline)


def _round_off(layer: Layer, hat: Shades, outline: np.ndarray) -> None:
    clip = layer.mask(outline)
    layer.shade(outline, hat.shadow, clip, (-0.7, 0.9), 0.7)
    shifted = outline * (0.94, 0.96) + (-0.03, -0.02)
    layer.shadow(
        np.concatenate([outline * 1.02, outline[:1] * 1.02, shifted[:1], shifted[::-1]]), hat, clip, 0.7
    )


def _beret(layer: Layer, face: Portrait, colors: Colors) -> None:
    points = [
        (0.3, -0.24),
        (0.37, -0.3),
        (0.34, -0.4),
        (0.2, -0.46),
        (0.0, -0.465),
        (-0.2, -0.43),
        (-0.31, -0.3),
        (-0.28, -0.22),
        (-0.15, -0.285),
        (0.0, -0.3),
        (0.15, -0.28),
    ]
    outline = smooth(mirrored(points, face.part_side), closed=True)
    _cast(layer, colors, outline, 0.92)
    layer.shape(outline, colors.hat)
    _round_off(layer, colors.hat, outline)
    clip = layer.mask(outline)
    layer.light(
        tress([(-0.16, -0.385), (-0.06, -0.425), (0.06, -0.43)], (0.0, 0.03, 0.0)),
        colors.hat.shine,
        clip,
        0.5,
    )
    layer.shape(
        tress(mirrored([(0.02, -0.455), (0.035, -0.498)], face.part_side), (0.022, 0.016), 3), colors.hat, 0.8
    )


def _sunhat(layer: Layer, face: Portrait, colors: Colors) -> None:
    hat = colors.hat
    half = [(0.0, -0.235), (0.34, -0.175), (0.46, -0.16), (0.36, -0.26), (0.0, -0.34)]
    brim = smooth(np.concatenate([half, mirrored(half)[-2:0:-1]]), closed=True)
    _dome(layer, hat, 0.27, -0.475, -0.235)
    band = [(-0.27, -0.27), (-0.14, -0.32), (0, -0.335), (0.14, -0.32), (0.27, -0.27)]
    _cast(layer, colors, brim, 0.7)
    layer.shape(brim, hat)
    layer.shadow(brim * (1.0, 0.8) + (0.0, 0.02), hat, layer.mask(brim), 0.4)
    layer.shape(tress(band, (0.05, 0.06, 0.05)), colors.bow, 0.8)


def _beanie(layer: Layer, face: Portrait, colors: Colors) -> None:
    hat = colors.hat
    light = mix(hat.base, WHITE, 0.3)
    _dome(layer, hat, 0.33, -0.455, -0.17)
    for x in (-0.16, 0.0, 0.16):
        layer.stroke([(x * 0.6, -0.445), (x, -0.37), (x * 1.1, -0.26)], (0.006, 0.008), hat.line, 0.6)
    fold = [(-0.328, -0.16), (-0.2, -0.235), (0.0, -0.265), (0.2, -0.235), (0.328, -0.16)]
    cuff = tress(fold, (0.055, 0.085, 0.09, 0.085, 0.055))
    _cast(layer, colors, cuff, 0.93)
    layer.shape(cuff, hat, 1.0, light)
    layer.shadow(cuff + (0.02, 0.05), hat, layer.mask(cuff), 0.5)
    layer.shape(ellipse((0.0, -0.475), (0.055, 0.05)), hat, 1.0, light)


def _cap(layer: Layer, face: Portrait, colors: Colors) -> None:
    hat = colors.hat
    _dome(layer, hat, 0.318, -0.452, -0.2)
    for x in (-0.13, 0.13):
        layer.stroke([(x * 0.2, -0.45), (x, -0.37), (x * 1.3, -0.25)], (0.006, 0.007), hat.line, 0.6)
    half = [(0.0, -0.195), (0.2, -0.17), (0.3, -0.13), (0.32, -0.205), (0.18, -0.265), (0.0, -0.285)]
    brim = smooth(np.concatenate([half, mirrored(half)[-2:0:-1]]), closed=True)
    front = layer.easel.dome(view.FRINGE + 0.06)
    _cast(front, colors, brim, 0.95)
    front.shape(brim, colors.accent)
    front.shadow(brim + (0.0, 0.06), colors.accent, front.mask(brim), 0.6)
    layer.shape(ellipse((0.0, -0.45), (0.024, 0.016), 14), colors.accent, 0.8)
    badge = ellipse((0.0, -0.345), (0.05, 0.045), 20)
    front.shape(badge, colors.flower, 0.8)


def _witch(layer: Layer, face: Portrait, colors: Colors) -> None:
    hat, lean = colors.hat, face.part_side
    half = [(0.0, -0.225), (0.34, -0.17), (0.48, -0.17), (0.36, -0.265), (0.0, -0.33)]
    brim = smooth(np.concatenate([half, mirrored(half)[-2:0:-1]]), closed=True)
    cone = mirrored(
        [
            (-0.25, -0.25),
            (-0.18, -0.4),
            (-0.07, -0.53),
            (0.12, -0.6),
            (0.1, -0.52),
            (0.17, -0.4),
            (0.25, -0.25),
            (0.0, -0.23),
        ],
        lean,
    )
    outline = np.concatenate([smooth(cone[:4]), smooth(cone[3:7]), cone[7:]])
    layer.shape(outline, hat)
    _round_off(layer, hat, outline)
    _cast(layer, colors, brim, 0.7)
    layer.shape(brim, hat)
    layer.shadow(brim * (1.0, 0.8) + (0.0, 0.02), hat, layer.mask(brim), 0.4)
    band = [(-0.25, -0.275), (-0.13, -0.32), (0, -0.335), (0.13, -0.32), (0.25, -0.275)]
    layer.shape(tress(band, (0.045, 0.05, 0.045)), colors.bow, 0.8)
    layer.shape([(-0.026, -0.355), (0.026, -0.355), (0.026, -0.305), (-0.026, -0.305)], colors.flower, 0.7)


def draw_hood_back(easel: Easel, face: Portrait, colors: Colors) -> None:
    """Draws the inside of the hood, behind the head."""
    layer, cloth = easel.rigid(0.02), colors.hat
    half = [
        (0.0, -0.465),
        (0.22, -0.43),
        (0.36, -0.3),
        (0.405, -0.1),
        (0.4, 0.1),
        (0.35, 0.28),
        (0.26, 0.4),
        (0.0, 0.48),
    ]
    outline = smooth(np.concatenate([half, mirrored(half)[-2:0:-1]]), closed=True)
    layer.shape(outline, cloth, 1.0, mix(cloth.shadow, cloth.line, 0.35))


def draw_hood_front(easel: Easel, face: Portrait, colors: Colors) -> None:
    """Draws the edge of the hood around the face, which hides ears and shoulders of the hair."""
    layer, cloth = easel.dome(view.CAP), colors.hat
    outer = smooth(
        [
            (0.2, 0.475),
            (0.33, 0.4),
            (0.395, 0.26),
            (0.425, 0.08),
            (0.42, -0.12),
            (0.365, -0.32),
            (0.22, -0.45),
            (0.0, -0.485),
        ]
    )
    inner = smooth(
        [
            (0.17, 0.455),
            (0.222, 0.38),
            (0.272, 0.26),
            (0.3, 0.1),
            (0.3, -0.06),
            (0.265, -0.2),
            (0.155, -0.305),
            (0.0, -0.335),
        ]
    )
    around = np.concatenate([outer, mirrored(outer)[-2::-1]])
    opening = np.concatenate([inner, mirrored(inner)[-2::-1]])
    outline = np.concatenate([around, opening[::-1]])
    layer.blend(
        np.concatenate([around, (opening * (0.94, 0.97) + (0.004, 0.012))[::-1]]), colors.hair.line, 0.4, None
    )
    layer.shape(outline, cloth)
    clip = layer.mask(outline)
    edge = opening * 1.07
    layer.shadow(np.concatenate([opening, edge[::-1]]), cloth, clip, 0.55)
    right = [(0.45, 0.4), (0.45, -0.3), (0.34, -0.42), (0.39, -0.2), (0.385, 0.1), (0.33, 0.34)]
    layer.shadow(smooth(right, closed=True), cloth, clip, 0.9)
    layer.light(
        tress([(-0.3, -0.3), (-0.2, -0.392), (-0.07, -0.435)], (0.0, 0.032, 0.0)), cloth.shine, clip, 0.55
    )
    layer.stroke(edge[3:-3], (0.005, 0.007, 0.005), cloth.line, 0.6, clip)


def draw_cloak(easel: Easel, face: Portrait, colors: Colors, shoulders: float) -> None:
    """Draws the cloak below a hood, which hides the outfit."""
    layer, cloth = easel.body(view.BODY_TURN), colors.hat
    right = smooth([(0.1, 0.42), (0.2, 0.38), (0.31, 0.42), (0.4 * shoulders, 0.5), (0.46 * shoulders, 0.72)])
    dip = np.asarray([(-0.1, 0.42), (-0.04, 0.47), (0.0, 0.49), (0.04, 0.47), (0.1, 0.42)])
    outline = np.concatenate([dip, right[1:], mirrored(right)[::-1]])
    layer.shape(outline, cloth)
    clip = layer.mask(outline)
    layer.shadow(
        smooth([(0.02, 0.5), (0.12, 0.45), (0.2, 0.5), (0.22, 0.74), (0.04, 0.74)], closed=True),
        cloth,
        clip,
        0.7,
    )
    layer.stroke([(0.0, 0.5), (0.008, 0.58), (0.0, 0.7)], (0.007, 0.009, 0.007), cloth.line, 0.9, clip)
    layer.shape(ellipse((0.0, 0.49), (0.026, 0.026), 16), colors.flower, 0.8)


def draw_headphones(easel: Easel, face: Portrait, colors: Colors) -> None:
    """Draws headphones with a band over the head, which hide the ears."""
    band_layer, shell = easel.dome(view.CAP), colors.accent
    half = smooth([(0.322, 0.0), (0.336, -0.17), (0.262, -0.325), (0.14, -0.4), (0.0, -0.424)])
    band = np.concatenate([half, mirrored(half)[-2::-1]])
    band_layer.shape(tress(band, (0.034, 0.042, 0.05, 0.042, 0.034), 1), shell)
    lit = tress(half[8:-4] * (-1, 1), (0.0, 0.012, 0.0), 1)
    band_layer.light(lit, shell.shine, None, 0.8)
    for side in (-1, 1):
        layer = easel.rigid(view.EARS + 0.08, (side * 0.3, 0.05), 0.0)
        if side == easel.view.far and abs(easel.view.turn) > 14:
            continue
        pad = ellipse((side * 0.302, 0.045), (0.052, 0.098), 28)
        layer.shape(pad, shell, 1.0, mix(shell.shadow, shell.line, 0.35))
        cup = ellipse((side * 0.322, 0.045), (0.045, 0.08), 28)
        layer.shape(cup, shell)
        clip = layer.mask(cup)
        layer.shadow(cup + (0.02, 0.03), shell, clip, 0.8)
        layer.blend(ellipse((side * 0.326, 0.04), (0.018, 0.034), 16), colors.flower.base, 1.0, clip)


def draw_animal_ears(easel: Easel, face: Portrait, colors: Colors) -> None:
    """Draws animal ears in the color of the hair (of the skin's hair, on bald heads)."""
    hair, inside = colors.hair, mix(colors.skin.base, colors.blush, 0.4)
    if face.hair_style == "bald":
        hair = colors.flower
    for side in (-1, 1):
        layer = easel.rigid(0.0, (side * 0.2, -0.33), 0.4)
        if face.animal_ears == "cat":
            outer = [(0.07, -0.35), (0.13, -0.47), (0.245, -0.56), (0.3, -0.43), (0.305, -0.22)]
            inner = [(0.13, -0.365), (0.165, -0.44), (0.232, -0.505), (0.262, -0.42), (0.262, -0.28)]
            shape = np.concatenate([smooth(outer[:3]), smooth(outer[2:])[1:], [(0.2, -0.27)]])
            core = np.concatenate([smooth(inner[:3]), smooth(inner[2:])[1:]])
        elif face.animal_ears == "rabbit":
            shape = smooth(
                [
                    (0.05, -0.35),
                    (0.06, -0.46),
                    (0.1, -0.57),
                    (0.16, -0.615),
                    (0.198, -0.555),
                    (0.188, -0.45),
                    (0.17, -0.33),
                ],
                closed=True,
            )
            core = smooth(
                [
                    (0.085, -0.39),
                    (0.095, -0.47),
                    (0.125, -0.545),
                    (0.155, -0.57),
                    (0.168, -0.53),
                    (0.158, -0.45),
                    (0.14, -0.38),
                ],
                closed=True,
            )
        elif face.animal_ears == "bear":
            shape, core = (
                ellipse((0.225, -0.355), (0.108, 0.102), 32),
                ellipse((0.23, -0.352), (0.064, 0.06), 24),
            )
        else:
            outer = [
                (0.12, -0.37),
                (0.235, -0.44),
                (0.36, -0.4),
                (0.425, -0.27),
                (0.41, -0.12),
                (0.35, -0.17),
                (0.305, -0.24),
            ]
            shape = smooth(outer, closed=True)
            core = np.zeros((0, 2))
        shape = mirrored(shape, side)
        layer.shape(shape, hair)
        clip = layer.mask(shape)
        if len(core):
            core = mirrored(core, side)
            layer.blend(core, inside, 1.0, clip)
            layer.shadow(
                core + (0.016 * side, 0.03),
                Shades(inside, mix(inside, colors.skin.shadow, 0.8), hair.line, WHITE),
                layer.mask(core),
                0.7,
            )
        else:
            layer.shadow(shape + (0.03, 0.05), hair, clip, 0.8)
            layer.stroke(
                mirrored([(0.16, -0.35), (0.25, -0.34), (0.3, -0.28)], side),
                (0.0, 0.008, 0.0),
                hair.line,
                0.6,
                clip,
            )
        if face.animal_ears == "cat":
            for root, tip in (
                ((0.14, -0.33), (0.17, -0.42)),
                ((0.19, -0.31), (0.2, -0.4)),
                ((0.23, -0.29), (0.23, -0.37)),
            ):
                tuft = tress(mirrored([root, tip], side), (0.036, 0.0))
                layer.fill(tuft, hair.base)


def draw_horns(easel: Easel, face: Portrait, colors: Colors) -> None:
    """Draws two curved horns."""
    horn = easel.look.shades((212, 190, 160)) if face.wobble[3] > -0.2 else easel.look.shades((92, 66, 84))
    for side in (-1, 1):
        layer = easel.rigid(0.03, (side * 0.17, -0.36), 0.3)
        middle = mirrored([(0.15, -0.32), (0.235, -0.385), (0.27, -0.47), (0.225, -0.555)], side)
        outline = tress(middle, (0.085, 0.07, 0.048, 0.0))
        layer.shape(outline, horn)
        clip = layer.mask(outline)
        layer.shadow(outline + (0.02, 0.012), horn, clip, 0.8)
        for share in (0.25, 0.5, 0.75):
            place = middle[0] + (middle[2] - middle[0]) * share + (side * 0.014, 0.0)
            layer.stroke(
                [place - (0.036, 0.012 * side), place + (0.036, 0.016 * side)],
                (0.0, 0.008, 0.0),
                horn.line,
                0.6,
                clip,
            )
