"""The bundled models."""

from __future__ import annotations

import colorsys
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anime_gan.commands import generate
from anime_gan.exports.read import PRETRAINED, find_export
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.request import FaceRequest

# Hue in degrees that each word stands for, and the largest deviation allowed.
HUES = {"red": 0, "orange": 30, "blonde": 48, "green": 120, "aqua": 185, "blue": 220, "purple": 270}
MAX_OFF = 35


# Name -> pixels along a side.
MODELS = {"sutemo-64": 64, "sutemo-128": 128}


@pytest.fixture(scope="module", params=MODELS)
def model(request) -> FaceGenerator:
    return FaceGenerator(Path(request.param))


@pytest.mark.parametrize(("named", "side"), [([], 64), (["--model=sutemo-128"], 128)])
def test_a_name_is_enough_and_none_means_the_small_one(named, side, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wish = ["--attrs=pink hair, green eyes, glasses, smile", "--num=2", "--out=faces.png"]
    assert generate.main(named + wish) == 0
    assert Image.open("faces.png").size == (2 * side + 2, side)


def test_a_folder_of_the_same_name_comes_first(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("sutemo-64").mkdir()
    assert generate.main(["--model=sutemo-64"]) == 2
    assert "--model=sutemo-64: no exported model found" in capsys.readouterr().err


@pytest.mark.parametrize("name", HUES)
def test_hair_has_the_requested_color(model, name):
    latents, labels = model.inputs(FaceRequest(f"{name} hair, no headphones", tuple(range(12))))
    # The crown of the head.
    scale = model.resolution // 64
    crowns = model.render(latents, labels)[:, 10 * scale : 16 * scale, 26 * scale : 38 * scale]
    off = []
    for red, green, blue in np.median(crowns.reshape(12, -1, 3), axis=1) / 255:
        hue = 360 * colorsys.rgb_to_hsv(red, green, blue)[0]
        off.append(abs((hue - HUES[name] + 180) % 360 - 180))
    assert np.mean(np.array(off) < MAX_OFF) >= 0.9, off


def test_faces_with_equal_attributes_differ(model):
    latents, labels = model.inputs(FaceRequest("", tuple(range(8))))
    images = model.render(latents, np.tile(labels[:1], (8, 1))).astype(float)
    distances = [np.abs(one - other).mean() for i, one in enumerate(images) for other in images[:i]]
    assert min(distances) > 5


@pytest.mark.parametrize("name", MODELS)
def test_its_card_gives_credit_and_its_figures_are_its_own(name):
    export = find_export(Path(name))
    card = (export / "MODEL_CARD.md").read_text("utf-8")
    for words in ("Sutemo", "License of the weights", "python train.py", "## Measured"):
        assert words in card
    record = json.loads((export / "training.json").read_text("utf-8"))
    evaluation = json.loads((export / "evaluation.json").read_text("utf-8"))
    assert evaluation["model"]["weights_sha256"] == record["weights_sha256"]
    assert record["weights_sha256"] in card


def test_it_can_choose_among_candidates(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert generate.main(["--attrs=blue hair", "--num=1", "--candidates=2", "--out=face.png"]) == 0
    assert Image.open("face.png").text["candidates"] == "2"


@pytest.mark.parametrize("name", MODELS)
def test_it_is_small(name):
    assert sum(file.stat().st_size for file in (PRETRAINED / name).rglob("*") if file.is_file()) < 9_000_000


# Tables of a bundled model's figures. The comment names a value for each cell behind the first column, in
# reading order, such as `sutemo-64/fid.json#all.model`, or `-` for a cell that is not checked.
FIGURES = re.compile(r"<!-- figures: (.*?) -->\s*((?:\|[^\n]*\n)+)", re.DOTALL)


def measured(reference: str) -> float:
    """The value that a measuring command wrote, by `MODEL/FILE.json#key.key`."""
    file, keys = reference.split("#")
    model, name = file.split("/")
    value = json.loads((find_export(Path(model)) / name).read_text("utf-8"))
    for key in keys.split("."):
        value = value[key]
    return value


def check_figures(document: str) -> int:
    """Compares the marked tables of a document with the measurements; returns the number of figures."""
    checked = 0
    for references, table in FIGURES.findall(document):
        rows = [line.strip("|").split("|")[1:] for line in table.splitlines()[2:]]
        cells = [cell.strip().strip("*") for row in rows for cell in row]
        for cell, reference in zip(cells, references.replace(",", " ").split(), strict=True):
            if reference == "-":
                continue
            digits = cell.rstrip("%").replace(",", "")
            decimals = len(digits.partition(".")[2])
            expected = measured(reference) * (100 if cell.endswith("%") else 1)
            assert abs(float(digits) - expected) <= 0.5001 * 10**-decimals, (cell, reference, expected)
            checked += 1
    return checked


def test_figures_in_documents_are_those_that_were_measured():
    root = Path(__file__).parents[2]
    assert sum(
        check_figures(file.read_text("utf-8")) for file in [*root.glob("*.md"), *root.glob("docs/*.md")]
    )


def test_a_wrong_figure_is_found():
    comment = "<!-- figures: -, sutemo-64/evaluation.json#attributes.model -->"
    right = f"{comment}\n\n| a | b | c |\n|--|--|--|\n| x | 1 | {{}} |\n"
    value = measured("sutemo-64/evaluation.json#attributes.model")
    assert check_figures(right.format(f"{value:.1%}")) == 1
    with pytest.raises(AssertionError):
        check_figures(right.format(f"{value + 0.001:.1%}"))
