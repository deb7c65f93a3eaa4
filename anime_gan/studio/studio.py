"""From a wish of the page to faces in the history."""

from __future__ import annotations

import dataclasses
import functools
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.common.errors import InputError
from anime_gan.exports.read import CRITIC, read_export
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.interpolation import ring
from anime_gan.faces.picture_files import save_animation, save_png
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
from anime_gan.studio.history import ANIMATION, Draft, Entry, History
from anime_gan.studio.opening import _text_of

# What the page is told while a wish is fulfilled, as JSON.
Event = dict[str, Any]
Plan = Callable[[threading.Event], Iterator[Event]]

SHEET = "sheet.png"
# Frames shown beside an animation: of a blend, from one face to the other; of others, around the whole loop.
BLEND_STEPS, LOOP_STEPS = 7, 8


class Studio:
    """A model, and what was drawn with it.

    Plans are made in any thread and carried out in one: the one that draws.
    """

    def __init__(
        self,
        export: Path,
        history: Path,
        keep: int,
        load: Callable[[Path], FaceGenerator] = FaceGenerator,
    ) -> None:
        """Opens the history. The model is loaded by the first plan that is carried out.

        Args:
            export: An exported version, from `find_export`.
            history: The folder of the history and of the faces that were kept.
            keep: How many entries the history has at most, and how many faces may be kept.
            load: Loads the model.

        Raises:
            ModelError: The export is damaged.
            OSError: The folder cannot be written to.
        """
        self.export = export
        opened = read_export(export)
        self.schema: Schema = opened.schema
        self.name: str = opened.name
        self.history = History(history / "history", keep)
        self.kept = History(history / "kept", keep)
        self.has_critic = (export / CRITIC).is_dir()
        self.ready = False
        self._load = load

    @functools.cached_property
    def _generator(self) -> FaceGenerator:
        try:
            generator = self._load(self.export)
        except Exception as error:  # TensorFlow raises anything on a broken file.
            raise StudioError("model_broken", 500, reason=" ".join(str(error).split())[:200]) from error
        self.ready = True
        return generator

    def warm_up(self, stop: threading.Event) -> Iterator[Event]:
        """Loads the model and draws a face, whose first one takes longer than the others."""
        yield from ({"ready": True} for _ in self._generator.faces(FaceRequest()))

    def plan(self, wish: Mapping[str, Any]) -> Plan:
        """What to do about a wish.

        Raises:
            StudioError: It cannot be fulfilled.
        """
        plans = {
            "faces": self._plan_faces,
            "change": self._plan_change,
            "nearby": self._plan_nearby,
            "sheet": self._plan_sheet,
            "blend": self._plan_blend,
        }
        kind = payload.text(wish, "kind")
        if kind not in plans:
            raise StudioError("missing", name="kind")
        return plans[kind](wish)

    def plan_opening(self, data: bytes) -> Plan:
        """Makes again what a file was made from.

        Args:
            data: A file as the studio or `generate.py` writes it.

        Raises:
            StudioError: It is none of these, or another model drew it.
        """
        text = _text_of(data)
        try:
            origin = origin_from_text(text)
        except (KeyError, ValueError, OverflowError) as error:
            raise StudioError("not_ours") from error
        request, animation = self._own(origin), origin.request.interpolation
        if animation is not None and animation.frame is None:
            if animation.frames > payload.MAX_FRAMES:
                raise StudioError("too_many", count=animation.frames, limit=payload.MAX_FRAMES)
            return functools.partial(self._draw_animation, "blend", lambda: request, origin)
        if request.num_faces > payload.MAX_NUMBER:
            raise StudioError("too_many", count=request.num_faces, limit=payload.MAX_NUMBER)
        if request.sheet and request.num_faces == 1:
            down, across = sides(request.sheet)
            if across is None and not is_list(down):
                return functools.partial(self._draw_sheet, request, origin)
        request = dataclasses.replace(request, sheet=None)
        return functools.partial(self._draw_each, "opened", request.singles(), request, origin)

    def words(self, words: str) -> dict[str, str | bool | None]:
        """What somebody typed, as picks.

        Raises:
            StudioError: It cannot be understood.
        """
        try:
            request = checked(FaceRequest(words[:2_000]), self.schema)
        except InputError as error:
            raise as_studio_error(error) from error
        labels = self.schema.parse(request.attributes)
        for slot in self.schema.slots:
            if slot.is_group and labels[slot.columns].any() and labels[slot.columns].max() < 1:
                raise StudioError("one_value", name=slot.name)
        return payload.described(labels, self.schema)

    def keep(self, face: str) -> Entry:
        """Copies a face to those that are kept, where it stays when the history drops it."""
        identifier, number, text = self._find(face)
        for entry in self.kept.entries(None, self.kept.keep):
            if entry.faces[:1] == [text]:
                return entry
        if len(self.kept.identifiers()) >= self.kept.keep:
            raise StudioError("kept_full", 409, limit=self.kept.keep)
        data = self.read(identifier, f"{number}.png")
        with self.kept.new() as draft:
            draft.add_file(data, text)
            return draft.finish("kept", text)

    def entry(self, identifier: str) -> Entry:
        """An entry of the history, or of what is kept.

        Raises:
            StudioError: There is none.
        """
        for store in (self.history, self.kept):
            try:
                return store.entry(identifier)
            except KeyError:
                continue
        raise StudioError("gone", 404)

    def read(self, identifier: str, name: str) -> bytes:
        """A file of such an entry.

        Raises:
            StudioError: There is none.
        """
        for store in (self.history, self.kept):
            try:
                return store.read(identifier, name)
            except KeyError:
                continue
        raise StudioError("gone", 404)

    def entry_json(self, entry: Entry) -> Event:
        """An entry, for the page."""
        return {
            "id": entry.identifier,
            "kind": entry.kind,
            "time": entry.time,
            "settings": entry.settings,
            "asked": self._attributes(entry.settings.get("attributes", ""), entry.settings),
            "changed": self._attributes(entry.settings.get("set", ""), entry.settings),
            "animation": entry.kind == "blend",
            "faces": [self.face_json(entry.identifier, *item) for item in enumerate(entry.faces)],
        }

    def face_json(self, identifier: str, number: int, text: Mapping[str, str]) -> Event:
        """A face, for the page."""
        return {
            "id": f"{identifier}.{number}",
            "attributes": self._attributes(text.get("labels"), text),
            "words": text.get("labels", ""),
            "seed": text.get("seeds") if "interpolate" not in text else None,
            "other_model": None if text.get("model") == self.name else text.get("model", "?"),
            "settings": dict(text),
        }

    def _attributes(self, words: str | None, text: Mapping[str, str]) -> dict[str, str | bool | None] | None:
        """The attributes that words say; None if there are none or another model's."""
        if words is None or text.get("model") != self.name:
            return None
        try:
            return payload.described(self.schema.parse(words), self.schema)
        except ValueError:
            return None

    def _find(self, face: str) -> tuple[str, int, dict[str, str]]:
        """Where a face is, and what it was made from."""
        identifier, _, number = face.partition(".")
        entry = self.entry(identifier)
        if not re.fullmatch("[0-9]{1,4}", number) or int(number) >= len(entry.faces):
            raise StudioError("gone", 404)
        return identifier, int(number), entry.faces[int(number)]

    def _face(self, wish: str) -> tuple[FaceRequest, PictureOrigin]:
        """What makes a face of the history again."""
        try:
            origin = origin_from_text(self._find(wish)[2])
        except (KeyError, ValueError, OverflowError) as error:
            raise StudioError("gone", 404) from error
        return self._own(origin), origin

    def _own(self, origin: PictureOrigin) -> FaceRequest:
        if origin.model != self.name:
            raise StudioError("other_model", 409, theirs=origin.model, ours=self.name)
        return self._checked(origin.request)

    def _checked(self, request: FaceRequest) -> FaceRequest:
        if request.candidates > 1 and not self.has_critic:
            raise StudioError("no_critic", 409)
        try:
            return checked(request, self.schema)
        except InputError as error:
            raise as_studio_error(error) from error

    def _check_critic(self, origin: PictureOrigin | None) -> None:
        if origin and origin.critic is not None and origin.critic != self._generator.critic_name:
            raise StudioError("other_critic", 409)

    def _plan_faces(self, wish: Mapping[str, Any]) -> Plan:
        number = payload.integer(wish, "number", 1, payload.MAX_NUMBER, 16)
        first = payload.seed(wish, number)
        request = FaceRequest(
            payload.attributes(wish, "attributes", self.schema),
            tuple(range(first, first + number)),
            payload.real(wish, "truncation", 0.01, 1.0, 1.0),
            candidates=payload.integer(wish, "candidates", 1, payload.MAX_CANDIDATES, 1),
        )
        request = self._checked(request)
        return functools.partial(self._draw_each, "faces", request.singles(), request, None)

    def _plan_change(self, wish: Mapping[str, Any]) -> Plan:
        request, origin = self._face(payload.text(wish, "face"))
        request = self._changed(request, payload.attributes(wish, "set", self.schema))
        return functools.partial(self._draw_each, "change", [request], request, origin)

    def _plan_sheet(self, wish: Mapping[str, Any]) -> Plan:
        request, origin = self._face(payload.text(wish, "face"))
        name = payload.text(wish, "attribute")
        if name not in {slot.name for slot in self.schema.slots}:
            raise StudioError("wrong_attribute", name=name[:80])
        # A sheet changes one attribute alone, so what would hide it is changed before.
        for hidden, hider in self.schema.hidden_by:
            tag = self.schema.columns[hider]
            if hidden.name == name and "=" not in tag:
                request = self._changed(request, f"{tag}=no")
        return functools.partial(self._draw_sheet, dataclasses.replace(request, sheet=name), origin)

    def _plan_nearby(self, wish: Mapping[str, Any]) -> Plan:
        request, origin = self._face(payload.text(wish, "face"))
        number = payload.integer(wish, "number", 1, payload.MAX_NEARBY, 8)
        angle = payload.real(wish, "angle", payload.MIN_ANGLE, payload.MAX_ANGLE, 0.4)
        seed = payload.seed(wish, 1)

        def draw(stop: threading.Event) -> Iterator[Event]:
            self._check_critic(origin)
            latent, attributes = self._definite(request)
            around = ring(np.array(latent), angle, number, seed)
            requests = [FaceRequest(attributes, (), latent=tuple(row.tolist())) for row in around]
            yield from self._draw_each("nearby", requests, None, None, stop)

        return draw

    def _plan_blend(self, wish: Mapping[str, Any]) -> Plan:
        faces = wish.get("faces")
        if not isinstance(faces, list) or len(faces) != 2 or not all(isinstance(face, str) for face in faces):
            raise StudioError("two_faces")
        frames = payload.integer(wish, "frames", payload.MIN_FRAMES, payload.MAX_FRAMES, 48)
        ends = [self._face(face) for face in faces]

        def make_request() -> FaceRequest:
            for _, origin in ends:
                self._check_critic(origin)
            latents, keyframes = zip(*(self._definite(request) for request, _ in ends), strict=True)
            interpolation = Interpolation(keyframes, frames, latents=latents)
            return self._checked(FaceRequest("", (), interpolation=interpolation))

        return functools.partial(self._draw_animation, "blend", make_request, None)

    def _changed(self, request: FaceRequest, changes: str) -> FaceRequest:
        try:
            return changed(request, changes, self.schema)
        except InputError as error:
            raise as_studio_error(error) from error

    def _definite(self, request: FaceRequest) -> tuple[tuple[float, ...], str]:
        """A face's latent and all of its attributes; between two faces, the nearest ones that have words."""
        # Here, since it imports TensorFlow at its top.
        from anime_gan.faces.projector import definite_labels

        latents, labels = self._generator.inputs(request)
        words = self.schema.describe(definite_labels(labels, self.schema)[0])
        return tuple(latents[0].tolist()), words

    def _draw_each(
        self,
        kind: str,
        requests: list[FaceRequest],
        settings: FaceRequest | None,
        origin: PictureOrigin | None,
        stop: threading.Event,
    ) -> Iterator[Event]:
        """Draws faces one by one; what is drawn when it is stopped stays."""
        self._check_critic(origin)
        with self.history.new() as draft:
            yield self._begun(draft, kind, len(requests), settings)
            drawn = list[FaceRequest]()
            for request in requests:
                if drawn and stop.is_set():
                    break
                yield self._add(draft, request)
                drawn.append(request)
            if settings is not None and len(drawn) < len(requests):
                settings = dataclasses.replace(settings, seeds=settings.seeds[: len(drawn)])
            entry = draft.finish(kind, self._generator.picture_text(settings) if settings else {})
        yield {"done": self.entry_json(entry)}

    def _draw_sheet(
        self, request: FaceRequest, origin: PictureOrigin | None, stop: threading.Event
    ) -> Iterator[Event]:
        """A face with every value of `request.sheet`, each by itself and all in one picture."""
        self._check_critic(origin)
        single = dataclasses.replace(request, sheet=None)
        slot = self.schema.slot(request.sheet or "")
        columns = self.schema.columns[slot.columns]
        values = columns if slot.is_group else (f"{slot.name}=yes", f"{slot.name}=no")
        with self.history.new() as draft:
            yield self._begun(draft, "sheet", len(values), request)
            for value in values:
                yield self._add(draft, self._changed(single, value))
            text = self._generator.picture_text(request)
            save_png(draft.folder / SHEET, self._generator.sheet(request), text)
            entry = draft.finish("sheet", text)
        yield {"done": self.entry_json(entry)}

    def _draw_animation(
        self,
        kind: str,
        make_request: Callable[[], FaceRequest],
        origin: PictureOrigin | None,
        stop: threading.Event,
    ) -> Iterator[Event]:
        """An animation, and some of its frames by themselves."""
        self._check_critic(origin)
        request = make_request()
        animation = request.interpolation
        assert animation is not None
        shown = _shown_frames(animation)
        frames = []
        with self.history.new() as draft:
            yield self._begun(draft, kind, len(shown), request)
            for number, face in enumerate(self._generator.faces(request)):
                if stop.is_set():
                    raise StudioError("stopped", 409)
                frames.append(face.image)
                if number in shown:
                    yield self._saved(
                        draft, face.image, self._generator.picture_text(face.request, face.labels)
                    )
                yield {"progress": number + 1, "total": animation.frames}
            text = self._generator.picture_text(request)
            save_animation(draft.folder / ANIMATION, np.stack(frames), animation.frames_per_second, text)
            entry = draft.finish(kind, text)
        yield {"done": self.entry_json(entry)}

    def _begun(self, draft: Draft, kind: str, total: int, settings: FaceRequest | None) -> Event:
        asked = settings.attributes if settings else ""
        return {
            "begun": {
                "id": draft.identifier,
                "kind": kind,
                "total": total,
                "asked": payload.described(self.schema.parse(asked), self.schema),
            }
        }

    def _add(self, draft: Draft, request: FaceRequest) -> Event:
        (face,) = self._generator.faces(request)
        return self._saved(draft, face.image, self._generator.picture_text(face.request, face.labels))

    def _saved(self, draft: Draft, image: np.ndarray, text: dict[str, str]) -> Event:
        number = draft.add(image, text)
        return {"face": self.face_json(draft.identifier, number, text)}


def _shown_frames(animation: Interpolation) -> list[int]:
    """Returns the frames of an animation that are shown beside it."""
    if len(animation.keyframes) == 2:
        steps, last = min(BLEND_STEPS, animation.frames // 2 + 1), animation.frames // 2
        return sorted({round(step * last / (steps - 1)) for step in range(steps)})
    steps = min(LOOP_STEPS, animation.frames)
    return [step * animation.frames // steps for step in range(steps)]
