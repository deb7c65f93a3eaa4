"""Drawn datasets: many processes, one cache."""

from __future__ import annotations

import numpy as np
import pytest

from anime_gan.datasets import illustrated as generated
from anime_gan.datasets import prepared
from anime_gan.datasets.drawn.faces import DrawnFaces
from anime_gan.datasets.load import load_dataset


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_every_face_is_the_one_drawn_alone_with_its_labels(monkeypatch):
    monkeypatch.setattr(generated, "CHUNK", 20)
    dataset = load_dataset("drawn", 43, 64, 5)
    assert dataset.images.shape == (43, 64, 64, 3)
    source = DrawnFaces(5)
    for index in range(43):
        image, description = source.draw(index, 64)
        np.testing.assert_array_equal(dataset.images[index], image)
        known = {slot.name: description[slot.name] for slot in dataset.schema.slots}
        np.testing.assert_array_equal(dataset.labels[index], dataset.schema.encode(known))


def test_drawn_once_then_taken_from_the_cache(monkeypatch):
    first = load_dataset("drawn", 6, 64, 1)

    def never(*arguments):
        raise AssertionError("drew again")

    monkeypatch.setattr(prepared, "_fill", never)
    second = load_dataset("drawn", 6, 64, 1)
    np.testing.assert_array_equal(second.images, first.images)
    np.testing.assert_array_equal(second.labels, first.labels)
    assert (second.schema, second.checksum, second.report) == (first.schema, first.checksum, first.report)
    for other in ((7, 64, 1), (6, 64, 2), (6, 32, 1)):
        with pytest.raises(AssertionError, match="drew again"):
            load_dataset("drawn", *other)


def test_what_nobody_has_among_a_few_faces_is_left_out_and_said():
    dataset = load_dataset("drawn", 6, 32, 1)
    faces = [DrawnFaces(1).describe(index).labels for index in range(6)]
    expected, missing = [], {}
    for name, values in DrawnFaces.attributes.items():
        seen = {face[name] for face in faces}
        if values is None:
            expected += [name] if seen == {True, False} else []
        else:
            expected += [f"{name}={value}" for value in values if value in seen]
            missing[name] = [value for value in values if value not in seen]
    assert list(dataset.schema.columns) == expected
    notes = dataset.report.lines()
    assert missing["hair_color"]
    colors = ", ".join(missing["hair_color"])
    assert f"labels ignored: {colors} (no image has this hair_color)" in notes
    tags = {name for name, values in DrawnFaces.attributes.items() if values is None}
    said = [note.split(": ")[1].split(" (")[0].split(", ") for note in notes if "image has this tag)" in note]
    assert {name for names in said for name in names} == tags - set(expected)
