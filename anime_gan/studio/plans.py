"""Converts a request of the page, or an opened file, to a plan with the face requests to draw."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from anime_gan.attributes.edits import STEPS
from anime_gan.attributes.schema import Schema
from anime_gan.characters.write import ENGINES
from anime_gan.common.alpha import Color
from anime_gan.common.errors import InputError
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.interpolation import around, ring
from anime_gan.faces.request import (
    FaceRequest,
    Interpolation,
    PictureOrigin,
    changed,
    checked,
    origin_from_text,
)
from anime_gan.faces.resizing import Scaling
from anime_gan.faces.sheets import is_list, sides
from anime_gan.studio import payload
from anime_gan.studio.errors import StudioError, as_studio_error
from anime_gan.studio.shelf import KEPT
from anime_gan.studio.typed_words import Reading, read_words

# Maximum length of a text that is read as attributes.
MAX_WORDS = 2_000
# The size of a plan that draws many faces; see `Plan`.
MANY = 100
# Kinds of plans that make no history entry, besides kept faces: faces that the judges read, and a pack.
READ, CHARACTER = "read", "character"


class Drawing(NamedTuple):
    """What to draw.

    Attributes:
        requests: One request per face, or a single request for an animation.
        settings: The request that draws the whole entry again; None if there is none. If it has a sheet, the
            sheet is drawn too.
    """

    requests: list[FaceRequest]
    settings: FaceRequest | None


class Plan(NamedTuple):
    """A checked request of the page.

    Attributes:
        kind: The kind of the history entry; see `Entry`.
        make: Makes the drawing. It takes the model, because some requests depend on another face's latent
            vector.
        origins: The origins of the pictures that the plan is based on.
        size: Number of faces to draw, including the candidates for each.
        is_preview: Whether the page shows the faces without a history entry.
        is_again: Whether an entry with the same settings is shown instead of a new one.
        background: The color behind the faces of a preview; None leaves them transparent.
        engine: The game engine of a character pack.
    """

    kind: str
    make: Callable[[FaceGenerator], Drawing]
    origins: tuple[PictureOrigin, ...] = ()
    size: int = 1
    is_preview: bool = False
    is_again: bool = False
    background: Color | None = None
    engine: str = ""


class Planner:
    """Makes plans for a model without loading it."""

    def __init__(
        self, schema: Schema, name: str, has_critic: bool, find: Callable[[str], Mapping[str, str]]
    ) -> None:
        """Stores the arguments.

        Args:
            schema: The attributes that can be requested.
            name: The model's name in pictures.
            has_critic: Whether the model has a critic to select among candidates.
            find: Returns the text fields of the face with an identifier. Raises `StudioError` if there is no
                such face.
        """
        self._schema, self._name, self._has_critic, self._find = schema, name, has_critic, find

    def plan(self, body: Mapping[str, Any]) -> Plan:
        """Plans a request of the page.

        Raises:
            StudioError: A field is missing or wrong.
        """
        plans = {
            "faces": self._faces,
            "change": self._change,
            "nearby": self._nearby,
            "point": self._point,
            "sheet": self._sheet,
            KEPT: self._kept,
            READ: self._read,
            CHARACTER: self._character,
            "blend": self._blend,
        }
        kind = payload.text(body, "kind")
        if kind not in plans:
            raise StudioError("missing", name="kind")
        plan = plans[kind](body)
        return plan._replace(is_preview=body.get("preview") is True, is_again=body.get("reuse") is True)

    def plan_file(self, text: Mapping[str, str]) -> Plan:
        """Plans to draw a file again that the studio or `generate.py` made.

        Args:
            text: The text fields of the file.

        Raises:
            StudioError: The file has no settings, or another model drew it.
        """
        try:
            origin = origin_from_text(text)
        except (KeyError, ValueError, OverflowError) as error:
            raise StudioError("not_ours") from error
        request, interpolation = self._own(origin), origin.request.interpolation
        if interpolation is not None and interpolation.frame is None:
            if interpolation.frames > payload.MAX_FRAMES:
                raise StudioError("too_many", count=interpolation.frames, limit=payload.MAX_FRAMES)
            return _plan("blend", [request], request, origin)
        if request.num_faces > payload.MAX_NUMBER:
            raise StudioError("too_many", count=request.num_faces, limit=payload.MAX_NUMBER)
        if request.sheet and request.num_faces == 1:
            down, across = sides(request.sheet)
            if across is None and not is_list(down):
                return self._plan_sheet(request, origin)
        request = dataclasses.replace(request, sheet=None)
        return _plan("opened", request.singles(), request, origin)

    def attributes(self, words: str) -> Reading:
        """Reads typed words as attributes for the page; see `read_words`."""
        with _in_studio_words():
            return read_words(words[:MAX_WORDS], self._schema)

    def _faces(self, body: Mapping[str, Any]) -> Plan:
        number = payload.integer(body, "number", 1, payload.MAX_NUMBER, 16)
        first = payload.seed(body, number)
        request = FaceRequest(
            payload.attributes(body, "attributes", self._schema),
            tuple(range(first, first + number)),
            payload.real(body, "truncation", 0.01, 1.0, 1.0),
            candidates=payload.integer(body, "candidates", 1, payload.MAX_CANDIDATES, 1),
        )
        request = self._checked(request)
        return _plan("faces", request.singles(), request)

    def _change(self, body: Mapping[str, Any]) -> Plan:
        request, origin = self._face(body)
        if "sets" not in body:
            request = self._changed(request, payload.attributes(body, "set", self._schema))
            return _plan("change", [request], request, origin)
        sets = payload.several(body, "sets", 1, payload.MAX_SETS)
        changes = [payload.attributes(item, "sets", self._schema) for item in sets]
        size = payload.integer(body, "size", 0, payload.MAX_SIZE, 0)
        request = self._checked(dataclasses.replace(request, scaling=Scaling(size))) if size else request
        plan = _plan("change", [self._changed(request, change) for change in changes], None, origin)
        return plan._replace(background=payload.color(body, "background"))

    def _kept(self, body: Mapping[str, Any]) -> Plan:
        request, origin = self._face(body)
        return _plan(KEPT, [request], request, origin)

    def _read(self, body: Mapping[str, Any]) -> Plan:
        faces = payload.several(body, "faces", 1, payload.MAX_READ)
        requests, origins = zip(*(self._face(face, "faces") for face in faces), strict=True)
        return Plan(READ, lambda _: Drawing(list(requests), None), origins, 4 * len(requests))

    def _character(self, body: Mapping[str, Any]) -> Plan:
        request, origin = self._face(body)
        engine = payload.text(body, "engine")
        if engine not in ("", *ENGINES):
            raise StudioError("missing", name="engine")
        plan = _plan(CHARACTER, [request], request, origin)
        return plan._replace(engine=engine, size=MANY)

    def _sheet(self, body: Mapping[str, Any]) -> Plan:
        request, origin = self._face(body)
        name = payload.text(body, "attribute")
        if name not in {slot.name for slot in self._schema.slots}:
            raise StudioError("wrong_attribute", name=name[:80])
        # A sheet varies a single attribute. Switch off tags that would hide it.
        for hidden, hider in self._schema.hidden_by:
            tag = self._schema.columns[hider]
            if hidden.name == name and "=" not in tag:
                request = self._changed(request, f"{tag}=no")
        return self._plan_sheet(dataclasses.replace(request, sheet=name), origin)

    def _plan_sheet(self, request: FaceRequest, origin: PictureOrigin) -> Plan:
        slot = self._schema.slot(request.sheet or "")
        columns = self._schema.columns[slot.columns]
        values = columns if slot.is_group else (f"{slot.name}=yes", f"{slot.name}=no")
        if slot.is_scale:
            values = tuple(f"{slot.name}={value:g}" for value in STEPS)
        single = dataclasses.replace(request, sheet=None)
        return _plan("sheet", [self._changed(single, value) for value in values], request, origin)

    def _nearby(self, body: Mapping[str, Any]) -> Plan:
        request, origin = self._face(body)
        number = payload.integer(body, "number", 1, payload.MAX_NEARBY, 8)
        angle = payload.real(body, "angle", payload.MIN_ANGLE, payload.MAX_ANGLE, 0.4)
        seed = payload.seed(body, 1)

        def make(generator: FaceGenerator) -> Drawing:
            latent, attributes = _definite(request, generator)
            rows = ring(np.array(latent), angle, number, seed)
            return Drawing([FaceRequest(attributes, (), latent=tuple(row.tolist())) for row in rows], None)

        return Plan("nearby", make, (origin,), number)

    def _point(self, body: Mapping[str, Any]) -> Plan:
        """Plans the face at a point of the plane that `_nearby` with the same seed has its circle in."""
        request, origin = self._face(body)
        x, y = (payload.real(body, name, -payload.MAX_ANGLE, payload.MAX_ANGLE, 0.0) for name in ("x", "y"))
        seed = payload.seed(body, 1)

        def make(generator: FaceGenerator) -> Drawing:
            latent, attributes = _definite(request, generator)
            moved = around(np.array(latent), math.hypot(x, y), np.array([math.atan2(y, x)]), seed)[0]
            return Drawing([FaceRequest(attributes, (), latent=tuple(moved.tolist()))], None)

        return Plan("nearby", make, (origin,))

    def _blend(self, body: Mapping[str, Any]) -> Plan:
        faces = payload.several(body, "faces", 2, payload.MAX_KEYFRAMES)
        frames = payload.integer(body, "frames", payload.MIN_FRAMES, payload.MAX_FRAMES, 24 * len(faces))
        ends = [self._face(face, "faces") for face in faces]

        def make(generator: FaceGenerator) -> Drawing:
            latents, keyframes = zip(*(_definite(request, generator) for request, _ in ends), strict=True)
            interpolation = Interpolation(keyframes, frames, latents=latents)
            request = self._checked(FaceRequest("", (), interpolation=interpolation))
            return Drawing([request], request)

        return Plan("blend", make, tuple(origin for _, origin in ends), frames)

    def _face(self, body: Mapping[str, Any], name: str = "face") -> tuple[FaceRequest, PictureOrigin]:
        """Returns the request that draws a face again, and the face's origin.

        The field has the face's identifier in the history, or its text fields.
        """
        known = isinstance(body.get(name), str)
        text = self._find(payload.text(body, name)) if known else payload.pairs(body, name)
        try:
            origin = origin_from_text(text)
            if origin.request.num_faces != 1:
                raise ValueError("several faces")
        except (KeyError, ValueError, OverflowError) as error:
            raise StudioError("gone", 404) from error
        return self._own(origin), origin

    def _own(self, origin: PictureOrigin) -> FaceRequest:
        if origin.model != self._name:
            raise StudioError("other_model", 409, theirs=origin.model, ours=self._name)
        return self._checked(origin.request)

    def _checked(self, request: FaceRequest) -> FaceRequest:
        if request.candidates > 1 and not self._has_critic:
            raise StudioError("no_critic", 409)
        with _in_studio_words():
            return checked(request, self._schema)

    def _changed(self, request: FaceRequest, changes: str) -> FaceRequest:
        with _in_studio_words():
            return changed(request, changes, self._schema)


def _plan(
    kind: str, requests: list[FaceRequest], settings: FaceRequest | None, origin: PictureOrigin | None = None
) -> Plan:
    """Returns a plan with requests that do not depend on the model."""
    size = sum(request.num_faces * request.candidates for request in requests)
    return Plan(kind, lambda _: Drawing(requests, settings), () if origin is None else (origin,), size)


@contextmanager
def _in_studio_words() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise as_studio_error(error) from error


def _definite(request: FaceRequest, generator: FaceGenerator) -> tuple[tuple[float, ...], str]:
    """Returns a face's latent vector and attributes. Attributes of an interpolated face are rounded."""
    # Imported here, because this module imports TensorFlow.
    from anime_gan.faces.projector import definite_labels

    latents, labels = generator.inputs(request)
    words = generator.schema.describe(definite_labels(labels, generator.schema)[0])
    return tuple(latents[0].tolist()), words
