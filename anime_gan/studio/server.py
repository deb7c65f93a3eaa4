"""The studio's web server, with the page, its JSON API, and the files."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib.util
import json
import math
import mimetypes
import traceback
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from anime_gan.attributes.scales import Scale
from anime_gan.common.errors import InputError
from anime_gan.studio import payload
from anime_gan.studio.downloads import download
from anime_gan.studio.errors import LANGUAGES, PAGE, StudioError, as_studio_error, read_language
from anime_gan.studio.guard import Guard, limited_body
from anime_gan.studio.opening import read_settings
from anime_gan.studio.plans import Plan
from anime_gan.studio.shelf import Event
from anime_gan.studio.stored_faces import ARRIVAL
from anime_gan.studio.studio import Studio
from anime_gan.studio.worker import BusyError, Job, Worker

# Maximum number of drawings that are waiting or running.
PLACES = 8
MAX_BODY = 64 * 2**10
# Maximum size of an opened file, in bytes.
MAX_FILE = 32 * 2**20
# Maximum number of files that are being opened at the same time; each may need this much memory.
MAX_OPENING = 4
PAGE_OF_HISTORY = 20
# Larger drawings let smaller ones go first.
MAX_SHORT = 16
# Seconds until the model is loaded after the page was opened, and without a visit. Loading TensorFlow stops
# everything else for up to a second, so it waits until the page shows its faces.
AFTER_VISIT, WITHOUT_VISIT = 1.5, 60.0
JSON, FILE = "application/json", "application/octet-stream"


def create_app(
    studio: Studio,
    names: Iterable[str] = (),
    token: str | None = None,
    others: Mapping[str, Callable[[], Studio]] = MappingProxyType({}),
) -> Starlette:
    """Creates the web application.

    Args:
        studio: The studio, which draws and stores faces.
        names: Further host names of the server, besides those of this computer.
        token: The token that requests must know; see `Guard`.
        others: Label of each other model -> a function that opens its studio, called on the first visit.
    """
    # The system may map .js to another type, but browsers run scripts only with this type.
    mimetypes.add_type("text/javascript", ".js")
    models = {studio.label: "/", **{label: f"/models/{label}/" for label in others}}
    first = _Server(studio, models)
    visited = [_Visited(open_studio, models) for open_studio in others.values()]
    mounts = [Mount(f"/models/{label}", app) for label, app in zip(others, visited, strict=True)]

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        first.start()
        yield
        for server in (first, *(app.server for app in visited)):
            if server:
                server.stop()

    return Starlette(
        routes=[*mounts, *first.routes()],
        middleware=[Middleware(Guard, names=list(names), token=token)],
        exception_handlers=_handlers(),
        lifespan=lifespan,
    )


class _Visited:
    """The application of another model, which is created on the first visit."""

    def __init__(self, open_studio: Callable[[], Studio], models: Mapping[str, str]) -> None:
        self._open, self._models = open_studio, models
        self._app: Starlette | None = None
        self.server: _Server | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            self.server = _Server(self._open(), self._models)
            self.server.start()
            self._app = Starlette(routes=self.server.routes(), exception_handlers=_handlers())
        await self._app(scope, receive, send)


class _Server:
    """Handles the requests of the page.

    The model is loaded in the background, after the first page is shown. Requests wait in the queue until it
    is loaded.
    """

    def __init__(self, studio: Studio, models: Mapping[str, str]) -> None:
        """Stores the studio, and the address of the page of each model."""
        self._studio, self._models = studio, models
        self._worker: Worker[Event] = Worker(PLACES)
        self._opening = 0
        # When the model is loaded, in the time of the event loop.
        self._due = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def routes(self) -> list[BaseRoute]:
        """Returns what the server answers."""
        return [
            Route("/api/studio", self.about),
            Route("/api/history", self.history),
            Route("/api/kept", self.kept),
            Route("/api/draw", self.draw, methods=["POST"]),
            Route("/api/open", self.open, methods=["POST"]),
            Route("/api/project", self.project, methods=["POST"]),
            Route("/api/words", self.words, methods=["POST"]),
            Route("/api/keep", self.keep, methods=["POST"]),
            Route("/api/remove", self.remove, methods=["POST"]),
            Route("/files/{entry}/{name}", self.file),
            Mount("/", StaticFiles(directory=PAGE, html=True)),
        ]

    def start(self, seconds: float = WITHOUT_VISIT) -> None:
        """Loads the model after some seconds, unless that happens earlier anyway."""
        loop = asyncio.get_running_loop()
        if loop.time() + seconds < self._due:
            self._cancel()
            self._due = loop.time() + seconds
            self._timer = loop.call_later(seconds, self._load)

    def _load(self) -> None:
        # If the queue is full, the first drawing loads the model.
        with contextlib.suppress(BusyError):
            self._worker.submit(self._studio.warm_up)

    def _cancel(self) -> None:
        if self._timer:
            self._timer.cancel()

    def stop(self) -> None:
        """Ends all drawings early."""
        self._cancel()
        self._worker.stop()

    async def about(self, request: Request) -> Response:
        """Describes the model and the limits."""
        self.start(AFTER_VISIT)
        studio = self._studio
        slots: list[dict[str, Any]] = []
        for attribute in studio.schema.attributes:
            values = getattr(attribute, "values", None)
            slot = {
                "name": attribute.name,
                "phrase": getattr(attribute, "phrase", attribute.name.replace("_", " ")),
                "values": values and [{"name": term.name, "phrase": term.phrase} for term in values],
            }
            if isinstance(attribute, Scale):
                slot |= {"low": attribute.low, "high": attribute.high, "unit": attribute.unit}
            slots.append(slot)
        stored = await run_in_threadpool(studio.stored_faces)
        hidden = [
            {"hidden": slot.name, "by": studio.schema.columns[hider]}
            for slot, hider in studio.schema.hidden_by
        ]
        return JSONResponse(
            {
                "model": studio.name,
                "label": studio.label,
                "models": self._models,
                "ready": studio.ready,
                "attributes": slots,
                "hidden": hidden,
                **{kind: entry and studio.shelf.entry_json(entry) for kind, entry in stored.items()},
                "readings": studio.has_tagger or studio.has_critic,
                "languages": {code: read_language(code)["strings"]["language"] for code in LANGUAGES},
                "limits": {
                    "number": payload.MAX_NUMBER,
                    "candidates": payload.MAX_CANDIDATES if studio.has_critic else 1,
                    "file": MAX_FILE,
                },
                "video": importlib.util.find_spec("av") is not None,
            }
        )

    async def history(self, request: Request) -> Response:
        """Lists the newest entries, or the newest ones before a given entry."""
        before = request.query_params.get("before")
        entries = await run_in_threadpool(self._studio.shelf.history.entries, before, PAGE_OF_HISTORY)
        return JSONResponse(
            {
                "entries": [self._studio.shelf.entry_json(entry) for entry in entries],
                "more": len(entries) == PAGE_OF_HISTORY,
            }
        )

    async def kept(self, request: Request) -> Response:
        """Lists the kept faces, newest first."""
        store = self._studio.shelf.kept
        entries = await run_in_threadpool(store.entries, None, store.keep)
        return JSONResponse(
            {"faces": [self._studio.shelf.entry_json(entry)["faces"][0] for entry in entries if entry.faces]}
        )

    async def draw(self, request: Request) -> Response:
        """Draws a request of the page, and sends events line by line."""
        body = payload.parsed(await limited_body(request, JSON, MAX_BODY))
        if body.get("kind") == ARRIVAL:
            return self._drawn(self._studio.arrival_plan())
        return self._drawn(await run_in_threadpool(self._studio.planner.plan, body))

    async def open(self, request: Request) -> Response:
        """Draws an opened file again from its settings."""
        with self._place():
            data = await limited_body(request, FILE, MAX_FILE)
            text = await run_in_threadpool(read_settings, data)
        return self._drawn(self._studio.planner.plan_file(text))

    async def project(self, request: Request) -> Response:
        """Finds the face that is closest to a picture of the user's own."""
        with self._place():
            data = await limited_body(request, FILE, MAX_FILE)
        return self._answered(functools.partial(self._studio.project, data), True)

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        """Takes one of the places for files that are being opened."""
        if self._opening >= MAX_OPENING:
            raise StudioError("busy", 429)
        self._opening += 1
        try:
            yield
        finally:
            self._opening -= 1

    def _drawn(self, plan: Plan) -> Response:
        return self._answered(functools.partial(self._studio.draw, plan), plan.size > MAX_SHORT)

    def _answered(self, job: Job[Event], is_long: bool) -> Response:
        ahead = self._worker.pending
        try:
            events = self._worker.submit(job, is_long)
        except BusyError as error:
            raise StudioError("busy", 429) from error
        first = {"queued": ahead, "ready": self._studio.ready}
        return StreamingResponse(_lines(first, events), media_type="application/x-ndjson")

    async def words(self, request: Request) -> Response:
        """Reads typed words as attributes."""
        body = payload.parsed(await limited_body(request, JSON, MAX_BODY))
        reading = await run_in_threadpool(self._studio.planner.attributes, payload.text(body, "words"))
        return JSONResponse(reading._asdict())

    async def keep(self, request: Request) -> Response:
        """Keeps a face."""
        body = payload.parsed(await limited_body(request, JSON, MAX_BODY))
        entry = await run_in_threadpool(self._studio.shelf.keep, payload.text(body, "face"))
        return JSONResponse({"face": self._studio.shelf.entry_json(entry)["faces"][0]})

    async def remove(self, request: Request) -> Response:
        """Removes a history entry or a kept face."""
        body = payload.parsed(await limited_body(request, JSON, MAX_BODY))
        identifier = payload.text(body, "entry")
        for store in (self._studio.shelf.history, self._studio.shelf.kept):
            await run_in_threadpool(store.remove, identifier)
        return JSONResponse({"removed": identifier})

    async def file(self, request: Request) -> Response:
        """Returns a picture or a download."""
        found = await run_in_threadpool(
            download, self._studio, request.path_params["entry"], request.path_params["name"]
        )
        headers = {
            # A file never changes once it exists.
            "Cache-Control": "private, max-age=31536000, immutable",
            "Content-Disposition": f"inline; filename*=UTF-8''{quote(found.name)}",
        }
        return Response(found.data, media_type=found.media_type, headers=headers)


def _handlers() -> dict[Any, Callable[..., Any]]:
    return {StudioError: _studio_error, HTTPException: _http_error, Exception: _any_error}


async def _lines(first: Event, events: AsyncIterator[Event]) -> AsyncIterator[str]:
    """Yields a line of JSON for each event. If there is an error, it is the last line."""
    yield json.dumps(first) + "\n"
    try:
        async for event in events:
            yield json.dumps(event) + "\n"
    except StudioError as error:
        yield json.dumps(error.to_json()) + "\n"
    except InputError as error:
        yield json.dumps(as_studio_error(error).to_json()) + "\n"
    except OSError as error:
        reason = error.strerror or str(error)
        yield json.dumps(StudioError("not_saved", reason=reason).to_json()) + "\n"
    except Exception:
        # An error raised here would cut the connection, and the browser would drop what it has not read.
        traceback.print_exc()
        yield json.dumps(StudioError("failed").to_json()) + "\n"


async def _studio_error(request: Request, error: StudioError) -> Response:
    return JSONResponse(error.to_json(), error.status)


async def _http_error(request: Request, error: HTTPException) -> Response:
    return JSONResponse(StudioError("gone").to_json(), error.status_code, headers=error.headers)


async def _any_error(request: Request, error: Exception) -> Response:
    return JSONResponse(StudioError("failed").to_json(), 500)
