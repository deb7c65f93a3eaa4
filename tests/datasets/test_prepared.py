"""The image cache: killed processes, power failures, and concurrent processes do not change the result."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anime_gan.attributes.schema import Group, Schema, Term
from anime_gan.datasets import prepared
from anime_gan.datasets.dataset import Dataset
from anime_gan.datasets.folder import source as folder_module
from anime_gan.datasets.load import load_dataset
from anime_gan.datasets.reading import decoding
from anime_gan.runs.run_directory import RunDirectory
from anime_gan.training.config import TrainConfig

COUNT = 40
CHUNK = 4
SIDE = 16
BROKEN = 5
RESULT = {"images.bin", "labels.bin", "attributes.json", "dataset.json"}

# Another process that prepares the folder. It kills itself at the nth call of a function, after writing half
# of the last argument if that is bytes.
KILLED = """
import os, signal, sys
from anime_gan.datasets import load_dataset, prepared
from anime_gan.datasets.folder import source as folder
root, owner, name, nth = sys.argv[1:]
folder.CHUNK = 4
owner = getattr(prepared, owner) if owner else prepared
whole = getattr(owner, name)
calls = 0
def dying(*arguments):
    global calls
    calls += 1
    if calls == int(nth):
        if isinstance(arguments[-1], bytes):
            whole(*arguments[:-1], arguments[-1][: len(arguments[-1]) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*arguments)
setattr(owner, name, dying)
load_dataset(root, 0, 16, 0)
"""

# Another process that prints when it reaches the lock, when it decodes, and the resulting checksum.
SECOND = """
import sys
from anime_gan.common import locks
from anime_gan.datasets import load_dataset
from anime_gan.datasets.folder import source as folder
from anime_gan.datasets.reading import decoding
folder.CHUNK = 4
def telling(word, function):
    def told(*arguments):
        print(word, flush=True)
        return function(*arguments)
    return told
locks.FileLock = telling("waits", locks.FileLock)
decoding.decode = telling("decodes", decoding.decode)
print(load_dataset(sys.argv[1], 0, 16, 0).checksum)
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """Noise with one broken file, the only green one, so that a label column is dropped."""
    root = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(1)
    rows = ["filename,hair,smile"]
    for i in range(COUNT):
        Image.fromarray(random.integers(0, 256, (24, 20, 3), np.uint8)).save(root / f"{i:02d}.png")
        rows.append(f"{i:02d}.png,{'green' if i == BROKEN else random.choice(['blue', 'red'])},{i % 3 % 2}")
    (root / f"{BROKEN:02d}.png").write_bytes(b"broken")
    (root / "labels.csv").write_text("\n".join(rows))
    return root


@pytest.fixture(scope="module")
def undisturbed(pictures, tmp_path_factory) -> dict[str, bytes]:
    """The prepared files of an uninterrupted run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        load(pictures)
        return prepared_files()


@pytest.fixture(autouse=True)
def small_chunks_in_an_own_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(folder_module, "CHUNK", CHUNK)


def load(root: Path) -> Dataset:
    return load_dataset(str(root), 0, SIDE, 0)


def prepared_files() -> dict[str, bytes]:
    """The content of the only prepared folder; there must be no unfinished one."""
    entries = [path for path in prepared.cache_folder().iterdir() if path.name != "listings"]
    (result,) = entries
    assert not result.name.startswith("unfinished")
    assert {path.name for path in result.iterdir()} == RESULT
    return {path.name: path.read_bytes() for path in result.iterdir()}


def names_from(item: int) -> list[str]:
    return [f"{i:02d}.png" for i in range(item, COUNT)]


def stop_after(root: Path, chunks: int) -> Path:
    """Interrupts a preparation; returns its unfinished folder."""
    whole = decoding.decode
    done = 0

    def interrupted(files):
        nonlocal done
        if done == chunks:
            raise KeyboardInterrupt
        done += 1
        return whole(files)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(decoding, "decode", interrupted)
        load(root)
    (unfinished,) = prepared.cache_folder().glob("unfinished-*[!k]")
    return unfinished


@pytest.mark.parametrize(
    ("owner", "function", "nth", "rest"),
    [
        pytest.param("_Progress", "_append", 1, 0, id="first images"),
        pytest.param("_Progress", "_append", 10, 12, id="images"),
        pytest.param("_Progress", "_append", 11, 12, id="labels"),
        pytest.param("_Progress", "_append", 12, 12, id="journal"),
        pytest.param("", "learnable", 1, COUNT, id="all decoded"),
        pytest.param("", "_checksum", 1, COUNT, id="labels final"),
        pytest.param("", "write_text", 3, COUNT, id="attributes final"),
        pytest.param("", "remove", 1, COUNT, id="described"),
        pytest.param("", "remove", 2, 0, id="journal removed"),
    ],
)
def test_a_killed_preparation_goes_on_and_ends_the_same(
    pictures, undisturbed, decoded, owner, function, nth, rest
):
    command = [sys.executable, "-c", KILLED, str(pictures), owner, function, str(nth)]
    assert subprocess.run(command, capture_output=True).returncode == -signal.SIGKILL
    dataset = load(pictures)
    assert decoded == names_from(rest)
    assert prepared_files() == undisturbed
    assert dataset.report.skipped == ((f"{BROKEN:02d}.png", "not a picture of a known format"),)


def with_last_line(journal: bytes, last: bytes) -> bytes:
    return b"".join(journal.splitlines(keepends=True)[:-1]) + last


def cut_amidst(journal: bytes) -> bytes:
    """Later lines may be complete, but their position is unknown."""
    lines = journal.splitlines(keepends=True)
    return b"".join([*lines[:2], lines[2][:-5] + b"\n", *lines[3:]])


@pytest.mark.parametrize(
    ("file", "damage", "first_item"),
    [
        ("chunks.jsonl", lambda journal: journal[:-7], 16),
        ("chunks.jsonl", lambda journal: journal[:-1], 20),
        # As some file systems leave it after a power failure.
        ("chunks.jsonl", lambda journal: with_last_line(journal, b"\0" * 40), 16),
        ("chunks.jsonl", lambda journal: with_last_line(journal, b"\xff\xfe{}"), 16),
        ("chunks.jsonl", cut_amidst, 8),
        ("images.bin", lambda images: images + b"?" * (SIDE * SIDE * 3 * 2 + 100), 20),
        ("images.bin", lambda images: images[:-1], 16),
        # One of the first twelve files is broken: three chunks need eleven images, ten are enough for two.
        ("images.bin", lambda images: images[: SIDE * SIDE * 3 * 10], 8),
        ("all_labels.bin", lambda labels: labels[:-1], 16),
    ],
)
def test_files_that_disagree_after_a_power_cut(pictures, undisturbed, decoded, file, damage, first_item):
    damaged = stop_after(pictures, 5) / file
    damaged.write_bytes(damage(damaged.read_bytes()))
    decoded.clear()
    load(pictures)
    assert decoded == names_from(first_item)
    assert prepared_files() == undisturbed


def test_stopped_again_and_again_nothing_is_decoded_twice(pictures, undisturbed, decoded):
    for _ in range(3):
        stop_after(pictures, 2)
    load(pictures)
    assert decoded == names_from(0)
    assert prepared_files() == undisturbed


def test_two_processes_at_once_give_one_good_result(pictures, undisturbed, monkeypatch):
    """The second process starts during the first: it waits, and opens the result of the first."""
    second: list[subprocess.Popen] = []
    whole = decoding.decode

    def meet(files):
        if files.names == names_from(8)[:CHUNK]:
            command = [sys.executable, "-c", SECOND, str(pictures)]
            second.append(
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            )
            assert second[0].stdout.readline() == "waits\n"
        return whole(files)

    monkeypatch.setattr(decoding, "decode", meet)
    dataset = load(pictures)
    said, _ = second[0].communicate()
    assert said == f"{dataset.checksum}\n"
    assert prepared_files() == undisturbed


def test_the_checksum_is_that_of_schema_labels_and_images(pictures, monkeypatch):
    # Labels are written row by row.
    monkeypatch.setattr(prepared, "BLOCK", 1)
    dataset = load(pictures)
    assert dataset.schema.columns == ("hair=blue", "hair=red", "smile")
    content = dataset.schema.to_json().encode() + dataset.labels.tobytes() + dataset.images.tobytes()
    assert dataset.checksum == hashlib.sha256(content).hexdigest()
    # Both stay on disk.
    assert isinstance(dataset.labels, np.memmap) and isinstance(dataset.images, np.memmap)


def test_names_that_are_no_unicode_reach_the_report(pictures, tmp_path, undisturbed):
    root = tmp_path / "pictures"
    root.mkdir()
    for i in range(6):
        (root / f"{i}.png").write_bytes((pictures / f"{i + 10}.png").read_bytes())
    (root / os.fsdecode(b"0\xff.png")).write_bytes(b"broken")
    # The journal also preserves such names.
    stop_after(root, 1)
    for place in ("fresh", "cached"):
        dataset = load(root)
        RunDirectory.create(tmp_path / place, TrainConfig(), dataset)
        report = json.loads((tmp_path / place / "data_report.json").read_bytes().decode("utf-8"))
        assert [entry["name"] for entry in report["skipped"]] == ["0\\udcff.png"]
        assert (report["found"], report["used"]) == (7, 6)


def terms(*names: str) -> tuple[Term, ...]:
    return tuple(Term(name, name) for name in names)


def one_of(name: str, *values: str) -> Group:
    return Group(name, terms(*values))


NOBODY_GREEN = one_of("hair", "green", "blue", "red")


@pytest.mark.parametrize(
    ("attribute", "rows", "columns", "left", "said"),
    [
        (
            NOBODY_GREEN,
            [[-1, 1, -1], [-1, -1, 1]],
            [1, 2],
            one_of("hair", "blue", "red"),
            "green (no image has this hair)",
        ),
        (NOBODY_GREEN, [[0, 0, 0], [-1, 1, -1]], [], None, "hair (all known values are the same)"),
        (NOBODY_GREEN, [[0, 0, 0], [0, 0, 0]], [], None, "hair (all known values are the same)"),
        (one_of("hair", "blue", "red"), [[1, -1], [-1, 1]], [0, 1], one_of("hair", "blue", "red"), None),
        (Term("hat", "hat"), [[-1], [0]], [], None, "hat (no image has this tag)"),
        (Term("hat", "hat"), [[0], [0]], [], None, "hat (no image has this tag)"),
        (Term("hat", "hat"), [[1], [0]], [], None, "hat (every labeled image has this tag)"),
        (Term("hat", "hat"), [[1], [-1]], [0], Term("hat", "hat"), None),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_what_cannot_be_learned_is_left_out(attribute, rows, columns, left, said, first):
    """With another attribute before or after it, so that it does not always start at column 0."""
    other, other_rows = one_of("mood", "calm", "wild"), np.array([[1, -1], [-1, 1]], np.int8)
    rows = np.array(rows, np.int8)
    width = rows.shape[1]
    if first:
        schema, labels = Schema((attribute, other)), np.hstack([rows, other_rows])
        expected_columns = [*columns, width, width + 1]
        expected = (left, other)
    else:
        schema, labels = Schema((other, attribute)), np.hstack([other_rows, rows])
        expected_columns = [0, 1, *(column + 2 for column in columns)]
        expected = (other, left)
    kept, indices, notes = prepared.learnable(schema, labels)
    assert kept.attributes == tuple(part for part in expected if part is not None)
    assert indices.tolist() == expected_columns
    assert len(notes) == (said is not None)
    assert said is None or said in notes[0]


def test_without_labels_nothing_is_left_out():
    kept, indices, notes = prepared.learnable(Schema(()), np.zeros((3, 0), np.int8))
    assert (kept.attributes, indices.tolist(), notes) == ((), [], [])
