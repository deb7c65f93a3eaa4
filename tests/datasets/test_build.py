"""`python -m anime_gan.datasets.build`: from the arguments to the shards."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anime_gan.datasets import build, record_parts, records
from anime_gan.datasets.folder import source
from anime_gan.datasets.load import load_dataset


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def pictures(tmp_path) -> Path:
    root = tmp_path / "pictures"
    root.mkdir()
    for i in range(5):
        Image.new("RGB", (40, 40), (50 * i, 9, 9)).save(root / f"{i}.png")
    (root / "labels.csv").write_text("filename,smile\n0.png,1\n1.png,0\n2.png,1\n3.png,0\n4.png,\n")
    return root


def test_a_folder_becomes_shards_that_are_read_like_it(pictures, capsys):
    (pictures / "3.png").write_bytes(b"broken")
    assert build.main(["pictures", "new/shards", "--resolution=32"]) == 0
    told = capsys.readouterr()
    assert told.out == "4 images in 1 shards: new/shards\n"
    assert "note: skipped 1 file: not a picture of a known format (1)" in told.err
    here, there = load_dataset("pictures", 0, 32, 0), load_dataset("new/shards", 0, 32, 0)
    assert list(here.images[:, 9, 9, 0]) == [0, 50, 100, 200]
    np.testing.assert_array_equal(there.images, here.images)
    np.testing.assert_array_equal(there.labels, here.labels)
    assert (there.schema, there.statement, there.checksum) == (here.schema, here.statement, here.checksum)


def test_only_some_images_and_called_again(pictures, capsys):
    for _ in range(2):
        assert build.main(["--num_images=3", "pictures", "shards"]) == 0
    assert len(load_dataset("shards", 0, 64, 0).images) == 3
    capsys.readouterr()
    assert build.main(["--num_images=4", "pictures", "shards"]) == 2
    error = capsys.readouterr().err.splitlines(keepends=True)[-1]
    assert_one_line(error, "choose an empty folder")


def test_the_smallest_pictures_can_be_read_again(pictures):
    assert build.main(["pictures", "shards", "--resolution=16"]) == 0
    assert load_dataset("shards", 0, 16, 0).images.shape == (5, 16, 16, 3)


def test_shards_of_shards(pictures):
    assert build.main(["pictures", "first"]) == 0
    assert build.main(["first/", "second/"]) == 0
    names = [sorted(os.listdir(place)) for place in ("first", "second")]
    assert names[0] == names[1]


def test_into_a_bucket(pictures, tmp_path):
    place = f"ram://{tmp_path.name}/shards/"
    assert build.main(["pictures", place]) == 0
    assert len(load_dataset(place, 0, 64, 0).images) == 5


def test_a_folder_whose_name_is_no_unicode(pictures):
    name = os.fsdecode(b"pictures\xff")
    os.rename(pictures, name)
    assert build.main([name, "shards"]) == 0
    assert len(load_dataset("shards", 0, 64, 0).images) == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "missing argument: SOURCE DEST; see --help"),
        (["pictures"], "missing argument: DEST; see --help"),
        (["pictures", "shards", "more"], "unexpected argument 'more'"),
        (["pictures", "shards", "--resolutoin=32"], "unknown option --resolutoin; did you mean --resolution"),
        (["pictures", "shards", "--resolution=4"], "--resolution=4"),
        # Such a small picture could not be read again.
        (["pictures", "shards", "--resolution=15"], "--resolution=15"),
        (["pictures", "shards", "--resolution=big"], "--resolution=big"),
        (["pictures", "shards", "--num_images=-1"], "--num_images=-1"),
        (["pictuers", "shards"], "build: pictuers: no such folder"),
        (["nowhere://pictures", "shards"], "build: nowhere://pictures: no such folder"),
    ],
)
def test_wrong_arguments_are_one_line_and_status_2(pictures, capsys, arguments, said):
    assert build.main(arguments) == 2
    assert_one_line(capsys.readouterr().err, said)
    assert os.listdir() == ["pictures"]


@pytest.mark.parametrize("destination", ["pictures/0.png", "nowhere://shards", ""])
def test_a_place_that_cannot_be_written_to(pictures, capsys, destination):
    assert build.main(["pictures", destination]) == 2
    assert_one_line(
        capsys.readouterr().err.splitlines(keepends=True)[-1], f"{destination}: cannot be written:"
    )


def test_a_damaged_shard_is_one_line(pictures, capsys):
    assert build.main(["pictures", "shards"]) == 0
    (shard,) = Path("shards").glob("*.tfrecord")
    shard.write_bytes(shard.read_bytes()[:-9])
    capsys.readouterr()
    assert build.main(["shards", "again"]) == 2
    assert_one_line(
        capsys.readouterr().err.splitlines(keepends=True)[-1], f"{shard.name}: damaged at record 4"
    )


def assert_one_line(error: str, said: str) -> None:
    assert error.startswith("anime_gan.datasets.build: ")
    assert error.count("\n") == 1 and error.endswith("\n")
    assert said in error


def test_shards_of_work_are_joined_without_reading_a_picture(pictures, capsys, monkeypatch):
    (pictures / "3.png").write_bytes(b"broken")
    monkeypatch.setattr(record_parts, "SHARD_RECORDS", 2)
    for number in (1, 0):
        assert build.main(["pictures", "parts", "--resolution=32", f"--shard={number}/2"]) == 0
        assert f"shard {number}/2 is finished" in capsys.readouterr().out
    # Blocks of two pictures, of which one is broken: the second machine has the second block.
    assert sorted(name.split("-")[2:] for name in os.listdir("parts")) == [
        ["000000", "2.tfrecord"],
        ["000001", "1.tfrecord"],
        ["000002", "1.tfrecord"],
    ]
    with monkeypatch.context() as patch:
        patch.setattr(source.ImageFolder, "chunks", None)
        assert build.main(["pictures", "parts", "--resolution=32"]) == 0
    assert capsys.readouterr().out == "4 images: parts\n"
    here, there = load_dataset("pictures", 0, 32, 0), load_dataset("parts", 0, 32, 0)
    np.testing.assert_array_equal(there.images, here.images)
    assert (there.schema, there.statement, there.checksum) == (here.schema, here.statement, here.checksum)
    assert len(load_dataset("parts", 3, 32, 0).images) == 3


def test_what_is_missing_is_written_when_shards_are_joined(pictures, capsys, monkeypatch):
    monkeypatch.setattr(record_parts, "SHARD_RECORDS", 2)
    assert build.main(["pictures", "parts", "--shard=2/3"]) == 0
    before = {path: path.stat().st_mtime_ns for path in Path("parts").iterdir()}
    capsys.readouterr()
    assert build.main(["pictures", "parts"]) == 0
    told = capsys.readouterr()
    assert told.out == "5 images: parts\n"
    assert "note: 2 blocks of pictures were missing" in told.err
    assert before.items() <= {path: path.stat().st_mtime_ns for path in Path("parts").iterdir()}.items()
    assert load_dataset("parts", 0, 64, 0).checksum == load_dataset("pictures", 0, 64, 0).checksum


def test_reading_shards_of_work_goes_on_in_the_middle(pictures, monkeypatch):
    monkeypatch.setattr(record_parts, "SHARD_RECORDS", 2)
    for arguments in (["--shard=0/1"], []):
        assert build.main(["pictures", "parts", *arguments]) == 0
    shards = records.RecordShards("parts", 0)
    for first in range(6):
        reds = [image[9, 9, 0] for chunk in shards.chunks(first, 40) for image in chunk.images]
        assert reds == [0, 50, 100, 150, 200][first:]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["pictures", "parts", "--shard=0/2", "--num_images=4"],
            "contains shards of other pictures or labels",
        ),
        (["pictures", "pictures", "--shard=0/2"], "contains other files"),
        (["pictures", "parts", "--shard=2/2"], "--shard=2/2: must be NUMBER/COUNT"),
        (["drawn", "new", "--shard=0/2"], "drawn: no such folder; --shard needs"),
        (["parts", "new", "--shard=0/2"], "parts: contains shards already"),
    ],
)
def test_shards_of_work_that_do_not_fit(pictures, capsys, arguments, said):
    for more in (["--shard=0/1"], []):
        assert build.main(["pictures", "parts", *more]) == 0
    capsys.readouterr()
    assert build.main(arguments) == 2
    assert_one_line(capsys.readouterr().err.splitlines(keepends=True)[-1], said)
