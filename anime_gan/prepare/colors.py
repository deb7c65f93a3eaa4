"""Hair and eye color, measured where the detector says that hair and eyes are.

Nothing is learned: the commonest color of a region is compared with examples of every named color. How sure
the answer is follows from how much of the region has that color, and from how much nearer it is to its own
name than to the next one.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from anime_gan.common.lab import rgb_to_lab
from anime_gan.prepare.boxes import Box
from anime_gan.prepare.crops import crop_box, cut

Examples = Mapping[str, Sequence[tuple[int, int, int]]]

# sRGB of lit hair, from dark to light. Names are those of `vocabulary.json`.
HAIR: Examples = {
    "blonde": ((214, 176, 92), (238, 204, 112), (250, 220, 130), (253, 236, 172)),
    "brown": ((84, 52, 38), (108, 68, 46), (134, 84, 54), (160, 110, 74)),
    "black": ((24, 22, 28), (42, 40, 50), (58, 56, 68)),
    "blue": ((36, 56, 130), (44, 76, 176), (62, 104, 212), (96, 144, 236)),
    "pink": ((226, 104, 152), (246, 140, 184), (252, 164, 198), (253, 194, 214)),
    "purple": ((84, 48, 120), (112, 66, 164), (146, 90, 202), (180, 140, 222)),
    "green": ((40, 96, 56), (58, 136, 78), (88, 176, 92), (134, 204, 116)),
    "red": ((140, 24, 40), (176, 34, 46), (206, 46, 54), (226, 66, 62)),
    "silver": ((160, 163, 176), (176, 180, 192), (196, 200, 212)),
    "white": ((232, 232, 240), (248, 248, 252)),
    "orange": ((214, 104, 38), (238, 128, 48), (248, 150, 66)),
    "aqua": ((48, 160, 172), (70, 196, 202), (96, 214, 214), (146, 228, 228)),
    "grey": ((98, 98, 104), (118, 118, 124), (138, 138, 144)),
}
# sRGB of the lit part of an iris.
EYES: Examples = {
    "blue": ((30, 60, 150), (44, 96, 220), (70, 130, 246), (110, 164, 250)),
    "red": ((140, 20, 32), (190, 26, 38), (226, 36, 46)),
    "brown": ((92, 54, 34), (124, 74, 42), (148, 96, 58)),
    "green": ((30, 110, 48), (44, 160, 68), (80, 196, 96)),
    "purple": ((88, 40, 140), (132, 62, 204), (164, 100, 232)),
    "yellow": ((206, 164, 30), (240, 200, 40), (254, 226, 84)),
    "pink": ((214, 80, 146), (248, 110, 178), (254, 150, 204)),
    "aqua": ((28, 150, 160), (40, 196, 204), (90, 226, 232)),
    "orange": ((206, 100, 24), (246, 138, 36), (252, 164, 80)),
    "black": ((26, 24, 30), (48, 46, 54)),
    "grey": ((100, 102, 110), (140, 142, 150)),
}
# Regions in units of the face, whose forehead is at 0 and whose chin is at 1: left, top, right, bottom.
_FRINGE = ((0.08, -0.2, 0.92, 0.18),)
_CHEEKS = ((0.3, 0.62, 0.7, 0.76),)
_CORNERS = ((-0.3, -0.35, -0.1, -0.15), (1.1, -0.35, 1.3, -0.15))
_LEFT_EYE, _RIGHT_EYE = (0.14, 0.36, 0.45, 0.66), (0.55, 0.36, 0.86, 0.66)
# The patch that is looked at: pixels a side, and how much wider than the face.
_SIDE, _MARGIN, _LIFT = 96, 1.6, 0.06
# CIE Lab: what is so far from the skin is none; so near a color are its shades; so near a backdrop is that.
_OTHER, _SAME, _BACKDROP = 13.0, 16.0, 6.0
# Of white, silver and grey everybody means another lightness: in between, no name is sure.
_NEUTRALS, _UNCLEAR = ("white", "silver", "grey"), (56.0, 95.0)
# Shading changes lightness more than hue.
_LIGHTNESS_WEIGHT = 0.6


class Measured(NamedTuple):
    """A color and how sure it is.

    Attributes:
        name: That of the nearest example.
        confidence: 0 to 1; a share of right answers only roughly.
    """

    name: str
    confidence: float


def measure_colors(picture: np.ndarray, face: Box, angle: float = 0.0) -> dict[str, Measured]:
    """Measures what can be seen of `hair_color` and `eye_color`.

    Args:
        picture: uint8 [height, width, 3], RGB.
        face: From the forehead to the chin.
        angle: How far the head leans, in degrees counter-clockwise.
    """
    patch = cut(picture, crop_box(face, _MARGIN, _LIFT, angle), _SIDE, angle).image
    lab = rgb_to_lab(patch)
    found = {}
    skin = np.median(_pixels(lab, _CHEEKS), axis=0)
    fringe = _pixels(lab, _FRINGE)
    # Of a small head the region shows what is behind it.
    is_hair = np.linalg.norm(fringe - skin, axis=1) > _OTHER
    for corner in _CORNERS:
        is_hair &= np.linalg.norm(fringe - np.median(_pixels(lab, (corner,)), axis=0), axis=1) > _BACKDROP
    hair_pixels = fringe[is_hair]
    hair = None
    if len(hair_pixels) > 0.2 * len(fringe):
        hair, share = _commonest(hair_pixels)
        found["hair_color"] = _named(hair, share, "hair")
    eyes = _measure_eyes(lab, skin, hair)
    if eyes is not None:
        found["eye_color"] = eyes
    return found


def _measure_eyes(lab: np.ndarray, skin: np.ndarray, hair: np.ndarray | None) -> Measured | None:
    """The color of both irises; None if they disagree, or there is too little to see of one."""
    answers = []
    for region in (_LEFT_EYE, _RIGHT_EYE):
        pixels = _pixels(lab, (region,))
        chroma = np.hypot(pixels[:, 1], pixels[:, 2])
        iris = (np.linalg.norm(pixels - skin, axis=1) > 1.5 * _OTHER) & (chroma > 22)
        if hair is not None:
            iris &= np.linalg.norm(pixels - hair, axis=1) > _OTHER
        if np.sum(iris) < 0.03 * len(pixels):
            return None
        middle, share = _commonest(pixels[iris])
        answers.append(_named(middle, share, "eyes"))
    if answers[0].name != answers[1].name:
        return None
    return Measured(answers[0].name, min(answer.confidence for answer in answers))


def _pixels(lab: np.ndarray, regions: Sequence[tuple[float, float, float, float]]) -> np.ndarray:
    """The pixels of some regions of the patch, [n, 3]."""
    # Where the face is in the patch.
    side = _SIDE / _MARGIN
    left = (_SIDE - side) / 2
    top = left + _LIFT * _SIDE
    parts = []
    for x0, y0, x1, y1 in regions:
        rows = slice(max(0, round(top + y0 * side)), round(top + y1 * side))
        columns = slice(max(0, round(left + x0 * side)), round(left + x1 * side))
        parts.append(lab[rows, columns].reshape(-1, 3))
    return np.concatenate(parts)


def _commonest(pixels: np.ndarray) -> tuple[np.ndarray, float]:
    """The commonest color, [3], and the share of the pixels, [n, 3], that have it."""
    # The fullest cell of a coarse grid, then the mean of what is near, twice: shades pull it to their middle.
    cells = np.floor(pixels / 12.0).astype(int)
    kinds, which, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    middle = pixels[which.ravel() == np.argmax(counts)].mean(axis=0)
    for _ in range(2):
        near = np.linalg.norm(pixels - middle, axis=1) < _SAME
        middle = pixels[near].mean(axis=0)
    return middle, float(np.mean(np.linalg.norm(pixels - middle, axis=1) < _SAME))


def _named(color: np.ndarray, share: float, part: str) -> Measured:
    """The name of a color in CIE Lab."""
    weights = np.array([_LIGHTNESS_WEIGHT, 1.0, 1.0])
    distances = {
        name: float(np.linalg.norm((colors - color) * weights, axis=1).min())
        for name, colors in _examples(part).items()
    }
    (name, nearest), (_, second) = sorted(distances.items(), key=lambda item: item[1])[:2]
    # 1 for an example itself, 0 half-way to another name; beyond 30 it is like none of them.
    margin = (second - nearest) / (second + nearest + 1e-6)
    fit = float(np.clip(2 - nearest / 15, 0, 1))
    confidence = float(np.clip(margin * 1.25, 0, 1)) * fit * min(1.0, 0.3 + share)
    if name in _NEUTRALS and _UNCLEAR[0] < color[0] < _UNCLEAR[1]:
        confidence /= 2
    return Measured(name, confidence)


@functools.cache
def _examples(part: str) -> dict[str, np.ndarray]:
    """The examples of hair or eyes in CIE Lab: name -> [n, 3]."""
    return {name: rgb_to_lab(np.array(colors)) for name, colors in (HAIR if part == "hair" else EYES).items()}
