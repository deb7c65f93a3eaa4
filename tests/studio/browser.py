"""A browser with the page, which can reach nothing but the studio, and what users do there."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import pytest
from PIL import Image

from anime_gan.common.alpha import on_background

try:
    import uvicorn
    from playwright import sync_api

    from anime_gan.studio.server import MAX_SHORT, create_app
except ImportError:
    sync_api = None

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HAS_BROWSER = CHROMIUM is not None and sync_api is not None
needs_chromium = pytest.mark.skipif(not HAS_BROWSER, reason="needs Chromium and Playwright")

expect = sync_api.expect if sync_api else None
SECONDS = 1_000
VIEWPORT = {"width": 1280, "height": 800}


class Served:
    """A studio that can be restarted at the same address."""

    def __init__(self, make_studio, folder: Path) -> None:
        self._make, self._folder = make_studio, folder
        self._port = 0
        self.start()

    def start(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", self._port))
        self._port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/"
        app = create_app(self._make(self._folder))
        config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})
        self._thread.start()

    def empty(self) -> None:
        """Deletes the history and the kept faces."""
        self._finish_drawings()
        for store in ("history", "kept"):
            for entry in (self._folder / store).iterdir():
                shutil.rmtree(entry)

    def _finish_drawings(self) -> None:
        """Waits for what closed pages have left behind: a long drawing ends after all earlier ones."""
        body = json.dumps({"kind": "faces", "number": MAX_SHORT + 1, "seed": "0"}).encode()
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(f"{self.url}api/draw", body, headers)) as lines:
            assert "done" in json.loads(lines.readlines()[-1])

    def end(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


@pytest.fixture(scope="module")
def served(make_studio, tmp_path_factory) -> Iterator[Served]:
    server = Served(make_studio, tmp_path_factory.mktemp("studio"))
    yield server
    server.end()


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    # Some machines are slow; nothing waits longer than needed.
    expect.set_options(timeout=60 * SECONDS)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def usual_page(chromium) -> Iterator[object]:
    """A page for one test after the other, because each new one starts a process of the browser."""
    context = chromium.new_context(viewport=VIEWPORT, locale="en-US")
    yield context.new_page()
    context.close()


@pytest.fixture
def new_page(chromium, served):
    """Opens the page; at the end, checks that nothing else was requested and no script failed."""
    with contextlib.ExitStack() as opened:
        asked: list[str] = []
        failed: list[str] = []
        refused: list[str] = []
        served.empty()

        def new(used=None, **options):
            context = used.context if used else chromium.new_context(**{"viewport": VIEWPORT, **options})
            page = used or context.new_page()
            opened.callback(functools.partial(leave, page) if used else context.close)
            page.set_default_timeout(60 * SECONDS)
            for event, seen in (
                ("request", lambda request: asked.append(request.url)),
                ("pageerror", lambda error: failed.append(str(error))),
                ("console", lambda message: refused.append(message.text)),
            ):
                page.on(event, seen)
                opened.callback(page.remove_listener, event, seen)
            page.goto(served.url)
            expect(page.get_by_role("tab")).to_have_count(3)
            page.wait_for_selector("#picker fieldset", state="attached")
            return page

        yield new
    assert [url for url in asked if not url.startswith((served.url, "blob:", "data:"))] == []
    assert failed == []
    assert [text for text in refused if "Content Security Policy" in text] == []


def leave(page) -> None:
    """Makes a page ready for the next test."""
    for other in page.context.pages:
        if other != page:
            other.close()
    page.context.clear_permissions()
    page.unroute_all()
    page.emulate_media(reduced_motion="null")
    page.goto("about:blank")


@pytest.fixture
def page(new_page, usual_page):
    return new_page(usual_page)


def pick(page, group: str, value: str, where: str = "#picker") -> None:
    page.locator(where).get_by_role("group", name=group, exact=True).get_by_role("radio", name=value).check()


def draw(page, number: int = 4, seed: int = 0) -> list:
    """Draws, and returns the images."""
    if not page.locator("#more").get_attribute("open"):
        page.locator("#more").evaluate("details => details.open = true")
    page.get_by_label("Number of faces").fill(str(number))
    page.get_by_label("First seed").fill(str(seed))
    # Earlier faces must not be mistaken for the new ones.
    page.locator("#panel-faces").evaluate("panel => panel.replaceChildren()")
    page.get_by_role("button", name="Draw", exact=True).click()
    expect(page.locator("#panel-faces .heading")).to_contain_text(
        f"seed {seed}" + f"-{seed + number - 1}" * (number > 1)
    )
    return page.locator("#panel-faces .faces img").all()


def alt(image) -> str:
    return image.get_attribute("alt")


def saved(page, press) -> Path:
    with page.expect_download() as download:
        press()
    path = Path(download.value.path())
    return path.rename(path.with_name(download.value.suggested_filename))


def pixels(data: bytes | Path) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data) if isinstance(data, bytes) else data))


def on_white(image: Image.Image) -> np.ndarray:
    """What is seen of a picture; a lossless WebP file has no colors where nothing is seen."""
    return on_background(np.asarray(image.convert("RGBA")), (255, 255, 255))


def drop(page, path: Path) -> None:
    """Drops a file on the page."""
    content = list(path.read_bytes())
    page.evaluate(
        """([name, content]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(content)], name));
            const how = { dataTransfer: data, bubbles: true, cancelable: true };
            document.body.dispatchEvent(new DragEvent("dragover", how));
            document.body.dispatchEvent(new DragEvent("drop", how));
        }""",
        [path.name, content],
    )


def address(page) -> str:
    """The address of the page without what it shows."""
    return page.url.partition("#")[0]
