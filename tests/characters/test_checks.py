"""What the judges say about the faces of a character, with judges that are told what to see."""

import types

import numpy as np
import pytest

from anime_gan.attributes.schema import Schema
from anime_gan.characters.checks import INTACT, SAME_PERSON, Checker, Looks
from anime_gan.judges.person import Limits

SCHEMA = Schema.from_names({"hair": ("red", "blue"), "smile": None, "glasses": None})
LIMITS = Limits(
    same=0.2, distinct=0.8, confused=0.0, pairs=9, changes={"hair": 0.1, "glasses": 0.3}, intact=-0.5
)
NEUTRAL = np.array([[1, -1, -1, -1]], np.float32)
SMILING = np.array([[1, -1, 1, -1]], np.float32)


@pytest.fixture
def checker(tmp_path) -> Checker:
    checker = Checker(tmp_path, SCHEMA)
    checker._measure = types.SimpleNamespace(limits=LIMITS)
    return checker


def looks(red=0.95, smile=0.05, glasses=0.05, angle=0.0, margin=1.0) -> Looks:
    point = np.array([[np.cos(angle), np.sin(angle)]], np.float32)
    probabilities = np.array([[red, 1 - red, smile, glasses]], np.float32)
    return Looks(np.array([margin], np.float32), probabilities, point)


@pytest.mark.parametrize(
    ("face", "faults"),
    [
        (looks(smile=0.9), []),
        (looks(smile=0.9, margin=-0.4), []),
        (looks(smile=0.9, margin=-0.6), [INTACT]),
        (looks(smile=0.4), ["smile"]),
        # On a circle of radius 1, a distance of 0.2 is an angle of 0.2003.
        (looks(smile=0.9, angle=0.199), []),
        (looks(smile=0.9, angle=0.202), [SAME_PERSON]),
        (looks(smile=0.9, red=0.3), ["hair"]),
        (looks(smile=0.9, glasses=0.6), ["glasses"]),
    ],
)
def test_faults_of_an_expression(checker, face, faults):
    assert checker.faults(face, SMILING, looks(), NEUTRAL) == [faults]


def test_a_change_within_the_noise_of_the_tagger_is_none(checker):
    """The tagger wavers between 0.45 and 0.55 on this face; only more than 0.3 would be a change."""
    assert checker.faults(looks(smile=0.9, glasses=0.55), SMILING, looks(glasses=0.45), NEUTRAL) == [[]]
    assert checker.faults(looks(smile=0.9, glasses=0.55), SMILING, looks(glasses=0.2), NEUTRAL) == [
        ["glasses"]
    ]


def test_a_neutral_face_must_have_all_attributes(checker):
    assert checker.faults(looks(), NEUTRAL) == [[]]
    assert checker.faults(looks(red=0.4), NEUTRAL) == [["hair"]]


def test_characters_must_be_distinct(checker):
    others = [looks(angle=2.0), looks(angle=0.7)]
    distance = checker.nearest(looks(), others)
    assert distance == pytest.approx(2 * np.sin(0.35), abs=1e-5)
    assert not checker.is_distinct(distance)
    assert checker.is_distinct(checker.nearest(looks(), others[:1]))
    assert checker.nearest(looks(), []) is None


def test_a_model_without_judges_is_not_checked(tmp_path):
    checker = Checker(tmp_path, SCHEMA)
    (note,) = checker.notes
    assert "python -m anime_gan.evaluate" in note
    nothing = checker.look(np.zeros((2, 16, 16, 4), np.uint8))
    assert nothing == Looks(None, None, None)
    assert checker.faults(nothing, np.concatenate([NEUTRAL, SMILING]), nothing, NEUTRAL) == [[], []]
    assert checker.names == {}
