"""Finding faces with OpenCV's cascade of local binary patterns.

The cascade was trained on gray pictures of light faces. It is shown each picture in several mixtures of red,
green and blue, so that skin is light in one of them whatever its color and that of the hair: skin is always
bright in red; where light hair surrounds dark skin, only differences of channels tell them apart. A window in
which it sees a face is a hit, and so is its neighbor: how many hits overlap in all mixtures says how sure a
face is. Where the cheeks have no color of skin they count half. A face with few hits is looked at again,
enlarged, tilted and with finer steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from anime_gan.prepare.boxes import Box, overlaps
from anime_gan.prepare.crops import crop_box, cut

# (Weights of red, green, blue; what is added): what the cascade is shown.
MIXTURES = (
    ((1.0, 0.0, 0.0), 0.0),
    ((0.3, 0.6, 0.1), 0.0),
    ((0.8, 0.4, -0.8), 77.0),
    ((0.0, 1.0, -1.0), 128.0),
)
# Pixels along the longer side in which a picture is searched; again in twice the size if there is no face.
LOOK = 480
# The cascade's window, in pixels: what it sees of smaller faces is no face.
WINDOW = 24
# From one size of the window to the next: coarse in the whole picture, fine around a possible face.
STEP, FINE_STEP = 1.2, 1.1
# Blurred a little the cascade sees twice as many faces: lines become shades. In pixels.
BLUR = 0.7
# Where upright heads are nowhere, in degrees.
ANGLES = (-40, -20, 20, 40)
# The score that makes a face.
ENOUGH = 2.0
# What was found at an angle only must be surer.
ENOUGH_TILTED = 8.0
# The side of a face in the second look, the tilts it is looked at, what a hit counts there.
_SECOND_SIDE, _TILTS, _SECOND_WEIGHT = 36, (0, -15, 15), 0.2
# Where a face shows skin, in its own units, and how much of that must have a color between pink and yellow.
_SKIN_PLACE, _SKIN_SHARE = (0.25, 0.5, 0.75, 0.85), 0.5
# More than so many possible faces are noise.
_MAX_POSSIBLE = 24
# Hits that overlap so much mean one face; faces never overlap so much (of the smaller one).
_SAME_FACE, _MAX_SHARED = 0.4, 0.3
# What is so near to the middle of a face, in faces, and so much less sure is its hair or its collar.
_HEAD, _MUCH_LESS = 0.8, 0.25


class Detection(NamedTuple):
    """A face.

    Attributes:
        box: From the forehead to the chin, in pixels of the picture.
        angle: How far the head leans, in degrees counter-clockwise, if it was found that way only.
        score: How sure it is, in hits; `ENOUGH` and up.
    """

    box: Box
    angle: float
    score: float


class Detector(Protocol):
    """What finds faces. It must survive pickling: other processes detect."""

    def detect(self, picture: np.ndarray) -> list[Detection]:
        """Finds the faces in a picture, uint8 [height, width, 3], RGB; the surest first."""
        ...


class CascadeDetector:
    """The cascade in a file."""

    def __init__(self, file: Path) -> None:
        """Reads the file.

        Raises:
            ValueError: It is no cascade.
        """
        self._file = file
        try:
            self._cascade = cv2.CascadeClassifier(str(file))
        except (cv2.error, SystemError) as error:
            raise ValueError(f"{file}: not a cascade that OpenCV can read") from error
        if self._cascade.empty():
            raise ValueError(f"{file}: not a cascade that OpenCV can read")

    def __reduce__(self) -> tuple[type[CascadeDetector], tuple[Path]]:
        return CascadeDetector, (self._file,)

    def detect(self, picture: np.ndarray) -> list[Detection]:
        """Finds the faces in a picture, uint8 [height, width, 3], RGB; the surest first."""
        small, scale = _reduced(picture, LOOK)
        found = self._search(picture, small, scale)
        if not found and max(picture.shape) > LOOK:
            larger, larger_scale = _reduced(picture, 2 * LOOK)
            found = self._search(picture, larger, larger_scale)
        for angle in ANGLES:
            if found:
                break
            found = self._search_tilted(picture, small, scale, angle)
        return found

    def _search(self, picture: np.ndarray, small: np.ndarray, scale: float) -> list[Detection]:
        """Looks for upright faces in a reduced picture, and again at those that are not sure."""
        hits = np.concatenate([self._hits(small, mixture, STEP) for mixture in MIXTURES]) / scale
        possible = merge_hits(hits)
        judged = []
        for box, count in possible[:_MAX_POSSIBLE]:
            weight = 1.0 if shows_skin(picture, box) else 0.5
            score = weight * count
            if weight * count < ENOUGH:
                again = [self._second_look(picture, box, tilt) for tilt in _TILTS]
                score += weight * _SECOND_WEIGHT * sum(again)
            if score >= ENOUGH:
                judged.append(Detection(box, 0.0, score))
        return without_shared(judged)

    def _search_tilted(
        self, picture: np.ndarray, small: np.ndarray, scale: float, angle: float
    ) -> list[Detection]:
        """Looks for faces that lean, by turning the picture back."""
        height, width = small.shape[:2]
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), -angle, 1.0)
        cosine, sine = abs(turn[0, 0]), abs(turn[0, 1])
        size = (round(height * sine + width * cosine), round(height * cosine + width * sine))
        turn[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
        upright = cv2.warpAffine(small, turn, size, borderMode=cv2.BORDER_REFLECT)
        hits = np.concatenate([self._hits(upright, mixture, STEP) for mixture in MIXTURES[:3]])
        back = cv2.invertAffineTransform(turn)
        found = []
        for box, count in merge_hits(hits):
            x, y = back[:, :2] @ box.center + back[:, 2]
            side = box.width / scale
            # What is mirrored at the edge is no face.
            if 0 <= x < width and 0 <= y < height and count >= ENOUGH_TILTED:
                square = Box(float(x / scale - side / 2), float(y / scale - side / 2), side, side)
                found.append(Detection(square, float(angle), count))
        return without_shared(found)

    def _second_look(self, picture: np.ndarray, box: Box, tilt: float) -> int:
        """Hits on a face and its surroundings, brought to one size and tilted."""
        side = 2 * _SECOND_SIDE
        patch = cut(picture, crop_box(box, 2.0, 0.0), side, tilt).image
        middle = [Box(side / 4, side / 4, side / 2, side / 2)]
        soft = _blurred(patch)
        hits = [self._hits(soft, mixture, FINE_STEP, 1.5 * _SECOND_SIDE) for mixture in MIXTURES]
        return sum(int(np.sum(overlaps(middle, found) >= _SAME_FACE)) for found in hits)

    def _hits(
        self,
        picture: np.ndarray,
        mixture: tuple[tuple[float, float, float], float],
        step: float,
        largest: float = 0,
    ) -> np.ndarray:
        """Windows in which the cascade sees a face, as boxes: float64 [n, 4]."""
        weights, offset = mixture
        gray = cv2.transform(picture, np.array([[*weights, offset]], np.float32))
        limit = (round(largest), round(largest))
        # No merging here: it is done for all mixtures together.
        found = self._cascade.detectMultiScale(gray, step, 0, 0, (WINDOW, WINDOW), limit)
        return np.asarray(found, np.float64).reshape(-1, 4)


def shows_skin(picture: np.ndarray, face: Box) -> bool:
    """Whether most of the cheeks have a hue between pink and yellow, neither gray nor glaring."""
    left, top, right, bottom = _SKIN_PLACE
    rows = slice(max(0, round(face.top + top * face.height)), max(0, round(face.top + bottom * face.height)))
    columns = slice(
        max(0, round(face.left + left * face.width)), max(0, round(face.left + right * face.width))
    )
    cheeks = picture[rows, columns]
    if not cheeks.size:
        return False
    hue, saturation, value = np.moveaxis(cv2.cvtColor(np.ascontiguousarray(cheeks), cv2.COLOR_RGB2HSV), -1, 0)
    # OpenCV's hue is in steps of two degrees.
    warm = (hue <= 25) | (hue >= 170)
    return bool(np.mean(warm & (saturation > 10) & (saturation < 205) & (value > 50)) >= _SKIN_SHARE)


def merge_hits(hits: np.ndarray) -> list[tuple[Box, float]]:
    """Groups boxes that overlap: [n, 4] -> their mean and their number, the most numerous first."""
    groups: list[tuple[Box, float]] = []
    near = overlaps(hits, hits) >= _SAME_FACE
    left = np.ones(len(hits), bool)
    while np.any(left):
        # Around the box with the most neighbors, of several the first: the same hits, the same groups.
        seed = int(np.argmax(np.sum(near & left, axis=1) * left))
        members = near[seed] & left
        groups.append((Box(*np.mean(hits[members], axis=0).tolist()), float(np.sum(members))))
        left &= ~members
    return sorted(groups, key=lambda group: -group[1])


def without_shared(found: Sequence[Detection]) -> list[Detection]:
    """Leaves out what overlaps a surer face, or is part of its head; the surest first."""
    kept: list[Detection] = []
    for detection in sorted(found, key=lambda detection: -detection.score):
        if not any(
            _shared(detection.box, other.box) >= _MAX_SHARED or _is_part_of(detection, other)
            for other in kept
        ):
            kept.append(detection)
    return kept


def _is_part_of(detection: Detection, face: Detection) -> bool:
    reach = _HEAD * face.box.width + 0.5 * detection.box.width
    near = math.dist(detection.box.center, face.box.center) < reach
    return near and detection.score < _MUCH_LESS * face.score


def _shared(first: Box, second: Box) -> float:
    """The share of the smaller box that lies in the other one."""
    width = min(first.left + first.width, second.left + second.width) - max(first.left, second.left)
    height = min(first.top + first.height, second.top + second.height) - max(first.top, second.top)
    smaller = min(first.width * first.height, second.width * second.height)
    return max(0.0, width) * max(0.0, height) / smaller


def _reduced(picture: np.ndarray, longest: int) -> tuple[np.ndarray, float]:
    """A picture with so many pixels along its longer side at most, blurred a little, and its scale."""
    scale = min(1.0, longest / max(picture.shape[:2]))
    if scale < 1:
        size = (math.ceil(picture.shape[1] * scale), math.ceil(picture.shape[0] * scale))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return _blurred(picture), scale


def _blurred(picture: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), BLUR)
