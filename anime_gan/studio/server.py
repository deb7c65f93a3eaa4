"""The studio's server: the page, and JSON for it."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import mimetypes
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from anime_gan.studio import payload
from anime_gan.studio.downloads import download
from anime_gan.studio.errors import LANGUAGES, PAGE, StudioError
from anime_gan.studio.guard import Guard, limited_body
from anime_gan.studio.studio import Event, Plan, Studio
from anime_gan.studio.worker import BusyError, Worker

# Drawings that wait or run at the same time.
PLACES = 8
MAX_WISH = 64 * 2**10
# Of a file that is opened.
MAX_FILE = 32 * 2**20
PAGE_OF_HISTORY = 20
JSON, FILE = "application/json", "application/octet-stream"


def create_app(studio: Studio, names: Iterable[str] = ()) -> Starlette:
    """The application.

    Args:
        studio: What draws.
        names: Under which the server may be called, besides those of this machine.
    """
    # What the system says of these endings may be anything, and browsers run no scripts of another type.
    mimetypes.add_type("text/javascript", ".js")
    server = _Server(studio)
    routes = [
        Route("/api/studio", server.about),
        Route("/api/history", server.history),
        Route("/api/kept", server.kept),
        Route("/api/draw", server.draw, methods=["POST"]),
        Route("/api/open", server.open, methods=["POST"]),
        Route("/api/words", server.words, methods=["POST"]),
        Route("/api/keep", server.keep, methods=["POST"]),
        Route("/api/remove", server.remove, methods=["POST"]),
        Route("/files/{entry}/{name}", server.file),
        Mount("/", StaticFiles(directory=PAGE, html=True)),
    ]
    handlers: dict[Any, Callable[..., Any]] = {
        StudioError: _tell,
        HTTPException: _tell_of_http,
        Exception: _tell_of_anything,
    }
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, names=list(names))],
        exception_handlers=handlers,
        lifespan=server.lifespan,
    )


class _Server:
    """Answers."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._worker: Worker[Event] = Worker(PLACES)

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Begins to load the model at once; until it is there, wishes wait in the queue."""
        self._worker.submit(self._studio.warm_up)
        yield
        self._worker.stop()

    async def about(self, request: Request) -> Response:
        """What the page is built from."""
        studio = self._studio
        slots = []
        for attribute in studio.schema.attributes:
            values = getattr(attribute, "values", None)
            slots.append(
                {
                    "name": attribute.name,
                    "phrase": getattr(attribute, "phrase", attribute.name.replace("_", " ")),
                    "values": values and [{"name": term.name, "phrase": term.phrase} for term in values],
                }
            )
        hidden = [
            {"hidden": slot.name, "by": studio.schema.columns[hider]}
            for slot, hider in studio.schema.hidden_by
        ]
        return JSONResponse(
            {
                "model": studio.name,
                "ready": studio.ready,
                "attributes": slots,
                "hidden": hidden,
                "languages": LANGUAGES,
                "limits": {
                    "number": payload.MAX_NUMBER,
                    "candidates": payload.MAX_CANDIDATES if studio.has_critic else 1,
                    "file": MAX_FILE,
                },
                "video": importlib.util.find_spec("av") is not None,
            }
        )

    async def history(self, request: Request) -> Response:
        """The newest entries, or those before one."""
        before = request.query_params.get("before")
        entries = await run_in_threadpool(self._studio.history.entries, before, PAGE_OF_HISTORY)
        return JSONResponse(
            {
                "entries": [self._studio.entry_json(entry) for entry in entries],
                "more": len(entries) == PAGE_OF_HISTORY,
            }
        )

    async def kept(self, request: Request) -> Response:
        """The faces that were kept, the newest first."""
        store = self._studio.kept
        entries = await run_in_threadpool(store.entries, None, store.keep)
        return JSONResponse(
            {"faces": [self._studio.entry_json(entry)["faces"][0] for entry in entries if entry.faces]}
        )

    async def draw(self, request: Request) -> Response:
        """Fulfils a wish, and tells of it line by line."""
        wish = payload.parsed(await limited_body(request, JSON, MAX_WISH))
        return self._carried_out(await run_in_threadpool(self._studio.plan, wish))

    async def open(self, request: Request) -> Response:
        """Makes again what a file was made from."""
        data = await limited_body(request, FILE, MAX_FILE)
        return self._carried_out(await run_in_threadpool(self._studio.plan_opening, data))

    def _carried_out(self, plan: Plan) -> Response:
        ahead = self._worker.pending
        try:
            events = self._worker.submit(plan)
        except BusyError as error:
            raise StudioError("busy", 429) from error
        first = {"queued": ahead, "ready": self._studio.ready}
        return StreamingResponse(_lines(first, events), media_type="application/x-ndjson")

    async def words(self, request: Request) -> Response:
        """What somebody typed, as picks."""
        wish = payload.parsed(await limited_body(request, JSON, MAX_WISH))
        return JSONResponse({"attributes": self._studio.words(payload.text(wish, "words"))})

    async def keep(self, request: Request) -> Response:
        """Keeps a face."""
        wish = payload.parsed(await limited_body(request, JSON, MAX_WISH))
        entry = await run_in_threadpool(self._studio.keep, payload.text(wish, "face"))
        return JSONResponse({"face": self._studio.entry_json(entry)["faces"][0]})

    async def remove(self, request: Request) -> Response:
        """Removes an entry of the history, or a face that was kept."""
        wish = payload.parsed(await limited_body(request, JSON, MAX_WISH))
        identifier = payload.text(wish, "entry")
        for store in (self._studio.history, self._studio.kept):
            await run_in_threadpool(store.remove, identifier)
        return JSONResponse({"removed": identifier})

    async def file(self, request: Request) -> Response:
        """A picture, or something to take away."""
        found = await run_in_threadpool(
            download, self._studio, request.path_params["entry"], request.path_params["name"]
        )
        headers = {
            # What has a name never changes.
            "Cache-Control": "private, max-age=31536000, immutable",
            "Content-Disposition": f"inline; filename*=UTF-8''{quote(found.name)}",
        }
        return Response(found.data, media_type=found.media_type, headers=headers)


async def _lines(first: Event, events: AsyncIterator[Event]) -> AsyncIterator[str]:
    """A line of JSON for each event; what goes wrong on the way is the last of them."""
    yield json.dumps(first) + "\n"
    try:
        async for event in events:
            yield json.dumps(event) + "\n"
    except StudioError as error:
        yield json.dumps(error.to_json()) + "\n"
    except ValueError as error:
        yield json.dumps(StudioError("words", reason=str(error)).to_json()) + "\n"
    except OSError as error:
        reason = error.strerror or str(error)
        yield json.dumps(StudioError("not_saved", reason=reason).to_json()) + "\n"
    except Exception as error:
        yield json.dumps(StudioError("failed").to_json()) + "\n"
        # For whoever looks at the terminal.
        raise error


async def _tell(request: Request, error: StudioError) -> Response:
    return JSONResponse(error.to_json(), error.status)


async def _tell_of_http(request: Request, error: HTTPException) -> Response:
    return JSONResponse(StudioError("gone").to_json(), error.status_code, headers=error.headers)


async def _tell_of_anything(request: Request, error: Exception) -> Response:
    return JSONResponse(StudioError("failed").to_json(), 500)
