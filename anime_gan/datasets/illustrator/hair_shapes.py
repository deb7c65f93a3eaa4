"""The outlines of hair: fringes, side locks, back hair, and edges of tufts and curls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from anime_gan.datasets.drawn.canvas import Points, mirrored, smooth
from anime_gan.datasets.drawn.hair import FRINGES as PLAIN_FRINGES
from anime_gan.datasets.illustrator.parameters import Portrait

# Fringe -> (tip x, tip y, notch x, notch y) of each lock from left to right, as in `drawn.hair`.
FRINGES: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    **PLAIN_FRINGES,
    "airy": (
        (-0.240, 0.08, -0.214, -0.05), (-0.180, -0.01, -0.150, -0.13), (-0.118, 0.012, -0.082, -0.15),
        (-0.050, -0.012, -0.020, -0.16), (0.016, 0.006, 0.052, -0.155), (0.082, -0.016, 0.118, -0.14),
        (0.150, 0.008, 0.186, -0.09), (0.206, 0.0, 0.216, -0.03), (0.242, 0.08, 0, 0),
    ),
    "straight": (
        (-0.232, -0.012, -0.21, -0.03), (-0.17, -0.022, -0.142, -0.05), (-0.098, -0.026, -0.072, -0.056),
        (-0.026, -0.028, 0.0, -0.06), (0.046, -0.028, 0.072, -0.056), (0.118, -0.026, 0.146, -0.05),
        (0.186, -0.022, 0.212, -0.03), (0.236, -0.012, 0, 0),
    ),
}  # fmt: skip

# Style -> center line of the right side lock, and its widths.
SIDE_LOCKS: dict[str, tuple[tuple[tuple[float, float], ...], tuple[float, ...]]] = {
    "short": (((0.255, -0.16), (0.29, -0.03), (0.285, 0.05), (0.258, 0.115)), (0.03, 0.07, 0.05, 0.0)),
    "medium": (
        ((0.255, -0.16), (0.298, 0.0), (0.3, 0.14), (0.285, 0.27), (0.325, 0.385)),
        (0.04, 0.085, 0.1, 0.085, 0.0),
    ),
    "long": (
        ((0.255, -0.16), (0.295, 0.0), (0.29, 0.15), (0.272, 0.34), (0.3, 0.58)),
        (0.03, 0.075, 0.085, 0.08, 0.0),
    ),
    "bob": (
        ((0.255, -0.16), (0.305, 0.0), (0.312, 0.13), (0.285, 0.24), (0.215, 0.305)),
        (0.04, 0.085, 0.115, 0.1, 0.0),
    ),
    "hime": (((0.26, -0.16), (0.292, 0.0), (0.288, 0.1), (0.27, 0.23)), (0.04, 0.085, 0.088, 0.084)),
    "wolf": (((0.255, -0.16), (0.3, -0.02), (0.305, 0.1), (0.27, 0.2)), (0.03, 0.085, 0.08, 0.0)),
    "curly": (((0.255, -0.16), (0.3, 0.0), (0.31, 0.1), (0.295, 0.2)), (0.05, 0.08, 0.08, 0.03)),
    "twin_tails": (((0.255, -0.16), (0.288, -0.01), (0.28, 0.12), (0.25, 0.25)), (0.03, 0.06, 0.045, 0.0)),
    "ponytail": (((0.255, -0.16), (0.288, -0.01), (0.28, 0.1), (0.255, 0.2)), (0.03, 0.052, 0.04, 0.0)),
    "drill": (((0.255, -0.16), (0.288, -0.01), (0.282, 0.1), (0.262, 0.19)), (0.03, 0.062, 0.05, 0.0)),
    "buns": (((0.255, -0.16), (0.288, -0.01), (0.282, 0.13), (0.262, 0.26)), (0.03, 0.052, 0.042, 0.0)),
    "braids": (((0.255, -0.16), (0.288, -0.01), (0.282, 0.08), (0.262, 0.16)), (0.03, 0.055, 0.042, 0.0)),
}  # fmt: skip

# Style -> right side of the back hair from the crown down, the height of its lower edge in the middle, and
# the number of tips of this edge and their length.
BACK_HAIR: dict[str, tuple[tuple[tuple[float, float], ...], float, int, float]] = {
    "short": (((0.3, -0.1), (0.318, 0.04), (0.285, 0.15), (0.2, 0.2)), 0.2, 4, 0.05),
    "medium": (((0.32, -0.1), (0.355, 0.06), (0.362, 0.22), (0.375, 0.36)), 0.34, 7, 0.06),
    "long": (((0.32, -0.1), (0.352, 0.06), (0.37, 0.24), (0.4, 0.44), (0.41, 0.62)), 0.62, 8, 0.07),
    "bob": (((0.32, -0.1), (0.358, 0.06), (0.365, 0.19), (0.33, 0.295), (0.24, 0.322)), 0.31, 6, 0.012),
    "hime": (((0.32, -0.1), (0.348, 0.06), (0.36, 0.24), (0.37, 0.44), (0.37, 0.64)), 0.64, 10, 0.008),
    "wolf": (((0.31, -0.1), (0.34, 0.06), (0.31, 0.2), (0.26, 0.36)), 0.4, 6, 0.08),
    "curly": (((0.32, -0.1), (0.37, 0.06), (0.39, 0.2), (0.37, 0.34)), 0.36, 7, 0.05),
    "twin_tails": (((0.3, -0.1), (0.31, 0.04), (0.27, 0.14), (0.16, 0.2)), 0.2, 3, 0.03),
    "ponytail": (((0.3, -0.1), (0.31, 0.04), (0.27, 0.14), (0.16, 0.2)), 0.2, 3, 0.03),
    "drill": (((0.3, -0.1), (0.315, 0.04), (0.28, 0.14), (0.18, 0.22)), 0.22, 3, 0.03),
    "buns": (((0.3, -0.1), (0.31, 0.04), (0.27, 0.14), (0.16, 0.2)), 0.2, 3, 0.03),
    "braids": (((0.3, -0.1), (0.315, 0.04), (0.285, 0.16), (0.2, 0.24)), 0.24, 3, 0.02),
}  # fmt: skip

# Angles of the beginning and the tip of each tuft of short hair on the right, clockwise from the top.
_TUFTS = ((9, 34), (33, 60), (57, 84), (80, 106), (101, 124))
_CAP = ((0.0, -0.392), (0.14, -0.368), (0.255, -0.285), (0.313, -0.16), (0.322, -0.04))


class Fringe(NamedTuple):
    """The lower edge of the fringe from right to left, the notches between its locks, and the tips."""

    edge: np.ndarray
    notches: np.ndarray
    tips: np.ndarray


def fringe_name(face: Portrait) -> str:
    """Returns the fringe that suits the hair style."""
    if face.hair_style == "hime":
        return "straight"
    if face.hair_style == "curly" and face.fringe in ("blunt", "airy"):
        return "choppy"
    return face.fringe


def shape_fringe(face: Portrait) -> Fringe:
    """Returns the shape of the fringe, for the hair and for its shadow."""
    name, wobble = fringe_name(face), np.asarray(face.wobble)
    if name == "back":
        half = [(0.292, 0.0), (0.256, -0.07), (0.222, -0.145), (0.14, -0.182), (0.05, -0.198)]
        right = smooth(half)
        dip = np.asarray([(0.012, -0.175)])
        edge = np.concatenate([right, dip, mirrored(right)[::-1]])
        notches = np.asarray([(-0.19, -0.165), (-0.1, -0.19), (0.012, -0.178), (0.1, -0.19), (0.19, -0.165)])
        return Fringe(edge, notches, notches)
    locks = np.asarray(FRINGES[name])
    tips, notches = locks[:, :2].copy(), locks[:-1, 2:].copy()
    calm = 0.25 if name == "straight" else 1.0
    tips += np.stack([wobble[: len(tips)] * 0.008, wobble[8 : 8 + len(tips)] * 0.012], 1) * calm
    if face.part_side < 0:
        tips, notches = mirrored(tips)[::-1], mirrored(notches)[::-1]
    start, end = np.asarray([[-0.292, 0.0]]), np.asarray([[0.292, 0.0]])
    edges = np.concatenate([start, notches, end])
    t = (np.arange(1, 6) / 5)[:, None]
    pieces = []
    for left, tip, right_ in zip(edges[:-1], tips, edges[1:], strict=True):
        for first, last, near in ((left, tip, left), (tip, right_, right_)):
            # The locks are full at their roots and bend toward the tips.
            bend = near * (0.84, 0.34) + tip * (0.16, 0.66)
            pieces.append(first * (1 - t) ** 2 + 2 * t * (1 - t) * bend + last * t**2)
    return Fringe(np.concatenate([start, *pieces])[::-1], notches, tips)


def shape_cap(face: Portrait) -> np.ndarray:
    """Returns the outer edge of the hair over the skull, from the left temple to the right."""
    wobble = face.wobble
    if face.hair_style in ("short", "wolf"):
        right = _tufted_half(face, wobble[:5])
        left = mirrored(_tufted_half(face, wobble[5:10]))
    else:
        right = smooth(np.asarray([*_CAP, (0.3, 0.06)]) * face.hair_volume)
        if face.hair_style == "curly":
            right = curls(right * 1.03, 6, 0.024)
        left = mirrored(right)
    return np.concatenate([left[::-1], right])


def _tufted_half(face: Portrait, wobble: Sequence[float]) -> np.ndarray:
    """Returns the right half of the edge of tufted hair, from the crown to the temple."""
    long = 1.0 if face.hair_style == "short" else 1.12
    pieces = [np.asarray([(0.0, -0.388)])]
    for (start, end), change in zip(_TUFTS, wobble, strict=True):
        angles = np.radians([start, (start + end) / 2, end + 3 * change])
        reach = np.asarray([0.328, 0.37, 0.33 + 0.062 * long + 0.014 * change]) * face.hair_volume
        points = np.stack([np.sin(angles), -np.cos(angles)], 1) * reach[:, None]
        pieces.append(smooth(points + (0.0, -0.06), steps=4))
    return np.concatenate([*pieces, [(0.29, 0.06)]])


def tips_of(path: Points, count: int, reach: float, wobble: Sequence[float], lean: float = 0.0) -> np.ndarray:
    """Returns an edge of pointed tips along a path, which lie to the left of its direction.

    Args:
        path: Points [n, 2] of the edge.
        count: Number of tips.
        reach: Length of the tips.
        wobble: Random numbers that vary the lengths.
        lean: How far tips lean along the path, as a share of their width.
    """
    places = _along(np.asarray(path, float), np.linspace(0, 1, 2 * count + 1))
    t = (np.arange(5) / 5)[:, None]
    pieces = []
    for number in range(count):
        first, middle, last = places[2 * number : 2 * number + 3]
        along = last - first
        normal = np.asarray((along[1], -along[0])) / (np.hypot(*along) + 1e-9)
        tip = middle + normal * reach * (1 + 0.4 * wobble[number % len(wobble)]) + along * lean
        for start, end, bend in (
            (first, tip, first * 0.75 + tip * 0.25 + normal * reach * 0.4),
            (tip, last, last * 0.75 + tip * 0.25 + normal * reach * 0.4),
        ):
            pieces.append(start * (1 - t) ** 2 + 2 * t * (1 - t) * bend + end * t**2)
    return np.concatenate([*pieces, places[-1:]])


def curls(path: Points, count: int, reach: float) -> np.ndarray:
    """Returns an edge of round curls along a path, to the left of its direction."""
    places = _along(np.asarray(path, float), np.linspace(0, 1, count + 1))
    angle = np.linspace(0, np.pi, 8)[:-1, None]
    pieces = []
    for first, last in zip(places[:-1], places[1:], strict=True):
        along = last - first
        normal = np.asarray((along[1], -along[0])) / (np.hypot(*along) + 1e-9)
        pieces.append(
            (first + last) / 2 - along / 2 * np.cos(angle) * 1.12 + normal * np.sin(angle) * reach * 1.7
        )
    return np.concatenate([*pieces, places[-1:]])


def _along(path: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Returns points at shares of the length of a path."""
    steps = np.hypot(*np.diff(path, axis=0).T)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    return np.stack([np.interp(shares * length[-1], length, path[:, axis]) for axis in (0, 1)], 1)
