"""The history: its entries, its limits, and damaged folders."""

from __future__ import annotations

import contextlib
import os
import shutil

import pytest

from anime_gan.studio.history import STALE, History


@pytest.fixture
def restarted(make_studio, visiting, tmp_path):
    """Starts a studio with the same history, after stopping the one before."""
    with contextlib.ExitStack() as running:

        def start(**options):
            running.close()
            return running.enter_context(visiting(make_studio(tmp_path / "studio", **options)))

        yield start


def listed(visitor, before=None):
    return visitor.client.get("/api/history", params={"before": before} if before else {}).json()


def kept(visitor):
    return visitor.client.get("/api/kept").json()["faces"]


def test_it_survives_a_restart(restarted):
    visitor = restarted()
    drawn = visitor.draw(kind="faces", attributes={"smile": True}, number=2, seed="4")
    visitor.client.post("/api/keep", json={"face": drawn["faces"][1]["id"]})
    pictures = [visitor.png(face) for face in drawn["faces"]]
    visitor = restarted()
    (entry,) = listed(visitor)["entries"]
    assert entry == drawn
    assert [visitor.png(face) for face in entry["faces"]] == pictures
    assert [visitor.png(face) for face in kept(visitor)] == pictures[1:]
    # And the entries can be used.
    assert visitor.draw(kind="change", face=entry["faces"][0]["id"], set={"glasses": True})


def test_the_oldest_go_and_what_is_kept_stays(restarted):
    visitor = restarted(keep=3)
    first = visitor.faces(seed=1)[0]
    picture = visitor.png(first)
    visitor.client.post("/api/keep", json={"face": first["id"]})
    newest = [visitor.faces(seed=seed)[0]["id"].split(".")[0] for seed in (2, 3, 4)]
    assert [entry["id"] for entry in listed(visitor)["entries"]] == newest[::-1]
    assert visitor.client.get(f"/files/{first['id'].replace('.', '/')}.png").status_code == 404
    assert [visitor.png(face) for face in kept(visitor)] == [picture]


def test_pages_of_it_follow_each_other(restarted):
    visitor = restarted()
    drawn = [visitor.faces(seed=seed)[0]["id"].split(".")[0] for seed in range(23)][::-1]
    page = listed(visitor)
    assert page["more"] and [entry["id"] for entry in page["entries"]] == drawn[:20]
    rest = listed(visitor, drawn[19])
    assert not rest["more"] and [entry["id"] for entry in rest["entries"]] == drawn[20:]


def test_keeping_twice_keeps_once_and_a_full_shelf_says_so(restarted):
    visitor = restarted(keep=2)
    faces = visitor.faces(3)
    answers = [visitor.client.post("/api/keep", json={"face": face["id"]}) for face in [faces[0], *faces]]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 409]
    assert "You can keep up to 2 faces" in answers[-1].json()["message"]
    assert [face["seed"] for face in kept(visitor)] == ["1", "0"]
    visitor.client.post("/api/remove", json={"entry": kept(visitor)[0]["id"].split(".")[0]})
    assert [face["seed"] for face in kept(visitor)] == ["0"]


def test_a_damaged_entry_is_left_out_and_the_others_are_there(restarted, tmp_path):
    visitor = restarted()
    broken, *names = (visitor.faces(seed=seed)[0]["id"].split(".")[0] for seed in range(3))
    record = tmp_path / "studio" / "history" / broken / "entry.json"
    for damage in (
        "{",
        "[]",
        '{"kind": 1}',
        '{"kind":"faces","time":"","settings":{},"faces":[{"seeds":3}]}',
    ):
        record.write_text(damage)
        assert [entry["id"] for entry in listed(visitor)["entries"]] == names[::-1]
        assert visitor.client.get(f"/files/{broken}/all.zip").status_code == 404
    shutil.rmtree(record.parent)
    (tmp_path / "studio" / "history" / "notes.txt").write_text("mine")
    assert len(listed(visitor)["entries"]) == 2


def test_another_models_faces_are_shown_and_not_changed(restarted, tmp_path):
    visitor = restarted()
    name = visitor.faces(seed=1)[0]["id"].split(".")[0]
    record = tmp_path / "studio" / "history" / name / "entry.json"
    ours = visitor.client.get("/api/studio").json()["model"]
    record.write_text(record.read_text().replace(ours, "0123456789abcdef"))
    (entry,) = listed(visitor)["entries"]
    face = entry["faces"][0]
    assert face["other_model"] == "0123456789abcdef"
    assert visitor.png(face).startswith(b"\x89PNG")
    refused = visitor.client.post("/api/draw", json={"kind": "change", "face": face["id"], "set": {}})
    assert refused.status_code == 409
    assert "drawn by model 0123456789abcdef" in refused.json()["message"]


@pytest.mark.parametrize("name", ["../elsewhere", "..", "", ".", "mine"])
def test_no_name_leads_elsewhere(restarted, tmp_path, name):
    visitor = restarted()
    entry = visitor.faces()[0]["id"].split(".")[0]
    others = [tmp_path / "studio" / "elsewhere", tmp_path / "studio" / "history" / "mine"]
    for other in others:
        shutil.copytree(tmp_path / "studio" / "history" / entry, other)
    history = History(tmp_path / "studio" / "history", 5)
    for look in (history.entry, lambda name: history.read(name, "0.png")):
        with pytest.raises(KeyError):
            look(name)
    assert visitor.client.post("/api/remove", json={"entry": name}).status_code == 200
    assert all((other / "0.png").is_file() for other in others)
    assert history.identifiers() == [entry]


def test_what_a_killed_process_left_is_not_shown_and_goes(tmp_path):
    for name, age in ((".partial-old", STALE + 60), (".partial-new", 0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.png").write_bytes(b"")
        then = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (then, then))
    history = History(tmp_path, 5)
    assert history.entries(None, 9) == []
    # A recent one may belong to another server that is still drawing.
    assert [path.name for path in tmp_path.iterdir()] == [".partial-new"]
