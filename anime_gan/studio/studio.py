"""The studio: a model, the history of its drawings, and the kept faces."""

from __future__ import annotations

import base64
import dataclasses
import functools
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.common.alpha import on_background
from anime_gan.datasets.reading.pictures import PictureError
from anime_gan.exports.read import CRITIC, TAGGER, read_export
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.picture_files import file_stem, png_bytes, save_animation, save_png
from anime_gan.faces.request import FaceRequest, Interpolation
from anime_gan.studio import own_picture, payload, stored_faces
from anime_gan.studio.errors import StudioError
from anime_gan.studio.history import ANIMATION, Draft, Entry
from anime_gan.studio.plans import CHARACTER, READ, Drawing, Plan, Planner
from anime_gan.studio.shelf import KEPT, Event, Shelf
from anime_gan.studio.slices import StoppedError, beside, in_steps

if TYPE_CHECKING:
    from anime_gan.characters.checks import Checker

Result = TypeVar("Result")

SHEET = "sheet.png"
# Number of an animation's frames that are shown as faces. With two keyframes, these frames lead from the
# first to the last. Otherwise, they are spread over the whole animation.
BLEND_STEPS, ANIMATION_STEPS = 7, 8


class Studio:
    """A model, and everything that is drawn with it.

    Any thread may make plans, but only a single thread may draw them.

    Attributes:
        schema: The attributes that can be requested.
        name: The model's name in pictures.
        label: The model's name for people.
        shelf: What was drawn before.
        planner: Converts requests of the page to plans.
        ready: Whether the model is loaded.
    """

    def __init__(
        self,
        directory: Path | None,
        history: Path,
        keep: int,
        load: Callable[[Path], FaceGenerator] = FaceGenerator,
    ) -> None:
        """Opens the history. The model is loaded before the first drawing.

        Args:
            directory: A path to the export, as in `find_export`.
            history: Folder of the history and of the kept faces.
            keep: Maximum number of history entries and of kept faces.
            load: A function that loads the model.

        Raises:
            ModelError: The export is missing, incomplete, or damaged.
            OSError: The folder is not writable.
        """
        export = read_export(directory)
        self.schema, self.name, self._channels = export.schema, export.name, export.channels
        self.shelf = Shelf(self.schema, self.name, history, keep)
        self.has_critic = (export.directory / CRITIC).is_dir()
        self.has_tagger = (export.directory / TAGGER).is_dir()
        self.ready = False
        self.planner = Planner(self.schema, self.name, self.has_critic, lambda face: self.shelf.find(face)[2])
        self._directory, self._load = export.directory, load
        self._checker: Checker | None = None
        self._storing = threading.Lock()
        # An export is in a folder for its version, and that of a run in a folder `export`.
        parts = [part for part in export.directory.parts[:-1] if part != "export"]
        self.label = parts[-1] if parts else self.name

    def stored_faces(self) -> dict[str, Entry | None]:
        """Returns the faces that come with the model, by kind. Without a file, they are None.

        Those to show first can be drawn then, which takes the plan of `arrival_plan`.
        """
        store = self.shelf.arrival
        # Two pages may ask at once.
        with self._storing:
            known = {entry.kind: entry for entry in store.entries(None, store.keep)}
            return {
                kind: known.get(kind) or stored_faces.add_stored(self._directory, kind, store)
                for kind in stored_faces.KINDS
            }

    def arrival_plan(self) -> Plan:
        """Plans to draw the faces to show first."""
        kind = stored_faces.ARRIVAL
        return Plan(
            kind,
            lambda generator: Drawing(stored_faces.chosen(generator, self.has_critic), None),
            size=stored_faces.FACES * stored_faces.CANDIDATES[kind],
        )

    def _judges(self, stop: threading.Event) -> Generator[Event, None, Checker]:
        """Returns the judges. They take seconds to load, in which others may draw."""
        if self._checker is None:
            side, channels = self._generator.resolution, self._channels
            self._checker = yield from _with_progress(
                beside(lambda: _load_judges(self._directory, self.schema, (side, side, channels)), stop)
            )
        return self._checker

    @functools.cached_property
    def _generator(self) -> FaceGenerator:
        try:
            generator = self._load(self._directory)
        except Exception as error:  # TensorFlow raises almost anything on a damaged file.
            raise StudioError("model_broken", 500, reason=" ".join(str(error).split())[:200]) from error
        self.ready = True
        return generator

    def warm_up(self, stop: threading.Event) -> Iterator[Event]:
        """Loads the model and draws a face, because the first one takes longer than the others."""
        yield from ({"ready": True} for _ in self._generator.faces(FaceRequest()))

    def draw(self, plan: Plan, stop: threading.Event) -> Iterator[Event]:
        """Draws a plan into a new history entry.

        Args:
            plan: A plan from `planner`.
            stop: Ends the drawing early when it is set. Finished faces are saved, but unfinished animations
                are not.

        Yields:
            A `begun` event, then `face` and `progress` events, and finally `done` with the entry.

        Raises:
            StudioError: The critic has changed since a picture was made, or an animation was stopped.
        """
        for origin in plan.origins:
            if origin.critic is not None and origin.critic != self._generator.critic_name:
                raise StudioError("other_critic", 409)
        requests, settings = plan.make(self._generator)
        if plan.kind == READ:
            yield from self._read(requests, stop)
            return
        if plan.kind == CHARACTER:
            yield from self._character(plan, requests[0], stop)
            return
        if plan.is_preview:
            yield from self._preview(plan, requests, stop)
            return
        if plan.kind == KEPT:
            yield from self._keep(requests[0])
            return
        if plan.is_again and settings:
            text = self._generator.picture_text(settings)
            for entry in self.shelf.history.entries(None, self.shelf.history.keep):
                if (entry.kind, entry.settings) == (plan.kind, text):
                    yield {"done": self.shelf.entry_json(entry)}
                    return
        interpolation = settings.interpolation if settings else None
        is_sheet = plan.kind == "sheet"
        store = self.shelf.arrival if plan.kind == stored_faces.ARRIVAL else self.shelf.history
        with store.new() as draft:
            if interpolation and interpolation.frame is None:
                yield from self._animate(draft, plan.kind, requests[0], interpolation, stop)
            else:
                yield self._begun(draft, plan.kind, len(requests), settings)
                for request in requests:
                    if draft.faces and stop.is_set() and not is_sheet:
                        break
                    yield self._add(draft, request)
                if settings and not is_sheet and len(draft.faces) < len(requests):
                    settings = dataclasses.replace(settings, seeds=settings.seeds[: len(draft.faces)])
            text = self._generator.picture_text(settings) if settings else {}
            if settings and is_sheet:
                save_png(draft.folder / SHEET, self._generator.sheet(settings), text)
            entry = draft.finish(plan.kind, text)
        yield {"done": self.shelf.entry_json(entry)}

    def _preview(self, plan: Plan, requests: Sequence[FaceRequest], stop: threading.Event) -> Iterator[Event]:
        """Draws faces that are not stored; their pictures are in the events."""
        for request in requests:
            if stop.is_set():
                raise StudioError("stopped", 409)
            (face,) = self._generator.faces(request)
            text = self._generator.picture_text(face.request, face.labels)
            image = on_background(face.request.scaling.apply(face.image), plan.background)
            picture = data_url(png_bytes(image, text), "image/png")
            yield {
                "face": {
                    **self.shelf.face_json("", 0, text),
                    "picture": picture,
                    "name": file_stem(face.request),
                }
            }
        yield {"done": {}}

    def _keep(self, request: FaceRequest) -> Iterator[Event]:
        (face,) = self._generator.faces(request)
        text = self._generator.picture_text(face.request, face.labels)
        entry = self.shelf.kept_entry(text)
        if entry is None:
            with self.shelf.kept.new() as draft:
                draft.add(face.image, text)
                entry = draft.finish(KEPT, text)
        yield {"done": self.shelf.entry_json(entry)}

    def _character(self, plan: Plan, request: FaceRequest, stop: threading.Event) -> Iterator[Event]:
        # Imported here, because it imports TensorFlow.
        from anime_gan.studio.character_pack import draw_character, packed

        generator = self._generator
        try:
            checker = yield from self._judges(stop)
            steps = in_steps(lambda progress: draw_character(generator, checker, request, progress), stop)
            drawn = yield from _with_progress(steps)
            writing = beside(lambda: packed(generator, checker, drawn, plan.engine), stop)
            data = yield from _with_progress(writing)
        except StoppedError as error:
            raise StudioError("stopped", 409) from error
        name = "-".join(filter(None, ("character", plan.engine)))
        yield {"done": {"file": data_url(data, "application/zip"), "name": f"{name}.zip"}}

    def _read(self, requests: Sequence[FaceRequest], stop: threading.Event) -> Iterator[Event]:
        """Draws faces, and says what the judges of the model see in them."""
        try:
            checker = yield from self._judges(stop)
        except StoppedError as error:
            raise StudioError("stopped", 409) from error
        for request in requests:
            if stop.is_set():
                raise StudioError("stopped", 409)
            (face,) = self._generator.faces(request)
            yield {"reading": self._reading(checker, face.image)}
        yield {"done": {}}

    def _reading(self, checker: Checker, image: np.ndarray) -> Event:
        """Returns the attributes that the tagger sees, and by how much the critic finds the face intact."""
        # Imported here, because this module imports TensorFlow.
        from anime_gan.judges.tagger import decide

        looks = checker.look(image[np.newaxis])
        seen = None
        if looks.probabilities is not None:
            seen = payload.described(decide(looks.probabilities, self.schema)[0], self.schema)
        intact = None if looks.margins is None else round(float(looks.margins[0]), 3)
        return {"attributes": seen, "intact": intact}

    def project(self, data: bytes, stop: threading.Event) -> Iterator[Event]:
        """Finds the face that is closest to a picture, and stores it in the history.

        Yields:
            `progress` events, and finally `done` with the entry, and `poor`: whether the likeness is poor.

        Raises:
            StudioError: The picture cannot be read, or the search was stopped.
        """
        # Imported here, because it imports TensorFlow.
        from anime_gan.faces.projector import STEPS

        generator = self._generator
        try:
            picture = own_picture.prepared(data, generator, self._channels)
            found = yield from _with_progress(own_picture.find_closest(picture, generator, stop), STEPS)
        except PictureError as error:
            raise StudioError("unreadable") from error
        except StoppedError as error:
            raise StudioError("stopped", 409) from error
        text = generator.picture_text(found.request, self.schema.parse(found.request.attributes))
        with self.shelf.history.new() as draft:
            draft.add(found.image, text)
            entry = draft.finish("projected", text)
        yield {"done": {**self.shelf.entry_json(entry), "poor": own_picture.is_poor(found)}}

    def _animate(
        self,
        draft: Draft,
        kind: str,
        request: FaceRequest,
        interpolation: Interpolation,
        stop: threading.Event,
    ) -> Iterator[Event]:
        """Draws an animation, and some of its frames as faces."""
        shown = _shown_frames(interpolation)
        frames = []
        yield self._begun(draft, kind, len(shown), request)
        for number, face in enumerate(self._generator.faces(request)):
            if stop.is_set():
                raise StudioError("stopped", 409)
            frames.append(face.image)
            if number in shown:
                text = self._generator.picture_text(face.request, face.labels)
                yield self._saved(draft, face.image, text)
            yield {"progress": number + 1, "total": interpolation.frames}
        text = self._generator.picture_text(request)
        save_animation(draft.folder / ANIMATION, np.stack(frames), interpolation.frames_per_second, text)

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
        return {"face": self.shelf.face_json(draft.identifier, number, text)}


def _load_judges(directory: Path, schema: Schema, shape: tuple[int, int, int]) -> Checker:
    """Loads the judges of a model, and shows them a picture, because the first one takes longer."""
    # Imported here, because it imports TensorFlow.
    from anime_gan.characters.checks import Checker

    checker = Checker(directory, schema)
    checker.look(np.zeros((1, *shape), np.uint8))
    return checker


def _with_progress(
    steps: Generator[int | None, None, Result], total: int | None = None
) -> Generator[Event, None, Result]:
    """Yields an event for each step; returns what the steps return."""
    while True:
        try:
            yield {"progress": next(steps), "total": total}
        except StopIteration as end:
            result: Result = end.value
            return result


def data_url(data: bytes, media_type: str) -> str:
    """Returns an address that contains a file."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


def _shown_frames(interpolation: Interpolation) -> list[int]:
    """Returns the numbers of the frames that are shown as faces."""
    frames = interpolation.frames
    if len(interpolation.keyframes) == 2:
        steps, last = min(BLEND_STEPS, frames // 2 + 1), frames // 2
        return sorted({round(step * last / (steps - 1)) for step in range(steps)})
    steps = min(ANIMATION_STEPS, frames)
    return [step * frames // steps for step in range(steps)]
