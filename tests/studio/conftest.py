"""A studio with the bundled model, which is loaded once."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from anime_gan.exports.read import find_export
from anime_gan.faces.generator import FaceGenerator
from anime_gan.studio.studio import Studio
from tests.studio.browser import chromium, new_page, page, served, usual_page

# Fixtures of the tests in a browser.
__all__ = ["chromium", "new_page", "page", "served", "usual_page"]

ADDRESS = "http://127.0.0.1:8642"


@pytest.fixture(scope="session")
def generator() -> FaceGenerator:
    return FaceGenerator(None)


@pytest.fixture(scope="session")
def make_studio(generator) -> Callable[..., Studio]:
    def make(
        folder: Path, keep: int = 50, load: Callable[[Path], FaceGenerator] = lambda _: generator
    ) -> Studio:
        return Studio(find_export(None), folder, keep, load)

    return make


class Visitor:
    """A client of the studio."""

    address = ADDRESS

    def __init__(self, client: Any) -> None:
        self.client = client

    def draw(self, **body: Any) -> dict[str, Any]:
        """Draws, and returns the finished entry."""
        return self.finished(self.client.post("/api/draw", json=body))

    def faces(self, number: int = 1, seed: int = 0, **attributes: Any) -> list[dict[str, Any]]:
        return self.draw(kind="faces", number=number, seed=str(seed), attributes=attributes)["faces"]

    def open(self, data: bytes) -> Any:
        return self.client.post(
            "/api/open", content=data, headers={"Content-Type": "application/octet-stream"}
        )

    @staticmethod
    def finished(response: Any) -> dict[str, Any]:
        assert response.status_code == 200, response.text
        last = json.loads(response.text.splitlines()[-1])
        assert "done" in last, last
        return last["done"]

    def file(self, entry: str, name: str) -> bytes:
        response = self.client.get(f"/files/{entry}/{name}")
        assert response.status_code == 200, response.text
        return response.content

    def png(self, face: dict[str, Any]) -> bytes:
        entry, number = face["id"].split(".")
        return self.file(entry, f"{number}.png")

    def settings(self, face: dict[str, Any]) -> bytes:
        entry, number = face["id"].split(".")
        return self.file(entry, f"{number}.json")

    def pixels(self, face: dict[str, Any]) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(self.png(face))))


@pytest.fixture(scope="session")
def visiting() -> Callable[..., contextlib.AbstractContextManager[Visitor]]:
    """Calls a studio without a network; skips if the packages of the server are not installed."""
    pytest.importorskip("starlette")
    try:
        from starlette.testclient import TestClient
    except (ImportError, RuntimeError) as error:
        pytest.skip(str(error))

    from anime_gan.studio.server import create_app

    @contextlib.contextmanager
    def visit(studio: Studio) -> Iterator[Visitor]:
        with TestClient(create_app(studio), base_url=ADDRESS) as client:
            yield Visitor(client)

    return visit


@pytest.fixture
def visitor(make_studio, visiting, tmp_path):
    with visiting(make_studio(tmp_path / "studio")) as visitor:
        yield visitor
