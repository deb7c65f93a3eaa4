"""Finds the face of the model that is closest to a picture of the user's own, in small steps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from anime_gan.datasets.prepared import cache_folder
from anime_gan.datasets.reading.pictures import is_transparent, read_picture, read_whole_picture
from anime_gan.faces.generator import FaceGenerator
from anime_gan.prepare.cascade import NAME
from anime_gan.studio.slices import in_steps

if TYPE_CHECKING:
    from anime_gan.faces.projector import Inversion

# Longer side of the picture in which the face is searched, in pixels.
LONGEST = 1_024
# The crop around a face: its side relative to the face, and its upward shift, as `anime_gan.prepare` cuts it.
MARGIN, LIFT = 1.5, 0.08
# A face is unlike the picture if it has more than this share of the distance of random faces. Aligned
# pictures in the style of the model reach 0.2; other styles, other crops, and no face 0.5 and more.
POOR = 0.4


def prepared(data: bytes, generator: FaceGenerator, channels: int) -> np.ndarray:
    """Returns the largest face of a picture, or its central square if no face is found.

    The face detector is not downloaded for this: it is used if `anime_gan.prepare` has fetched it before.

    Raises:
        PictureError: The picture cannot be read.
    """
    side = generator.resolution
    if is_transparent(data) and channels == 4:
        return read_picture(data, side, transparent=True)
    picture = _face(data, side)
    if picture is None:
        picture = read_picture(data, side)
    opaque = np.full(picture.shape[:2], 255, np.uint8)
    return np.dstack([picture, opaque]) if channels == 4 else picture


def _face(data: bytes, side: int) -> np.ndarray | None:
    detector_file = cache_folder() / NAME
    if not detector_file.is_file():
        return None
    try:
        # Imported here, because OpenCV may be missing.
        from anime_gan.prepare.crops import crop_box, cut
        from anime_gan.prepare.detection import CascadeDetector

        detector = CascadeDetector(Path(detector_file))
    except (ImportError, ValueError):
        return None
    picture = read_whole_picture(data, LONGEST)
    found = detector.detect(picture)
    if not found:
        return None
    box, angle, _ = max(found, key=lambda face: face.box.width)
    return cut(picture, crop_box(box, MARGIN, LIFT, angle), side, angle).image


def find_closest(
    picture: np.ndarray, generator: FaceGenerator, stop: threading.Event
) -> Generator[int, None, Inversion]:
    """Yields the number of finished steps, and returns the closest face; see `Projector`."""
    from anime_gan.faces.projector import Projector

    def search(progress: Callable[[], None]) -> Inversion:
        return Projector(generator).project(picture, progress)

    return (yield from in_steps(search, stop))


def is_poor(found: Inversion) -> bool:
    """Whether the likeness is poor: the face is hardly closer to the picture than random faces."""
    return found.feature_distance > POOR * found.typical_distance
