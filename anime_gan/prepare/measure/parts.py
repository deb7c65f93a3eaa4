"""Measures the accuracy of each part of the preparation on pictures with known faces."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from anime_gan.datasets.drawn.faces import DrawnFaces
from anime_gan.datasets.sutemo import faces as sutemo
from anime_gan.prepare.boxes import Box, overlaps
from anime_gan.prepare.colors import measure_colors
from anime_gan.prepare.detection import CascadeDetector, Detection
from anime_gan.prepare.measure.composed import ComposedFace, compose
from anime_gan.prepare.near_duplicates import FingerprintIndex, fingerprint, same_picture, thumbnail

# Minimum intersection over union of a detected face and a known face.
FOUND = 0.3
# Minimum confidence of a hair color. It is the default of `anime_gan.prepare`.
CONFIDENT = 0.5
# Side of the pictures that are copied, in pixels.
_COPY_SIDE = 256


class Share(NamedTuple):
    """A measured share.

    Attributes:
        right: Number of correct results.
        of: Number of trials.
    """

    right: int
    of: int

    def __str__(self) -> str:
        if not self.of:
            return "none"
        low, high = wilson(self.right, self.of)
        return f"{self.right}/{self.of} = {self.right / self.of:.3f} ({low:.3f} to {high:.3f})"


class Known(NamedTuple):
    """A picture with known faces.

    Attributes:
        name: Name of the picture, for messages.
        picture: uint8 [height, width, 3], RGB.
        faces: The faces from forehead to chin.
        hair_colors: Hair color of each face; None if unknown.
    """

    name: str
    picture: np.ndarray
    faces: list[Box]
    hair_colors: list[str | None]


def wilson(right: int, of: int) -> tuple[float, float]:
    """Returns the 95% confidence interval of a share (Wilson 1927, JASA 22, 209-212)."""
    z, share = 1.96, right / of
    middle = share + z * z / (2 * of)
    reach = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    whole = 1 + z * z / of
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)


def labeled_pictures(folder: Path) -> Iterator[Known]:
    """Yields the pictures in a folder with their boxes from `labels.csv`.

    The table has the columns `file`, `faces` (such as `[[x, y, width, height]]`), and `hair_color`. A picture
    without faces has `[]`. A picture with an empty cell is skipped, because its faces are unknown.
    """
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if not row["faces"]:
                continue
            boxes = [Box(*box) for box in json.loads(row["faces"])]
            hair = row["hair_color"].replace("gray", "grey") or None
            with Image.open(folder / row["file"]) as image:
                picture = np.array(image.convert("RGB"))
            yield Known(row["file"], picture, boxes, [hair] * len(boxes))


def composed_pictures(
    art: Path, backgrounds: Sequence[Image.Image], count: int, seed: int
) -> Iterator[tuple[Known, list[ComposedFace]]]:
    """Yields pictures composed from layered art, with the details of their faces."""
    sprites = sutemo.find_sprites(art)
    for index in range(count):
        picture, faces = compose(sprites, backgrounds, seed, index)
        boxes, hair = [face.box for face in faces], [face.hair_color for face in faces]
        yield Known(f"composed {index}", np.array(picture), boxes, list(hair)), faces


class Found(NamedTuple):
    """The detections in a picture.

    Attributes:
        known: The picture.
        detections: The detections.
        face_of: Index of the known face for each detection; -1 if there is none.
    """

    known: Known
    detections: list[Detection]
    face_of: list[int]


def detect(detector: CascadeDetector, pictures: Iterable[Known]) -> Iterator[Found]:
    """Runs a detector, and matches each known face with at most one detection."""
    for known in pictures:
        detections = detector.detect(known.picture)
        shared = overlaps(known.faces, [detection.box for detection in detections])
        face_of: list[int] = []
        for place in range(len(detections)):
            fitting = [i for i in range(len(known.faces)) if shared[i, place] >= FOUND and i not in face_of]
            face_of.append(max(fitting, key=lambda i: shared[i, place]) if fitting else -1)
        yield Found(known, detections, face_of)


def recall_and_precision(found: Sequence[Found]) -> tuple[Share, Share]:
    """Returns the recall and the precision of the detections."""
    right = sum(number >= 0 for picture in found for number in picture.face_of)
    faces = sum(len(picture.known.faces) for picture in found)
    return Share(right, faces), Share(right, sum(len(picture.detections) for picture in found))


def hair_colors(found: Sequence[Found]) -> tuple[Share, Share]:
    """Returns the share of confident colors that are correct, and the share of colors that are confident."""
    right = confident = faces = 0
    for picture in found:
        for detection, number in zip(picture.detections, picture.face_of, strict=True):
            truth = picture.known.hair_colors[number] if number >= 0 else None
            if truth is None:
                continue
            faces += 1
            color = measure_colors(picture.known.picture, detection.box, detection.angle).get("hair_color")
            if color and color.confidence >= CONFIDENT:
                confident += 1
                right += color.name == truth
    return Share(right, confident), Share(confident, faces)


def near_duplicates(count: int, seed: int, art: Path | None) -> dict[str, Share]:
    """Measures how often copies are detected, and how often other pictures are mistaken for copies.

    Copies are recompressed, resized, cropped by up to 6% on each side, or all three. Other pictures must not
    be mistaken for copies, nor must the same picture in another hue.
    """
    draw = DrawnFaces(seed).draw
    pictures = [draw(index, _COPY_SIDE)[0] for index in range(count)]
    if art is not None:
        layered = sutemo.SutemoFaces(art, seed)
        pictures += [layered.draw(index, _COPY_SIDE)[0] for index in range(count)]
    index = FingerprintIndex()
    for picture in pictures:
        index.add(fingerprint(picture))
    thumbnails = [thumbnail(picture) for picture in pictures]
    rng = np.random.default_rng(seed)
    kinds = {
        "recompressed": (_recompress,),
        "resized": (_resize,),
        "cropped": (_crop,),
        "all three": (_crop, _resize, _recompress),
    }
    results = {}
    wrong = pairs = 0
    for kind, steps in kinds.items():
        right = 0
        for number, picture in enumerate(pictures):
            copy = picture
            for step in steps:
                copy = step(copy, rng)
            small = thumbnail(copy)
            for other in index.candidates(fingerprint(copy)):
                if same_picture(small, thumbnails[other]):
                    right += other == number
                    wrong += other != number
        pairs += len(pictures) * (len(pictures) - 1)
        results[kind] = Share(right, len(pictures))
    results["other pictures mistaken for copies"] = Share(wrong, pairs)
    wrong = 0
    for number, picture in enumerate(pictures):
        tinted = _tint(picture, rng)
        near = number in index.candidates(fingerprint(tinted))
        wrong += near and same_picture(thumbnail(tinted), thumbnails[number])
    results["other tints mistaken for copies"] = Share(wrong, len(pictures))
    return results


def _recompress(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    quality = int(rng.integers(25, 91))
    encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))


def _resize(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side = int(len(picture) * rng.uniform(0.35, 1.5))
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)


def _crop(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = picture.shape[:2]
    top, bottom, left, right = (rng.uniform(0, 0.06, 4) * height).round().astype(int)
    return np.ascontiguousarray(picture[top : height - bottom, left : width - right])


def _tint(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    colors = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV).astype(np.int16)
    # OpenCV's hue ranges from 0 to 179.
    colors[..., 0] = (colors[..., 0] + int(rng.integers(15, 166))) % 180
    return cv2.cvtColor(colors.astype(np.uint8), cv2.COLOR_HSV2RGB)


def breakdown(found: Sequence[Found], details: Sequence[Sequence[ComposedFace]]) -> Mapping[str, Share]:
    """Returns the recall on composed pictures for each property of the faces."""
    groups: dict[str, list[bool]] = {}
    for picture, faces in zip(found, details, strict=True):
        for number, face in enumerate(faces):
            hit = number in picture.face_of
            names = [
                "rotated by more than 10 degrees" if abs(face.angle) > 10 else "upright",
                "partly covered" if face.visible < 0.98 else "uncovered",
                f"skin: {face.skin}",
                "smaller than 60 pixels" if face.box.width < 60 else "60 pixels and more",
            ]
            for name in names:
                groups.setdefault(name, []).append(hit)
    return {name: Share(sum(hits), len(hits)) for name, hits in sorted(groups.items())}
