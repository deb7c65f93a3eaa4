"""What an export tells of the data and the model that it was made from."""

from __future__ import annotations

import pytest

from anime_gan.exports.names import folder_name, model_name


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("drawn", "drawn"),
        ("/home/me/secret/faces", "faces"),
        ("faces/", "faces"),
        ("../faces.zip", "faces.zip"),
        ("sutemo:/home/me/art", "sutemo:art"),
        ("my_code:Faces", "my_code:Faces"),
        ("gs://bucket/faces", "gs://bucket/faces"),
        ("/data/\udc83x", "\\udc83x"),
        ("", ""),
    ],
)
def test_data(data, name):
    assert folder_name(data) == name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/home/me/runs/0003-faces/export/180", "0003-faces"),
        ("/usr/lib/anime_gan/pretrained/sutemo-128/1", "sutemo-128"),
        ("/home/me/runs/0003-faces", "0003-faces"),
        ("/home/me/runs/0003-faces/checkpoints/step-00000180", "0003-faces"),
        ("1", "1"),
        ("", ""),
    ],
)
def test_models(path, name):
    assert model_name(path) == name
