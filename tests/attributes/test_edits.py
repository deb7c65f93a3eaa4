"""Edits of label rows, compared with rows encoded from descriptions."""

from __future__ import annotations

import numpy as np
import pytest

from anime_gan.attributes.edits import definite, with_changes, with_value
from anime_gan.attributes.schema import AttributeRequestError, Schema

FACE = {"hair_color": "red", "smile": True, "eye_color": "blue", "glasses": False, "hair_style": "long"}


@pytest.mark.parametrize(
    ("attribute", "option", "change"),
    [
        ("hair_color", 0, {"hair_color": "blue"}),
        ("hair_color", 3, {"hair_color": "blonde"}),
        ("eye_color", 0, {"eye_color": "blue"}),
        ("smile", 0, {"smile": True}),
        ("smile", 1, {"smile": False}),
        ("glasses", 0, {"glasses": True}),
        ("glasses", 1, {"glasses": False}),
    ],
)
def test_one_attribute_is_set_in_every_row(schema, attribute, option, change):
    other = {**FACE, "hair_color": "black", "smile": False, "glasses": True}
    labels = np.stack([schema.encode(FACE), schema.encode(other)]).astype(np.float32)
    before = labels.copy()
    changed = with_value(labels, schema.slot(attribute), option)
    np.testing.assert_array_equal(changed, [schema.encode({**face, **change}) for face in (FACE, other)])
    np.testing.assert_array_equal(labels, before)


def test_a_request_that_only_rules_out_values_is_refused(schema):
    for text in ("no blue hair", "smile, no blue hair, no red hair"):
        with pytest.raises(AttributeRequestError) as error:
            definite(schema.parse(text), schema, f" {text} ", "set")
        assert error.value.field == "set"
        assert error.value.reason == f"{text!r} only rules out values of hair_color; name the value to use"
    for text in ("", "red hair, no smile", "no blue hair, red hair"):
        np.testing.assert_array_equal(definite(schema.parse(text), schema, text, "set"), schema.parse(text))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ("", {}),
        ("no smile", {"smile": False}),
        ("green eyes", {"eye_color": "green", "closed_eyes": False}),
        ("green eyes, closed eyes", {"eye_color": "green", "closed_eyes": True}),
        ("no closed eyes", {"closed_eyes": False}),
    ],
)
def test_only_a_request_for_an_eye_color_opens_closed_eyes(changes, expected):
    schema = Schema.from_names({"smile": None, "eye_color": ("green", "red"), "closed_eyes": None})
    face = {"smile": True, "eye_color": "red", "closed_eyes": True}
    labels = schema.encode(face)[np.newaxis].astype(np.float32)
    changed = with_changes(labels, schema, changes)
    assert changed.dtype == np.float32
    np.testing.assert_array_equal(changed, [schema.encode({**face, **expected})])
