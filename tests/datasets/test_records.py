"""TFRecord shards: they are read as written, and damage is reported."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anime_gan.datasets import records
from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.datasets.load import load_dataset
from anime_gan.datasets.reading import decoding

COUNT = 12
SIDE = 32
# Twelve images in shards of five; groups of three cross the boundaries.
SHARDS = 3


@pytest.fixture(autouse=True)
def small_shards_in_an_own_cache(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setattr(records, "SHARD_RECORDS", 5)
    monkeypatch.setattr(records, "CHUNK", 3)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """Images of different plain colors, with a group, a tag, and an unknown label."""
    root = tmp_path_factory.mktemp("pictures")
    rows = ["filename,hair_color,smile"]
    for i in range(COUNT):
        Image.new("RGB", (40, 50), (20 * i, 255 - 20 * i, 99)).save(root / f"{i:02d}.png")
        rows.append(f"{i:02d}.png,{('blue', 'red', '')[i % 3]},{i % 2}")
    (root / "labels.csv").write_text("\n".join(rows))
    (root / "LICENSE.txt").write_text("Drawn by Ünal, CC BY 4.0", "utf-8")
    return root


@pytest.fixture
def dataset(pictures) -> Dataset:
    return load(pictures)


@pytest.fixture
def shards(dataset, tmp_path) -> Path:
    assert records.write_records(dataset, str(tmp_path / "shards")) == SHARDS
    return tmp_path / "shards"


def load(root: Path | str, num_images: int = 0, side: int = SIDE) -> Dataset:
    return load_dataset(str(root), num_images, side, 0)


def shard_paths(root: Path) -> list[Path]:
    return sorted(root.glob("faces-*.tfrecord"))


def assert_same(actual: Dataset, expected: Dataset) -> None:
    np.testing.assert_array_equal(actual.images, expected.images)
    np.testing.assert_array_equal(actual.labels, expected.labels)
    assert actual.schema == expected.schema
    assert (actual.name, actual.statement) == (expected.name, expected.statement)
    assert actual.checksum == expected.checksum


def test_what_is_read_is_what_was_written(dataset, shards):
    assert len(shard_paths(shards)) == SHARDS
    assert_same(load(shards), dataset)
    assert "Drawn by Ünal" in load(shards).statement
    assert load(shards).report.lines() == []


def test_a_copy_elsewhere_under_another_name_is_the_same(dataset, shards, tmp_path):
    shutil.copytree(shards, tmp_path / "copy")
    shutil.rmtree(shards)
    assert_same(load(tmp_path / "copy"), dataset)


def test_read_at_another_resolution(shards):
    images = load(shards, side=16).images
    assert images.shape == (COUNT, 16, 16, 3)
    for i, image in enumerate(images):
        np.testing.assert_array_equal(image, np.full((16, 16, 3), (20 * i, 255 - 20 * i, 99)))


def test_only_the_first_images(dataset, shards):
    assert len(load(shards).images) == COUNT
    few = load(shards, 7)
    np.testing.assert_array_equal(few.images, dataset.images[:7])
    np.testing.assert_array_equal(few.labels, dataset.labels[:7])


@pytest.mark.parametrize("first_item", [0, 3, 5, 7, 10, 11, 12])
def test_reading_begins_anywhere(dataset, shards, first_item):
    chunks = list(records.RecordShards(str(shards), 0).chunks(first_item, SIDE))
    assert sum(chunk.num_items for chunk in chunks) == COUNT - first_item
    if chunks:
        np.testing.assert_array_equal(
            np.concatenate([chunk.images for chunk in chunks]), dataset.images[first_item:]
        )
        np.testing.assert_array_equal(
            np.concatenate([chunk.labels for chunk in chunks]), dataset.labels[first_item:]
        )


def test_stopped_reading_goes_on_in_the_middle_of_a_later_shard(dataset, shards, monkeypatch):
    decoded: list[str] = []
    whole = decoding.decode

    def interrupted(files):
        if len(decoded) == 9:
            decoded.append("stopped")
            raise KeyboardInterrupt
        decoded.extend(files.names)
        return whole(files)

    monkeypatch.setattr(decoding, "decode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load(shards)
    assert_same(load(shards), dataset)
    names = [f"record {i}" for i in range(COUNT)]
    assert decoded == [*names[:9], "stopped", *names[9:]]


def test_many_records_go_through_other_processes_in_order(tmp_path, monkeypatch):
    (tmp_path / "pictures").mkdir()
    for i in range(70):
        Image.new("RGB", (16, 16), (i, 255 - i, 0)).save(tmp_path / "pictures" / f"{i:02d}.png")
    # Only the reading of shards uses worker processes here.
    with monkeypatch.context() as patch:
        patch.setattr(decoding, "ALONE", 100)
        dataset = load(tmp_path / "pictures")
    records.write_records(dataset, str(tmp_path / "shards"))
    np.testing.assert_array_equal(load(tmp_path / "shards").images[:, 9, 9, 0], np.arange(70))


def test_stopped_writing_goes_on_and_ends_the_same(dataset, shards, tmp_path, monkeypatch):
    """Interrupted at the eighth image, in the middle of the second shard."""
    again = tmp_path / "again"
    written = 0
    whole = Image.fromarray

    def interrupted(image):
        nonlocal written
        written += 1
        if written == 8:
            raise KeyboardInterrupt
        return whole(image)

    monkeypatch.setattr(Image, "fromarray", interrupted)
    with pytest.raises(KeyboardInterrupt):
        records.write_records(dataset, str(again))
    # The incomplete folder is not accepted as a dataset.
    assert len(shard_paths(again)) == 1
    with pytest.raises(DataError):
        load(again)
    records.write_records(dataset, str(again))
    # The first shard was not written again.
    assert written == 8 + COUNT - 5
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        path.name: path.read_bytes() for path in shards.iterdir()
    }


def test_writing_twice_changes_nothing(dataset, shards):
    before = {path.name: path.read_bytes() for path in shards.iterdir()}
    assert records.write_records(dataset, str(shards)) == SHARDS
    assert {path.name: path.read_bytes() for path in shards.iterdir()} == before


def test_shards_of_another_dataset_are_not_mixed_in(pictures, shards):
    before = {path.name: path.read_bytes() for path in shards.iterdir()}
    other = load(pictures, 11)
    with pytest.raises(DataError, match="choose an empty folder"):
        records.write_records(other, str(shards))
    assert {path.name: path.read_bytes() for path in shards.iterdir()} == before


def cut_between_records(data: bytes) -> bytes:
    """The checksums of records do not detect this."""
    # A record consists of its length (8 bytes), a checksum (4), the data, and a checksum (4).
    return data[: int.from_bytes(data[:8], "little") + 16]


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def shard_of(record: bytes, folder: Path) -> bytes:
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(folder / "other")) as writer:
        writer.write(record)
    return (folder / "other").read_bytes()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (None, "is missing (1 of 3 shards)"),
        (lambda data, _: data[:-20], "damaged at record 4"),
        (lambda data, _: cut_between_records(data), "contains 1 records instead of 5"),
        (lambda data, _: b"", "contains 0 records instead of 5"),
        (lambda data, _: flipped(data, len(data) // 2), "damaged at record 2"),
        # In a length.
        (lambda data, _: flipped(data, 2), "damaged at record 0"),
        # Complete records with other content: no example, and one without features.
        (lambda data, folder: shard_of(b"\x00 no example", folder), "damaged at record 0"),
        (lambda data, folder: shard_of(b"", folder), "damaged at record 0"),
    ],
)
def test_a_damaged_shard_is_named(dataset, shards, damage, said, tmp_path):
    """Damage after an earlier reading is found too. Running the build again repairs the shards."""
    load(shards)
    shard = shard_paths(shards)[1]
    if damage is None:
        shard.unlink()
    else:
        shard.write_bytes(damage(shard.read_bytes(), tmp_path))
    with pytest.raises(DataError) as error:
        load(shards)
    assert shard.name in str(error.value)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    if damage is not None:
        assert "delete it and run the build again" in str(error.value)
        shard.unlink()
    records.write_records(dataset, str(shards))
    assert_same(load(shards), dataset)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:100],
        lambda text: text.replace('"version": 1,\n "name"', '"version": 3,\n "name"'),
        lambda text: text.replace('"version": 1,', '"version": 2, "counts": [8, 3],'),
        lambda text: text.replace('"version": 1,', '"version": 2, "counts": [13, -1],'),
        lambda text: text.replace('"name": "hair_color"', '"name": 7'),
        lambda text: text.replace('"images": 12', '"images": 30'),
        lambda text: text.replace('"images": 12', '"images": null'),
    ],
)
def test_a_damaged_manifest_is_named(shards, change):
    manifest = shards / "records.json"
    text = manifest.read_text("utf-8")
    assert change(text) != text
    manifest.write_text(change(text), "utf-8")
    with pytest.raises(DataError, match=r"records.json: damaged .*; run the build again") as error:
        load(shards)
    assert "\n" not in str(error.value)


def test_a_broken_picture_in_a_record_is_left_out_and_named(dataset, shards):
    """Another program may have written the records."""
    import tensorflow as tf

    shard = shard_paths(shards)[1]
    lines = [tf.train.Example.FromString(line.numpy()) for line in tf.data.TFRecordDataset(str(shard))]
    lines[2].features.feature["image"].bytes_list.value[0] = b"broken"
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for line in lines:
            writer.write(line.SerializeToString())
    read = load(shards)
    assert read.report.skipped == (("record 7", "not a picture of a known format"),)
    np.testing.assert_array_equal(read.images, np.delete(dataset.images, 7, axis=0))
    np.testing.assert_array_equal(read.labels, np.delete(dataset.labels, 7, axis=0))


@pytest.mark.parametrize("ending", ["", "/"])
def test_shards_in_a_bucket(dataset, tmp_path, ending):
    import tensorflow as tf

    place = f"ram://{tmp_path.name}/deep/shards"
    records.write_records(dataset, place)
    assert_same(load(place + ending), dataset)
    (shard,) = [name for name in tf.io.gfile.listdir(place) if "-00001-of-" in name]
    tf.io.gfile.remove(f"{place}/{shard}")
    with pytest.raises(DataError, match=shard):
        load(place + ending)


def test_without_labels(pictures, tmp_path):
    for picture in pictures.glob("*.png"):
        shutil.copy(picture, tmp_path)
    dataset = load(tmp_path)
    records.write_records(dataset, str(tmp_path / "shards"))
    read = load(tmp_path / "shards")
    assert read.labels.shape == (COUNT, 0)
    assert_same(read, dataset)


def test_a_stranger_reads_a_shard_with_plain_tensorflow(dataset, shards):
    import tensorflow as tf

    manifest = json.loads((shards / "records.json").read_text("utf-8"))
    width = len(dataset.schema.columns)
    features = {
        "image": tf.io.FixedLenFeature([], tf.string),
        "labels": tf.io.FixedLenFeature([width], tf.int64),
    }
    lines = tf.data.TFRecordDataset([str(shards / name) for name in manifest["shards"]])
    examples = [tf.io.parse_single_example(line, features) for line in lines]
    assert len(examples) == manifest["images"] == COUNT
    for i, example in enumerate(examples):
        np.testing.assert_array_equal(tf.io.decode_png(example["image"]), dataset.images[i])
        np.testing.assert_array_equal(example["labels"], dataset.labels[i])
    assert "CC BY 4.0" in manifest["statement"]
    assert [attribute["name"] for attribute in manifest["schema"]["attributes"]] == ["hair_color", "smile"]


def test_shards_keep_alpha(tmp_path):
    for i in range(COUNT):
        picture = Image.new("RGBA", (SIDE, SIDE), (20 * i, 99, 255, 100 + i))
        picture.paste((0, 0, 0, 0), (0, 0, SIDE, 10))
        picture.save(tmp_path / f"{i:02d}.png")
    dataset = load_dataset(str(tmp_path), 0, SIDE, 0, "auto")
    records.write_records(dataset, str(tmp_path / "shards"))
    again = load_dataset(str(tmp_path / "shards"), 0, SIDE, 0, "auto")
    assert again.images.shape == (COUNT, SIDE, SIDE, 4)
    np.testing.assert_array_equal(again.images, dataset.images)
    on_white = load_dataset(str(tmp_path / "shards"), 0, SIDE, 0, "no")
    assert on_white.images.shape == (COUNT, SIDE, SIDE, 3)
    np.testing.assert_array_equal(on_white.images[:, :10], 255)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"faces-r06.tfrecords": {"shape": [3], "data": [b"x"]}},
            "1 TFRecord file of StyleGAN (faces-r06.tfrecords)",
        ),
        (
            {"a-train.tfrecord-00000-of-00001": {"image": [b"x"]}, "dataset_info.json": {}},
            "1 TFRecord file of TensorFlow Datasets",
        ),
        (
            {"a.tfrecord": {"jpeg": [b"x"], "id": [1]}, "b.tfrecord": {"jpeg": [b"x"]}},
            "2 TFRecord files of another program with the features id, jpeg (a.tfrecord; records.json is",
        ),
        ({"a.tfrecord.gz": b"\x1f\x8b\x08"}, "1 TFRecord file compressed with gzip (a.tfrecord.gz)"),
    ],
)
def test_records_of_other_programs_are_named(tmp_path, files, said):
    import tensorflow as tf

    for name, features in files.items():
        if isinstance(features, bytes):
            (tmp_path / name).write_bytes(features)
            continue
        kinds = {
            key: tf.train.Feature(bytes_list=tf.train.BytesList(value=value))
            if isinstance(value[0], bytes)
            else tf.train.Feature(int64_list=tf.train.Int64List(value=value))
            for key, value in features.items()
        }
        with tf.io.TFRecordWriter(str(tmp_path / name)) as writer:
            writer.write(tf.train.Example(features=tf.train.Features(feature=kinds)).SerializeToString())
    with pytest.raises(DataError, match="python -m anime_gan.datasets.build FOLDER DEST") as error:
        load_dataset(str(tmp_path), 0, 64, 0)
    assert said in str(error.value)
