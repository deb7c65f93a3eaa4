"""The bundled models."""

from __future__ import annotations

import colorsys
import json
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
MODELS = {"sutemo-64": 64, "sutemo-128": 128, "sutemo-256": 256}


@pytest.fixture(scope="module", params=MODELS)
def model(request) -> FaceGenerator:
    return FaceGenerator(Path(request.param))


@pytest.mark.parametrize(
    ("named", "side"), [([], 128), (["--model=sutemo-64"], 64), (["--model=sutemo-256"], 256)]
)
def test_a_name_is_enough_and_none_means_sutemo_128(named, side, tmp_path, monkeypatch):
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
    for red, green, blue in np.median(crowns[..., :3].reshape(12, -1, 3), axis=1) / 255:
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
    """The parts of an export that only some need are counted apart."""
    sizes = {"export": 0, "portable": 0, "judges": 0, "studio": 0}
    parts = {
        **{"portable": "portable", "tagger": "judges", "person": "judges"},
        **{"arrival.webp": "studio", "best.webp": "studio"},
    }
    for file in (PRETRAINED / name / "1").rglob("*"):
        folder = file.relative_to(PRETRAINED / name / "1").parts[0]
        part = parts.get(folder, "export")
        sizes[part] += file.stat().st_size if file.is_file() else 0
    assert sizes["export"] < 9_000_000 and sizes["portable"] < 8_000_000
    assert sizes["judges"] < 3_000_000 and sizes["studio"] < 2_500_000
