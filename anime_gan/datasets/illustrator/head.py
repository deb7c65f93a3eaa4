"""The head: skull and face, ears, neck, nose, cheeks, wrinkles, and beard."""

from __future__ import annotations

import numpy as np

from anime_gan.datasets.drawn.canvas import ellipse, mirrored, smooth, tress
from anime_gan.datasets.drawn.palette import WHITE, mix
from anime_gan.datasets.illustrator import view
from anime_gan.datasets.illustrator.colors import Colors
from anime_gan.datasets.illustrator.easel import Easel, Layer, Mask
from anime_gan.datasets.illustrator.parameters import Portrait
from anime_gan.datasets.illustrator.proportions import Proportions

# Right half of the head from crown to chin, seen from the front: x, y, depth of the point in a turn.
_HALF = (
    (0.0, -0.325, 0.0), (0.16, -0.285, 0.0), (0.25, -0.16, 0.0), (0.268, 0.0, 0.025), (0.256, 0.11, 0.06),
    (0.2, 0.197, 0.115), (0.108, 0.266, 0.165), (0.03, 0.307, 0.19),
)  # fmt: skip


def head_outline(face: Portrait, size: Proportions, seen: view.View) -> np.ndarray:
    """Returns the outline of the head as it is seen: the chin follows a turn, the skull stays."""
    half = np.asarray(_HALF)
    x, y, depth = half.T.copy()
    jaw = np.interp(y, (0.0, 0.11, 0.2), (1.0, size.cheek, size.jaw * size.cheek))
    x = x * jaw * size.width
    # Grown-up and male chins are broader.
    x[-2:] *= (1 + 0.2 * size.chin_width, 1 + 0.8 * size.chin_width)
    y = y + np.clip((y - 0.05) / 0.25, 0, 1) * size.chin
    sides = []
    for side in (1, -1):
        turned = side * x + depth * seen.sine
        amount = abs(seen.sine)
        if side == seen.far:
            # Beside the far eye the contour goes in, and the cheek comes out.
            turned += (
                side
                * amount
                * (0.018 * np.exp(-(((y - 0.12) / 0.07) ** 2)) - 0.026 * np.exp(-(((y - 0.0) / 0.08) ** 2)))
            )
        elif seen.far:
            # The near side of the jaw is seen from the side.
            turned -= side * amount * 0.035 * np.exp(-(((y - 0.13) / 0.08) ** 2))
        sides.append(np.stack([turned, y + depth * seen.nod_sine], 1))
    right, left = sides
    points = np.concatenate([right, left[:0:-1]])
    return smooth(points, closed=True, steps=7)


def draw_neck(layer: Layer, face: Portrait, size: Proportions, colors: Colors, outline: np.ndarray) -> None:
    """Draws the neck and the upper chest, with the shadow of the chin."""
    wide = size.neck
    half = [
        (wide * 1.02, 0.14),
        (wide * 0.96, 0.32),
        (wide * 1.15, 0.385),
        (wide + 0.13 * size.shoulders, 0.435),
    ]
    right = smooth([*half, (0.36, 0.64)])
    neck = np.concatenate([right, mirrored(right)[::-1]])
    layer.shape(neck, colors.skin, 0.8)
    clip = layer.mask(neck)
    seen = layer.easel.view
    chin = outline * (0.8, 1.0) + (-0.02 + 0.02 * seen.sine, 0.058 - 0.05 * seen.nod_sine)
    layer.shadow(chin, colors.skin, clip, 1.0)
    layer.shade(neck, colors.skin.shadow, clip, (0.3, -0.4), 0.6)
    for side in (-1, 1):
        bone = mirrored([(0.03, 0.452), (0.09, 0.436), (0.15, 0.432)], side)
        layer.stroke(bone, (0.0, 0.006, 0.0), colors.skin.line, 0.55)


def draw_ear(layer: Layer, face: Portrait, colors: Colors, side: int) -> None:
    """Draws one ear; `layer` holds it at the side of the head."""
    if face.has("pointed_ears"):
        ear = [(0.244, -0.01), (0.3, -0.03), (0.395, -0.1), (0.345, 0.035), (0.28, 0.112), (0.248, 0.1)]
        outline = np.concatenate([smooth(ear[:3]), smooth(ear[2:])[1:]])
        inner = [(0.262, 0.02), (0.31, -0.01), (0.362, -0.065), (0.315, 0.035), (0.272, 0.075)]
    else:
        ear = [(0.244, 0.015), (0.275, -0.012), (0.3, 0.012), (0.298, 0.06), (0.278, 0.112), (0.25, 0.12)]
        outline = smooth(ear, closed=True)
        inner = [(0.262, 0.025), (0.278, 0.012), (0.288, 0.035), (0.274, 0.08), (0.263, 0.085)]
    layer.shape(mirrored(outline, side), colors.skin, 0.8)
    clip = layer.mask(mirrored(outline, side))
    layer.blend(mirrored(smooth(inner, closed=True), side), colors.skin.shadow, 0.9, clip)
    layer.stroke(mirrored(inner[:3], side), (0.0, 0.006, 0.0), colors.skin.line, 0.6, clip)


def draw_skin(easel: Easel, colors: Colors, outline: np.ndarray) -> tuple[Layer, Mask]:
    """Draws the head; returns its layer, whose points are as they are seen, and its mask."""
    layer = easel.custom(lambda points: np.asarray(points, float))
    layer.shape(outline, colors.skin, 0.85)
    clip = layer.mask(outline)
    layer.shade(outline, mix(colors.skin.shadow, colors.blush, 0.3), clip, (-0.8, 0.55), 0.5)
    if easel.look.shading in ("hard", "hatch", "flat"):
        # The cheek on the dark side; the light comes from the upper left.
        far = outline[outline[:, 1] > 0.02]
        edge = far[far[:, 0] > 0.0]
        inner = edge - (0.03, 0.012)
        layer.shadow(np.concatenate([edge + (0.02, 0.0), inner[::-1]]), colors.skin, clip, 0.55)
    return layer, clip


def draw_cheeks(easel: Easel, face: Portrait, size: Proportions, colors: Colors, clip: Mask) -> None:
    """Draws blush, freckles, and the marks of puffed cheeks."""
    layer = easel.dome(view.CHEEKS)
    y = size.eye_y + size.eye_height + 0.022
    look = easel.look
    if face.has("blush"):
        for side in (-1, 1):
            x = side * 0.162
            if look.shading in ("flat", "hatch"):
                layer.blend(ellipse((x, y), (0.052, 0.027)), colors.blush, 0.42, clip)
            else:
                layer.glow((x, y), (0.085, 0.05), colors.blush, 0.72, clip)
            if look.shading != "flat":
                for step in (-1, 0, 1):
                    place = x + step * 0.027
                    line = [(place + 0.009, y - 0.015), (place - 0.009, y + 0.014)]
                    layer.stroke(
                        line, (0.002, 0.008, 0.002), mix(colors.blush, (190, 20, 50), 0.4), 0.65, clip
                    )
    if face.has("freckles"):
        for side in (-1, 1):
            for dx, dy in ((0.0, 0.0), (0.034, -0.012), (-0.03, -0.006), (0.014, 0.018), (-0.02, 0.016)):
                spot = ellipse((side * (0.128 + dx), y - 0.004 + dy), (0.0075, 0.0065), 8)
                layer.blend(spot, mix(colors.skin.line, colors.skin.shadow, 0.25), 0.85, clip)
    if face.expression == "pout":
        for side in (-1, 1):
            cheek = [(side * 0.10, y + 0.032), (side * 0.135, y + 0.05), (side * 0.165, y + 0.034)]
            layer.stroke(cheek, (0.0, 0.008, 0.0), colors.skin.line, 0.75, clip)


def draw_nose(easel: Easel, face: Portrait, size: Proportions, colors: Colors) -> None:
    """Draws a small nose: a shadow and a short line; larger for grown-ups."""
    layer, scale = easel.dome(view.NOSE), size.nose
    y, lean = size.nose_y, 0.006 + 0.012 * easel.view.sine
    skin = colors.skin
    if scale > 1.25:
        bridge = [(lean + 0.004, y - 0.055 * scale), (lean + 0.012, y - 0.02), (lean + 0.012, y - 0.006)]
        layer.stroke(bridge, (0.0, 0.006, 0.008), skin.shadow, 0.9)
        side = smooth([(lean, y - 0.04), (0.022 * scale + lean, y - 0.003), (lean, y + 0.003)], steps=4)
        layer.blend(side, skin.shadow, 0.8)
        tip = [(-0.016 + lean, y - 0.002), (0.0 + lean, y + 0.006), (0.016 + lean, y - 0.004)]
        layer.stroke(tip, (0.0, 0.0075, 0.0), skin.line, 0.85)
        return
    wedge = smooth([(lean - 0.003, y - 0.026), (0.014 + lean, y - 0.003), (lean, y + 0.004)], steps=4)
    layer.blend(wedge, skin.shadow, 0.95)
    tip = [(0.011 * scale + lean, y - 0.006), (-0.005 * scale + lean, y + 0.004)]
    layer.stroke(tip, (0.0, 0.009, 0.0), skin.line, 0.85)
    if easel.look.shading != "hatch":
        layer.blend(
            ellipse((lean - 0.009, y - 0.017), (0.005, 0.0065), 8),
            mix(skin.base, WHITE, 0.75),
            0.7 * easel.look.shine,
        )


def draw_wrinkles(easel: Easel, face: Portrait, size: Proportions, colors: Colors, clip: Mask) -> None:
    """Draws the folds of an old face."""
    if face.age != "old":
        return
    line = mix(colors.skin.line, colors.skin.shadow, 0.2)
    layer = easel.dome(view.CHEEKS)
    for side in (-1, 1):
        fold = mirrored(
            [(0.05, size.nose_y - 0.006), (0.085, size.nose_y + 0.028), (0.096, size.mouth_y + 0.01)], side
        )
        layer.stroke(fold, (0.0, 0.0085, 0.0), line, 0.9, clip)
        low = size.eye_y + size.eye_height
        bag = mirrored([(0.08, low + 0.014), (0.13, low + 0.03), (0.18, low + 0.016)], side)
        layer.stroke(bag, (0.0, 0.0075, 0.0), line, 0.8, clip)
        for step in (0, 1):
            foot = mirrored(
                [(0.206, size.eye_y + 0.01 + 0.018 * step), (0.228, size.eye_y + 0.014 + 0.034 * step)], side
            )
            layer.stroke(foot, (0.004, 0.006, 0.0), line, 0.75, clip)
        hollow = mirrored([(0.2, 0.12), (0.172, 0.165), (0.168, 0.2), (0.212, 0.17)], side)
        layer.shadow(smooth(hollow, closed=True), colors.skin, clip, 0.5)
    for step in (0, 1):
        y = size.brow_y - 0.035 - 0.03 * step
        brow = [(-0.085, y + 0.006), (-0.03, y), (0.03, y + 0.002), (0.085, y + 0.007)]
        layer.stroke(brow, (0.0, 0.0065, 0.006, 0.0), line, 0.6, clip)


def draw_beard(
    easel: Easel, face: Portrait, size: Proportions, colors: Colors, outline: np.ndarray, clip: Mask
) -> None:
    """Draws a full beard with a mustache, if the face has one."""
    if not face.has("beard"):
        return
    layer, hair = easel.dome(view.MOUTH), colors.hair
    y, chin, scale = size.mouth_y, 0.306 + size.chin, size.mouth
    # The upper edge runs from the ear down the cheek and below the mouth.
    high = [
        (0.262 * size.cheek, 0.05),
        (0.222 * size.jaw, 0.13),
        (0.145, y - 0.002),
        (0.088 * scale, y + 0.012),
        (0.05, y + 0.046),
        (0.0, y + 0.052),
    ]
    low = [
        (0.262 * size.cheek, 0.12),
        (0.218 * size.jaw, 0.215),
        (0.13, chin - 0.006),
        (0.05, chin + 0.036),
        (0.0, chin + 0.05),
    ]
    right = np.concatenate([smooth(high[::-1]), smooth(low)])
    outline = np.concatenate([right, mirrored(right)[::-1]])
    layer.shape(outline, hair, 0.9)
    inside = layer.mask(outline)
    layer.shadow(outline + (0.02, 0.07), hair, inside, 0.8)
    for x in (-0.15, -0.09, -0.03, 0.03, 0.09, 0.15):
        strand = [
            (x, chin - 0.05 - 0.6 * abs(x)),
            (x * 0.9, chin - 0.015 - 0.35 * abs(x)),
            (x * 0.75, chin + 0.02 - 0.25 * abs(x)),
        ]
        layer.stroke(strand, (0.0, 0.007, 0.0), hair.line, 0.6, inside)
    for side in (-1, 1):
        path = [
            (0.0, y - 0.03),
            (0.034 * scale, y - 0.034),
            (0.07 * scale, y - 0.016),
            (0.098 * scale, y + 0.016),
        ]
        layer.shape(tress(mirrored(path, side), (0.012, 0.024, 0.022, 0.0)), hair, 0.7)
