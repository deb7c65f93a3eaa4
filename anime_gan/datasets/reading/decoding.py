"""The bytes of many image files to pictures, on all cores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from anime_gan.common.workers import map_in_order
from anime_gan.datasets.reading.pictures import PictureError, read_picture

# For so few pictures other processes would take longer to start than to work.
ALONE = 64


class Files(NamedTuple):
    """Some image files.

    Attributes:
        names: What to call them in a report.
        contents: Their bytes; of a file that could not be opened, the reason as text.
        resolution: Pixels along a side to make of them.
    """

    names: list[str]
    contents: list[bytes | str]
    resolution: int


class Pictures(NamedTuple):
    """What became of them.

    Attributes:
        used: Which of the files these are, counted from 0.
        images: uint8 [k, resolution, resolution, 3].
        skipped: (name, reason) of the others.
    """

    used: list[int]
    images: np.ndarray
    skipped: tuple[tuple[str, str], ...]


def decode_in_order(jobs: Iterable[Files], num_files: int) -> Iterator[Pictures]:
    """Decodes groups of files; results come in the order of the groups."""
    return map(decode, jobs) if num_files <= ALONE else map_in_order(decode, jobs)


def decode(files: Files) -> Pictures:
    """Decodes one group of files."""
    used, images, skipped = [], [], []
    for i, (name, content) in enumerate(zip(files.names, files.contents, strict=True)):
        try:
            if isinstance(content, str):
                raise PictureError(content)
            images.append(read_picture(content, files.resolution))
            used.append(i)
        except PictureError as error:
            skipped.append((name, str(error)))
    # Given a shape, so that no picture at all is an array too.
    shape = (len(images), files.resolution, files.resolution, 3)
    return Pictures(used, np.array(images, np.uint8).reshape(shape), tuple(skipped))
