"""Face detection with OpenCV's cascade of local binary patterns.

The cascade was trained on gray pictures of light faces. It therefore searches several gray versions of each
picture, which mix red, green, and blue differently. For any color of skin and hair, the skin is bright in one
of them. Red makes any skin bright, and differences of channels separate dark skin from light hair.

A hit is a window that the cascade accepts. The score of a face is the number of overlapping hits in all
mixtures. Hits count half if the cheeks do not have the color of skin. A face with a low score is searched
again at a larger size, at several tilts, and in finer steps.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from anime_gan.prepare.boxes import Box, overlaps
from anime_gan.prepare.crops import crop_box, cut

# Weights of red, green, and blue, and the offset, of each gray version.
MIXTURES = (
    ((1.0, 0.0, 0.0), 0.0),
    ((0.3, 0.6, 0.1), 0.0),
    ((0.8, 0.4, -0.8), 77.0),
    ((0.0, 1.0, -1.0), 128.0),
)
# Maximum length of the longer side during the search, in pixels; doubled if no face is found.
LOOK = 480
# Side of the cascade's window and of the smallest face, in pixels.
WINDOW = 24
# Ratio of successive window sizes: coarse for the whole picture, fine around a possible face.
STEP, FINE_STEP = 1.2, 1.1
# Sigma of the blur, in pixels. The blur turns lines into shades and doubles the number of detected faces.
BLUR = 0.7
# Angles in degrees. They are searched if no upright face is found.
ANGLES = (-40, -20, 20, 40)
# Minimum score of a face.
ENOUGH = 2.0
# Minimum score of a tilted face.
ENOUGH_TILTED = 8.0
# The second search for a face: the face's side in pixels, the tilts in degrees, and the weight of a hit.
_SECOND_SIDE, _TILTS, _SECOND_WEIGHT = 36, (0, -15, 15), 0.2
# Region of the cheeks in units of the face, and the minimum share of it that must have the color of skin.
_SKIN_PLACE, _SKIN_SHARE = (0.25, 0.5, 0.75, 0.85), 0.5
# Maximum number of possible faces; the others are noise.
_MAX_POSSIBLE = 24
# Minimum overlap of hits on the same face, and maximum overlap of two faces relative to the smaller one.
_SAME_FACE, _MAX_SHARED = 0.4, 0.3
# A detection is hair or a collar if it is this near to a face and has less than this share of its score. The
# distance is in units of the face.
_HEAD, _MUCH_LESS = 0.8, 0.25
# Two detections may be halves of one face if their sizes are this alike, and their centers at most this far
# apart and uneven, in units of their side. They are if a second look at the face, and at a wider one, has
# this many hits: of the drawn faces, halves have at least 28, and two faces cheek to cheek at most 19.
_ALIKE, _APART, _UNEVEN = 0.7, 1.4, 0.35
_WIDER, _JOINED = 1.3, 24


class Detection(NamedTuple):
    """A detected face.

    Attributes:
        box: The face from forehead to chin, in pixels of the picture.
        angle: Tilt of the head in degrees, counterclockwise; 0 if the face was found in the upright picture.
        score: Weighted number of hits, at least `ENOUGH`.
    """

    box: Box
    angle: float
    score: float


class CascadeDetector:
    """Finds faces with a cascade from a file. It can be pickled for worker processes."""

    def __init__(self, file: Path) -> None:
        """Reads the cascade.

        Raises:
            ValueError: The file is not a cascade.
        """
        self._file = file
        try:
            self._cascade = cv2.CascadeClassifier(str(file))
        except (cv2.error, SystemError) as error:
            raise ValueError(
                f"{file}: not a cascade that OpenCV can read; use another --cascade or omit it"
            ) from error
        if self._cascade.empty():
            raise ValueError(f"{file}: not a cascade that OpenCV can read; use another --cascade or omit it")

    def __reduce__(self) -> tuple[type[CascadeDetector], tuple[Path]]:
        return CascadeDetector, (self._file,)

    def detect(self, picture: np.ndarray) -> list[Detection]:
        """Finds the faces in a picture, uint8 [height, width, 3], RGB; highest score first."""
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
        """Finds upright faces in a reduced picture; searches again around faces with a low score."""
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
        return self._with_joined_halves(picture, without_shared(judged))

    def _with_joined_halves(self, picture: np.ndarray, found: list[Detection]) -> list[Detection]:
        """Replaces two detections around the eyes of a large face by this face if a second look finds it."""
        for first, second in itertools.combinations(found, 2):
            face = joined(first.box, second.box)
            if face is None:
                continue
            larger = crop_box(face, _WIDER, 0.0)
            hits = self._second_look(picture, face, 0) + self._second_look(picture, larger, 0)
            if hits >= _JOINED:
                rest = [other for other in found if other is not first and other is not second]
                score = max(first.score, second.score)
                return self._with_joined_halves(picture, without_shared([*rest, Detection(face, 0.0, score)]))
        return found

    def _search_tilted(
        self, picture: np.ndarray, small: np.ndarray, scale: float, angle: float
    ) -> list[Detection]:
        """Finds tilted faces by rotating the picture."""
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
            # Faces in the mirrored border are ignored.
            if 0 <= x < width and 0 <= y < height and count >= ENOUGH_TILTED:
                square = Box(float(x / scale - side / 2), float(y / scale - side / 2), side, side)
                found.append(Detection(square, float(angle), count))
        return without_shared(found)

    def _second_look(self, picture: np.ndarray, box: Box, tilt: float) -> int:
        """Counts the hits on a face in a rotated crop of fixed size."""
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
        """Returns the windows that the cascade accepts, as boxes, float64 [n, 4]."""
        weights, offset = mixture
        gray = cv2.transform(picture, np.array([[*weights, offset]], np.float32))
        limit = (round(largest), round(largest))
        # Overlapping windows are merged later, for all mixtures together.
        found = self._cascade.detectMultiScale(gray, step, 0, 0, (WINDOW, WINDOW), limit)
        return np.asarray(found, np.float64).reshape(-1, 4)


def shows_skin(picture: np.ndarray, face: Box) -> bool:
    """Whether most of the cheeks have a hue between pink and yellow and a moderate saturation."""
    left, top, right, bottom = _SKIN_PLACE
    rows = slice(max(0, round(face.top + top * face.height)), max(0, round(face.top + bottom * face.height)))
    columns = slice(
        max(0, round(face.left + left * face.width)), max(0, round(face.left + right * face.width))
    )
    cheeks = picture[rows, columns]
    if not cheeks.size:
        return False
    hue, saturation, value = np.moveaxis(cv2.cvtColor(np.ascontiguousarray(cheeks), cv2.COLOR_RGB2HSV), -1, 0)
    # OpenCV measures hue in steps of two degrees.
    warm = (hue <= 25) | (hue >= 170)
    return bool(np.mean(warm & (saturation > 10) & (saturation < 205) & (value > 50)) >= _SKIN_SHARE)


def merge_hits(hits: np.ndarray) -> list[tuple[Box, float]]:
    """Groups overlapping boxes [n, 4]; returns the mean and the size of each group, largest first."""
    groups: list[tuple[Box, float]] = []
    near = overlaps(hits, hits) >= _SAME_FACE
    left = np.ones(len(hits), bool)
    while np.any(left):
        # Start at the box with the most neighbors. In a tie, the first box wins.
        seed = int(np.argmax(np.sum(near & left, axis=1) * left))
        members = near[seed] & left
        groups.append((Box(*np.mean(hits[members], axis=0).tolist()), float(np.sum(members))))
        left &= ~members
    return sorted(groups, key=lambda group: -group[1])


def joined(first: Box, second: Box) -> Box | None:
    """Returns the face whose halves two boxes of equal size side by side may be; None if they cannot be."""
    side = (first.width + second.width) / 2
    across, down = (abs(a - b) / side for a, b in zip(first.center, second.center, strict=True))
    alike = min(first.width, second.width) >= _ALIKE * max(first.width, second.width)
    if not (alike and across <= _APART and down <= _UNEVEN):
        return None
    x, y = ((a + b) / 2 for a, b in zip(first.center, second.center, strict=True))
    whole = side * (1 + across)
    return Box(x - whole / 2, y - whole / 2, whole, whole)


def without_shared(found: Sequence[Detection]) -> list[Detection]:
    """Drops detections that overlap a face of higher score or belong to its head; highest score first."""
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
    """Returns the share of the smaller box that the other box covers."""
    width = min(first.left + first.width, second.left + second.width) - max(first.left, second.left)
    height = min(first.top + first.height, second.top + second.height) - max(first.top, second.top)
    smaller = min(first.width * first.height, second.width * second.height)
    return max(0.0, width) * max(0.0, height) / smaller


def _reduced(picture: np.ndarray, longest: int) -> tuple[np.ndarray, float]:
    """Limits the longer side of a picture and blurs the picture; returns it and its scale."""
    scale = min(1.0, longest / max(picture.shape[:2]))
    if scale < 1:
        size = (math.ceil(picture.shape[1] * scale), math.ceil(picture.shape[0] * scale))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return _blurred(picture), scale


def _blurred(picture: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), BLUR)
