"""JSON with checked types."""

import msgspec
import pytest

from anime_gan.common.errors import InputError
from anime_gan.common.json_files import JsonError, parse_json, parse_record, read_json, read_record


class Point(msgspec.Struct):
    x: int
    y: float = 0.5
    names: tuple[str, ...] = ()


class PlaceError(InputError):
    pass


def test_values_of_the_right_types():
    assert parse_json('{"x": 3, "other": null}', Point) == Point(3)
    assert parse_json(b'{"x": 3, "y": 1, "names": ["a"]}', Point) == Point(3, 1.0, ("a",))
    # A file name that is not valid Unicode, as Python writes it.
    assert parse_json(r'{"x": 3, "names": ["a\udc80"]}', Point).names == ("a\udc80",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"x": "3"}', "Expected `int`, got `str` - at `$.x`"),
        ('{"x": 3.5}', "Expected `int`, got `float` - at `$.x`"),
        ('{"x": true}', "Expected `int`, got `bool` - at `$.x`"),
        ('{"y": 1.0}', "missing required field `x`"),
        ('{"x": 3, "names": [1]}', "got `int` - at `$.names[0]`"),
        ("null", "got `null`"),
        ("[]", "got `array`"),
        ('{"x": 3', "not JSON"),
        ("", "not JSON"),
        (b"\xff\xfe\xfd", "not JSON"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_anything_else_is_an_error_that_says_where(text, said):
    for parse in (parse_json, parse_record):
        with pytest.raises(JsonError) as error:
            parse(text, Point)
        assert said in str(error.value)


def test_a_record_keeps_the_fields_that_are_not_checked():
    assert parse_record('{"x": 3, "z": [1, null]}', Point) == {"x": 3, "z": [1, None]}


def test_the_error_of_a_file_names_it_and_what_to_do(tmp_path):
    path = tmp_path / "point.json"
    with pytest.raises(PlaceError, match="point.json: cannot be read: No such file or directory; draw it"):
        read_json(path, Point, PlaceError, "draw it")
    path.write_text('{"x": []}', "utf-8")
    with pytest.raises(PlaceError, match=r"point.json: is damaged: Expected `int`, got `array` - at `\$.x`$"):
        read_record(path, Point, PlaceError)
