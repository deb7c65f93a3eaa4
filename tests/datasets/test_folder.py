"""Folders of images: labels, tags, skipped files, and the cache."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.datasets.folder import source as folder_module
from anime_gan.datasets.load import load_dataset

TABLE = """filename,hair_color,smile,mood
a.png,blue,1,calm
sub/b.png,red,no,
ü.png,blue,,wild
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for name, color in (("a.png", (255, 0, 0)), ("sub/b.png", (0, 255, 0)), ("ü.png", (0, 0, 255))):
        paint(tmp_path / name, color)
    return tmp_path


@pytest.fixture
def labeled(folder: Path) -> Path:
    (folder / "labels.csv").write_text(TABLE, "utf-8-sig")
    return folder


def paint(path: Path, color: tuple[int, ...], mode: str = "RGB") -> None:
    Image.new(mode, (80, 100), color).save(path)


@pytest.fixture
def remembering(monkeypatch) -> None:
    """Listings are remembered at once, as if no file had been changed recently."""
    monkeypatch.setattr(folder_module, "SETTLED_SECONDS", -1e9)


def load(folder: Path, num_images: int = 0) -> Dataset:
    return load_dataset(str(folder), num_images, 64, 0)


def colors(dataset: Dataset) -> list[tuple[int, ...]]:
    return [tuple(image[30, 30]) for image in dataset.images]


def test_images_and_labels_in_the_order_of_the_table(labeled):
    dataset = load(labeled)
    assert dataset.images.shape == (3, 64, 64, 3)
    assert dataset.images.dtype == np.uint8
    assert colors(dataset) == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    assert dataset.schema.columns == (
        "hair_color=blue",
        "hair_color=red",
        "smile",
        "mood=calm",
        "mood=wild",
    )
    np.testing.assert_array_equal(dataset.labels, [[1, -1, 1, 1, -1], [-1, 1, -1, 0, 0], [1, -1, 0, -1, 1]])
    assert dataset.report.lines() == []


def test_words_of_the_table_can_be_asked_for(labeled):
    schema = load(labeled).schema
    np.testing.assert_array_equal(schema.parse("red hair, smiling, wild"), [-1, 1, 1, -1, 1])


def test_only_the_first_rows(labeled):
    (labeled / "labels.csv").write_text("filename,smile\na.png,1\nsub/b.png,0\nü.png,1\n", "utf-8")
    np.testing.assert_array_equal(load(labeled, 2).labels, [[1], [-1]])


def test_the_folders_license_is_carried_on(labeled):
    (labeled / "LICENSE.txt").write_text("Drawn by Somebody, CC BY 4.0")
    assert "Drawn by Somebody, CC BY 4.0" in load(labeled).statement


def test_rows_and_files_that_do_not_fit_are_named_with_their_reason(labeled):
    rows = "gone.png,red,1,calm\na.png,blue,1,calm\nsub/b.png,blue,1,wild\n../out.png,red,1,calm\nshort.png\n"
    (labeled / "labels.csv").write_text(TABLE + rows, "utf-8")
    paint(labeled / "unlisted.png", (9, 9, 9))
    (labeled / "sub" / "b.png").write_bytes(b"not an image")
    dataset = load(labeled)
    assert colors(dataset) == [(255, 0, 0), (0, 0, 255)]
    reasons = dict(dataset.report.skipped)
    assert reasons["gone.png"] == "listed in labels.csv but missing"
    assert reasons["unlisted.png"] == "no row in labels.csv"
    assert "row 6 repeats row 2" in reasons["a.png"]
    assert "file name not relative to the folder" in reasons["../out.png"]
    assert reasons["short.png"].startswith("wrong number of cells")
    assert "row 7 contradicts row 3" in [r for name, r in dataset.report.skipped if name == "sub/b.png"][0]
    assert dataset.report.reasons["repeated row"] == 2
    assert "not a picture" in [reason for name, reason in dataset.report.skipped if name == "sub/b.png"][1]


def test_what_nobody_has_is_said_and_left_out(labeled):
    """The only image with red hair is unreadable, so that red hair cannot be learned."""
    (labeled / "sub" / "b.png").write_bytes(b"")
    dataset = load(labeled)
    assert "hair_color" not in [slot.name for slot in dataset.schema.slots]
    notes = " ".join(dataset.report.lines())
    assert "labels ignored: hair_color (all known values are the same)" in notes
    assert "skipped 1 file: empty file (1)" in notes


def test_accents_written_in_two_ways_are_one_name(labeled):
    """macOS stores "ü" as two characters; the table has one."""
    os.rename(labeled / "ü.png", labeled / "u\u0308.png")
    assert len(load(labeled).images) == 3


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("number,smile\n1,yes\n2,no\n", "filename"),
        ("", "labels.csv"),
        ("filename,smile\na.png,1\n", "usable images: 1; at least 2"),
    ],
)
def test_errors_name_the_folder_and_the_place(labeled, table, said):
    (labeled / "labels.csv").write_text(table, "utf-8")
    with pytest.raises(DataError) as error:
        load(labeled)
    assert said in str(error.value)
    assert labeled.name in str(error.value)


def test_without_labels_it_is_unconditional_and_says_so(folder):
    dataset = load(folder)
    assert dataset.labels.shape == (3, 0)
    assert colors(dataset) == [(255, 0, 0), (0, 0, 255), (0, 255, 0)]
    assert any("trained without labels" in line for line in dataset.report.lines())


def test_tag_files_of_taggers(folder):
    (folder / "a.txt").write_text("1girl, blue_hair, twintails, smile")
    (folder / "sub" / "b.png.txt").write_text("1girl, red hair, open mouth")
    dataset = load(folder)
    names = dataset.schema.columns
    assert {"hair_color=blue", "hair_color=red", "twin_tail", "smile", "open_mouth"} <= set(names)
    assert "hair_color=green" not in names
    by_color = dict(zip(colors(dataset), dataset.labels, strict=True))
    column = names.index("hair_color=blue")
    assert [by_color[c][column] for c in ((255, 0, 0), (0, 255, 0), (0, 0, 255))] == [1, -1, 0]
    assert by_color[0, 255, 0][names.index("smile")] == -1
    assert any("1 of 3 images have no tag file" in line for line in dataset.report.lines())


def test_own_tags_extend_the_table(folder):
    (folder / "a.txt").write_text("blue_hair, eyepatch_deluxe")
    (folder / "sub" / "b.txt").write_text("red_hair")
    (folder / "tags.json").write_text('{"tags": {"pirate": ["eyepatch_deluxe"]}}')
    dataset = load(folder)
    assert "pirate" in dataset.schema.columns
    (folder / "tags.json").write_text('{"tag": {}}')
    with pytest.raises(DataError, match="tags.json"):
        load(folder)


def test_several_hair_colors_are_unknown_and_counted(folder):
    (folder / "a.txt").write_text("blue_hair, pink_hair, smile")
    (folder / "sub" / "b.txt").write_text("blue_hair")
    (folder / "ü.txt").write_text("pink_hair")
    dataset = load(folder)
    np.testing.assert_array_equal(dataset.labels[0, dataset.schema.slot("hair_color").columns], [0, 0])
    assert any("hair_color: unknown in 1 images" in line for line in dataset.report.lines())


def test_a_schema_beside_the_table_gives_the_words(labeled):
    from anime_gan.attributes.schema import Group, Schema, Term

    given = Schema((Group("hair_color", (Term("red", "crimson mane"), Term("blue", "azure mane"))),))
    (labeled / "attributes.json").write_text(given.to_json(), "utf-8")
    dataset = load(labeled)
    np.testing.assert_array_equal(dataset.labels, [[-1, 1], [1, -1], [-1, 1]])
    np.testing.assert_array_equal(dataset.schema.parse("azure mane"), [-1, 1])


class TestCache:
    """Images are decoded once, and changes are noticed."""

    def test_the_second_time_nothing_is_decoded(self, labeled, decoded):
        first = load(labeled)
        assert sorted(decoded) == ["a.png", "sub/b.png", "ü.png"]
        second = load(labeled)
        assert len(decoded) == 3
        np.testing.assert_array_equal(second.images, first.images)
        np.testing.assert_array_equal(second.labels, first.labels)
        assert (second.schema, second.checksum, second.report) == (first.schema, first.checksum, first.report)

    def test_a_changed_picture_is_noticed_even_with_the_old_time_and_size(self, labeled, remembering):
        # The size of a BMP does not depend on its colors.
        Image.new("RGB", (64, 64), (255, 0, 0)).save(labeled / "a.png", "BMP")
        before = load(labeled)
        status = os.stat(labeled / "a.png")
        Image.new("RGB", (64, 64), (255, 1, 0)).save(labeled / "a.png", "BMP")
        assert os.stat(labeled / "a.png").st_size == status.st_size
        os.utime(labeled / "a.png", ns=(status.st_atime_ns, status.st_mtime_ns))
        after = load(labeled)
        assert colors(after)[0] == (255, 1, 0)
        assert after.checksum != before.checksum

    def test_a_changed_label_is_noticed(self, labeled, remembering):
        before = load(labeled)
        (labeled / "labels.csv").write_text(TABLE.replace("a.png,blue", "a.png,red"), "utf-8-sig")
        after = load(labeled)
        assert after.labels[0, 1] == 1
        assert after.checksum != before.checksum

    def test_it_is_the_content_that_counts(self, labeled, decoded):
        """A copy in another folder with other times is not decoded again."""
        load(labeled)
        copy = labeled.parent / "elsewhere" / labeled.name
        shutil.copytree(labeled, copy)
        for path in copy.rglob("*.*"):
            os.utime(path, (1e9, 1e9))
        load(copy)
        assert len(decoded) == 3

    def test_a_known_listing_costs_no_reading(self, labeled, remembering, monkeypatch):
        first = load(labeled)

        def never(*arguments):
            raise AssertionError("read a file")

        monkeypatch.setattr(folder_module, "read_file", never)
        np.testing.assert_array_equal(load(labeled).images, first.images)

    def test_another_resolution_is_another_cache(self, labeled):
        load(labeled)
        assert load_dataset(str(labeled), 0, 32, 0).images.shape == (3, 32, 32, 3)


def test_a_remote_folder_is_read_like_a_local_one(labeled):
    import tensorflow as tf

    remote = f"ram://{labeled.name}"
    for path in labeled.rglob("*.*"):
        target = f"{remote}/{path.relative_to(labeled)}"
        tf.io.gfile.makedirs(target.rsplit("/", 1)[0])
        with tf.io.gfile.GFile(target, "wb") as stream:
            stream.write(path.read_bytes())
    here, there = load(labeled), load_dataset(remote, 0, 64, 0)
    np.testing.assert_array_equal(there.images, here.images)
    np.testing.assert_array_equal(there.labels, here.labels)


def test_many_files_go_through_other_processes_in_order(tmp_path):
    for i in range(70):
        paint(tmp_path / f"{i:03d}.png", (i, 255 - i, 0))
    (tmp_path / "033.png").write_bytes(b"\x89PNG broken")
    expected = [(i, 255 - i, 0) for i in range(70) if i != 33]
    assert colors(load(tmp_path)) == expected


def test_captions_and_other_formats_are_unknown_not_missing(folder):
    """Without commas and underscores, the words are one unknown tag, so nothing is known about a smile."""
    (folder / "a.txt").write_text("1girl blue hair smile")
    (folder / "sub" / "b.txt").write_text("red_hair, smile", "utf-16")
    (folder / "ü.txt").write_text("blue_hair, 1girl")
    dataset = load(folder)
    assert dataset.labels[0].tolist() == [0] * dataset.schema.num_labels
    assert dataset.labels[2, dataset.schema.column("smile")] == 1
    assert any("1 tag files contain no known tag" in line for line in dataset.report.lines())


def test_own_runs_are_no_training_pictures(folder):
    run = folder / "runs" / "0001-folder"
    (run / "samples").mkdir(parents=True)
    for name in ("config.json", "data_report.json"):
        (run / name).write_text("{}")
    paint(run / "samples" / "faces-00000000.png", (1, 2, 3))
    assert colors(load(folder)) == [(255, 0, 0), (0, 0, 255), (0, 255, 0)]


def test_a_table_that_fits_no_file_says_so(labeled):
    (labeled / "labels.csv").write_text("filename,smile\nimages/a.png,1\nimages/b.png,0\n", "utf-8")
    with pytest.raises(
        DataError, match=r"no row of labels.csv matches an image; .*images/a.png: listed in labels.csv but"
    ):
        load(labeled)


def test_what_could_not_be_read_is_tried_again(labeled, remembering, monkeypatch):
    """A server that was briefly down must not exclude a picture forever."""
    whole = folder_module.read_file

    def away(root, name, limit=None):
        if name == "a.png":
            raise OSError("server is away")
        return whole(root, name, limit)

    monkeypatch.setattr(folder_module, "read_file", away)
    assert dict(load(labeled).report.skipped)["a.png"] == "cannot be opened: server is away"
    monkeypatch.setattr(folder_module, "read_file", whole)
    assert len(load(labeled).images) == 3


def test_a_picture_that_changes_while_the_folder_is_read(labeled, monkeypatch):
    """Cached under the old digest, the new content would never be noticed."""
    whole, seen = folder_module.read_file, []

    def changing(root, name, limit=None):
        seen.append(name)
        if seen.count("a.png") == 2:
            paint(labeled / "a.png", (9, 9, 9))
        return whole(root, name, limit)

    monkeypatch.setattr(folder_module, "read_file", changing)
    with pytest.raises(DataError, match=r"a\.png: changed while the folder was being read"):
        load(labeled)
    assert colors(load(labeled))[0] == (9, 9, 9)


def test_sources_that_are_not_there(tmp_path):
    with pytest.raises(DataError, match="contains no images"):
        load(tmp_path)
    for nothing in ("dranw", ""):
        with pytest.raises(DataError, match="no such folder; use drawn, sutemo:DIR"):
            load_dataset(nothing, 10, 64, 0)
    with pytest.raises(DataError, match="^data=sutemo:"):
        load_dataset(f"sutemo:{tmp_path}", 10, 64, 0)


def paint_half(path: Path, color: tuple[int, int, int]) -> None:
    """Opaque at the top, transparent at the bottom, where another color is hidden."""
    picture = Image.new("RGBA", (80, 80), (*color, 255))
    picture.paste((1, 2, 3, 0), (0, 40, 80, 80))
    picture.save(path)


@pytest.fixture
def transparent_folder(tmp_path: Path) -> Path:
    for i in range(19):
        paint_half(tmp_path / f"{i:02d}.png", (10 * i, 100, 200))
    paint(tmp_path / "opaque.png", (255, 0, 0))
    # With an alpha channel, but without a transparent pixel.
    paint(tmp_path / "solid.png", (255, 0, 0, 255), "RGBA")
    return tmp_path


@pytest.mark.parametrize("transparent", ["auto", "yes"])
def test_a_transparent_folder_keeps_alpha_and_leaves_out_opaque_images(transparent_folder, transparent):
    dataset = load_dataset(str(transparent_folder), 0, 64, 0, transparent)
    assert dataset.images.shape == (19, 64, 64, 4)
    np.testing.assert_array_equal(dataset.images[:, 20, 30], [(10 * i, 100, 200, 255) for i in range(19)])
    np.testing.assert_array_equal(dataset.images[:, 45, 30, 3], 0)
    assert dataset.report.reasons == {"opaque picture among transparent ones": 2}


def test_transparency_can_be_put_on_white(transparent_folder):
    dataset = load_dataset(str(transparent_folder), 0, 64, 0, "no")
    assert dataset.images.shape == (21, 64, 64, 3)
    np.testing.assert_array_equal(dataset.images[:19, 45, 30], 255)


def test_a_folder_with_few_transparent_images_is_opaque(folder):
    paint_half(folder / "half.png", (9, 9, 9))
    dataset = load_dataset(str(folder), 0, 64, 0, "auto")
    assert dataset.images.shape == (4, 64, 64, 3)
    assert not dataset.report.skipped
