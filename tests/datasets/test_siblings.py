"""Pairs of faces of the same person."""

from __future__ import annotations

import numpy as np
import pytest

from anime_gan.datasets import load
from anime_gan.datasets.illustrator.faces import StyledFaces
from anime_gan.datasets.illustrator.siblings import StyledSiblings
from anime_gan.datasets.load import load_siblings

# What may differ between the two: the expression, the angles, and what they hide.
MAY_DIFFER = {
    *("expression", "smile", "open_mouth", "closed_eyes", "turn", "nod", "tilt"),
    *("eye_color", "eye_shape", "eye_patch"),
}


def test_siblings_are_one_person_with_two_expressions():
    siblings, faces = StyledSiblings(3, ("cel", "ink"), True), StyledFaces(3, ("cel", "ink"), True)
    turns = []
    for person in range(40):
        (first, own), (second, other) = (siblings.draw(2 * person + k, 32) for k in (0, 1))
        drawn, labels = faces.draw(person, 32)
        np.testing.assert_array_equal(first, drawn)
        assert own == labels
        differing = {name for name in own if own[name] != other[name]}
        assert differing <= MAY_DIFFER
        assert siblings.describe(2 * person).expression != siblings.describe(2 * person + 1).expression
        assert np.any(first != second)
        turns.append((own["turn"], other["turn"]))
    # The directions of the two are independent.
    assert abs(np.corrcoef(np.array(turns).T)[0, 1]) < 0.4
    assert np.abs(turns).max() > 30


@pytest.mark.parametrize(("data", "pairs"), [("drawn:cel", 6), ("drawn:cel + drawn:ink,flat", 6)])
def test_pairs_of_several_sources_stay_together(data, pairs, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(load, "SIBLINGS", pairs)
    found = load_siblings(data, 32, 5, "yes")
    assert len(found.images) == 2 * pairs
    names = [name.split("=")[0] for name in found.schema.columns]
    kept = [column for column, name in enumerate(names) if name not in MAY_DIFFER]
    np.testing.assert_array_equal(found.labels[0::2][:, kept], found.labels[1::2][:, kept])
    assert found.images.shape[3] == 4


def test_sources_without_pairs_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(load, "SIBLINGS", 4)
    assert load_siblings("drawn", 32, 0, "yes") is None
    assert len(load_siblings("drawn + drawn:pastel", 32, 0, "yes").images) == 8
