"""Reads words that are typed on the page: the known part becomes attributes, and the rest is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from anime_gan.attributes.edits import definite
from anime_gan.attributes.free_phrases import Phrase, read_phrases
from anime_gan.attributes.schema import Schema
from anime_gan.common.errors import InputError
from anime_gan.common.suggestions import nearest_names
from anime_gan.faces.request import expanded
from anime_gan.studio import payload


class Reading(NamedTuple):
    """Typed words as attributes, and the words that were left out with what was probably meant."""

    attributes: dict[str, str | bool | float | None]
    left_out: list[dict[str, str]]


def read_words(words: str, schema: Schema) -> Reading:
    """Reads typed words. What is not understood, or contradicts what stands before, is left out.

    Raises:
        UnlabeledError: The model has no attributes.
    """
    known: list[str] = []
    left_out = []
    for phrase in read_phrases(expanded(words, schema), schema):
        if phrase.known and _is_definite([*known, phrase.text], schema):
            known.append(phrase.text)
        else:
            left_out.append({"words": phrase.text, "meant": _meant(phrase, schema)})
    return Reading(payload.described(schema.parse(", ".join(known)), schema), left_out)


def _is_definite(phrases: Sequence[str], schema: Schema) -> bool:
    """Tells whether phrases agree with each other, and the controls of the page can express them."""
    words = ", ".join(phrases)
    try:
        definite(schema.parse(words), schema, words, "words")
    except InputError:
        return False
    return True


def _meant(phrase: Phrase, schema: Schema) -> str:
    """Returns the known phrase that is spelled like an unknown one, or an empty text."""
    phrases = [term.phrase for term in schema.terms]
    return "" if phrase.known else next(iter(nearest_names(phrase.text, phrases)), "")
