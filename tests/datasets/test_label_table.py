"""The table `labels.csv`."""

from __future__ import annotations

import numpy as np
import pytest

from anime_gan.attributes.schema import Schema
from anime_gan.datasets.folder.label_table import read_label_table

TABLE = """filename,hair_color,smile,mood
a.png,blue,1,calm
sub/b.png,red,no,
ü.png,blue,?,wild
"""


def read(text: str, schema: Schema | None = None):
    return read_label_table(text.encode(), schema)


def test_tags_groups_and_unknown_cells():
    table = read(TABLE)
    assert table.names == ["a.png", "sub/b.png", "ü.png"]
    assert table.schema.columns == ("hair_color=blue", "hair_color=red", "smile", "mood=calm", "mood=wild")
    assert table.labels.dtype == np.int8
    np.testing.assert_array_equal(table.labels, [[1, -1, 1, 1, -1], [-1, 1, -1, 0, 0], [1, -1, 0, -1, 1]])
    assert table.skipped == []
    assert table.notes == []


def test_every_word_for_yes_no_and_unknown():
    words = ["1", "yes", "ON", "True", "0", "-1", "No", "off", "FALSE", "", " ", "Unknown", "?"]
    table = read("file,smile\n" + "".join(f"{i}.png,{word}\n" for i, word in enumerate(words)))
    # With 0, -1 is not a second word for no.
    assert table.labels[:, 0].tolist() == [1] * 4 + [-1, 0] + [-1] * 3 + [0] * 4
    assert table.notes == ["column 'smile': -1 means unknown, because 0 means no"]


def test_case_spaces_and_underscores_make_no_other_value():
    table = read("file,hair_color\na,Dark Blue\nb, dark_blue \nc,red\nd,dark blue\n")
    assert table.schema.columns == ("hair_color=dark_blue", "hair_color=red")
    assert table.labels[:, 0].tolist() == [1, 1, -1, 1]


def test_one_other_word_beside_yes_and_no_is_unknown():
    table = read("file,hat\na,yes\nb,no\nc,maybe\n")
    assert table.schema.columns == ("hat",)
    assert table.labels[:, 0].tolist() == [1, -1, 0]
    assert table.notes == ["column 'hat': 'maybe' beside yes and no: unknown"]


def test_several_words_beside_yes_and_no_make_a_group():
    assert len(read("file,hat\na,yes\nb,no\nc,cap\nd,beret\ne,hood\n").schema.columns) == 5


@pytest.mark.parametrize("name", ["filename", "file_name", "file", " Filename "])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_first_columns_and_encodings(name, encoding):
    table = read_label_table(TABLE.replace("filename", name).encode(encoding))
    assert table.names[2] == "ü.png"
    assert table.labels.shape == (3, 5)


def test_rows_that_do_not_count_are_told_with_their_number():
    table = read(
        "filename,hair,smile\n"
        "a.png,blue,1\n"
        "b.png,red\n"
        "\n"
        ",red,1\n"
        "c.png,red,0\n"
        "a.png,blue,yes\n"
        "./a.png,red,1\n"
        "sub\\d.png,red,\n"
        "/etc/e.png,red,1\n"
        "../f.png,red,1\n"
        "C:\\g.png,red,1\n"
        "https://x/h.png,red,1\n"
        "sub//d.png,red,0\n"
    )
    assert table.names == ["a.png", "c.png", "sub/d.png"]
    np.testing.assert_array_equal(table.labels, [[1, -1, 1], [-1, 1, -1], [-1, 1, 0]])
    assert table.skipped == [
        ("b.png", "wrong number of cells: labels.csv row 3 has 2; the header has 3"),
        ("labels.csv", "no file name: labels.csv row 5"),
        ("/etc/e.png", "file name not relative to the folder: labels.csv row 10"),
        ("../f.png", "file name not relative to the folder: labels.csv row 11"),
        ("C:\\g.png", "file name not relative to the folder: labels.csv row 12"),
        ("https://x/h.png", "file name not relative to the folder: labels.csv row 13"),
        ("a.png", "repeated row: labels.csv row 7 repeats row 2"),
        ("a.png", "repeated row: labels.csv row 8 contradicts row 2, which is used"),
        ("sub/d.png", "repeated row: labels.csv row 14 contradicts row 9, which is used"),
    ]


def test_only_what_is_learned_from_can_be_contradicted():
    """The column `by` is ignored, so its cells do not matter; `green` occurs only in a repeated row."""
    table = read("file,by,hair\na,me,blue\nb,me,red\na,you,Blue\nb,me,green\n")
    assert table.schema.columns == ("hair=blue", "hair=red")
    assert table.skipped == [
        ("a", "repeated row: labels.csv row 4 repeats row 2"),
        ("b", "repeated row: labels.csv row 5 contradicts row 3, which is used"),
    ]
    assert table.notes == ["column 'by' ignored: all known cells are 'me'"]


def test_columns_without_anything_to_learn_are_left_out():
    table = read(
        "file,hair_color,x,hat,nose,smile,face\na,blue,,no,1,1,1\nb,blue,unknown,no,1,0,1\nc,,?,0,yes,1,\n"
    )
    assert table.schema.columns == ("smile",)
    assert table.labels.tolist() == [[1], [-1], [1]]
    assert table.notes == [
        "column 'hair_color' ignored: all known cells are 'blue'",
        "column 'x' ignored: all cells are unknown",
        "column 'hat' ignored: no image has it",
        "column 'nose' ignored: all images have it",
        "column 'face' ignored: all images have it (an empty cell means unknown, not the opposite)",
    ]


@pytest.mark.parametrize(("different", "is_kept"), [(100, True), (101, False), (5000, False)])
def test_columns_of_very_many_values_are_left_out(different, is_kept):
    rows = "".join(f"{i}.png,v{i % different},{i % 2}\n" for i in range(12_000))
    table = read("file,score,smile\n" + rows)
    assert table.schema.num_labels == (different + 1 if is_kept else 1)
    notes = [] if is_kept else ["column 'score' ignored: more than 100 different values"]
    assert table.notes == notes
    # There are more rows than one batch, and each keeps its own label.
    assert table.labels[:, -1].tolist() == [-1, 1] * 6000
    assert table.names[10_001] == "10001.png"


@pytest.mark.parametrize(
    "cells", [("with hat", "without hat", ""), ("hat", "no hat", "unknown"), ("Hats", "no", "?")]
)
def test_yes_and_no_may_name_the_attribute(cells):
    table = read("file,hat\n" + "".join(f"{i}.png,{cell}\n" for i, cell in enumerate(cells)))
    assert table.schema.columns == ("hat",)
    assert table.labels.tolist() == [[1], [-1], [0]]


def test_a_cell_that_names_several_values_is_unknown():
    cells = ["blue", "red hair", '"blue, red"', "red/green", "blue and red", "black and white"]
    table = read("file,hair\n" + "".join(f"{i}.png,{cell}\n" for i, cell in enumerate(cells)))
    # Nobody has black or white hair, so this is a value of its own.
    assert table.schema.columns == ("hair=black and white", "hair=blue", "hair=red")
    assert table.labels.tolist() == [[-1, 1, -1], [-1, -1, 1], *[[0, 0, 0]] * 3, [1, -1, -1]]
    assert table.notes == ["column 'hair': 'blue and red' names several values: unknown"]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (('"12, 7, 30, 30"', "red"), "'12, 7, 30, 30' cannot be the name of a value"),
        (("!", "red"), "'!' cannot be the name of a value"),
        (("500", "612.5"), "its values are numbers, not words"),
        (("-1", "0", "1", "2"), "its values are numbers, not words"),
    ],
)
def test_columns_that_are_no_words_are_left_out(cells, said):
    rows = "".join(f"{i}.png,{cell},{i % 2}\n" for i, cell in enumerate(cells))
    table = read("file,box,smile\n" + rows)
    assert table.schema.columns == ("smile",)
    assert table.notes == [f"column 'box' ignored: {said}"]


def test_tables_without_rows_or_attributes():
    assert read("filename,smile\n").labels.shape == (0, 0)
    table = read("filename\na.png\nb.png\n")
    assert (table.names, table.labels.shape) == (["a.png", "b.png"], (2, 0))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("name,smile\na,1\n", "no column is named filename; the first row is 'name, smile'"),
        ("file,smile,Smile\na,1,1\n", "two columns are named 'Smile'"),
        ("file,a=b\na,1\nb,0\n", "'a=b' cannot be a name"),
        ('file,smile\na,1\n\nb,"1\nc,0\n', "row 4: unexpected end of data"),
        ("file,smile\na,1\nb," + "1" * 140_000, "row 3: field larger than field limit"),
        ("file,smile\na\0,1\n", "NUL bytes"),
    ],
)
def test_errors_name_the_place(text, said):
    with pytest.raises(ValueError) as error:
        read(text)
    assert str(error.value).startswith("labels.csv")
    assert said in str(error.value)


def test_what_is_no_text():
    with pytest.raises(ValueError, match="labels.csv line 2: not UTF-8 text"):
        read_label_table(b"file,smile\n" + b"\xa4\xff\xfe.png,1\n")


@pytest.fixture
def given() -> Schema:
    return Schema.from_names({"smile": None, "hair_color": ("blue", "dark_red", "white"), "hat": None})


def test_a_given_schema_decides(given):
    table = read("file,Hair Color,mood,smile\na,Dark Red,x,1\nb,blue,y,1\nc,?,z,\n", given)
    assert table.schema is given
    np.testing.assert_array_equal(table.labels, [[1, -1, 1, -1, 0], [1, 1, -1, -1, 0], [0, 0, 0, 0, 0]])
    assert table.notes == ["column 'mood' ignored: not in attributes.json"]


def test_repeats_under_a_given_schema(given):
    table = read("file,smile,mood\na,1,x\nb,1,x\na,yes,y\nb,,x\n", given)
    assert [reason for _, reason in table.skipped] == [
        "repeated row: labels.csv row 4 repeats row 2",
        "repeated row: labels.csv row 5 contradicts row 3, which is used",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "file,hair_color\na,blue\nshort\nb,bleu\nc,bleu\n",
            "labels.csv row 4: column 'hair_color': 'bleu' is not one of its values; did you mean 'blue'?",
        ),
        ("file,smile\na,maybe\n", "labels.csv row 2: column 'smile': 'maybe' is neither yes nor no"),
        ("file,hair_color\na,yes\n", "labels.csv row 2: column 'hair_color': 'yes' is not one of its values"),
    ],
)
def test_cells_that_a_given_schema_does_not_know(given, text, said):
    with pytest.raises(ValueError) as error:
        read(text, given)
    assert str(error.value) == said
