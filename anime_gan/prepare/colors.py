"""Measures hair and eye colors at fixed places relative to a detected face.

The most frequent color of a region is compared with examples of each named color; nothing is learned. The
confidence is high if the color covers most of the region and is much closer to one name than to the others.
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

# sRGB values of lit hair, from dark to light. The names are those in `vocabulary.json`.
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
# sRGB values of the lit part of an iris.
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
# Regions as (left, top, right, bottom), in units of the face: the forehead is at 0, the chin at 1.
_FRINGE = ((0.08, -0.2, 0.92, 0.18),)
_CHEEKS = ((0.3, 0.62, 0.7, 0.76),)
_CORNERS = ((-0.3, -0.35, -0.1, -0.15), (1.1, -0.35, 1.3, -0.15))
_LEFT_EYE, _RIGHT_EYE = (0.14, 0.36, 0.45, 0.66), (0.55, 0.36, 0.86, 0.66)
# The measured patch: side in pixels, side relative to the face, and upward shift relative to its side.
_SIDE, _MARGIN, _LIFT = 96, 1.6, 0.06
# Distances in CIE Lab: minimum from the skin, maximum within one color, and minimum from the background.
_OTHER, _SAME, _BACKDROP = 13.0, 16.0, 6.0
# People disagree on which lightness is white, silver, or grey, so no name is certain in this range of L.
_NEUTRALS, _UNCLEAR = ("white", "silver", "grey"), (56.0, 95.0)
# Shading changes lightness more than hue.
_LIGHTNESS_WEIGHT = 0.6


class Measured(NamedTuple):
    """A measured color.

    Attributes:
        name: Name of the nearest example.
        confidence: Rough probability that the name is correct, 0 to 1.
    """

    name: str
    confidence: float


def measure_colors(picture: np.ndarray, face: Box, angle: float = 0.0) -> dict[str, Measured]:
    """Measures `hair_color` and `eye_color` if they are visible.

    Args:
        picture: uint8 [height, width, 3], RGB.
        face: The face from forehead to chin.
        angle: Tilt of the head in degrees, counterclockwise.
    """
    patch = cut(picture, crop_box(face, _MARGIN, _LIFT, angle), _SIDE, angle).image
    lab = rgb_to_lab(patch)
    found = {}
    skin = np.median(_pixels(lab, _CHEEKS), axis=0)
    fringe = _pixels(lab, _FRINGE)
    # If the head is small, the region also contains background.
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
    """Measures the color of both irises; None if they differ or one is hardly visible."""
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
    """Returns the pixels in the given regions of the patch, [n, 3]."""
    # Compute the position of the face in the patch.
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
    """Returns the most frequent color [3] of pixels [n, 3], and the share of pixels near it."""
    # Start at the fullest cell of a coarse grid, then move to the mean of nearby pixels twice.
    cells = np.floor(pixels / 12.0).astype(int)
    kinds, which, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    middle = pixels[which.ravel() == np.argmax(counts)].mean(axis=0)
    for _ in range(2):
        near = np.linalg.norm(pixels - middle, axis=1) < _SAME
        middle = pixels[near].mean(axis=0)
    return middle, float(np.mean(np.linalg.norm(pixels - middle, axis=1) < _SAME))


def _named(color: np.ndarray, share: float, part: str) -> Measured:
    """Returns the name of a color in CIE Lab, with its confidence."""
    weights = np.array([_LIGHTNESS_WEIGHT, 1.0, 1.0])
    distances = {
        name: float(np.linalg.norm((colors - color) * weights, axis=1).min())
        for name, colors in _examples(part).items()
    }
    (name, nearest), (_, second) = sorted(distances.items(), key=lambda item: item[1])[:2]
    # The margin is 1 at an example and 0 halfway to another name. The fit is 0 beyond a distance of 30.
    margin = (second - nearest) / (second + nearest + 1e-6)
    fit = float(np.clip(2 - nearest / 15, 0, 1))
    confidence = float(np.clip(margin * 1.25, 0, 1)) * fit * min(1.0, 0.3 + share)
    if name in _NEUTRALS and _UNCLEAR[0] < color[0] < _UNCLEAR[1]:
        confidence /= 2
    return Measured(name, confidence)


@functools.cache
def _examples(part: str) -> dict[str, np.ndarray]:
    """Returns the examples for hair or eyes as name -> CIE Lab values, [n, 3]."""
    return {name: rgb_to_lab(np.array(colors)) for name, colors in (HAIR if part == "hair" else EYES).items()}
