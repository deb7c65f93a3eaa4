"""Phrases that people type, and their encoding as labels."""

from __future__ import annotations

import json

import numpy as np
import pytest

from anime_gan.attributes.schema import AttributeRequestError, Schema


def columns(schema: Schema, **values: int) -> np.ndarray:
    """A label row from column names (`__` for `=`) and values."""
    row = np.zeros(schema.num_labels, np.int8)
    for name, value in values.items():
        row[schema.columns.index(name.replace("__", "="))] = value
    return row


BLUE_HAIR = dict(hair_color__blue=1, hair_color__red=-1, hair_color__black=-1, hair_color__blonde=-1)


@pytest.mark.parametrize(
    "text",
    [
        "blue hair, smile, no glasses",
        "hair_color=blue,smile,glasses=no",
        "BLUE_HAIR ,, Smile,Glasses=OFF,",
        "Hair Color = Blue， smile， without glasses",
        "蓝发，微笑，没有眼镜",
        "青髪、笑顔、メガネなし",
        "no-glasses, smile=yes, blue-haired",
    ],
)
def test_spellings_of_one_request(schema, text):
    expected = columns(schema, **BLUE_HAIR, smile=1, glasses=-1)
    np.testing.assert_array_equal(schema.parse(text), expected)


@pytest.mark.parametrize(
    ("group", "values", "request_text"),
    [
        ("Hair Color", ["Blue", "Red"], "blue hair"),
        ("haircolour", ["blue", "red"], "blue hair"),
        ("hair.color", ["blue", "red"], "蓝发"),
        ("发色", ["蓝", "红"], "蓝发"),
        ("hair_color", ["blonde", "blond"], "blonde hair"),
        ("hair_color", ["golden", "red"], "blonde hair"),
    ],
)
def test_words_for_groups_as_people_name_them(group, values, request_text):
    assert Schema.from_names({group: values}).parse(request_text).tolist() == [1, -1]


@pytest.mark.parametrize(
    ("name", "request_text"),
    [
        ("Smiling", "smile"),
        ("is_smile", "smile"),
        ("Wearing_Hat", "hat"),
        ("Eyeglasses", "glasses"),
        ("微笑", "smile"),
    ],
)
def test_words_for_tags_as_people_name_them(name, request_text):
    assert Schema.from_names({name: None, "other": None}).parse(request_text).tolist() == [1, 0]


def test_another_attribute_keeps_its_own_name():
    """ "Happy" is another word for a smile, unless it is an attribute itself."""
    schema = Schema.from_names({"smile": None, "happy": None})
    assert schema.parse("happy").tolist() == [0, 1]


def test_refusing_a_value_leaves_the_others_open(schema):
    np.testing.assert_array_equal(schema.parse("no blue hair"), columns(schema, hair_color__blue=-1))


def test_nothing_asked(schema):
    assert not schema.parse("").any()
    assert not schema.parse(" , ,").any()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("blu hair", "unknown attribute 'blu hair'; did you mean 'blue hair'"),
        ("blue", "'blue' is ambiguous; use 'blue hair' or 'blue eyes'"),
        ("glases", "did you mean 'glasses'"),
        ("blu", "unknown attribute 'blu'; did you mean 'blue' or 'no blue'?"),
        ("blue hair, smile, red hair", "'blue hair' contradicts 'red hair'"),
        ("smile, no smile", "'smile' contradicts 'no smile'"),
        ("red hair, no red hair", "'red hair' contradicts 'no red hair'"),
        ("no short hair, no long hair, no twin tails", "every value of 'hair_style' is ruled out"),
        ("xqzw", "unknown attribute 'xqzw'"),
    ],
)
def test_errors_say_what_to_do(schema, text, said):
    with pytest.raises(AttributeRequestError) as error:
        schema.parse(text)
    assert said in str(error.value)


def test_description_is_read_back(schema, labels):
    for row in [*labels[:50], schema.parse("no blue hair, glasses"), schema.parse("")]:
        np.testing.assert_array_equal(schema.parse(schema.describe(row)), row)


def test_json_keeps_everything(schema):
    again = Schema.from_json(schema.to_json())
    assert again == schema
    assert again.phrase_codes == schema.phrase_codes
    assert "双马尾" in schema.to_json()


def test_json_of_another_kind_is_refused(schema):
    data = json.loads(schema.to_json())
    with pytest.raises(ValueError, match="version 1"):
        Schema.from_json(json.dumps({**data, "version": 2}))


def test_encoding_groups_tags_and_unknowns(schema):
    row = schema.encode({"hair_color": "red", "smile": True, "glasses": False, "eye_color": None})
    expected = columns(
        schema, hair_color__blue=-1, hair_color__red=1, hair_color__black=-1, hair_color__blonde=-1
    )
    expected += columns(schema, smile=1, glasses=-1)
    np.testing.assert_array_equal(row, expected)
    with pytest.raises(ValueError, match="hat"):
        schema.encode({"hat": True})
    with pytest.raises(ValueError, match="mauve"):
        schema.encode({"hair_color": "mauve"})


def test_code_knows_no_particular_attribute():
    """A schema with words outside the vocabulary works like any other."""
    schema = Schema.from_names({"horn_shape": ("curled", "straight"), "third_eye": None})
    np.testing.assert_array_equal(schema.parse("curled horn shape, no third eye"), [1, -1, -1])
    np.testing.assert_array_equal(schema.parse("horn_shape=straight"), [-1, 1, 0])
    np.testing.assert_array_equal(schema.parse("Straight"), [-1, 1, 0])


@pytest.mark.parametrize(
    "names",
    [{"a,b": None}, {"a=b": None}, {"": None}, {"smile": None, "Smile": None}, {"hair": ("one",)}],
)
def test_unusable_names_are_refused(names):
    with pytest.raises(ValueError):
        Schema.from_names(names)


def test_finding_an_attribute(schema):
    assert schema.slot("Hair Color").name == "hair_color"
    assert schema.slot("smiling").name == "smile"
    with pytest.raises(AttributeRequestError, match="did you mean 'hair_color'"):
        schema.slot("hair_colour")


def test_listing_names_every_value(schema):
    listing = schema.listing()
    for phrase in ("blue hair", "green eyes", "twin tails", "smile"):
        assert phrase in listing
