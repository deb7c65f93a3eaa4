"""Runs that are mirrored, with a folder as the store: what arrives, and what cut connections leave."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from anime_gan.commands import train
from anime_gan.common.stores import Entry, store_url, walk
from anime_gan.runs import cluster
from anime_gan.runs import mirror as mirror_module
from anime_gan.runs.mirror import MARKER, Mirror, push_run, shown_place
from anime_gan.runs.run_lock import RunError
from anime_gan.training.config import TrainConfig

URL = "s3://bucket/run"


class FolderStore:
    """A local folder that behaves like a store; its connection is cut after some uploads and downloads."""

    def __init__(self, root: Path, allowed: int = 1_000) -> None:
        self.root, self.allowed = root, allowed
        self.done: list[str] = []

    def _path(self, url: str) -> Path:
        return self.root / url.removeprefix("s3://")

    def _count(self, url: str) -> None:
        if len(self.done) == self.allowed:
            raise OSError("the connection was cut")
        self.done.append(url.removeprefix(f"{URL}/"))

    def is_folder(self, url: str) -> bool:
        return self._path(url).is_dir()

    def entries(self, url: str) -> list[Entry]:
        return sorted(Entry(path.name, path.is_dir()) for path in self._path(url).iterdir())

    def read(self, url: str, limit: int | None = None) -> bytes:
        return self._path(url).read_bytes()[:limit]

    def download(self, url: str, path: Path) -> None:
        self._count(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self._path(url), path)

    def upload(self, path: Path, url: str) -> None:
        self._count(url)
        self._path(url).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, self._path(url))

    def remove(self, url: str) -> None:
        self._path(url).unlink()


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch) -> FolderStore:
    (tmp_path / "store" / "bucket").mkdir(parents=True)
    store = FolderStore(tmp_path / "store")
    monkeypatch.setattr(mirror_module, "open_store", lambda url: store)
    return store


@pytest.fixture
def move(tmp_path, monkeypatch):
    """Moves to another machine, which has another cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return lambda: monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache_of_another_machine"))


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_run_is_the_same_on_another_machine(move, store):
    here = Mirror.at(URL)
    write(here.copy, config="1", checkpoints__step__state="22", stats="3")
    write(here.copy, **{".lock": "", ".partial-1__x": "half"})
    here.push()
    files = ["checkpoints/step/state", "config", "stats"]
    assert [entry.name for entry in walk(store, URL)] == sorted([*files, MARKER])

    move()
    there = Mirror.at(URL)
    assert there.copy != here.copy
    assert there.pull()
    assert contents(there.copy) == {"checkpoints/step/state": "22", "config": "1", "stats": "3"}


def test_only_changes_are_uploaded_and_what_is_gone_is_removed_last(move, store):
    mirror = Mirror.at(URL)
    write(mirror.copy, config="1", checkpoints__old__state="2")
    mirror.push()
    (mirror.copy / "checkpoints/old/state").unlink()
    write(
        mirror.copy, checkpoints__new__state="3", stats="4", export__9__saved_model="", export__9__weights="5"
    )
    (mirror.copy / "export/9/saved_model").rename(mirror.copy / "export/9/saved_model.pb")
    mirror._opened = store = FolderStore(store.root, 9)
    mirror.push()
    # What makes a model, and what makes a state, complete comes after its parts.
    assert store.done == [
        "checkpoints/new/state",
        "export/9/weights",
        "export/9/saved_model.pb",
        "stats",
        MARKER,
    ]
    assert "checkpoints/old/state" not in [entry.name for entry in walk(store, URL)]
    mirror.push()
    assert len(store.done) == 5


@pytest.mark.parametrize("allowed", range(4))
def test_an_upload_that_is_cut_off_leaves_the_state_before_it(move, store, allowed):
    here = Mirror.at(URL)
    write(here.copy, config="1", checkpoints__step1__a="a1", checkpoints__step1__b="b1")
    here.push()
    (here.copy / "checkpoints/step1/a").unlink()
    (here.copy / "checkpoints/step1/b").unlink()
    write(here.copy, checkpoints__step2__a="a2", checkpoints__step2__b="b2", stats="new")
    here._opened = FolderStore(store.root, allowed)
    with pytest.raises(RunError) as told:
        here.push()
    # The message names the place, the reason, the copy, and the command.
    for words in (URL, "the connection was cut", str(here.copy), "--resume"):
        assert words in told.value.as_flag()

    place = Mirror.at(URL)
    move()
    there = Mirror.at(URL)
    assert there.pull()
    assert contents(there.copy) == {"config": "1", "checkpoints/step1/a": "a1", "checkpoints/step1/b": "b1"}

    # The next upload completes the cut one.
    place.push()
    assert there.pull()
    assert contents(there.copy) == contents(here.copy)


def test_a_copy_stays_newer_after_several_uploads_were_cut_off(move, store):
    mirror = Mirror.at(URL)
    write(mirror.copy, stats="1")
    mirror.push()
    write(mirror.copy, stats="12", more="3")
    for allowed in (0, 1, 2):
        mirror._opened = FolderStore(store.root, allowed)
        with pytest.raises(RunError):
            mirror.push()
        assert Mirror.at(URL).pull()
        assert contents(mirror.copy) == {"more": "3", "stats": "12"}
    Mirror.at(URL).push()
    move()
    there = Mirror.at(URL)
    assert there.pull()
    assert contents(there.copy) == {"more": "3", "stats": "12"}


def test_a_checkpoint_that_was_half_written_again_is_left_out(move, store, capsys):
    here = Mirror.at(URL)
    for step in ("step1", "step2"):
        write(here.copy, **{f"checkpoints__{step}__a": "a", f"checkpoints__{step}__b": "b"}, stats="old")
    here.push()
    write(here.copy, checkpoints__step2__a="A", checkpoints__step2__b="B", stats="new")
    here._opened = FolderStore(store.root, 1)
    with pytest.raises(RunError):
        here.push()
    move()
    there = Mirror.at(URL)
    assert there.pull()
    assert contents(there.copy) == {"checkpoints/step1/a": "a", "checkpoints/step1/b": "b", "stats": "old"}
    assert f"{URL}/checkpoints/step2 is incomplete" in capsys.readouterr().err


@pytest.mark.parametrize("allowed", range(4))
def test_progress_does_not_count_a_first_checkpoint_that_did_not_arrive(move, store, allowed):
    here = Mirror.at(URL)
    write(here.copy, **{"config.json": "{}", "progress.json": '{"step": 0}'})
    here.push()
    write(
        here.copy, **{"checkpoints__step-00000002__state": "2", "progress.json": '{"step": 2}', "stats": "2"}
    )
    here._opened = FolderStore(store.root, allowed)
    with pytest.raises(RunError):
        here.push()
    move()
    there = Mirror.at(URL)
    assert there.pull()
    # With step 2, the run would be refused, because it has lost its checkpoints.
    assert (there.copy / "progress.json").read_text() == '{"step": 0}'
    there.push()
    assert (store.root / "bucket" / "run" / "progress.json").read_text() == '{"step": 0}'


def test_half_of_an_object_does_not_count(move, store, capsys):
    here = Mirror.at(URL)
    write(here.copy, checkpoints__step1__a="whole", checkpoints__step2__a="whole", checkpoints__step2__b="b")
    here.push()
    write(store.root / "bucket" / "run", checkpoints__step2__a="who")
    move()
    there = Mirror.at(URL)
    assert there.pull()
    assert contents(there.copy) == {"checkpoints/step1/a": "whole"}
    # What was left out is removed from the store, too.
    there.push()
    assert [entry.name for entry in walk(store, URL)] == ["checkpoints/step1/a", MARKER]


def test_a_download_that_is_cut_off_goes_on(move, store):
    here = Mirror.at(URL)
    write(here.copy, a="1", b="2", c="3")
    here.push()
    move()
    there = Mirror.at(URL)
    there._opened = FolderStore(store.root, 1)
    with pytest.raises(RunError, match="cut"):
        there.pull()
    there._opened = store = FolderStore(store.root, 9)
    assert there.pull()
    assert store.done == ["b", "c"]
    assert contents(there.copy) == contents(here.copy)


def test_a_newer_copy_is_kept_and_an_older_one_is_replaced(move):
    here = Mirror.at(URL)
    write(here.copy, stats="1")
    here.push()
    write(here.copy, stats="12")
    assert here.pull()
    assert contents(here.copy) == {"stats": "12"}

    move()
    there = Mirror.at(URL)
    there.pull()
    write(there.copy, stats="1 and 3")
    there.push()
    with pytest.raises(RunError, match="another machine has continued this run"):
        here.push()
    assert here.pull()
    assert contents(here.copy) == {"stats": "1 and 3"}


def test_a_copy_of_another_run_is_not_overwritten(move):
    here = Mirror.at(URL)
    write(here.copy, stats="1")
    here.push()
    move()
    there = Mirror.at(URL)
    write(there.copy, stats="2")
    with pytest.raises(RunError, match="belongs to another run"):
        there.pull()
    assert contents(there.copy) == {"stats": "2"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"version": 1, "run": "a", "upl', "is damaged"),
        ('{"version": 2, "run": "a", "upload": "b", "files": {}}', "version 2"),
        ('{"version": 1, "run": "a", "upload": "b", "files": {"../../x": "c"}}', "'../../x'"),
        ('{"version": 1, "run": "a", "upload": "b", "files": {"/etc/x": "c"}}', "'/etc/x'"),
    ],
)
def test_a_damaged_marker_is_refused(move, store, tmp_path, text, said):
    file = tmp_path / "marker"
    file.write_text(text)
    store.upload(file, f"{URL}/{MARKER}")
    with pytest.raises(RunError) as told:
        Mirror.at(URL).pull()
    assert said in told.value.reason


def test_a_failure_during_training_is_a_note(move, store, capsys):
    mirror = Mirror.at(URL)
    write(mirror.copy, stats="1")
    store.allowed = 0
    push_run(mirror.copy)
    assert capsys.readouterr().err.startswith(f"note: {URL}: cannot be written to (the connection was cut)")
    with pytest.raises(RunError):
        push_run(mirror.copy, is_last=True)
    store.allowed = 2
    push_run(mirror.copy, is_last=True)
    assert [entry.name for entry in walk(store, URL)] == [MARKER, "stats"]


def test_a_new_run_overwrites_nothing(move, store):
    mirror = Mirror.at(URL)
    mirror.check_is_free()
    # A first upload that was cut off.
    write(store.root / "bucket", **{"run__data.json": "{}"})
    mirror.check_is_free()
    write(store.root / "bucket", run__notes="mine")
    with pytest.raises(RunError, match="is not empty; .* --resume --run_dir=s3://bucket/run"):
        mirror.check_is_free()
    with pytest.raises(RunError, match="bucket does not exist"):
        Mirror.at("s3://none/run").check_is_free()


def test_workers_learn_of_the_end_of_a_run_that_was_killed_before_its_upload(move, store, monkeypatch):
    here = Mirror.at(URL)
    write(here.copy, **{"config.json": TrainConfig(steps=2).to_json()})
    here.push()
    # Killed here.
    write(here.copy, **{"checkpoints__step-00000002__state": "2", "export__2__saved_model.pb": "3"})
    options = [
        *("--start_or_resume", f"--run_dir={URL}", "--workers=127.0.0.1:1,127.0.0.1:2"),
        *("--worker={number}", "--steps=2"),
    ]

    def start(number: int) -> int:
        return train.main([option.format(number=number) for option in options])

    waited: list[float] = []

    def chief_comes_back(seconds: float) -> None:
        waited.append(seconds)
        assert len(waited) < 3, "the worker goes on waiting"
        with monkeypatch.context() as patch:
            patch.setenv("XDG_CACHE_HOME", str(here.copy.parents[3]))
            assert start(0) == 0

    monkeypatch.setattr(cluster.Cluster, "_check_port", lambda self, place: None)
    monkeypatch.setattr(cluster.time, "sleep", chief_comes_back)
    monkeypatch.setattr(train, "LOOK_SECONDS", 0)
    move()
    assert start(1) == 0
    assert contents(Mirror.at(URL).copy) == contents(here.copy)


def test_a_folder_without_a_mirror_is_left_alone(tmp_path):
    write(tmp_path, **{"mirror.json": json.dumps({"version": 1})})
    assert Mirror.of(tmp_path / "run") is None
    push_run(tmp_path / "run", is_last=True)
    assert shown_place(tmp_path / "run") == str(tmp_path / "run")


def test_places_are_shown_as_they_were_given(move):
    mirror = Mirror.at("s3://bucket/runs/a")
    assert shown_place(mirror.copy) == "s3://bucket/runs/a"
    assert shown_place(mirror.copy / "64") == "s3://bucket/runs/a/64"


@pytest.mark.parametrize(
    ("place", "url"),
    [
        ("s3://bucket/run/", "s3://bucket/run"),
        (Path("s3://bucket/run"), "s3://bucket/run"),
        (Path("gs://bucket"), "gs://bucket"),
        ("runs/s3", ""),
        ("sutemo-64", ""),
        ("file://x", ""),
    ],
)
def test_places_in_buckets_are_recognized(place, url):
    assert store_url(place) == url
