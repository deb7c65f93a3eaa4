"""Decodes many image files on all cores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from anime_gan.common.workers import map_in_order
from anime_gan.datasets.reading.pictures import PictureError, read_picture

# For up to this many files, starting worker processes would take longer than decoding.
ALONE = 64


class Files(NamedTuple):
    """A group of image files to decode.

    Attributes:
        names: Names for the report.
        contents: The bytes of each file, or the reason as text if it could not be opened.
        resolution: Image side in pixels after decoding.
        transparent: As in `read_picture`.
    """

    names: list[str]
    contents: list[bytes | str]
    resolution: int
    transparent: bool


class Pictures(NamedTuple):
    """The decoded images of a group of files.

    Attributes:
        used: Indices of the decoded files in the group.
        images: uint8 [k, resolution, resolution, 3 or 4].
        skipped: (name, reason) of each file that could not be decoded.
    """

    used: list[int]
    images: np.ndarray
    skipped: tuple[tuple[str, str], ...]


def decode_in_order(jobs: Iterable[Files], num_files: int) -> Iterator[Pictures]:
    """Decodes groups of files; yields results in the order of the groups."""
    return map(decode, jobs) if num_files <= ALONE else map_in_order(decode, jobs)


def decode(files: Files) -> Pictures:
    """Decodes one group of files."""
    used, images, skipped = [], [], []
    for i, (name, content) in enumerate(zip(files.names, files.contents, strict=True)):
        try:
            if isinstance(content, str):
                raise PictureError(content)
            images.append(read_picture(content, files.resolution, files.transparent))
            used.append(i)
        except PictureError as error:
            skipped.append((name, str(error)))
    # The shape cannot be inferred if there is no image.
    shape = (len(images), files.resolution, files.resolution, 4 if files.transparent else 3)
    return Pictures(used, np.array(images, np.uint8).reshape(shape), tuple(skipped))
