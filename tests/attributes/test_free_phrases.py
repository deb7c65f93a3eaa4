"""Requests without commas. The cases in free_phrases.json also hold for other languages than Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anime_gan.attributes.free_phrases import read_phrases
from anime_gan.attributes.schema import AttributeRequestError, Schema
from anime_gan.exports.read import find_export, read_schema
from anime_gan.faces.request import FaceRequest, checked

CASES = json.loads((Path(__file__).parents[1] / "data" / "free_phrases.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def schema() -> Schema:
    return read_schema(find_export(None))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["typed"])
def test_free_phrases(schema, case):
    phrases = read_phrases(case["typed"], schema)
    known = ", ".join(phrase.text for phrase in phrases if phrase.known)
    assert schema.describe(schema.parse(known)) == case["means"]
    assert [phrase.text for phrase in phrases if not phrase.known] == case["unknown"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["typed"])
def test_a_request_takes_all_or_is_refused(schema, case):
    if case["unknown"]:
        with pytest.raises(AttributeRequestError, match="unknown attribute"):
            checked(FaceRequest(case["typed"]), schema)
    else:
        assert checked(FaceRequest(case["typed"]), schema).attributes == case["means"]


def test_every_phrase_of_a_schema_keeps_its_meaning(schema):
    for phrase in schema.phrase_codes:
        if phrase:
            assert [(part.text, part.known) for part in read_phrases(phrase, schema)] == [(phrase, True)]


def test_attributes_of_ones_own():
    """Adjectives and nouns come from the schema."""
    schema = Schema.from_names(
        {"coat_color": ["mint", "gold"], "coat_length": ["long", "short"], "wings": None, "star_eyes": None}
    )
    known = [phrase.text for phrase in read_phrases("long coat length wings", schema)]
    assert known == ["long coat length", "wings"]
    assert schema.describe(schema.parse(", ".join(known))) == "long coat length, wings"
    assert checked(FaceRequest("no wings star eyes"), schema).attributes == "no wings, star eyes"
