"""The measure of persons on faces of a few strokes."""

import numpy as np
import pytest

from anime_gan.attributes.schema import Schema
from anime_gan.datasets.dataset import Dataset
from anime_gan.judges import person, store
from anime_gan.judges.person import PersonMeasure, attribute_changes, distances, load_person_measure
from anime_gan.judges.store import JudgeError
from anime_gan.judges.tagger import decide

SCHEMA = Schema.from_names({"hair": ("dark", "light"), "smile": None})


def make_siblings(persons: int, seed: int) -> Dataset:
    """Persons are colors of hair and skin; an expression is the place of a mouth."""
    random = np.random.default_rng(seed)
    images = np.zeros((2 * persons, 32, 32, 4), np.uint8)
    labels = np.full((2 * persons, 3), -1, np.int8)
    for number in range(persons):
        hair, skin = random.integers(30, 220, (2, 3))
        for face in (2 * number, 2 * number + 1):
            images[face, :14, :, :3], images[face, 14:, :, :3] = hair, skin
            row = random.integers(18, 28)
            images[face, row : row + 2, 10:22, :3] = 0
            labels[face, int(hair.mean() > 125)] = 1
            labels[face, 2] = 1 if row > 22 else -1
    images[..., 3] = 255
    return Dataset("siblings", images, labels, SCHEMA, "", f"{seed:0>64}")


class FakeSelector:
    def margins(self, images):
        return np.arange(len(images), dtype=np.float32)


class FakeTagger:
    """Sure of the hair, except that it wavers by 0.2 between two faces; blind to the smile."""

    schema = SCHEMA

    def judge(self, images):
        hair = np.where(np.arange(len(images)) % 2, 0.9, 0.7)
        probabilities = np.stack([hair, 1 - hair, np.full(len(images), 0.5)], axis=1).astype(np.float32)
        return type("Judgement", (), {"probabilities": probabilities})


@pytest.fixture(scope="module")
def siblings():
    return make_siblings(300, seed=5)


@pytest.fixture(scope="module")
def measure(siblings):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(person, "STEPS", 60)
        yield load_person_measure(siblings, FakeSelector(), FakeTagger())


def test_it_tells_persons_apart_whatever_their_expressions(measure):
    others = make_siblings(60, seed=9)
    points = measure.features(others.images)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, atol=1e-4)
    between = distances(points[0::2], points[1::2])
    # By chance, 1 of 60 would be right.
    assert np.mean(np.argmin(between, axis=1) == np.arange(60)) > 0.8
    assert np.median(np.diagonal(between)) < 0.3 * np.median(between)


def test_limits_come_from_held_out_pairs(measure):
    limits = measure.limits
    assert limits.pairs == 30
    assert 0 < limits.same < 2
    assert limits.changes == {"hair": pytest.approx(0.2, abs=1e-3), "smile": person.SMALLEST_CHANGE}
    # The first percentile of the margins 0, 1, ..., 59.
    assert limits.intact == pytest.approx(0.59)


def test_it_is_stored_with_its_limits(measure, tmp_path):
    measure.save(tmp_path / "person")
    again = PersonMeasure.load(tmp_path / "person")
    images = make_siblings(3, seed=1).images
    np.testing.assert_array_equal(again.features(images), measure.features(images))
    assert (again.limits, again.checksum) == (measure.limits, measure.checksum)
    assert sum(file.stat().st_size for file in (tmp_path / "person").iterdir()) < 2 * 2**20
    (tmp_path / "person" / "weights.npz").write_bytes(b"PK")
    with pytest.raises(JudgeError):
        PersonMeasure.load(tmp_path / "person")


def test_the_cache_is_used(measure, siblings, monkeypatch):
    monkeypatch.setattr(person, "_train", None)
    assert load_person_measure(siblings, FakeSelector(), FakeTagger()).checksum == measure.checksum
    assert store.judge_folder(siblings, "person", "anime_gan.judges.person").is_dir()


def test_changes_of_attributes():
    first = np.array([[0.9, 0.1, 0.2]])
    second = np.array([[0.4, 0.6, 0.9]])
    np.testing.assert_allclose(attribute_changes(first, second, SCHEMA), [[0.5, 0.7]])
    assert decide(second, SCHEMA).tolist() == [[-1, 1, 1]]
