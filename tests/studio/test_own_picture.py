"""The search for the face of a picture gives way to other drawings after each step."""

from __future__ import annotations

import io
import threading

import numpy as np
import pytest
from PIL import Image

from anime_gan.common.alpha import on_background
from anime_gan.datasets.reading.pictures import read_picture
from anime_gan.exports.read import find_export
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.request import FaceRequest
from anime_gan.studio import own_picture
from anime_gan.studio.own_picture import find_closest, is_poor, prepared
from anime_gan.studio.slices import StoppedError, in_steps


def test_the_work_rests_between_two_steps():
    done: list[int] = []

    def work(progress):
        for number in range(3):
            done.append(number)
            progress()
        return "result"

    steps = in_steps(work, threading.Event())
    assert done == []
    for number in range(3):
        assert next(steps) == number + 1
        assert done == list(range(number + 1))
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value == "result"


def test_a_stop_ends_the_work_and_errors_arrive():
    stop = threading.Event()
    steps = in_steps(lambda progress: [progress() for _ in range(9)], stop)
    next(steps)
    stop.set()
    with pytest.raises(StoppedError):
        next(steps)

    def failing(progress):
        progress()
        raise ValueError("broken")

    steps = in_steps(failing, threading.Event())
    next(steps)
    with pytest.raises(ValueError, match="broken"):
        next(steps)


def test_the_warning_tells_pictures_in_the_style_of_the_model_from_others():
    """Both pictures are opaque, though the model draws transparent faces."""
    generator = FaceGenerator(find_export("sutemo-64"))
    (face,) = generator.faces(FaceRequest("green hair, glasses", (41,)))
    portrait = on_background(face.image, (90, 140, 220))
    random = np.random.default_rng(2)
    landscape = np.asarray(
        Image.fromarray(random.integers(0, 256, (5, 4, 3), np.uint8)).resize(
            (64, 64), Image.Resampling.BICUBIC
        )
    )
    for pixels, expected in ((portrait, False), (landscape, True)):
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        picture = read_picture(stream.getvalue(), 64)
        opaque = np.dstack([picture, np.full((64, 64), 255, np.uint8)])
        steps = find_closest(opaque, generator, threading.Event())
        with pytest.raises(StopIteration) as end:
            while True:
                next(steps)
        assert is_poor(end.value.value) is expected


class Small:
    """The part of a generator that preparing needs."""

    resolution = 8


def test_without_the_detector_the_central_square_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(own_picture, "cache_folder", lambda: tmp_path)
    image = Image.new("RGB", (48, 16), "blue")
    image.paste("red", (16, 0, 32, 16))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    for channels in (3, 4):
        picture = prepared(stream.getvalue(), Small(), channels)
        assert picture.shape == (8, 8, channels)
        # At the edges, resizing mixes in what is beside the square.
        assert np.abs(picture[:, 2:-2, :3].astype(int) - [255, 0, 0]).max() <= 2
        assert channels == 3 or np.all(picture[..., 3] == 255)
