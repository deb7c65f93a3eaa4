"""`anime-gan-studio` as a process, and its errors."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from anime_gan.studio import __main__ as command  # noqa: E402

REPOSITORY = Path(__file__).parents[2]


class Started:
    """A studio in its own process, on any free port."""

    def __init__(self, data: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "anime_gan.studio", "--port=0"],
            cwd=REPOSITORY,
            env={**os.environ, "XDG_DATA_HOME": str(data)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        address = r"(http://127\.0\.0\.1:\d+/)\?token=([0-9a-f]{32}) "
        found = re.match(address, self.process.stdout.readline())
        assert found, self.process.communicate()
        self.url, self.token = found.groups()

    def ask(self, path: str, body: dict | None = None) -> str:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(self.url + path, data, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()


@pytest.fixture
def start(tmp_path):
    """Starts studios with the same data folder, and kills them at the end."""
    started: list[Started] = []

    def start() -> Started:
        started.append(Started(tmp_path))
        return started[-1]

    yield start
    for studio in started:
        studio.process.kill()
        studio.process.communicate()


def test_what_was_drawn_survives_being_killed(start, tmp_path):
    studio = start()
    # The page is available before the model is loaded.
    assert "<title>" in studio.ask("")
    drawn = json.loads(studio.ask("api/draw", {"kind": "faces", "number": 2}).splitlines()[-1])["done"]
    studio.process.kill()
    studio.process.wait()
    folder = tmp_path / "anime_gan" / "studio"
    assert [path.name for path in (folder / "history").iterdir()] == [drawn["id"]]
    # Other users of the computer can read neither the history nor the token.
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == {"history": 0o700, "kept": 0o700, "arrival": 0o700, "token": 0o600}
    before, studio = studio.token, start()
    # A bookmark stays valid.
    assert studio.token == before
    assert json.loads(studio.ask("api/history"))["entries"] == [drawn]
    # Even while the model is loading, the process ends at once and silently.
    studio.process.send_signal(signal.SIGTERM)
    _, said = studio.process.communicate(timeout=60)
    assert said.strip() in ("", "anime-gan-studio: interrupted")


def test_the_page_does_not_wait_for_tensorflow():
    """The first page must not wait for the import of TensorFlow, which takes seconds."""
    code = "import sys, anime_gan.studio.server; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--prot=8"], "unknown option --prot; did you mean --port"),
        (["--port=70000"], "--port"),
        (["--keep=0"], "--keep"),
        (["--model=nowhere"], "--model=nowhere: no exported model found"),
        (["--history=taken/x"], "taken"),
        (["everything"], "unexpected argument 'everything'"),
    ],
)
def test_a_wrong_call_is_explained_in_a_line(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("taken").write_text("a file")
    assert command.main([*arguments] if "--history" in arguments[0] else [*arguments, "--history=h"]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_a_port_that_is_taken_is_explained(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert command.main([f"--port={port}", f"--history={tmp_path}"]) == 2
    assert (
        f"port {port}: Address already in use; to use any free port, add --port=0" in capsys.readouterr().err
    )


def test_a_missing_package_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert command.main([f"--history={tmp_path}"]) == 2
    assert "pip install 'anime_gan[studio]'" in capsys.readouterr().err
