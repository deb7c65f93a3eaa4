"""How a person of a cast is chosen, with persons whose faults are known."""

from __future__ import annotations

import types

import numpy as np
import pytest

from anime_gan.characters import cast
from anime_gan.characters.cast import CastMaker
from anime_gan.characters.person import Face

FRAMES = ("neutral", "happy", "sad")
# Person -> the faults of each frame, and whether a face that is drawn again has none.
PERSONS = {
    0: ({"happy": 1}, False),
    1: ({"happy": 1, "sad": 2}, True),
    2: ({"neutral": 1}, True),
}


class Checker:
    """Reads a person and a number of faults off the picture."""

    remembered: list[int]

    def look(self, images):
        return types.SimpleNamespace(images=images)

    def nearest(self, looks, others):
        self.remembered = [int(other.images[0, 0]) for other in others]

    def is_distinct(self, nearest):
        return True

    def faults(self, looks, labels, neutral=None, neutral_labels=None):
        return [["broken"] * int(image[1]) for image in looks.images]


@pytest.fixture
def maker(monkeypatch):
    def face(person, frame, faults):
        return Face(frame, None, np.zeros(1, np.float32), np.array([person, faults], np.uint8))

    def draw_faces(generator, person, frames):
        return [face(person, frame, PERSONS[person][0].get(frame, 0)) for frame in frames]

    def draw_turned(generator, person, frame, number):
        faults, is_mendable = PERSONS[person]
        return face(person, frame, 0 if is_mendable and number == 2 else faults[frame])

    monkeypatch.setattr(cast, "draw_faces", draw_faces)
    monkeypatch.setattr(cast, "draw_turned", draw_turned)
    monkeypatch.setattr(
        cast, "sampled_person", lambda generator, attributes, seed, number, truncation: number
    )
    expressions = types.SimpleNamespace(frames=FRAMES)
    return CastMaker(None, Checker(), expressions, 3, 1.0)


def test_faults_of_a_person_with_more_of_them_are_mended_too(maker):
    member = maker.sampled("", 0)
    assert (member.person, member.tries, member.redrawn, member.is_complete) == (1, 3, 2, True)


def test_the_person_with_the_fewest_faults_is_kept(maker, monkeypatch):
    monkeypatch.setitem(PERSONS, 1, (PERSONS[1][0], False))
    member = maker.sampled("", 0)
    assert (member.person, member.redrawn, member.is_complete) == (0, 0, False)
    # Only this person counts for those who come later.
    maker.sampled("", 0)
    assert maker._checker.remembered == [0]


def test_a_person_without_faults_ends_the_search(maker, monkeypatch):
    monkeypatch.setitem(PERSONS, 1, ({}, False))
    member = maker.sampled("", 0)
    assert (member.person, member.tries, member.redrawn) == (1, 2, 0)
