"""Converts a request of the page, or an opened file, to a plan with the face requests to draw."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from anime_gan.attributes.edits import STEPS
from anime_gan.attributes.schema import Schema
from anime_gan.common.errors import InputError
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.interpolation import ring
from anime_gan.faces.request import (
    FaceRequest,
    Interpolation,
    PictureOrigin,
    changed,
    checked,
    origin_from_text,
)
from anime_gan.faces.sheets import is_list, sides
from anime_gan.studio import payload
from anime_gan.studio.errors import StudioError, as_studio_error

# Maximum length of a text that is read as attributes.
MAX_WORDS = 2_000


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
    """

    kind: str
    make: Callable[[FaceGenerator], Drawing]
    origins: tuple[PictureOrigin, ...] = ()


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
            "sheet": self._sheet,
            "blend": self._blend,
        }
        kind = payload.text(body, "kind")
        if kind not in plans:
            raise StudioError("missing", name="kind")
        return plans[kind](body)

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

    def attributes(self, words: str) -> dict[str, str | bool | float | None]:
        """Reads typed words as attributes for the page.

        Raises:
            StudioError: The words cannot be understood.
        """
        request = self._checked(FaceRequest(words[:MAX_WORDS]))
        labels = self._schema.parse(request.attributes)
        for slot in self._schema.slots:
            if slot.is_group and labels[slot.columns].any() and labels[slot.columns].max() < 1:
                raise StudioError("one_value", name=slot.name)
        return payload.described(labels, self._schema)

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
        request, origin = self._face(payload.text(body, "face"))
        request = self._changed(request, payload.attributes(body, "set", self._schema))
        return _plan("change", [request], request, origin)

    def _sheet(self, body: Mapping[str, Any]) -> Plan:
        request, origin = self._face(payload.text(body, "face"))
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
        request, origin = self._face(payload.text(body, "face"))
        number = payload.integer(body, "number", 1, payload.MAX_NEARBY, 8)
        angle = payload.real(body, "angle", payload.MIN_ANGLE, payload.MAX_ANGLE, 0.4)
        seed = payload.seed(body, 1)

        def make(generator: FaceGenerator) -> Drawing:
            latent, attributes = _definite(request, generator)
            around = ring(np.array(latent), angle, number, seed)
            return Drawing([FaceRequest(attributes, (), latent=tuple(row.tolist())) for row in around], None)

        return Plan("nearby", make, (origin,))

    def _blend(self, body: Mapping[str, Any]) -> Plan:
        faces = body.get("faces")
        if not isinstance(faces, list) or len(faces) != 2 or not all(isinstance(face, str) for face in faces):
            raise StudioError("two_faces")
        frames = payload.integer(body, "frames", payload.MIN_FRAMES, payload.MAX_FRAMES, 48)
        ends = [self._face(face) for face in faces]

        def make(generator: FaceGenerator) -> Drawing:
            latents, keyframes = zip(*(_definite(request, generator) for request, _ in ends), strict=True)
            interpolation = Interpolation(keyframes, frames, latents=latents)
            request = self._checked(FaceRequest("", (), interpolation=interpolation))
            return Drawing([request], request)

        return Plan("blend", make, tuple(origin for _, origin in ends))

    def _face(self, identifier: str) -> tuple[FaceRequest, PictureOrigin]:
        """Returns the request that draws a face of the history again, and the face's origin."""
        try:
            origin = origin_from_text(self._find(identifier))
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
    kind: str, requests: list[FaceRequest], settings: FaceRequest, origin: PictureOrigin | None = None
) -> Plan:
    """Returns a plan with requests that do not depend on the model."""
    return Plan(kind, lambda _: Drawing(requests, settings), () if origin is None else (origin,))


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
