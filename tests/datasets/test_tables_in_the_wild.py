"""Tables as programs and people of several countries leave them."""

from __future__ import annotations

import pytest

from anime_gan.datasets.folder.classes import labels_of_folders
from anime_gan.datasets.folder.image_labels import ImageLabels
from anime_gan.datasets.folder.label_table import read_label_table
from anime_gan.datasets.folder.labels import read_labels


def read(text: str, encoding: str = "utf-8") -> ImageLabels:
    return read_label_table(text.encode(encoding))


def column(cells: list[str], name: str = "smile") -> ImageLabels:
    return read(f"filename;{name}\n" + "".join(f"{i}.png;{cell}\n" for i, cell in enumerate(cells)))


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        *(("sim", "não"), ("sì", "no"), ("ja", "nee"), ("ja", "nej"), ("tak", "nie"), ("ano", "ne")),
        *(("EVET", "HAYIR"), ("예", "아니오"), ("ναι", "όχι"), ("نعم", "لا"), ("ya", "tidak")),
        *(("VERDADEIRO", "FALSO"), ("ИСТИНА", "ЛОЖЬ"), ("PRAWDA", "FAŁSZ"), ("WAAR", "ONWAAR")),
        *(("真", "假"), ("对", "错"), ("是的", "不是"), ("ある", "ない"), ("✅", "❌"), ("+", "-")),
        *(("1.000e+00", "0.000e+00"), ("100%", "0%"), ("'1'", "'0'"), ("“yes”", "“no”"), ("Yes.", "No.")),
        *(("x", "-"), ("present", "absent"), ("01", "00")),
    ],
)
def test_yes_and_no(yes, no):
    labels = column([yes, no, no])
    assert labels.schema.columns == ("smile",)
    assert labels.labels[:, 0].tolist() == [1, -1, -1]


@pytest.mark.parametrize("cell", ["-", "—", "#VALUE!", "not sure", "???", "n.a.", "perhaps"])
def test_other_cells_beside_yes_and_no_are_unknown(cell):
    assert column(["yes", "no", cell]).labels[:, 0].tolist() == [1, -1, 0]


@pytest.mark.parametrize(
    "cells",
    [
        ["2024-01-01", "2024-01-02", "2024-01-01"],
        ["10:00", "11:30", "10:00"],
        ["10%", "20%", "10%"],
        ["64x64", "128x64", "64x64"],
        ["a_mask.png", "b_mask.png", "a_mask.png"],
        ["a girl in a garden", "she is looking at us", "a girl in a garden"],
    ],
)
def test_columns_that_are_no_attributes(cells):
    labels = column(cells, "about")
    assert labels.schema.columns == ()
    assert "column 'about' ignored" in labels.notes[0]


@pytest.mark.parametrize("cell", ["blue-hair", "hair: blue", "blue haired", "Blue Hair", "hair color: blue"])
def test_values_lose_the_name_of_the_attribute(cell):
    assert column([cell, "red", "blue"], "hair_color").labels[:, 0].tolist() == [1, -1, 1]


@pytest.mark.parametrize(
    "text",
    [
        "Image Name,smile\na.png,yes\nb.png,no\n",
        "Dateiname;smile\na.png;ja\nb.png;nein\n",
        "文件名,smile\na.png,是\nb.png,否\n",
        "picture no,smile,which\n1,yes,a.png\n2,no,b.png\n",
        "My labels,\n,\nfilename,smile\na.png,yes\nb.png,no\n",
        '"sep=;"\nfilename;smile\na.png;yes\nb.png;no\n',
        "filename,smile,,\na.png,yes,,a remark\nb.png,no,,\n",
    ],
)
def test_headers(text):
    labels = read(text)
    assert labels.names == ["a.png", "b.png"]
    assert labels.labels[:, labels.schema.columns.index("smile")].tolist() == [1, -1]


def test_a_single_tag_in_a_column_of_tags():
    labels = read("filename,tags\na.png,smile\nb.png,hat\n")
    said = dict(zip(labels.schema.columns, labels.labels[0].tolist(), strict=True))
    assert (said["smile"], said["hat"]) == (1, -1)


@pytest.mark.parametrize("cell", ["smile|blue hair", "smile;blue hair", "[smile, blue hair]"])
def test_separators_in_a_column_of_tags(cell):
    labels = read(f'filename,tags\na.png,"{cell}"\nb.png,smile\n')
    said = dict(zip(labels.schema.columns, labels.labels[0].tolist(), strict=True))
    assert (said["smile"], said["hair_color=blue"], said["hat"]) == (1, 1, -1)


def test_german_text_in_cp1252():
    labels = read("filename;größe\na.png;klein\nb.png;groß\nc.png;klein\n", "cp1252")
    assert labels.schema.columns == ("größe=groß", "größe=klein")


def files(tmp_path, **texts: str):
    for name, text in texts.items():
        path = tmp_path / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    return read_labels(str(tmp_path), names, 0)


def test_absolute_names_that_contain_the_folder(tmp_path):
    table = f"filename,smile\n/home/me/{tmp_path.name}/a.png,yes\nC:\\x\\{tmp_path.name}\\b.png,no\n"
    labels = files(tmp_path, labels_dot_csv=table, a_dot_png="", b_dot_png="")
    assert (labels.names, labels.labels[:, 0].tolist()) == (["a.png", "b.png"], [1, -1])


def test_a_folder_of_labels_beside_a_folder_of_pictures(tmp_path):
    table = "2\nSmiling\n1.jpg 1\n2.jpg -1\n"
    labels = files(tmp_path, Anno__list_attr_celeba_dot_txt=table, Img__1_dot_jpg="", Img__2_dot_jpg="")
    assert (labels.names, labels.labels[:, 0].tolist()) == (["Img/1.jpg", "Img/2.jpg"], [1, -1])


@pytest.mark.parametrize(
    "text",
    [
        '{"tags": [["smile", 0.98], ["hat", 0.02]]}',
        '{"tags": [{"name": "smile", "score": 0.98}, {"name": "hat", "score": 0.02}]}',
        '{"tags": {"smile": 0.98, "hat": 0.02}}',
    ],
)
def test_scores_in_json(tmp_path, text):
    labels = files(tmp_path, a_dot_json=text, a_dot_png="")
    said = dict(zip(labels.schema.columns, labels.labels[0].tolist(), strict=True))
    assert (said["smile"], said["hat"], said["glasses"]) == (1, 0, -1)


def test_folders_of_yes_and_no():
    labels = labels_of_folders(["glasses/yes/1.png", "glasses/no/2.png", "glasses/unknown/3.png"])
    assert labels.schema.columns == ("glasses",)
    assert labels.labels[:, 0].tolist() == [1, -1, 0]
