"""Pixel-art portraits, composed of layers that the test makes itself."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from anime_gan.datasets.drawn import palette
from anime_gan.datasets.load import load_dataset
from anime_gan.datasets.pixel import parts
from anime_gan.datasets.pixel.colors import Palette, colored
from anime_gan.datasets.pixel.faces import PixelFaces, read_layer


@pytest.fixture(scope="module")
def art(tmp_path_factory):
    """Layers without any likeness: hair is a stripe at the top, and the body fills the lower half."""
    folder = tmp_path_factory.mktemp("art")
    for name in parts.used_layers():
        path = folder / "images" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.zeros((96, 96, 4), np.uint8)
        if name.startswith("body/"):
            pixels[40:] = (0, 255, 0, 255)
        elif name.startswith("hair/base/") and name.count("0"):
            pixels[2:12] = (0, 255, 0, 255)
        elif name.startswith("eyes/"):
            # Half transparent where there is nothing behind it, and where there is the body.
            pixels[20:24, 40:60] = (0, 0, 255, 100)
            pixels[50:54, 40:60] = (255, 0, 0, 128)
        Image.fromarray(pixels).save(path)
    return folder


def test_meaning_of_colors():
    colors = Palette((200, 100, 50), (20, 40, 60), (1, 2, 3))
    weights = np.array([[0, 255, 0], [255, 0, 0], [0, 0, 255], [0, 0, 0], [255, 255, 255]], np.uint8)
    expected = [[200, 100, 50], [20, 40, 60], [1, 2, 3], [15, 8, 20], [255, 255, 255]]
    np.testing.assert_allclose(colored(weights, colors), expected, atol=0.01)
    # Green by 0.04 more than the others: w = 0.4, v = (0.2 + 0.24 + 0.2) / 3.
    weights = np.array([51, 61.2, 51]) / 255
    material = 0.2 * np.array(colors.dark) + 0.24 * np.array(colors.light) + 0.2 * np.array(colors.shadow)
    value = 0.64 / 3
    gray = (1 - value) * np.array([15, 8, 20]) + value * 255
    mixed = colored(np.array([[51, 61.2, 51]]), colors)[0]
    np.testing.assert_allclose(mixed, 0.4 * material + 0.6 * gray, atol=0.05)


def test_pictures(art):
    faces = PixelFaces(art, 1, transparent=True)
    for index in range(20):
        face = faces.describe(index)
        small, labels = faces.draw(index, 64)
        large, again = faces.draw(index, 128)
        np.testing.assert_array_equal(small.repeat(2, axis=0).repeat(2, axis=1), large)
        assert labels == again
        assert set(np.unique(small[..., 3])) <= {0, 255}
        assert labels["turn"] == (-parts.TURN if face.flip else parts.TURN)
        if labels["hair_color"]:
            row = 5 - face.shift[1]
            np.testing.assert_array_equal(small[row, 32, :3], palette.HAIR[labels["hair_color"]][0])
    assert PixelFaces(art, 1).draw(0, 16)[0].shape == (16, 16, 3)


def test_labels_fit_the_parts():
    chosen = [parts.choose_face(np.random.default_rng(index)) for index in range(300)]
    for face in chosen:
        names = {layer.name for layer in face.layers}
        labels = face.labels
        mouth = next(name for name in names if name.startswith("mouth/")).removeprefix("mouth/")
        assert labels["smile"] == mouth.startswith(("smile", "grin"))
        assert labels["open_mouth"] == (mouth == "O" or mouth.startswith("grin"))
        assert labels["closed_eyes"] == any(name.startswith("eyes/closed") for name in names)
        assert (labels["eye_color"] is None) == labels["closed_eyes"]
        assert labels["glasses"] == any(name.startswith("glasses/glasses") for name in names)
        assert labels["beard"] <= labels["male"]
        assert (labels["animal_ears"] != "none") == any(name.startswith("ears/") for name in names)
    for name, values in parts.ATTRIBUTES.items():
        if isinstance(values, tuple):
            assert {face.labels[name] for face in chosen} - {None} == set(values), name


def test_bad_art_is_refused(art, tmp_path):
    with pytest.raises(FileNotFoundError, match="clone"):
        PixelFaces(tmp_path)
    (tmp_path / "body").mkdir()
    with pytest.raises(FileNotFoundError, match="layers are missing, such as"):
        PixelFaces(tmp_path)
    Image.new("RGBA", (8, 8)).save(art / "images" / "nose" / "large01.png")
    read_layer.cache_clear()
    faces = PixelFaces(art)
    with pytest.raises(ValueError, match="large01.png has"):
        for index in range(60):
            faces.draw(index, 64)


def test_credit(art, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    Image.new("RGBA", (96, 96)).save(art / "images" / "nose" / "large01.png")
    dataset = load_dataset(f"pixel:{art}", 6, 16, 0, "auto")
    assert dataset.images.shape == (6, 16, 16, 4)
    assert "CC BY 4.0" in dataset.statement
    assert "Viktor Hahn" in dataset.statement
