"""Analyzes pictures in worker processes: decodes them, and detects, crops, and measures faces."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from anime_gan.common.alpha import has_alpha, on_background, premultiplied, straight_alpha
from anime_gan.datasets.folder.beside import stem_of
from anime_gan.datasets.folder.tags import TagReading, TagTable
from anime_gan.datasets.reading.pictures import MAX_BYTES, PictureError, read_whole_picture
from anime_gan.datasets.reading.storage import FoundFile, read_file
from anime_gan.prepare.cleaning import crop_fault, measure_quality, picture_fault
from anime_gan.prepare.colors import Measured, measure_colors
from anime_gan.prepare.crops import Crop, crop_box, cut
from anime_gan.prepare.detection import CascadeDetector, Detection
from anime_gan.prepare.labeling import read_tag_file
from anime_gan.prepare.near_duplicates import Fingerprint, fingerprint

# Maximum length of a picture's longer side, in pixels. Larger pictures are reduced to save memory.
LONGEST = 4096
WHITE = (255, 255, 255)


@dataclasses.dataclass(frozen=True)
class Options:
    """Options for cropping and rejecting faces.

    Attributes:
        margin: Side of the crop, relative to the face.
        lift: Shift of the crop toward the crown, as a share of its side.
        size: Side of the saved crops, in pixels.
        min_size: Minimum side of a crop, in pixels of the picture.
        max_outside: Maximum share of a crop outside the picture.
        colors: Whether to measure hair and eye colors.
        transparent: Whether crops of transparent pictures keep the alpha channel.
    """

    margin: float = 1.5
    lift: float = 0.08
    size: int = 256
    min_size: int = 64
    max_outside: float = 0.25
    colors: bool = True
    transparent: bool = True


class PictureJob(NamedTuple):
    """A group of pictures to analyze.

    Attributes:
        root: The source folder.
        files: Files in that folder.
        options: Options for cropping and rejecting faces.
        detector: The face detector.
        table: The meanings of the tags.
        shared: Names without endings that several of the pictures have, so that a tag file may be another's.
    """

    root: str
    files: list[FoundFile]
    options: Options
    detector: CascadeDetector
    table: TagTable
    shared: frozenset[str] = frozenset()


class FaceCandidate(NamedTuple):
    """A detected face with its crop.

    Attributes:
        detection: The detection.
        crop: The crop; its image is empty if it is rejected.
        reason: Why the crop is rejected; empty if it is usable.
        png: The crop as a PNG file.
        fingerprint: Fingerprint of the crop.
        colors: Attribute -> measured color.
    """

    detection: Detection
    crop: Crop
    reason: str
    png: bytes
    fingerprint: Fingerprint
    colors: dict[str, Measured]


class AnalyzedPicture(NamedTuple):
    """An analyzed picture.

    Attributes:
        file: The file.
        content: 64 bits of the digest of its content.
        reason: Why the picture is rejected; empty if a face was found.
        faces: The faces, from left to right.
        tags: What the picture's tag file says; None if there is no such file.
    """

    file: FoundFile
    content: int
    reason: str
    faces: list[FaceCandidate]
    tags: TagReading | None


def analyze_pictures(job: PictureJob) -> list[AnalyzedPicture]:
    """Analyzes a group of pictures."""
    # More threads would compete, because there is one process per core.
    cv2.setNumThreads(1)
    return [_analyze(file, job) for file in job.files]


def _analyze(file: FoundFile, job: PictureJob) -> AnalyzedPicture:
    try:
        data = read_file(job.root, file.name, MAX_BYTES + 1)
    except OSError as error:
        return AnalyzedPicture(file, 0, f"cannot be opened: {error}", [], None)
    content = int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
    try:
        original = read_whole_picture(data, LONGEST, job.options.transparent)
    except PictureError as error:
        return AnalyzedPicture(file, content, str(error), [], None)
    # Everything but the saved crop is computed from the picture on white.
    picture = on_background(original, WHITE)
    fault = picture_fault(picture, job.options.min_size)
    if fault:
        return AnalyzedPicture(file, content, fault, [], None)
    found = sorted(job.detector.detect(picture), key=lambda detection: detection.box)
    if not found:
        return AnalyzedPicture(file, content, "no face found", [], None)
    faces = [_cut_out(picture, original, detection, job.options) for detection in found]
    is_shared = stem_of(file.name) in job.shared
    return AnalyzedPicture(file, content, "", faces, read_tag_file(job.root, file.name, job.table, is_shared))


def _cut_out(
    picture: np.ndarray, original: np.ndarray, detection: Detection, options: Options
) -> FaceCandidate:
    """Crops a face from a picture on white, and from the original, which may be transparent."""
    box = crop_box(detection.box, options.margin, options.lift, detection.angle)
    crop = cut(picture, box, options.size, detection.angle)
    side = round(crop.box.width)
    if side < options.min_size:
        reason = f"face too small: its crop has a side of {side} pixels"
    elif crop.outside > options.max_outside:
        reason = f"cut off by the edge of the picture: {crop.outside:.0%} of the crop is outside"
    else:
        reason = crop_fault(measure_quality(crop.image)) or ""
    if reason:
        nothing = crop._replace(image=np.zeros((0, 0, 3), np.uint8))
        return FaceCandidate(detection, nothing, reason, b"", Fingerprint(0, b""), {})
    # Files of level 1 are much faster to write than those of level 9, and hardly larger.
    saved = crop.image
    if has_alpha(original):
        transparent = np.rint(premultiplied(original)).astype(np.uint8)
        saved = straight_alpha(cut(transparent, box, options.size, detection.angle).image)
    file = io.BytesIO()
    Image.fromarray(saved).save(file, "PNG", compress_level=1)
    colors = measure_colors(picture, detection.box, detection.angle) if options.colors else {}
    return FaceCandidate(detection, crop, "", file.getvalue(), fingerprint(crop.image), colors)
