"""The known names of attributes that people name in their own way."""

from __future__ import annotations

import pytest

from anime_gan.attributes.vocabulary import known_as, other_words

SPELLINGS = {"hair_color": ["发色"], "smile": ["smiling", "happy"]}


@pytest.mark.parametrize(
    ("names", "known"),
    [
        (["hair_color", "smile"], {"hair_color": "hair_color", "smile": "smile"}),
        (["Hair Colour", "Is_Smiling"], {"Hair Colour": "hair_color", "Is_Smiling": "smile"}),
        # The nearest spelling wins, and nobody does if two are as near.
        (["happy", "Smile"], {"Smile": "smile"}),
        (["happy", "smiling"], {}),
        (["nose"], {}),
    ],
)
def test_known_names(names, known):
    assert known_as(names, SPELLINGS) == known


def test_words_that_are_names_of_others_are_left_out():
    assert other_words(["smile", "happy"], SPELLINGS) == {"smile": ("smiling",), "happy": ()}
