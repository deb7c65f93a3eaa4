"""Character packs are made in slices, from faces whose attributes have names."""

from __future__ import annotations

import base64
import io
import json
import threading
import zipfile

import pytest

from anime_gan.studio.slices import StoppedError, beside


@pytest.fixture(scope="module")
def visitor(make_studio, visiting, tmp_path_factory):
    # Loading the judges takes longer than all else.
    with visiting(make_studio(tmp_path_factory.mktemp("studio"))) as visitor:
        yield visitor


def test_a_character_pack_is_made_in_slices(visitor):
    """Other drawings have their turns between its steps."""
    (face,) = visitor.faces(seed=5)
    response = visitor.client.post("/api/draw", json={"kind": "character", "face": face["id"], "engine": ""})
    steps = [json.loads(line) for line in response.text.splitlines()]
    assert len([step for step in steps if step.get("progress")]) > 20
    content = base64.b64decode(steps[-1]["done"]["file"].partition(",")[2])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {"LICENSE.txt", "manifest.json"} <= set(archive.namelist())
        assert any(name.startswith("faces/") and name.endswith("/happy.png") for name in archive.namelist())


def test_a_frame_of_an_animation_has_no_pack(visitor):
    faces = visitor.faces(2, seed=5)
    entry = visitor.draw(kind="blend", faces=[face["id"] for face in faces], frames=8)
    between = entry["faces"][1]["id"]
    response = visitor.client.post("/api/draw", json={"kind": "character", "face": between, "engine": ""})
    assert json.loads(response.text.splitlines()[-1])["error"] == "between"


def test_work_beside_the_drawing_thread_gives_turns_until_it_has_finished():
    may_end = threading.Event()

    def work():
        assert may_end.wait(60)
        return "result"

    steps = beside(work, threading.Event())
    next(steps)
    next(steps)
    may_end.set()
    with pytest.raises(StopIteration) as end:
        while True:
            next(steps)
    assert end.value.value == "result"


def test_a_stop_ends_the_waiting_for_such_work():
    stop, may_end = threading.Event(), threading.Event()
    steps = beside(lambda: may_end.wait(60), stop)
    next(steps)
    stop.set()
    with pytest.raises(StoppedError):
        next(steps)
    may_end.set()
