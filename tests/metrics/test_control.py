"""Attribute precision, combinations, and leakage, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from anime_gan.attributes.schema import Schema
from anime_gan.metrics import control


@pytest.fixture(scope="module")
def small() -> Schema:
    """Columns: hair=red 0, hair=blue 1, hair=green 2, smile 3, glasses 4."""
    return Schema.from_names({"hair": ("red", "blue", "green"), "smile": None, "glasses": None})


def rows(*texts: str) -> np.ndarray:
    """`"r+-"` is red hair with a smile and no glasses; `.` is unknown."""
    signs = {"+": [1], "-": [-1], ".": [0]}
    hair = {"r": [1, -1, -1], "b": [-1, 1, -1], "g": [-1, -1, 1], ".": [0, 0, 0]}
    return np.array([hair[text[0]] + signs[text[1]] + signs[text[2]] for text in texts], np.int8)


def test_precision_of_every_value(small):
    asked = rows("r++", "r+-", "r--", "b-+", "b--")
    #               right  other hair, hidden glasses
    verdicts = rows("r++", "b++", "r+-", "b-+", "b--")
    visible = np.ones(asked.shape, bool)
    visible[1, 4] = False
    counts = control.count_confirmations(asked, verdicts, visible)
    real = control.count_confirmations(
        rows("r++", "b--", "g.-"), rows("r++", "b+-", "g+-"), np.ones((3, 5), bool)
    )
    result = control.attribute_precision(small, counts, real)

    values = {row["value"]: (row["model"], row["model_images"], row["real"]) for row in result["values"]}
    assert values == {
        "hair=red": (pytest.approx(2 / 3), 3, 1.0),
        "hair=blue": (1.0, 2, 1.0),
        "hair=green": (None, 0, 1.0),
        "smile": (1.0, 2, 1.0),
        "smile=no": (pytest.approx(2 / 3), 3, 0.0),
        "glasses": (1.0, 2, 1.0),
        "glasses=no": (1.0, 2, 1.0),
    }
    # Over red, blue, smile, and glasses: nobody was asked for green, and absences are not averaged.
    assert result["model"] == pytest.approx((2 / 3 + 1 + 1 + 1) / 4)
    assert result["real"] == 1.0
    assert result["share_of_real"] == pytest.approx(result["model"])
    assert result["worst"] == {"value": "hair=red", "model": pytest.approx(2 / 3), "real": 1.0}


def test_unknown_labels_of_real_images_are_not_counted(small):
    labels, verdicts = rows("r++", "b..", ".--"), rows("r++", "r--", "g-+")
    real = control.count_confirmations(labels, verdicts, np.ones((3, 5), bool))
    # Columns: red, blue, green, smile, glasses. Present, then absent.
    np.testing.assert_array_equal(real.asked, [[1, 1, 0, 1, 1], [1, 1, 2, 1, 1]])
    np.testing.assert_array_equal(real.confirmed, [[1, 0, 0, 1, 1], [0, 1, 2, 1, 0]])


def test_precision_is_compared_with_that_of_real_images(small):
    """The tagger confirms one of four generated and two of four real faces with red hair."""
    every, asked = np.ones((4, 5), bool), rows(*["r.."] * 4)
    model = control.count_confirmations(asked, rows("r--", "b--", "g--", "g--"), every)
    real = control.count_confirmations(asked, rows("r--", "r--", "g--", "b--"), every)
    result = control.attribute_precision(small, model, real)
    assert (result["model"], result["real"], result["share_of_real"]) == (0.25, 0.5, 0.5)
    none = control.count_confirmations(asked, rows(*["b--"] * 4), every)
    assert control.attribute_precision(small, model, none)["share_of_real"] is None


def test_images_drawn_for_one_value_count_for_it_alone(small):
    every = np.ones((2, 5), bool)
    counts = control.count_confirmations(rows("r+-", "b+-"), rows("r+-", "b+-"), every)
    more = control.count_confirmations(rows("r++", "r++"), rows("b-+", "r-+"), every)
    counts = control.add_for_value(counts, more, 1, small.columns.index("hair=red"))
    assert counts.rate(1, 0) == pytest.approx(2 / 3) and counts.number(1, 0) == 3
    # Smiles and glasses of the two are left out.
    assert counts.rate(1, 3) == 1.0 and counts.number(1, 4) == 0


def test_values_are_written_so_that_they_can_be_asked_for(small):
    asked = {name: (sign, column) for name, sign, column in control.judged_values(small)}
    assert set(asked) == {"hair=red", "hair=blue", "hair=green", "smile", "smile=no", "glasses", "glasses=no"}
    for name, (sign, column) in asked.items():
        assert small.parse(name)[column] == sign


def test_joint_precision_of_a_combination(small):
    wanted = small.parse("red hair, no glasses")
    verdicts = rows("r+-", "r-+", "b--", "r--", "b++")
    visible = np.ones(verdicts.shape, bool)
    visible[4] = False
    found = control.combination_precision(wanted, verdicts, visible, small.slots)
    # The last is hidden. Red: 3 of 4; no glasses: 3 of 4; both: the first and the fourth.
    assert found == {"joint": 0.5, "each": {"hair": 0.75, "glasses": 0.75}, "images": 4}


def test_a_combination_that_rules_one_value_out(small):
    found = control.combination_precision(
        small.parse("no red hair"), rows("r++", "g++", "b++", "b++"), np.ones((4, 5), bool), small.slots
    )
    assert found["joint"] == 0.75


def test_nothing_visible_is_no_number(small):
    found = control.combination_precision(
        small.parse("smile"), rows("r++"), np.zeros((1, 5), bool), small.slots
    )
    assert found == {"joint": None, "each": {"smile": None}, "images": 0}


def test_combinations_to_compare_with_are_of_the_training_set(small):
    labels = rows("r+-", "r++", "b+-", "b--", "g--", ".+-", "g.-", "r+-")
    held_out = np.stack(
        [small.parse("green hair, smile"), small.parse("red hair, no smile"), small.parse("glasses")]
    )
    found = control.seen_combinations(labels, held_out, small.slots, seed=3)
    pairs = {small.describe(row) for row in found if row[0]}
    others = [small.describe(row) for row in found if not row[0]]
    # Two pairs of hair and smile were held out, so two; and one of glasses alone.
    seen = {"red hair, smile", "blue hair, smile", "blue hair, no smile", "green hair, no smile"}
    assert len(found) == 3 and len(pairs) == 2 and pairs <= seen
    assert len(others) == 1 and others[0] in {"glasses", "no glasses"}
    np.testing.assert_array_equal(control.seen_combinations(labels, held_out, small.slots, seed=3), found)
    drawn = {
        small.describe(row)
        for seed in range(30)
        for row in control.seen_combinations(labels, held_out[:1], small.slots, seed)
    }
    assert drawn == seen


def test_fewer_seen_combinations_than_held_out_ones(small):
    held_out = np.stack([small.parse("red hair"), small.parse("blue hair")])
    found = control.seen_combinations(rows("g++", "g--"), held_out, small.slots, seed=0)
    np.testing.assert_array_equal(found, [small.parse("green hair")])


def test_one_attribute_is_changed_evenly(small):
    labels = np.repeat(rows("b+-"), 6000, axis=0)
    changed, slot = control.change_one(labels, small.slots, seed=1)
    np.testing.assert_array_equal(labels, np.repeat(rows("b+-"), 6000, axis=0))
    # Rows stay rows of labels, which generators get as they are.
    assert set(np.unique(changed)) == {-1, 1}
    expected = {0: {"red hair, smile, no glasses", "green hair, smile, no glasses"}}
    expected |= {1: {"blue hair, no smile, no glasses"}, 2: {"blue hair, smile, glasses"}}
    for index, texts in expected.items():
        of_slot = [small.describe(row) for row in changed[slot == index]]
        assert abs(len(of_slot) - 2000) < 200
        for text in texts:
            assert abs(of_slot.count(text) - 2000 / len(texts)) < 200
        assert set(of_slot) == texts


def test_leakage_counts_what_should_have_stayed(small):
    before = control.slot_codes(rows("r+-", "r+-", "b+-", "g--"), small.slots)
    after = control.slot_codes(rows("b--", "g+-", "b-+", "g-+"), small.slots)
    # What was changed on purpose: hair, hair, smile, glasses.
    changed = np.array([0, 0, 1, 2])
    comparable = np.ones((4, 3), bool)
    comparable[1, 1] = False
    counts = control.leakage(before, after, comparable, changed)
    # Of hair: one smile flipped of 2 + 1 compared. Of smile: glasses flipped, hair not. Of glasses: nothing.
    np.testing.assert_array_equal(counts, [[1, 3], [1, 2], [0, 2]])


def test_contrast_is_where_real_pictures_differ(small):
    labels = rows("r++", "r-+", "b++", "b-+", ".++")
    images = np.zeros((5, 2, 2, 3), np.uint8)
    images[:2, 0, 0] = 90  # red hair
    images[2:4, 0, 0] = 30  # blue hair
    images[[0, 2], 1, 1] = (0, 0, 60)  # smile
    images[4, 0, 1] = 200  # unknown hair, smile
    contrast = control.slot_contrast(images, labels, small.slots)
    # The standard deviation of two numbers is half of their difference; green hair has no picture.
    np.testing.assert_allclose(contrast[0], [[30, 0], [0, 0]], atol=1e-4)
    # Smiles: (90 + 30 + 0) / 3 = 40 against 60; 200 / 3 against 0; in one of three colors, 120 / 3 against 0.
    np.testing.assert_allclose(contrast[1], [[10, 100 / 3], [0, 20 / 3]], rtol=1e-5)
    # All wear glasses.
    np.testing.assert_array_equal(contrast[2], np.zeros((2, 2)))


def test_contrast_of_many_images_is_that_of_their_mean(small):
    random = np.random.default_rng(0)
    labels = rows(*random.choice(["r++", "b-+", "g+-"], 700))
    images = random.integers(0, 256, (700, 4, 4, 3), np.uint8)
    contrast = control.slot_contrast(images, labels, small.slots)
    means = [images[labels[:, column] > 0].mean(axis=0) for column in range(3)]
    np.testing.assert_allclose(contrast[0], np.std(means, axis=0).mean(axis=-1), rtol=1e-3)


def test_spill_is_the_change_of_the_rest_relative_to_that_of_the_region():
    contrast = np.array([[9.0, 8.0], [1.0, 0.0]])
    assert control.spill(np.array([[4.0, 4.0], [0.0, 0.0]]), contrast) == 0.0
    assert control.spill(np.array([[4.0, 2.0], [2.0, 1.0]]), contrast) == pytest.approx(0.5)
    assert control.spill(np.full((2, 2), 3.0), contrast) == 1.0
    assert control.spill(np.zeros((2, 2)), contrast) is None
    assert control.spill(np.ones((2, 2)), np.zeros((2, 2))) is None
