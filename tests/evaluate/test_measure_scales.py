"""Errors, order, and side effects of scales, with a judge whose answers are known."""

import types

import numpy as np
import pytest

from anime_gan.attributes import Scale, Schema
from anime_gan.datasets.dataset import Dataset
from anime_gan.evaluate.bench import Faces
from anime_gan.evaluate.measure_scales import REACH, scales
from anime_gan.evaluate.persons import Persons, with_schema

TURN = Scale("turn", "head turn", -40, 40, "degrees")
SCHEMA = Schema.from_names({"smile": None, "turn": TURN})


class Bench:
    """A model whose pictures are their labels, and a judge that reads 4 degrees too many."""

    schema = SCHEMA
    options = types.SimpleNamespace(images_per_request=18)

    def stage(self, name):
        pass

    def announce(self, images):
        pass

    def draw(self, stream, attributes, count):
        labels = np.tile(np.float32([[-1, 0.3], [1, 0.3]]), (count // 2, 1))
        return Faces(np.arange(count), np.zeros((count, 1)), labels)

    def render(self, latents, labels):
        return labels

    def verdicts(self, images):
        read = images + np.float32([0, 0.1])
        # A head that turns far also changes the smile.
        read[images[:, 1] > 0.8, 0] = 1
        return read


class Measure:
    """Persons are points on a circle, at the angle to which they turn."""

    def features(self, images):
        return np.stack([np.cos(images[:, 1]), np.sin(images[:, 1])], axis=1)


def test_measures_of_a_known_judge():
    test = types.SimpleNamespace(
        labels=np.float32([[1, 0.5], [1, -0.5], [1, 0.0], [1, 0.9]]),
        verdicts=np.float32([[1, 0.4], [1, -0.2], [1, 1], [1, 0.7]]),
    )
    chord = 2 * np.sin(REACH)
    persons = Persons(Measure(), {"turn": chord - 0.01, "nod": 3.0})
    measured = scales(Bench(), types.SimpleNamespace(test=test), persons)["turn"]
    assert measured["error"] == pytest.approx(4, abs=0.01)
    assert measured["end_error"] == pytest.approx(4, abs=0.01)
    # Differences of 4, 12, and 8 degrees; the third image is unknown, and only the last one is at an end.
    assert measured["real_error"] == pytest.approx(8)
    assert measured["real_end_error"] == pytest.approx(8)
    assert measured["ordered"] == 1
    # One of the two faces did not smile.
    assert measured["flipped"] == 0.5
    assert (measured["unit"], measured["faces"]) == ("degrees", 2)
    assert measured["person"] == {
        "distance": pytest.approx(chord, abs=1e-3),
        "limit": persons.moved["turn"],
        "within": 0,
    }
    persons = Persons(Measure(), {"turn": chord + 0.01})
    assert scales(Bench(), types.SimpleNamespace(test=test), persons)["turn"]["person"]["within"] == 1


def test_styles_that_never_turn_are_left_out():
    schema = Schema.from_names({"style": ("cel", "pixel"), "turn": TURN})
    rows = np.array([[1, -1, -0.8], [1, -1, 0.7], [-1, 1, 0.01], [-1, 1, -0.01]], np.float32)
    drawn = []

    class Styled(Bench):
        dataset = types.SimpleNamespace(labels=bins(schema, rows))
        split = types.SimpleNamespace(train=np.arange(4))

        def draw(self, stream, attributes, count):
            return Faces(np.arange(count), np.zeros((count, 1)), rows[np.arange(count) % 4])

        def render(self, latents, labels):
            drawn.append(labels)
            return labels

        def verdicts(self, images):
            return images

    Styled.schema = schema
    test = types.SimpleNamespace(labels=np.zeros((1, 3), np.float32), verdicts=np.zeros((1, 3), np.float32))
    measured = scales(Styled(), types.SimpleNamespace(test=test))["turn"]
    assert measured["faces"] == 2 and measured["real_error"] is None
    assert all(np.all(labels[:, 0] == 1) for labels in drawn)


def bins(schema, rows):
    labels = rows.astype(np.int8)
    labels[:, 2] = [schema.scales[2].bin_of(40 * value) for value in rows[:, 2]]
    return labels


def test_columns_of_another_schema_are_found_by_name():
    own = Schema.from_names({"smile": None, "hair": ("dark", "light")})
    labels = np.array([[1, -1, 1], [0, 1, -1]], np.int8)
    pairs = Dataset("pairs", np.zeros((2, 4, 4, 3), np.uint8), labels, own, "", "0")
    other = Schema.from_names({"hair": ("light", "grey", "dark"), "glasses": None, "smile": None})
    found = with_schema(pairs, other)
    assert found.labels.tolist() == [[1, 0, -1, 0, 1], [-1, 0, 1, 0, 0]]
    assert found.schema is other
    assert with_schema(pairs, own) is pairs
