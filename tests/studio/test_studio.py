"""The studio's drawings, and the settings in its files."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anime_gan.commands import generate
from anime_gan.common.alpha import on_background
from anime_gan.common.layout import TINT
from anime_gan.faces.picture_files import read_origin
from anime_gan.faces.request import FaceRequest
from anime_gan.studio.worker import Worker

GLASSES = {"kind": "faces", "attributes": {"hair_color": "blue", "glasses": True, "smile": None}}


@pytest.fixture
def command(generator, monkeypatch, tmp_path):
    """Runs `generate.py` with the model that is already loaded."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(generate, "FaceGenerator", lambda *_: generator)

    def run(*arguments: str) -> None:
        assert generate.main(list(arguments)) == 0

    return run


def inputs(visitor, generator, face):
    """Returns a face's latent vector and labels, read from its downloaded picture."""
    path = Path("asked.png")
    path.write_bytes(visitor.png(face))
    latents, labels = generator.inputs(read_origin(path).request)
    return latents[0], labels[0]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_faces_are_those_of_their_seeds(visitor, generator):
    entry = visitor.draw(**GLASSES, number=3, seed="40", truncation=0.8)
    wanted = generator.faces(FaceRequest("blue hair, glasses", (40, 41, 42), 0.8))
    for face, expected in zip(entry["faces"], wanted, strict=True):
        np.testing.assert_array_equal(visitor.pixels(face), expected.image)
        assert face["attributes"]["hair_color"] == "blue" and face["attributes"]["glasses"] is True
    assert [face["seed"] for face in entry["faces"]] == ["40", "41", "42"]
    assert {name for name, value in entry["asked"].items() if value is not None} == {"hair_color", "glasses"}


def test_seeds_may_be_larger_than_what_javascript_can_count(visitor):
    (face,) = visitor.faces(seed=2**63 - 1)
    assert face["settings"]["seeds"] == "9223372036854775807"


def test_of_candidates_the_one_that_the_command_chooses(visitor, command):
    (face,) = visitor.draw(kind="faces", number=1, seed="5", candidates=3)["faces"]
    command("--seeds=5", "--candidates=3", "--out=chosen.png")
    np.testing.assert_array_equal(visitor.pixels(face), np.asarray(Image.open("chosen.png")))


def test_one_thing_is_changed_and_the_rest_stays(visitor, generator):
    (face,) = visitor.faces(seed=3, hair_color="blue")
    before = inputs(visitor, generator, face)
    for changes in ({"hair_color": "pink"}, {"smile": True}):
        (face,) = visitor.draw(kind="change", face=face["id"], set=changes)["faces"]
    latent, labels = inputs(visitor, generator, face)
    np.testing.assert_array_equal(latent, before[0])
    schema = generator.schema
    different = {schema.columns[column] for column in np.flatnonzero(labels != before[1])}
    assert different - {"smile"} == {"hair_color=blue", "hair_color=pink"}
    assert (face["attributes"]["hair_color"], face["attributes"]["smile"]) == ("pink", True)


def test_neighbors_lie_around_a_face(visitor, generator):
    (face,) = visitor.faces(seed=3, hair_color="blue")
    center, labels = inputs(visitor, generator, face)
    body = {"kind": "nearby", "face": face["id"], "angle": 0.3, "number": 4}
    entry = visitor.draw(**body, seed="1")
    for near in entry["faces"]:
        latent, same = inputs(visitor, generator, near)
        cosine = latent @ center / np.linalg.norm(latent) / np.linalg.norm(center)
        assert np.arccos(cosine) == pytest.approx(0.3, abs=1e-3)
        np.testing.assert_array_equal(same, labels)
    again, other = (visitor.draw(**body, seed=seed)["faces"] for seed in ("1", "2"))
    assert [visitor.png(near) for near in again] == [visitor.png(near) for near in entry["faces"]]
    assert visitor.png(other[0]) != visitor.png(again[0])


def test_a_sheet_shows_what_closed_eyes_would_hide(visitor, command):
    (face,) = visitor.faces(seed=3, closed_eyes=True)
    entry = visitor.draw(kind="sheet", face=face["id"], attribute="eye_color")
    shown = [(face["attributes"]["eye_color"], face["attributes"]["closed_eyes"]) for face in entry["faces"]]
    assert ("red", False) in shown and len(set(shown)) == 10 == len(shown)
    Path("sheet.png").write_bytes(visitor.file(entry["id"], "sheet.png"))
    command("--like=sheet.png", "--out=again.png")
    sheet = np.asarray(Image.open("again.png"))
    np.testing.assert_array_equal(sheet, np.asarray(Image.open("sheet.png")))
    for row, face in enumerate(entry["faces"]):
        np.testing.assert_array_equal(
            sheet[130 * row : 130 * row + 128, -128:], on_background(visitor.pixels(face), TINT)
        )


def test_a_blend_leads_from_face_to_face_whatever_they_are(visitor):
    """The first has a seed and was changed, the other has no seed."""
    first, other = visitor.faces(2, seed=3)
    (first,) = visitor.draw(kind="change", face=first["id"], set={"hair_color": "silver"})["faces"]
    (last,) = visitor.draw(kind="nearby", face=other["id"], number=1)["faces"]
    entry = visitor.draw(kind="blend", faces=[first["id"], last["id"]], frames=12)
    steps = entry["faces"]
    assert len(steps) == 7
    np.testing.assert_array_equal(visitor.pixels(steps[0]), visitor.pixels(first))
    np.testing.assert_array_equal(visitor.pixels(steps[-1]), visitor.pixels(last))
    assert steps[3]["attributes"] is None  # No words describe an interpolated face.
    with Image.open(io.BytesIO(visitor.file(entry["id"], "animation.webp"))) as animation:
        assert animation.n_frames == 12
        for number, face in enumerate(steps):
            animation.seek(number)
            # A lossless WebP file has no colors where nothing is seen.
            frames = (np.asarray(animation.convert("RGBA")), visitor.pixels(face))
            seen, expected = (on_background(frame, (255, 255, 255)) for frame in frames)
            np.testing.assert_array_equal(seen, expected)
    # The face halfway can be changed and varied too.
    (changed,) = visitor.draw(kind="change", face=steps[3]["id"], set={"glasses": True})["faces"]
    assert np.abs(visitor.pixels(changed).astype(int) - visitor.pixels(steps[3])).max() > 20
    assert len(visitor.draw(kind="nearby", face=steps[3]["id"], number=2)["faces"]) == 2


def test_every_picture_can_be_made_again(visitor, command):
    (face,) = visitor.faces(seed=3)
    near = visitor.draw(kind="nearby", face=face["id"], number=1)["faces"][0]
    blend = visitor.draw(kind="blend", faces=[face["id"], near["id"]], frames=8)
    changed = visitor.draw(kind="change", face=near["id"], set={"smile": True})["faces"][0]
    for number, made in enumerate((face, near, changed, blend["faces"][2])):
        Path(f"{number}.png").write_bytes(visitor.png(made))
        Path(f"{number}.json").write_bytes(visitor.settings(made))
        for source in (f"{number}.png", f"{number}.json"):
            command(f"--like={source}", "--out=again.png")
            np.testing.assert_array_equal(np.asarray(Image.open("again.png")), visitor.pixels(made))
    for name in ("animation.webp", "animation.gif"):
        Path(name).write_bytes(visitor.file(blend["id"], name))
        command(f"--like={name}", f"--out=again-{name}")
        with Image.open(name) as made, Image.open(f"again-{name}") as again:
            assert made.n_frames == again.n_frames == 8
            made.seek(3)
            again.seek(3)
            np.testing.assert_array_equal(np.asarray(made.convert("RGB")), np.asarray(again.convert("RGB")))


def test_a_zip_holds_all_of_an_entry(visitor, generator):
    entry = visitor.draw(**GLASSES, number=2, seed="8")
    with zipfile.ZipFile(io.BytesIO(visitor.file(entry["id"], "all.zip"))) as archive:
        assert archive.testzip() is None
        first, second, text = archive.namelist()
        assert (first, text) == ("00_blue-hair_glasses_seed8.png", "settings.json")
        assert archive.read(second) == visitor.png(entry["faces"][1])
        assert json.loads(archive.read(text))["seeds"] == "8-9"


def test_mp4_has_all_frames(visitor):
    av = pytest.importorskip("av")
    one, other = visitor.faces(2)
    entry = visitor.draw(kind="blend", faces=[one["id"], other["id"]], frames=10)
    with av.open(io.BytesIO(visitor.file(entry["id"], "animation.mp4"))) as video:
        assert sum(1 for _ in video.decode(video=0)) == 10


@pytest.mark.parametrize(
    "name", ["face.png", "settings.json", "animation.webp", "animation.gif", "sheet.png", "grid.png"]
)
def test_a_file_of_the_command_brings_its_settings_back(visitor, command, name):
    arguments = {
        "animation.webp": ["--interpolate=blonde hair -> black hair", "--seeds=3", "--frames=6"],
        "animation.gif": ["--interpolate=blonde hair -> black hair", "--seeds=3", "--frames=6"],
        "sheet.png": ["--sheet=smile", "--seeds=7", "--attrs=red hair"],
    }.get(
        name, ["--seeds=7" if name == "face.png" else "--seeds=7-9", "--attrs=red hair", "--truncation=0.9"]
    )
    if name == "settings.json":
        entry = visitor.draw(
            kind="faces", attributes={"hair_color": "red"}, number=3, seed="7", truncation=0.9
        )
        data = visitor.file(entry["id"], name)
    else:
        command(*arguments, f"--out={name}")
        data = Path(name).read_bytes()
    entry = visitor.finished(visitor.open(data))
    if name.startswith("animation"):
        assert entry["animation"] and entry["settings"]["interpolate"] == "blonde hair -> black hair"
        return
    assert entry["asked"]["hair_color"] == "red"
    expected = {"face.png": 1, "sheet.png": 2}.get(name, 3)
    assert len(entry["faces"]) == expected
    assert entry["faces"][0]["seed"] == "7"
    if name == "face.png":
        np.testing.assert_array_equal(visitor.pixels(entry["faces"][0]), np.asarray(Image.open(name)))


def test_words_become_picks(visitor):
    picks = visitor.client.post("/api/words", json={"words": "蓝发，微笑, no glasses"}).json()["attributes"]
    assert (picks["hair_color"], picks["smile"], picks["glasses"]) == ("blue", True, False)
    assert picks["eye_color"] is None


@pytest.mark.parametrize(
    ("typed", "picks", "left_out"),
    [
        ("blu hair, smile", {"smile": True}, [{"words": "blu hair", "meant": "blue hair"}]),
        # What the controls cannot express is named, not dropped.
        ("smile, no blue hair", {"smile": True}, [{"words": "no blue hair", "meant": ""}]),
        ("red hair blue hair", {"hair_color": "red"}, [{"words": "blue hair", "meant": ""}]),
        ("不戴眼镜", {"glasses": False}, []),
    ],
)
def test_the_known_part_of_words_is_applied_and_the_rest_named(visitor, typed, picks, left_out):
    answer = visitor.client.post("/api/words", json={"words": typed}).json()
    assert {name: value for name, value in answer["attributes"].items() if value is not None} == picks
    assert answer["left_out"] == left_out


def test_previews_are_the_same_faces_and_leave_no_history(visitor):
    (face,) = visitor.faces(seed=3, hair_color="blue")
    (stored,) = visitor.draw(kind="change", face=face["id"], set={"hair_color": "pink"})["faces"]
    before = visitor.client.get("/api/history").json()
    body = {"kind": "change", "face": face["settings"], "sets": [{}, {"hair_color": "pink"}], "preview": True}
    lines = [json.loads(line) for line in visitor.client.post("/api/draw", json=body).text.splitlines()]
    same, changed = (line["face"] for line in lines if "face" in line)
    assert visitor.client.get("/api/history").json() == before
    for preview, expected in ((same, face), (changed, stored)):
        data = base64.b64decode(preview["picture"].removeprefix("data:image/png;base64,"))
        assert preview["settings"] == expected["settings"] and preview["id"] is None
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), visitor.pixels(expected))


def test_a_preview_has_the_size_and_the_background_that_are_asked_for(visitor):
    (face,) = visitor.faces()
    body = {"kind": "change", "face": face["settings"], "sets": [{}], "preview": True}
    body |= {"size": 256, "background": "#102030"}
    lines = visitor.client.post("/api/draw", json=body).text.splitlines()
    (drawn,) = (line["face"] for line in map(json.loads, lines) if "face" in line)
    image = Image.open(io.BytesIO(base64.b64decode(drawn["picture"].partition(",")[2])))
    assert image.size == (256, 256) and image.mode == "RGB" and image.text["size"] == "256"
    assert image.getpixel((0, 0)) == (0x10, 0x20, 0x30)


def test_a_face_is_kept_by_its_settings(visitor):
    (face,) = visitor.faces(seed=3)
    kept = visitor.draw(kind="kept", face=face["settings"])
    assert visitor.png(kept["faces"][0]) == visitor.png(face)
    assert visitor.draw(kind="kept", face=face["settings"])["id"] == kept["id"]
    assert len(visitor.client.get("/api/kept").json()["faces"]) == 1


def test_the_same_drawing_again_is_the_same_entry(visitor):
    asked = {"kind": "faces", "attributes": {"smile": True}, "number": 2, "seed": "5", "reuse": True}
    assert visitor.draw(**asked)["id"] == visitor.draw(**asked)["id"]
    assert visitor.draw(**{**asked, "seed": "6"})["faces"][0]["seed"] == "6"


def test_a_point_of_the_pad_is_at_its_angle(visitor, generator):
    (face,) = visitor.faces(seed=3)
    center, labels = inputs(visitor, generator, face)
    (near,) = visitor.draw(kind="point", face=face["settings"], x=0.3, y=-0.4, seed="1")["faces"]
    latent, same = inputs(visitor, generator, near)
    cosine = latent @ center / np.linalg.norm(latent) / np.linalg.norm(center)
    assert np.arccos(cosine) == pytest.approx(0.5, abs=1e-3)
    np.testing.assert_array_equal(same, labels)


def test_a_blend_of_three(visitor):
    faces = visitor.faces(3, seed=3)
    entry = visitor.draw(kind="blend", faces=[face["settings"] for face in faces], frames=12)
    np.testing.assert_array_equal(visitor.pixels(entry["faces"][0]), visitor.pixels(faces[0]))
    assert entry["settings"]["interpolate"].count("->") == 2


def test_a_zip_of_the_studio_opens_again(visitor):
    entry = visitor.draw(**GLASSES, number=2, seed="8")
    again = visitor.finished(visitor.open(visitor.file(entry["id"], "all.zip")))
    assert again["settings"]["seeds"] == "8-9" and again["asked"] == entry["asked"]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("readme.txt", "no settings")
    for data in (stream.getvalue(), stream.getvalue()[:20]):
        assert visitor.open(data).json()["error"] == "not_ours"


def test_the_judges_read_faces(visitor):
    (face,) = visitor.faces(seed=3, hair_color="blue")
    answer = visitor.client.post("/api/draw", json={"kind": "read", "faces": [face["settings"]]})
    (reading,) = (
        event["reading"] for line in answer.text.splitlines() if "reading" in (event := json.loads(line))
    )
    assert reading["attributes"]["hair_color"] == "blue"
    assert isinstance(reading["intact"], float)


@pytest.mark.parametrize(
    ("kind", "varied"),
    [("arrival", {"hair_color": 12}), ("best", {"hair_color": 12, "eye_color": 10, "hair_style": 5})],
)
def test_faces_to_start_with_and_the_best_ones_come_with_the_model(visitor, kind, varied):
    stored = visitor.client.get("/api/studio").json()[kind]
    assert len(stored["faces"]) == 16
    for name, count in varied.items():
        assert len({face["attributes"][name] for face in stored["faces"]}) == count
    face = stored["faces"][5]
    body = {"kind": "change", "face": face["settings"], "set": {}}
    (again,) = visitor.draw(**body)["faces"]
    # The model's file was drawn on another machine, which may round otherwise.
    np.testing.assert_allclose(visitor.pixels(face), visitor.pixels(again), atol=1)


def test_what_was_drawn_before_a_stop_stays(make_studio, tmp_path):
    studio = make_studio(tmp_path / "studio")
    stop = threading.Event()
    events = []
    for event in studio.draw(studio.planner.plan({"kind": "faces", "number": 20, "seed": "5"}), stop):
        events.append(event)
        if len(events) == 4:  # After `begun` and three faces.
            stop.set()
    (entry,) = studio.shelf.history.entries(None, 9)
    assert len(entry.faces) == 3
    assert entry.settings["seeds"] == "5-7"


def test_half_an_animation_leaves_nothing(make_studio, tmp_path):
    studio = make_studio(tmp_path / "studio")
    list(studio.draw(studio.planner.plan({"kind": "faces", "number": 2}), threading.Event()))
    (entry,) = studio.shelf.history.entries(None, 9)
    faces = [f"{entry.identifier}.{number}" for number in (0, 1)]
    stop = threading.Event()
    with pytest.raises(Exception, match="stopped"):
        for _ in studio.draw(studio.planner.plan({"kind": "blend", "faces": faces}), stop):
            stop.set()
    assert [other.identifier for other in studio.shelf.history.entries(None, 9)] == [entry.identifier]
    assert sorted(path.name for path in (tmp_path / "studio" / "history").iterdir()) == [entry.identifier]


def test_who_stops_listening_stops_the_job():
    ended = threading.Event()

    def count(stop: threading.Event):
        number = 0
        while not stop.is_set():
            yield number
            number += 1
            stop.wait(0.001)
        ended.set()

    async def listen() -> None:
        worker: Worker[int] = Worker(2)
        items = worker.submit(count)
        assert [await anext(items), await anext(items)] == [0, 1]
        await items.aclose()
        assert ended.wait(10)
        worker.stop()

    asyncio.run(listen())


def test_small_jobs_go_first_and_long_ones_take_turns():
    order: list[str] = []

    def job(name: str, length: int):
        def run(stop: threading.Event):
            for _ in range(length):
                order.append(name)
                yield name

        return run

    async def listen() -> None:
        worker: Worker[str] = Worker(8)
        begun, submitted = threading.Event(), threading.Event()

        def first(stop: threading.Event):
            begun.set()
            submitted.wait(10)
            yield "first"

        jobs = [worker.submit(first)]
        begun.wait(10)
        jobs += [worker.submit(job(name, 3), is_long=True) for name in ("a", "b")]
        jobs.append(worker.submit(job("small", 2)))
        submitted.set()
        for items in jobs:
            async for _ in items:
                pass
        worker.stop()

    asyncio.run(listen())
    assert order == ["small", "small", "a", "b", "a", "b", "a", "b"]
