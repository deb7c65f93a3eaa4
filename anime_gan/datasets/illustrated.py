"""Datasets of faces that a program draws on all cores."""

from __future__ import annotations

import functools
import hashlib
import io
import pickle
from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np

from anime_gan.attributes.scales import Scale
from anime_gan.attributes.schema import Schema
from anime_gan.common.workers import map_in_order
from anime_gan.datasets.dataset import DataError
from anime_gan.datasets.prepared import Chunk, source_fingerprint

CHUNK = 256


class Illustrator(Protocol):
    """Draws labeled faces, such as `DrawnFaces`. The object is pickled and sent to worker processes.

    Pictures are RGB, or RGBA with straight alpha if the object has an attribute `transparent` that is true.

    These attributes are optional, and used if the pictures are mixed with those of other sources: `hand`, the
    name of the style; `always`, what all pictures show although it has no label (attribute -> value, tag ->
    True or False); and `never`, values of groups that no picture shows (group -> values).

    The image cache is keyed by the pickled object and by the code of its class. An object that reads files
    must therefore contain a checksum of them.
    """

    @property
    def name(self) -> str:
        """Short name, for folders."""
        ...

    @property
    def statement(self) -> str:
        """Description of the pictures, their license, and whom to credit."""
        ...

    @property
    def attributes(self) -> Mapping[str, tuple[str, ...] | Scale | None]:
        """Group name -> its values, scale name -> the scale, tag name -> None; in column order."""
        ...

    def draw(self, index: int, resolution: int) -> tuple[np.ndarray, Mapping[str, str | bool | float | None]]:
        """Draws face `index`; returns uint8 [resolution, resolution, channels] and its attributes by name."""
        ...


def channels_of(illustrator: Illustrator) -> int:
    """Returns 4 for an illustrator of transparent pictures, else 3."""
    return 4 if getattr(illustrator, "transparent", False) else 3


class IllustratedFaces:
    """Faces 0 to `num_items - 1` of an illustrator, as a source for `prepare`."""

    verb = "drawing"
    notes: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()

    def __init__(self, illustrator: Illustrator, num_images: int) -> None:
        self.name = illustrator.name
        self.statement = illustrator.statement
        self.schema = Schema.from_names(illustrator.attributes)
        self.channels = channels_of(illustrator)
        self.num_items = num_images
        self._illustrator = illustrator

    def fingerprint(self) -> str:
        """Returns a digest of the illustrator's settings and of the code that draws.

        Raises:
            DataError: The illustrator cannot be pickled.
        """
        # `repr` would abbreviate large arrays and contain the memory addresses of some objects.
        try:
            settings = _pickled((self.num_items, self._illustrator))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise DataError(f"{self.name}: cannot be pickled for the worker processes: {error}") from error
        code = source_fingerprint(__name__, type(self._illustrator).__module__)
        return hashlib.sha256(settings + code.encode()).hexdigest()

    def chunks(self, first_item: int, resolution: int) -> Iterator[Chunk]:
        """Draws the faces from `first_item` on."""
        draw = functools.partial(_draw, self._illustrator, self.schema, resolution)
        starts = range(first_item, self.num_items, CHUNK)
        return map_in_order(draw, (range(start, min(start + CHUNK, self.num_items)) for start in starts))


def _pickled(value: object) -> bytes:
    """Pickles a value. Equal values give equal bytes, even if one of them contains an object twice."""
    written = io.BytesIO()
    pickler = pickle.Pickler(written, protocol=4)
    # Writes an object again instead of a reference to it.
    pickler.fast = True
    try:
        pickler.dump(value)
    except ValueError:  # An object that contains itself needs references.
        return pickle.dumps(value, protocol=4)
    return written.getvalue()


def _draw(illustrator: Illustrator, schema: Schema, resolution: int, indices: range) -> Chunk:
    drawn = [illustrator.draw(index, resolution) for index in indices]
    images = np.stack([image for image, _ in drawn])
    expected = (resolution, resolution, channels_of(illustrator))
    if images.dtype != np.uint8 or images.shape[1:] != expected:
        returned = f"{images.dtype} {list(images.shape[1:])}"
        raise DataError(f"{illustrator.name}: draw() must return uint8 {list(expected)}, not {returned}")
    labels = np.stack([schema.encode(description) for _, description in drawn])
    return Chunk(len(drawn), images, labels, ())
