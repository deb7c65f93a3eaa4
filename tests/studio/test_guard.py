"""Requests that the studio must not serve: without the token, too slow, too many, or too large."""

from __future__ import annotations

import asyncio
import io
import json
import zlib

import pytest
from PIL import Image, PngImagePlugin

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

import anyio  # noqa: E402
import uvicorn  # noqa: E402
from starlette.testclient import TestClient  # noqa: E402

from anime_gan.studio import connections, guard, server  # noqa: E402
from anime_gan.studio.server import create_app  # noqa: E402
from tests.studio.conftest import ADDRESS, Visitor  # noqa: E402

TOKEN = "5f" * 16


@pytest.fixture
def stranger(make_studio, tmp_path):
    """A client that does not know the token."""
    app = create_app(make_studio(tmp_path / "studio"), token=TOKEN)
    with TestClient(app, base_url=ADDRESS, follow_redirects=False) as client:
        yield client


def test_without_the_token_nothing_is_served(stranger):
    for path in ("/", "/main.js", "/api/studio", "/api/history", "/files/0123456789ab-012345/0.png"):
        assert stranger.get(path).status_code == 403, path
    assert stranger.get("/?token=" + "5e" * 16).status_code == 403
    assert stranger.post("/api/draw", json={"kind": "faces"}).status_code == 403
    # A browser shows the sentence itself.
    assert stranger.get("/").text.startswith("Open the address that anime-gan-studio printed")


def test_the_printed_address_sets_a_cookie_and_disappears(stranger):
    welcome = stranger.get(f"/?token={TOKEN}")
    assert (welcome.status_code, welcome.headers["location"]) == (303, "/")
    cookie = welcome.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and cookie.startswith("studio-8642=")
    assert stranger.get("/").status_code == 200
    assert stranger.get("/api/history").json() == {"entries": [], "more": False}


def test_a_script_sends_the_token_in_a_header(stranger):
    assert stranger.get("/api/history", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert stranger.get("/api/history", headers={"Authorization": f"Basic {TOKEN}"}).status_code == 403


def test_half_a_surrogate_pair_is_refused(visitor):
    answer = visitor.client.post(
        "/api/words", content=b'{"words": "\\ud800"}', headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "wrong_json")


def png_with_text(count: int) -> bytes:
    """A PNG with `count` chunks of text before its pixels."""
    stream = io.BytesIO()
    info = PngImagePlugin.PngInfo()
    Image.new("RGB", (64, 64)).save(stream, "PNG", pnginfo=info)
    data = stream.getvalue()
    body = b"tEXta\0b"
    chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    # The header takes 33 bytes.
    return data[:33] + count * chunk + data[33:]


@pytest.mark.parametrize(("count", "error"), [(1_000, "not_ours"), (1_001, "unreadable")])
def test_a_picture_with_too_many_texts_is_refused(visitor, count, error):
    assert visitor.open(png_with_text(count)).json()["error"] == error


def test_rare_formats_are_not_opened(visitor):
    stream = io.BytesIO()
    Image.new("RGB", (64, 64)).save(stream, "SGI")
    assert visitor.open(stream.getvalue()).json()["error"] == "unreadable"


def test_few_files_are_opened_at_once(make_studio, tmp_path, monkeypatch):
    monkeypatch.setattr(server, "MAX_OPENING", 0)
    with TestClient(create_app(make_studio(tmp_path)), base_url=ADDRESS) as client:
        assert Visitor(client).open(b"{}").json()["error"] == "busy"


def test_a_body_that_does_not_arrive_is_given_up(monkeypatch):
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.05)

    class Request:
        headers = {"content-type": "application/json"}

        async def stream(self):
            yield b"{"
            await anyio.sleep(3_600)

    with pytest.raises(guard.StudioError) as error:
        anyio.run(guard.limited_body, Request(), "application/json", 100)
    assert (error.value.code, error.value.status) == ("too_slow", 408)


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\nHost: a", b""),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200"),
    ],
)
def test_a_head_that_does_not_arrive_closes_the_connection(monkeypatch, sent, answered):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        await send({"type": "http.response.body", "body": json.dumps({}).encode()})

    async def ask() -> bytes:
        config = uvicorn.Config(
            app, port=0, http=connections.PatientProtocol, lifespan="off", log_level="error"
        )
        running = uvicorn.Server(config)
        serving = asyncio.create_task(running.serve())
        while not running.started:
            await asyncio.sleep(0.01)
        port = running.servers[0].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        answer = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        running.should_exit = True
        await serving
        return answer

    assert asyncio.run(ask())[: len(b"HTTP/1.1 200")] == answered
