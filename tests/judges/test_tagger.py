"""The tagger on faces of a few strokes, and its rules against examples worked out by hand."""

import dataclasses
import math

import numpy as np
import pytest

from anime_gan.attributes.schema import Schema
from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.judges import store, tagger, training
from anime_gan.judges.store import JudgeError
from anime_gan.judges.tagger import decide, hardest_cases, load_tagger, measure_accuracy, visible

SCHEMA = Schema.from_names({"glasses": None, "eye_color": ("red", "green", "blue"), "closed_eyes": None})
GLASSES, EYES, CLOSED = 0, slice(1, 4), 4


def make_faces(count, seed, side=32):
    """Faces of a few strokes; what is under closed eyelids is labelled all the same."""
    random = np.random.default_rng(seed)
    images = np.repeat(random.integers(60, 140, (count, 1, 1, 3)), side, axis=1).repeat(side, axis=2)
    labels = np.full((count, SCHEMA.num_labels), -1, np.int8)
    unit = side // 32
    for image, row in zip(images, labels, strict=True):
        color, closed, glasses = random.integers(3), random.random() < 0.4, random.random() < 0.3
        row[EYES.start + color] = 1
        row[CLOSED], row[GLASSES] = 2 * closed - 1, 2 * glasses - 1
        top, left = random.integers(4, 14, 2) * unit
        for x in (left, left + 9 * unit):
            if closed:
                image[top + 2 * unit : top + 3 * unit, x : x + 5 * unit] = 0
            else:
                image[top : top + 5 * unit, x : x + 5 * unit] = 255 * (np.arange(3) == color)
        if glasses:
            image[top + 7 * unit : top + 9 * unit, left : left + 14 * unit] = 255
    return images.astype(np.uint8), labels


def make_dataset(images, labels, name):
    return Dataset("faces", images, labels, SCHEMA, "", f"{name:0<64}")


@pytest.fixture(scope="module")
def few_steps():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tagger, "STEPS", 160)
        yield


@pytest.fixture(scope="module")
def dataset(few_steps):
    return make_dataset(*make_faces(800, seed=1), "7a")


@pytest.fixture(scope="module")
def trained(dataset):
    return load_tagger(dataset)


def test_closed_eyes_hide_their_colour():
    labels = np.array([[1, 1, -1, -1, 1], [-1, -1, 1, -1, -1], [1, 0, 0, 0, 0]], np.int8)
    expected = np.ones((3, 5), bool)
    expected[0, EYES] = False
    np.testing.assert_array_equal(visible(labels, SCHEMA), expected)


@pytest.mark.parametrize(
    "names", [{"closed_eyes": None}, {"eye_color": ("red", "blue")}, {"smile": None}, {}]
)
def test_without_the_attributes_of_a_rule_all_is_visible(names):
    schema = Schema.from_names(names)
    assert visible(np.ones((2, schema.num_labels), np.int8), schema).all()


def test_one_value_of_a_group_is_decided_for():
    probabilities = np.array([[0.6, 0.2, 0.45, 0.35, 0.4], [0.4, 0.9, 0.05, 0.05, 0.51]], np.float32)
    expected = [[1, -1, 1, -1, -1], [-1, 1, -1, -1, 1]]
    np.testing.assert_array_equal(decide(probabilities, SCHEMA), expected)
    assert decide(probabilities, SCHEMA).dtype == np.int8


def test_accuracy_counts_what_is_known_and_visible():
    # Columns: glasses, red, green, blue, closed eyes.
    labels = np.array(
        [
            [1, 1, -1, -1, -1],  # right everywhere
            [-1, 1, -1, -1, -1],  # glasses wrong, colour wrong
            [0, 1, -1, -1, 1],  # glasses unknown; colour wrong, but hidden
            [1, 0, 0, 0, -1],  # colour unknown; all else right
            [1, -1, 1, -1, 1],  # glasses and closed eyes wrong; colour hidden
        ],
        np.int8,
    )
    predicted = np.array(
        [
            [1, 1, -1, -1, -1],
            [1, -1, -1, 1, -1],
            [1, -1, 1, -1, 1],
            [1, -1, 1, -1, -1],
            [-1, -1, 1, -1, -1],
        ],
        np.int8,
    )
    by_attribute, by_column = measure_accuracy(predicted, labels, SCHEMA)
    assert by_attribute == pytest.approx({"glasses": 2 / 4, "eye_color": 1 / 2, "closed_eyes": 4 / 5})
    assert by_column == pytest.approx(
        {
            "glasses": 2 / 3,
            "eye_color=red": 1 / 2,
            "eye_color=green": math.nan,
            "eye_color=blue": math.nan,
            "closed_eyes": 1 / 2,
        },
        nan_ok=True,
    )


def test_the_hardest_cases_come_first():
    labels = np.tile(np.array([[1, 1, -1, -1, -1], [-1, -1, 1, -1, -1], [1, -1, -1, 1, 1]], np.int8), (40, 1))
    predicted = labels.copy()
    # A quarter of the red eyes, all of them behind glasses, are taken for green ones.
    predicted[0:30:3, EYES] = [-1, 1, -1]
    cases = hardest_cases(predicted, labels, SCHEMA)
    # Blue eyes are closed: they do not count, so that 30 of 40 behind glasses are right.
    assert cases[0] == {"attribute": "eye_color", "given": "glasses", "right": 0.75, "images": 40}
    assert cases[1]["right"] == 1.0
    assert not any(case["attribute"] == "eye_color" and case["given"] == "closed_eyes" for case in cases)
    # Of each kind there are fewer than thirty: that would be chance.
    assert hardest_cases(predicted[:87:3], labels[:87:3], SCHEMA) == []


def test_it_recognizes_what_it_has_not_seen(trained):
    images, labels = make_faces(300, seed=2)
    predicted = trained.predict(images)
    is_open = labels[:, CLOSED] < 0
    assert np.mean(predicted[is_open, EYES] == labels[is_open, EYES]) > 0.97
    for column in (GLASSES, CLOSED):
        assert np.mean(predicted[:, column] == labels[:, column]) > 0.97


def test_closed_eyes_count_neither_in_training_nor_in_accuracy(trained):
    # Counted, two of three guesses under closed lids would be wrong: 40% of the faces have them.
    assert trained.accuracy["eye_color"] > 0.95
    assert min(trained.column_accuracy[f"eye_color={name}"] for name in ("red", "green", "blue")) > 0.9
    assert trained.notes() == []


def test_what_it_errs_on_is_said(trained):
    poor = tagger.Tagger(
        trained._network, SCHEMA, {"glasses": 0.5, "eye_color": math.nan, "closed_eyes": 1}, {}
    )
    (note,) = poor.notes()
    assert "glasses 50%, eye_color nan%" in note and "closed" not in note


def test_accuracy_is_of_the_test_split(trained, dataset):
    expected = measure_accuracy(trained.predict(dataset.images[9::10]), dataset.labels[9::10], SCHEMA)
    assert (trained.accuracy, trained.column_accuracy) == expected


def test_a_judgement_is_of_each_picture_alone(trained):
    images, _ = make_faces(training.JUDGE_BATCH + 9, seed=3)
    together = trained.judge(images)
    assert together.probabilities.dtype == together.features.dtype == np.float32
    assert together.features.shape == (len(images), 128)
    assert together.probabilities.shape == (len(images), 5)
    np.testing.assert_allclose(together.probabilities[:, EYES].sum(axis=1), 1.0, rtol=1e-5)
    some = trained.judge(images[-3:])
    np.testing.assert_allclose(some.features, together.features[-3:], atol=1e-4)
    np.testing.assert_allclose(some.probabilities, together.probabilities[-3:], atol=1e-5)
    assert trained.judge(images[:0]).features.shape == (0, 128)


def test_larger_pictures_are_reduced(trained):
    images, _ = make_faces(20, seed=4)
    larger = images.repeat(3, axis=1).repeat(3, axis=2)
    np.testing.assert_allclose(trained.judge(larger).features, trained.judge(images).features, atol=1e-4)


@pytest.mark.parametrize(
    ("shape", "dtype", "said"),
    [
        ((2, 16, 16, 3), np.uint8, "images of 16x16: this judge needs square images of at least 32"),
        ((2, 32, 40, 3), np.uint8, "images of 32x40"),
        ((2, 32, 32, 3), np.float32, "must be uint8"),
        ((32, 32, 3), np.uint8, "must be uint8"),
    ],
)
def test_pictures_it_cannot_judge(trained, shape, dtype, said):
    with pytest.raises(ValueError, match=said):
        trained.judge(np.zeros(shape, dtype))


def test_it_is_trained_once(trained, dataset, monkeypatch):
    monkeypatch.setattr(training, "fit", None)
    again = load_tagger(dataset)
    images, _ = make_faces(20, seed=5)
    assert again.checksum == trained.checksum
    assert (again.accuracy, again.column_accuracy) == (trained.accuracy, trained.column_accuracy)
    np.testing.assert_array_equal(again.judge(images).probabilities, trained.judge(images).probabilities)


def test_damaged_weights_are_refused(trained, dataset):
    copied = dataclasses.replace(dataset, checksum=f"{'7b':0<64}")
    here, there = (store.judge_folder(d, tagger.NAME) for d in (dataset, copied))
    there.mkdir(parents=True)
    (there / "tagger.json").write_bytes((here / "tagger.json").read_bytes())
    with pytest.raises(JudgeError, match="the weights cannot be read .*delete the folder"):
        load_tagger(copied)
    with np.load(here / "weights.npz") as archive:
        weights = [archive[name] for name in archive.files]
    weights[0][0, 0, 0, 0] += 1
    np.savez(there / "weights.npz", *weights)
    with pytest.raises(JudgeError, match="damaged"):
        load_tagger(copied)


def test_the_test_split_has_no_part_in_training_and_the_rest_decides_all(monkeypatch):
    monkeypatch.setattr(tagger, "STEPS", 12)
    images, labels = make_faces(200, seed=6)
    others, other_labels = images.copy(), labels.copy()
    others[9::10] = 255 - others[9::10]
    other_labels[9::10] = labels[8::10]
    here, there = (
        load_tagger(make_dataset(*data, name))
        for data, name in (((images, labels), "7c"), ((others, other_labels), "7d"))
    )
    assert here.checksum == there.checksum
    assert here.accuracy != there.accuracy


def test_early_stopping_looks_at_part_of_the_training_split():
    for count in (30, 1234, 30_000):
        dataset = make_dataset(np.zeros((count, 1, 1, 3), np.uint8), np.zeros((count, 5), np.int8), "7e")
        train, validation, test = training.split_for_judges(dataset)
        is_test = np.arange(count) % 10 == 9
        assert is_test[test].all() and len(test) == min(count // 10, training.MAX_TEST)
        np.testing.assert_array_equal(np.sort([*train, *validation]), np.flatnonzero(~is_test))
        assert 0 < len(validation) <= min(training.MAX_VALIDATION, 0.1 * count)


@pytest.mark.parametrize(
    ("count", "names", "said"), [(29, {"smile": None}, "only 29 images"), (100, {}, "has no labels")]
)
def test_datasets_nothing_can_be_learned_from(count, names, said):
    schema = Schema.from_names(names)
    labels = np.ones((count, schema.num_labels), np.int8)
    with pytest.raises(DataError, match=said):
        load_tagger(Dataset("faces", np.zeros((count, 32, 32, 3), np.uint8), labels, schema, "", "7f" * 32))
