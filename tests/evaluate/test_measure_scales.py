"""Errors, order, and side effects of scales, with a judge whose answers are known."""

import types

import numpy as np
import pytest

from anime_gan.attributes import Scale, Schema
from anime_gan.evaluate.measure_scales import scales

SCHEMA = Schema.from_names({"smile": None, "turn": Scale("turn", "head turn", -40, 40, "degrees")})


class Bench:
    """A model whose pictures are their labels, and a judge that reads 4 degrees too many."""

    schema = SCHEMA
    options = types.SimpleNamespace(images_per_request=18)

    def stage(self, name):
        pass

    def announce(self, images):
        pass

    def draw(self, stream, attributes, count):
        labels = np.tile(np.float32([[-1, 0.3]]), (count, 1))
        return types.SimpleNamespace(latents=np.zeros((count, 1)), labels=labels)

    def render(self, latents, labels):
        return labels

    def verdicts(self, images):
        read = images + np.float32([0, 0.1])
        # The last step also changes the smile.
        read[images[:, 1] == 1, 0] = 1
        return read


def test_measures_of_a_known_judge():
    test = types.SimpleNamespace(
        labels=np.float32([[1, 0.5], [1, -0.5], [1, 0.0]]), verdicts=np.float32([[1, 0.4], [1, -0.2], [1, 1]])
    )
    measured = scales(Bench(), types.SimpleNamespace(test=test))["turn"]
    assert measured["error"] == pytest.approx(4, abs=0.01)
    # Differences of 4 and 12 degrees; the third image is unknown.
    assert measured["real_error"] == pytest.approx(8)
    assert measured["ordered"] == 1
    assert measured["flipped"] == pytest.approx(1 / 8)
    assert (measured["unit"], measured["faces"]) == ("degrees", 2)
