"""What is done with each picture by itself, in a process a core: reading, finding, cutting, measuring."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from anime_gan.datasets.folder.tags import TagTable
from anime_gan.datasets.reading.pictures import MAX_BYTES, PictureError, read_whole_picture
from anime_gan.datasets.reading.storage import FoundFile, read_file
from anime_gan.prepare.cleaning import crop_fault, measure_quality, picture_fault
from anime_gan.prepare.colors import Measured, measure_colors
from anime_gan.prepare.crops import Crop, crop_box, cut
from anime_gan.prepare.detection import Detection, Detector
from anime_gan.prepare.labeling import Label, read_tag_file
from anime_gan.prepare.near_duplicates import Fingerprint, fingerprint

# Larger pictures are reduced to this, in pixels along the longer side: the memory of a process is bounded.
LONGEST = 4096


@dataclasses.dataclass(frozen=True)
class Options:
    """How faces are cut and which are kept.

    Attributes:
        margin: How much larger than the face the crop is.
        lift: How far the crop is moved towards the crown, as a share of its side.
        size: Pixels along a side of the crops.
        min_size: Crops with fewer pixels in the picture are rejected.
        max_outside: Crops of which a larger share lies outside of the picture are rejected.
        colors: Whether hair and eye colors are measured.
    """

    margin: float = 1.5
    lift: float = 0.08
    size: int = 256
    min_size: int = 64
    max_outside: float = 0.25
    colors: bool = True


class Looking(NamedTuple):
    """Some pictures to look at.

    Attributes:
        root: The folder.
        files: Files in it.
        options: How faces are cut.
        detector: What finds them.
        table: What tags mean.
    """

    root: str
    files: list[FoundFile]
    options: Options
    detector: Detector
    table: TagTable


class LookedAtFace(NamedTuple):
    """A face.

    Attributes:
        detection: Where it is.
        crop: What was cut out; without an image if it is of no use.
        reason: Why it is of no use; empty if it is of use.
        png: The crop as a PNG file.
        fingerprint: Of the crop.
        colors: What was measured.
    """

    detection: Detection
    crop: Crop
    reason: str
    png: bytes
    fingerprint: Fingerprint
    colors: dict[str, Measured]


class LookedAt(NamedTuple):
    """A picture.

    Attributes:
        file: Which one.
        content: 64 bits of its digest.
        reason: Why nothing of it is of use; empty if there are faces.
        faces: From left to right.
        tags: What its tag file says; None without one.
    """

    file: FoundFile
    content: int
    reason: str
    faces: list[LookedAtFace]
    tags: dict[str, Label] | None


def look(job: Looking) -> list[LookedAt]:
    """Looks at some pictures."""
    # Each process has one core.
    cv2.setNumThreads(1)
    return [_look_at(file, job) for file in job.files]


def _look_at(file: FoundFile, job: Looking) -> LookedAt:
    try:
        data = read_file(job.root, file.name, MAX_BYTES + 1)
    except OSError as error:
        return LookedAt(file, 0, f"cannot be opened: {error}", [], None)
    content = int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
    try:
        picture = read_whole_picture(data, LONGEST)
    except PictureError as error:
        return LookedAt(file, content, str(error), [], None)
    fault = picture_fault(picture, job.options.min_size)
    if fault:
        return LookedAt(file, content, fault, [], None)
    found = sorted(job.detector.detect(picture), key=lambda detection: detection.box)
    if not found:
        return LookedAt(file, content, "no face found", [], None)
    faces = [_cut_out(picture, detection, job.options) for detection in found]
    return LookedAt(file, content, "", faces, read_tag_file(job.root, file.name, job.table))


def _cut_out(picture: np.ndarray, detection: Detection, options: Options) -> LookedAtFace:
    box = crop_box(detection.box, options.margin, options.lift, detection.angle)
    crop = cut(picture, box, options.size, detection.angle)
    side = round(crop.box.width)
    if side < options.min_size:
        reason = f"face too small: its crop has {side} pixels"
    elif crop.outside > options.max_outside:
        reason = f"cut by the picture's edge: {crop.outside:.0%} of its crop is missing"
    else:
        reason = crop_fault(measure_quality(crop.image)) or ""
    if reason:
        nothing = crop._replace(image=np.zeros((0, 0, 3), np.uint8))
        return LookedAtFace(detection, nothing, reason, b"", Fingerprint(0, b""), {})
    # Barely larger than the smallest, and much faster.
    file = io.BytesIO()
    Image.fromarray(crop.image).save(file, "PNG", compress_level=1)
    colors = measure_colors(picture, detection.box, detection.angle) if options.colors else {}
    return LookedAtFace(detection, crop, "", file.getvalue(), fingerprint(crop.image), colors)
