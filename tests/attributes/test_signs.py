"""Signs and words that mean "no": the same in Python and in the graph of an export."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from anime_gan.attributes.schema import AttributeRequestError, Schema
from anime_gan.exports.sampling import RequestReader
from anime_gan.faces.request import FaceRequest, changed, checked, expanded

# What is typed -> the same request in plain words.
READ = {
    "-smile": "no smile",
    "!smile": "no smile",
    "- smile": "no smile",
    "！笑顔": "no smile",
    "−smile": "no smile",
    "–smile": "no smile",
    "－眼镜": "no glasses",
    "not smile": "no smile",
    "WITHOUT_GLASSES": "no glasses",
    "blue hair, -glasses": "blue hair, no glasses",
    "blue hair ,- glasses": "blue hair, no glasses",
    "smile=-1": "no smile",
    "smile = - 1": "no smile",
    "smile=!yes": "no smile",
    "-smile=1": "no smile",
    "hair_color=-blue": "no blue hair",
    "hair_color=!blue": "no blue hair",
    "hair color != blue": "no blue hair",
    "hair_color≠blue": "no blue hair",
    "-hair_color=blue": "no blue hair",
    "no hair_color=blue": "no blue hair",
    "hair_color=not blue": "no blue hair",
    "-blue-hair": "no blue hair",
    "-blue_eyes, -red_eyes": "no blue eyes, no red eyes",
    "+smile": "smile",
    "smile=+1": "smile",
    "twin-tails": "twin tails",
    "blue-haired": "blue hair",
    "no-glasses": "no glasses",
    "ショートヘア": "short hair",
}
REFUSED = (
    "--smile",
    "- -smile",
    "!!smile",
    "-no smile",
    "no -smile",
    "no no smile",
    "+-smile",
    "-+smile",
    "smile-",
    "smile--",
    "blue -hair",
    "blue hair -smile",
    "smile!",
    "smile=-0",
    "smile=-no",
    "smile=not off",
    "-hair_color=-blue",
    "hair_color!=-blue",
    "hair_color=--blue",
    "-",
    "smile, -",
    "smile, -smile",
    "(smile:-1)",
    "(smile:1.2)",
    "[smile]",
)


@pytest.fixture(scope="module")
def read(schema):
    spec = tf.TensorSpec([None], tf.string)
    return tf.function(RequestReader(schema).__call__, input_signature=[spec], autograph=False)


@pytest.mark.parametrize(("typed", "plain"), READ.items())
def test_a_sign_means_what_it_says(schema, read, typed, plain):
    expected = schema.parse(plain)
    np.testing.assert_array_equal(schema.parse(typed), expected)
    values, errors = read(tf.constant([typed]))
    np.testing.assert_array_equal(values[0], expected)
    assert not errors.numpy()[0]
    assert checked(FaceRequest(typed), schema).attributes == schema.describe(expected)


@pytest.mark.parametrize("typed", REFUSED)
def test_what_a_sign_leaves_open_is_refused(schema, read, typed):
    with pytest.raises(AttributeRequestError):
        schema.parse(typed)
    with pytest.raises(AttributeRequestError):
        checked(FaceRequest(typed), schema)
    assert read(tf.constant([typed])).errors.numpy()[0]


def test_signs_with_a_part_of_a_groups_name(schema):
    assert expanded("hair=-blonde, -eyes=green", schema) == "-hair_color=blonde, -eye_color=green"
    assert expanded("hair != twin tails", schema) == "-hair_style=twin_tails"
    # Two signs stay, so that the schema refuses them.
    assert expanded("-hair=-blue", schema) == "-hair=-blue"


def test_a_change_with_a_sign(schema):
    request = checked(FaceRequest(changes="glasses"), schema)
    assert changed(request, "-glasses", schema).changes == "no glasses"
    with pytest.raises(ValueError, match="only rules out values of hair_color"):
        changed(request, "hair=-blue", schema)


def test_an_attribute_with_a_sign_is_no_name_of_a_sheet(schema):
    with pytest.raises(AttributeRequestError, match="no attribute '-smile'; did you mean 'smile'"):
        checked(FaceRequest(sheet="-smile"), schema)


def test_negative_numbers_are_values_of_a_group():
    schema = Schema.from_names({"score": ("-1", "0", "1"), "blood": ("A+", "A-")})
    for column, name in enumerate(schema.columns):
        row = schema.parse(name)
        assert row[column] == 1
        np.testing.assert_array_equal(schema.parse(schema.describe(row)), row)
    np.testing.assert_array_equal(schema.parse("score=!1, no score=1"), schema.parse("score=-1"))


@pytest.mark.parametrize("name", ["-", "--", " - ", "!"])
def test_a_sign_alone_is_no_name(name):
    with pytest.raises(ValueError, match="cannot be a name"):
        Schema.from_names({"group": (name, "other")})


def test_the_error_shows_the_sign_and_what_it_means(schema):
    with pytest.raises(AttributeRequestError) as error:
        schema.parse("blue hair -smile")
    assert "'blue hair -smile'" in str(error.value)
    assert "put commas between attributes" in str(error.value)
