"""Label tables as pandas, Excel, Hugging Face, and people leave them; the right labels are known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from anime_gan.attributes.schema import Schema
from anime_gan.datasets.folder.label_table import join_tables, read_label_table
from anime_gan.datasets.folder.table_text import NoFileColumn, read_table_text


def smiles(cells: list[str], header: str = "smile") -> list[int] | None:
    """Returns the labels of a column of cells; None if the column is not a tag that can be learned."""
    rows = "".join(f'{i}.png,"{cell}"\n' for i, cell in enumerate(cells))
    table = read_label_table(f"filename,{header}\n{rows}".encode())
    return table.labels[:, 0].tolist() if table.schema.columns == (header,) else None


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["1.0", "0.0", "", "1"], [1, -1, 0, 1]),
        (["1,0", "0,0", "NaN"], [1, -1, 0]),
        (["1", "-1", ""], [1, -1, 0]),
        (["1.0", "-1.0"], [1, -1]),
        (["1", "0", "-1"], [1, -1, 0]),
        (["1.0", "0.0", "-1.0"], [1, -1, 0]),
        (["Y", "N", "y", ""], [1, -1, 1, 0]),
        (["t", "f", "T"], [1, -1, 1]),
        (["x", "", "X", ""], [1, -1, 1, -1]),
        (["✓", "", ""], [1, -1, -1]),
        (["是", "否", ""], [1, -1, 0]),
        (["はい", "いいえ"], [1, -1]),
        (["ja", "nein", "Ja"], [1, -1, 1]),
        (["oui", "non"], [1, -1]),
        (["WAHR", "FALSCH"], [1, -1]),
        (["True", "False", "None"], [1, -1, 0]),
        (["１", "０"], [1, -1]),
        (["○", "×"], [1, -1]),
        (["o", "x", "?"], [1, -1, 0]),
        (["yes", "no", "unbekannt"], [1, -1, 0]),
        # All cells are the same letter, or the mark has an opposite that is not in the table.
        (["f", "", "f"], None),
        (["y", "", ""], None),
        (["x", "?", ""], None),
        (["1", "1", ""], None),
        (["f", "m", "f"], None),
        (["y", "no"], None),
    ],
)
def test_yes_and_no(cells, labels):
    assert smiles(cells) == labels


def test_a_column_of_f_and_m_is_a_group():
    table = read_label_table(b"file,gender\na,f\nb,m\nc,f\n")
    assert table.schema.columns == ("gender=f", "gender=m")
    assert table.labels[:, 0].tolist() == [1, -1, 1]


def test_what_an_empty_cell_and_a_minus_one_mean_is_said():
    assert "an empty cell means no" in read_label_table(b"file,hat\na,x\nb,\n").notes[0]
    assert "-1 means unknown" in read_label_table(b"file,hat\na,1\nb,0\nc,-1\n").notes[0]
    assert read_label_table(b"file,hat\na,1\nb,-1\n").notes == []


@pytest.mark.parametrize(
    ("header", "cells", "columns"),
    [
        ("hair_color", ["blue hair", "red_hair", "Blue"], ("hair_color=Blue", "hair_color=red")),
        ("eye_color", ["blue eyes", "red", "blue eye"], ("eye_color=blue", "eye_color=red")),
        ("hair_length", ["long hair", "short hair"], ("hair_length=long", "hair_length=short")),
        ("hair", ["hair", "blue hair"], ("hair=blue", "hair=hair")),
    ],
)
def test_values_lose_the_name_of_the_attribute(header, cells, columns):
    rows = "".join(f"{i},{cell}\n" for i, cell in enumerate(cells))
    assert {c.lower() for c in read_label_table(f"file,{header}\n{rows}".encode()).schema.columns} == {
        c.lower() for c in columns
    }


PLAIN = [["a.png", "blue", "1"], ["b.png", "red", "0"], ["c.png", "", ""]]


def as_csv(rows: list[list[str]], delimiter: str = ",", end: str = "\n") -> str:
    return "".join(delimiter.join(row) + end for row in rows)


@pytest.mark.parametrize(
    "text",
    [
        as_csv([["filename", "hair_color", "smile"], *PLAIN]),
        as_csv([["filename", "hair_color", "smile"], *PLAIN], ";", "\r\n"),
        as_csv([["filename", "hair_color", "smile"], *PLAIN], "\t"),
        "sep=;\n" + as_csv([["filename", "hair_color", "smile"], *PLAIN], ";"),
        # pandas: an index column without a name, or read again.
        as_csv([["", "filename", "hair_color", "smile"], *([str(i), *row] for i, row in enumerate(PLAIN))]),
        as_csv([["Unnamed: 0", "filename", "hair_color", "smile"], *(["0", *row] for row in PLAIN)]),
        # Excel: empty columns at the end, in all rows or in some.
        as_csv([["filename", "hair_color", "smile", "", ""], *([*row, "", ""] for row in PLAIN)], ";"),
        as_csv([["filename", "hair_color", "smile"], [*PLAIN[0], "", ""], *PLAIN[1:]]),
        # The column of files may be anywhere, and its name has other forms.
        as_csv([["hair_color", "smile", "File_Name"], *([row[1], row[2], row[0]] for row in PLAIN)]),
        as_csv([["hair_color", "image_id", "smile"], *([row[1], row[0], row[2]] for row in PLAIN)]),
    ],
)
def test_dialects(text):
    table = read_label_table(text.encode())
    assert table.names == ["a.png", "b.png", "c.png"]
    assert table.schema.columns == ("hair_color=blue", "hair_color=red", "smile")
    np.testing.assert_array_equal(table.labels, [[1, -1, 1], [-1, 1, -1], [0, 0, 0]])
    assert (table.skipped, table.notes) == ([], [])


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("utf-16", ("青", "赤")),
        ("utf-16-le", ("青", "赤")),
        ("cp1252", ("grün", "weiß")),
        ("cp1252", ("châtain", "doré")),
        ("cp932", ("金髪", "黒")),
        ("cp932", ("ブルー", "あか")),
        ("gbk", ("蓝色", "红")),
        ("gbk", ("绿", "黑色")),
    ],
)
def test_encodings(encoding, words):
    text = f"filename,hair\na.png,{words[0]}\nb.png,{words[1]}\nc.png,{words[0]}\n"
    table = read_label_table(text.encode(encoding))
    assert set(table.schema.columns) == {f"hair={word}" for word in words}
    column = table.schema.columns.index(f"hair={words[0]}")
    assert table.labels[:, column].tolist() == [1, -1, 1]
    assert any(encoding in note for note in table.notes) != encoding.startswith("utf")


@pytest.mark.parametrize("name", ["tags", "text", "caption", "what_it_shows"])
@pytest.mark.parametrize("quoted", ["blue hair, smile", "['blue_hair', 'smile']", "blue_hair smile 1girl"])
def test_a_column_full_of_tags(name, quoted):
    rows = (
        f'a.png,"{quoted}"\nb.png,"red hair, hat, not smile"\nc.png,"a photo of a girl, blue hair"\nd.png,\n'
    )
    table = read_label_table(f"file_name,{name}\n{rows}".encode())
    schema = table.schema
    smile, hat = schema.column("smile"), schema.column("hat")
    assert table.labels[:, smile].tolist() == [1, -1, 0, 0]
    assert table.labels[:, hat].tolist() == [-1, 1, 0, 0]
    assert table.labels[:, schema.column("hair_color", "blue")].tolist() == [1, -1, 1, 0]
    assert len(table.notes) == 1 and table.notes[0].startswith(f"1 cells of column '{name}' contain more")


def test_columns_take_precedence_over_tags():
    table = read_label_table(b'file,tags,smile\na,"smile, hat",0\nb,"1girl, hat",1\n')
    assert table.labels[:, table.schema.column("smile")].tolist() == [-1, 1]
    assert table.labels[:, table.schema.column("hat")].tolist() == [1, 1]


def test_tags_under_a_given_schema():
    given = Schema.from_names({"hat": None, "hair_color": ("blue", "red")})
    table = read_label_table(b'file,tags\na,"blue hair, hat"\nb,"green hair, smile"\n', given)
    np.testing.assert_array_equal(table.labels, [[1, 1, -1], [-1, 0, 0]])


def test_a_group_of_nearly_different_values_is_refused():
    rows = "".join(f"{i}.png,name {i % 46},{i % 2}\n" for i in range(48))
    table = read_label_table(f"file,who,smile\n{rows}".encode())
    assert table.schema.columns == ("smile",)
    assert table.notes == ["column 'who' ignored: nearly all of its values are different"]


def test_one_note_for_many_columns():
    names = [f"tag{i}" for i in range(43)]
    table = read_label_table(f"file,smile,{','.join(names)}\na,1{',0' * 43}\nb,0{',0' * 43}\n".encode())
    (note,) = table.notes
    assert note == "columns 'tag0', 'tag1', 'tag2', 'tag3', 'tag4', and 38 more ignored: no image has it"


def test_json_lines():
    records = [
        {"file_name": "a.png", "text": "blue hair, smile", "score": 0.5, "happy": True},
        {"file_name": "b.png", "text": "red hair, hat", "happy": False, "extra": {"x": 1}},
        {"file_name": "c.png", "text": None, "happy": None},
    ]
    text = "".join(json.dumps(record) + "\n" for record in records)
    table = read_label_table(text.encode(), name="metadata.jsonl")
    assert table.labels[:, table.schema.column("happy")].tolist() == [1, -1, 0]
    assert table.labels[:, table.schema.column("smile")].tolist() == [1, -1, 0]
    with pytest.raises(ValueError, match="metadata.jsonl line 2: not JSON"):
        read_label_table(b'{"file_name": "a"}\n{\n', name="metadata.jsonl")


def test_celebas_list():
    text = "3\n5_o_Clock_Shadow Smiling\n000001.jpg -1  1\n000002.jpg  1 -1\n000003.jpg -1 -1\n"
    table = read_label_table(text.encode(), name="list_attr_celeba.txt")
    assert table.names == ["000001.jpg", "000002.jpg", "000003.jpg"]
    np.testing.assert_array_equal(table.labels, [[-1, 1], [1, -1], [-1, -1]])


def test_tables_of_several_folders_are_joined():
    first = read_table_text(b"filename,smile,hat\na.png,1,0\nb.png,0,1\n", "train/labels.csv")
    second = read_table_text(b"Smile;mood;filename\n1;calm;a.png\n0;wild;c.png\n", "test/labels.csv")
    table = join_tables([first, second])
    assert table.names == ["train/a.png", "train/b.png", "test/a.png", "test/c.png"]
    schema = table.schema
    assert table.labels[:, schema.column("smile")].tolist() == [1, -1, 1, -1]
    assert table.labels[:, schema.column("hat")].tolist() == [-1, 1, 0, 0]
    assert table.labels[:, schema.column("mood", "calm")].tolist() == [0, 0, 1, -1]


def colors(cells: list[str]) -> list[str | None]:
    """Returns the value of each cell of a column `hair_color`; None if it is unknown."""
    rows = "".join(f'{i}.png,"{cell}"\n' for i, cell in enumerate(cells))
    table = read_label_table(f"filename,hair_color\n{rows}".encode())
    names = [name.partition("=")[2] for name in table.schema.columns]
    return [names[row.tolist().index(1)] if 1 in row else None for row in table.labels]


@pytest.mark.parametrize("cell", ["-", "--", "n.a.", "TBD", "unclear", "inconnu", "неизвестно", "None"])
def test_words_for_unknown_are_no_values(cell):
    assert colors(["blue", cell, "red"]) == ["blue", None, "red"]


def test_none_in_capitals_among_capitals_is_a_value():
    assert colors(["Blue", "None", "Red"]) == ["Blue", "None", "Red"]


def test_two_spellings_of_a_word_are_one_value():
    assert colors(["gray", "blond", "grey", "blonde", "red"]) == ["grey", "blonde", "grey", "blonde", "red"]


RECORDS = [
    {"file_name": "a.png", "hair": "blue", "smile": True},
    {"file_name": "b.png", "hair": "red", "smile": False},
]


@pytest.mark.parametrize(
    "data",
    [RECORDS, {record["file_name"]: {**record, "file_name": record["file_name"]} for record in RECORDS}],
)
def test_json_with_an_object_for_each_image(data):
    table = read_label_table(json.dumps(data).encode(), name="labels.json")
    assert table.names == ["a.png", "b.png"]
    assert table.schema.columns == ("hair=blue", "hair=red", "smile")
    np.testing.assert_array_equal(table.labels, [[1, -1, 1], [-1, 1, -1]])


@pytest.mark.parametrize(
    "data",
    [
        {
            "a": {"tags": "1girl, smile", "train_resolution": [64, 64]},
            "b": {"tags": "1girl, hat"},
        },
        {"a.png": "1girl, smile", "b.png": "1girl, hat"},
        {"a.png": ["1girl", "smile"], "b.png": ["1girl", "hat"]},
    ],
)
def test_json_with_tags_of_each_image(data):
    table = read_label_table(json.dumps(data).encode(), name="labels.json")
    smile = table.schema.columns.index("smile")
    assert table.labels[:, smile].tolist() == [1, -1]


@pytest.mark.parametrize(
    "data", [{"0": "smile", "1": "hat"}, {"features": {"image": {}}}, None, [[1]], [{"a": 1}]]
)
def test_json_about_something_else_is_no_table(data):
    with pytest.raises(NoFileColumn):
        read_label_table(json.dumps(data).encode(), name="labels.json")
