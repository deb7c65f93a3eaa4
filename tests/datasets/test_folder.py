"""A folder of images with labels.csv."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anime_gan.datasets import DataError, load_dataset

TABLE = """filename,hair_color,smile,mood
a.png,blue,1,calm
sub/b.png,red,no,
ü.png,blue,,wild
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for name, color in (("a.png", (255, 0, 0)), ("sub/b.png", (0, 255, 0)), ("ü.png", (0, 0, 255))):
        Image.new("RGB", (80, 100), color).save(tmp_path / name)
    (tmp_path / "labels.csv").write_text(TABLE, "utf-8-sig")
    return tmp_path


def load(folder: Path, num_images: int = 100):
    return load_dataset(str(folder), num_images, 64, 0)


def test_images_and_labels_in_the_order_of_the_table(folder):
    dataset = load(folder)
    assert dataset.images.shape == (3, 64, 64, 3)
    assert dataset.images.dtype == np.uint8
    assert [tuple(image[30, 30]) for image in dataset.images] == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    assert dataset.schema.columns == (
        "hair_color=blue",
        "hair_color=red",
        "smile",
        "mood=calm",
        "mood=wild",
    )
    np.testing.assert_array_equal(dataset.labels, [[1, -1, 1, 1, -1], [-1, 1, -1, 0, 0], [1, -1, 0, -1, 1]])


def test_words_of_the_table_can_be_asked_for(folder):
    schema = load(folder).schema
    np.testing.assert_array_equal(schema.parse("red hair, smiling, wild"), [-1, 1, 1, -1, 1])


def test_only_the_first_rows(folder):
    (folder / "labels.csv").write_text("filename,smile\na.png,1\nsub/b.png,0\nü.png,1\n", "utf-8")
    np.testing.assert_array_equal(load(folder, 2).labels, [[1], [-1]])


def test_middle_square_without_distortion(folder):
    """A picture twice as wide as high keeps its middle: the red sides are cut away."""
    wide = np.zeros((50, 100, 3), np.uint8)
    wide[:, :25] = wide[:, 75:] = (255, 0, 0)
    Image.fromarray(wide).save(folder / "a.png")
    assert load(folder).images[0][:, 4:-4].max() < 40


def test_the_folders_licence_is_carried_on(folder):
    (folder / "LICENSE.txt").write_text("Drawn by Somebody, CC BY 4.0")
    assert "Drawn by Somebody, CC BY 4.0" in load(folder).statement


def test_checksum_notices_a_changed_picture_and_a_changed_label(folder):
    before = load(folder).checksum()
    assert load(folder).checksum() == before
    Image.new("RGB", (80, 100), (255, 1, 0)).save(folder / "a.png")
    painted = load(folder).checksum()
    (folder / "labels.csv").write_text(TABLE.replace("a.png,blue", "a.png,red"), "utf-8")
    assert len({before, painted, load(folder).checksum()}) == 3


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (TABLE + "gone.png,red,1,calm\n", "gone.png"),
        (TABLE + "a.png,red\n", "row 5: 2 cells, but the header has 4"),
        (TABLE.replace("filename", "file"), "first column must be called filename"),
        (TABLE.replace("red", "blue"), "column 'hair_color' has the one value 'blue'"),
        ("", "is empty"),
        ("filename,smile\na.png,1\n", "too few"),
    ],
)
def test_errors_name_the_place(folder, table, said):
    (folder / "labels.csv").write_text(table, "utf-8")
    with pytest.raises(DataError) as error:
        load(folder)
    assert said in str(error.value)
    assert str(folder) in str(error.value)


def test_a_file_that_is_no_image_is_named(folder):
    (folder / "sub/b.png").write_bytes(b"not an image")
    with pytest.raises(DataError, match=r"b\.png: cannot be read as an image"):
        load(folder)


def test_sources_that_are_not_there(tmp_path):
    with pytest.raises(DataError, match=r"no labels\.csv"):
        load(tmp_path)
    with pytest.raises(DataError, match="no such folder; use drawn, sutemo:DIR"):
        load_dataset("dranw", 10, 64, 0)
    with pytest.raises(DataError, match="--data=sutemo:"):
        load_dataset(f"sutemo:{tmp_path}", 10, 64, 0)
