"""The page without a server: its files, and in browsers its faces, which are those of generate.py."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from anime_gan.commands import generate
from anime_gan.common.alpha import premultiplied
from anime_gan.common.errors import InputError
from anime_gan.exports.read import read_export
from anime_gan.portable import site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
# A folder with onnxruntime-web, and one with puppeteer-core, which drives Firefox; see .ci/run.
RUNTIME = os.environ.get("ANIME_GAN_ONNXRUNTIME_WEB")
PUPPETEER = os.environ.get("ANIME_GAN_PUPPETEER")


@pytest.fixture
def runtime(tmp_path, monkeypatch) -> Path:
    """Files that take the place of onnxruntime-web."""
    folder = tmp_path / "runtime"
    (folder / "dist").mkdir(parents=True)
    for needed in ("RUNTIME", "WEBGPU_RUNTIME"):
        names = getattr(site, needed)
        for name in names:
            (folder / "dist" / name).write_text(name)
        checksums = {name: hashlib.sha256(name.encode()).hexdigest() for name in names}
        monkeypatch.setattr(site, needed, checksums)
    return folder


def test_files(tmp_path, runtime):
    out = tmp_path / "site"
    site.write_site(read_export(None), out, runtime)
    index = (out / "index.html").read_text("utf-8")
    assert "Sutemo" in index
    worker = (out / "worker.js").read_text("utf-8")
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} - {"worker.js"}
    assert all(f'"{name}"' in worker for name in files)
    assert "VERSION" not in worker
    # Nothing comes from another host, and nothing from the root of this one.
    for name in files:
        if name.endswith((".js", ".html", ".css")):
            text = (out / name).read_text("utf-8")
            assert 'src="/' not in text and 'href="/' not in text and 'fetch("/' not in text
            assert "//cdn" not in text


def test_the_runtime_of_graphics_cards_is_kept_only_where_there_is_one(tmp_path, runtime):
    for webgpu in (False, True):
        out = tmp_path / f"site-{webgpu}"
        site.write_site(read_export(None), out, runtime, webgpu)
        large = {f"runtime/{name}" for name in site.WEBGPU_RUNTIME}
        assert {
            path.relative_to(out).as_posix() for path in (out / "runtime").iterdir()
        } >= large or not webgpu
        assert f"const HAS_WEBGPU = {str(webgpu).lower()};" in (out / "engine.js").read_text("utf-8")
        lines = (out / "worker.js").read_text("utf-8").splitlines()
        kept, kept_with_card = (
            set(json.loads(line.split("=", 1)[1].rstrip(";")))
            for line in lines
            if line.startswith(("const FILES", "const WEBGPU_FILES"))
        )
        assert kept_with_card == (large if webgpu else set())
        assert not kept & large
        assert kept >= {f"runtime/{name}" for name in site.RUNTIME}


def test_a_wrong_runtime_is_refused(tmp_path, runtime):
    (runtime / "dist" / "ort.wasm.min.mjs").write_text("another")
    with pytest.raises(InputError, match="another checksum"):
        site.write_site(read_export(None), tmp_path / "site", runtime)
    with pytest.raises(InputError, match=r"has no ort\.wasm\.min\.mjs"):
        site.write_site(read_export(None), tmp_path / "site", tmp_path)
    assert not (tmp_path / "site").exists()


class Served(NamedTuple):
    """The page on a plain server of static files.

    Attributes:
        address: Where the page is, in a subfolder.
        end: Stops the server.
    """

    address: str
    end: Callable[[], None]


@pytest.fixture
def served(tmp_path) -> Iterator[Served]:
    site.write_site(read_export(None), tmp_path / "www" / "deep" / "faces", Path(RUNTIME or ""), webgpu=True)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *values):
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path / "www"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def end() -> None:
        server.shutdown()
        server.server_close()

    yield Served(f"http://127.0.0.1:{server.server_port}/deep/faces/", end)
    end()


@pytest.mark.skipif(not (CHROMIUM and RUNTIME), reason="needs Chromium and ANIME_GAN_ONNXRUNTIME_WEB")
def test_page_and_command_draw_the_same_faces(tmp_path, served):
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        blocked = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", blocked])
        context = browser.new_context(viewport={"width": 390, "height": 844}, accept_downloads=True)
        page = context.new_page()
        # Some machines are slow; nothing waits longer than needed.
        page.set_default_timeout(120_000)
        errors, requests = [], []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(served.address)
        # The page draws the faces to start with itself.
        page.wait_for_selector("#panel-faces .face img")
        # The page starts at its top, also on a phone.
        page.wait_for_function("document.querySelectorAll('#panel-faces .face img').length === 16")
        assert page.evaluate("scrollY") == 0
        page.fill("#words", "blue hair smile")
        page.click("#more summary")
        page.fill("#number", "2")
        page.fill("#seed", "9007199254740993")
        page.click("[type=submit]")
        page.wait_for_function("document.querySelectorAll('#panel-faces .face img').length === 2")
        assert page.is_checked("[name=request-hair_color][value=blue]")
        page.click("#panel-faces .face >> nth=0")
        saved = _download(page, "#face a[href^='blob:']", tmp_path / "page.png")
        assert _text(saved)["seeds"] == "9007199254740993"
        assert _text(saved)["attributes"] == "blue hair, smile"
        assert generate.main([f"--like={saved}", f"--out={tmp_path / 'again'}"]) == 0
        (again,) = (tmp_path / "again").iterdir()
        assert _text(again) == _text(saved)
        assert _difference(again, saved) <= 1

        # Change one attribute, and make a picture of the command again in the page.
        made = tmp_path / "made.png"
        assert generate.main([f"--like={saved}", "--set=red eyes, glasses", f"--out={made}"]) == 0
        page.keyboard.press("Escape")
        page.set_input_files("#file", str(made))
        # A single face is opened at once.
        page.wait_for_function("document.querySelector('#face .facts')?.textContent.includes('red eyes')")
        opened = _download(page, "#face a[href^='blob:']", tmp_path / "opened.png")
        assert _text(opened)["set"] == "red eyes, glasses"
        assert _difference(opened, made) <= 1
        assert errors == []
        assert all(url.startswith((served.address, "blob:", "data:")) for url in requests)

        # The page works without its server after the first visit.
        page.evaluate("navigator.serviceWorker.ready.then(() => null)")
        served.end()
        page.goto("about:blank")
        page.goto(served.address)
        page.wait_for_function("document.querySelectorAll('#panel-faces .face img').length === 16")
        page.fill("#words", "red hair")
        page.click("[type=submit]")
        page.wait_for_selector("#panel-faces .heading + * .face img[alt*='red hair']")
        browser.close()


# A graphics card that cannot compute.
BROKEN_CARD = """
const requestDevice = async () => { throw new Error("lost"); };
const adapter = { info: {}, features: new Set(), limits: {}, requestDevice };
Object.defineProperty(Navigator.prototype, "gpu", { get: () => ({ requestAdapter: async () => adapter }) });
"""


@pytest.mark.skipif(not (CHROMIUM and RUNTIME), reason="needs Chromium and ANIME_GAN_ONNXRUNTIME_WEB")
def test_a_graphics_card_that_fails_is_not_used(served):
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.add_init_script(BROKEN_CARD)
        requests, said = [], []
        page.on("request", lambda request: requests.append(request.url.rpartition("/")[2]))
        page.on("console", lambda message: said.append(message.text))
        page.goto(served.address)
        page.wait_for_function("document.querySelectorAll('#panel-faces .face img').length === 16")
        assert {"ort.webgpu.min.mjs", "ort.wasm.min.mjs"} <= set(requests)
        assert any("The graphics card cannot be used" in text for text in said)
        browser.close()


@pytest.mark.skipif(
    not (FIREFOX and PUPPETEER and RUNTIME and shutil.which("node")),
    reason="needs Firefox, Node, ANIME_GAN_PUPPETEER, and ANIME_GAN_ONNXRUNTIME_WEB",
)
def test_firefox_and_command_draw_the_same_faces(tmp_path, served):
    base, made, saved, opened = (tmp_path / f"{name}.png" for name in ("base", "made", "page", "opened"))
    assert generate.main(["--seeds=5", "--attrs=blue hair", f"--out={base}"]) == 0
    assert generate.main([f"--like={base}", "--set=red eyes, glasses", f"--out={made}"]) == 0
    script = Path(__file__).with_name("firefox.mjs")
    command = ["node", str(script), str(PUPPETEER), str(FIREFOX), served.address, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        first = process.stdout.readline()
        # From here on, the page has no server.
        served.end()
        said = first + process.communicate()[0]
    assert (process.returncode, said) == (0, "visited\n")
    assert _text(saved)["seeds"] == "9007199254740993"
    assert generate.main([f"--like={saved}", f"--out={tmp_path / 'again.png'}"]) == 0
    assert _difference(tmp_path / "again.png", saved) <= 1
    assert _difference(opened, made) <= 1
    assert _text(opened)["set"] == "red eyes, glasses"


def _download(page, selector: str, path: Path) -> Path:
    with page.expect_download() as download:
        page.click(selector)
    download.value.save_as(path)
    return path


def _text(path: Path) -> dict[str, str]:
    with Image.open(path) as image:
        return dict(image.text)


def _difference(first: Path, second: Path) -> int:
    # What a viewer sees: colors of invisible pixels do not count.
    a, b = (premultiplied(np.asarray(Image.open(path))) for path in (first, second))
    return int(np.rint(np.abs(a - b).max()))
