"""Drawn datasets: many processes, one cache."""

from __future__ import annotations

import numpy as np
import pytest

from anime_gan.datasets import generated, load_dataset
from anime_gan.datasets.drawn import DrawnFaces


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_every_face_is_the_one_drawn_alone_with_its_labels():
    dataset = load_dataset("drawn", generated.CHUNK + 3, 64, 5)
    source = DrawnFaces(5)
    assert len(dataset.images) == len(dataset.labels) == generated.CHUNK + 3
    for index in (0, 1, generated.CHUNK - 1, generated.CHUNK, generated.CHUNK + 2):
        image, description = source.draw(index, 64)
        np.testing.assert_array_equal(dataset.images[index], image)
        np.testing.assert_array_equal(dataset.labels[index], dataset.schema.encode(description))


def test_drawn_once_then_taken_from_the_cache(monkeypatch):
    first = load_dataset("drawn", 6, 64, 1)

    def never(*arguments):
        raise AssertionError("drew again")

    monkeypatch.setattr(generated, "_render_to", never)
    np.testing.assert_array_equal(load_dataset("drawn", 6, 64, 1).images, first.images)
    for other in ((7, 64, 1), (6, 64, 2)):
        with pytest.raises(AssertionError, match="drew again"):
            load_dataset("drawn", *other)


def test_a_failure_leaves_nothing_behind(tmp_path):
    class Failing(DrawnFaces):
        def draw(self, index, resolution):
            raise RuntimeError("out of ink")

    with pytest.raises(Exception):  # noqa: B017 (a local class cannot even be sent to a worker)
        generated.render(Failing(0), 4, 64)
    assert not list((tmp_path / "anime_gan").iterdir())
