"""Near-duplicates: copies are detected, other drawings are not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

cv2 = pytest.importorskip("cv2")

from anime_gan.datasets.drawn.faces import DrawnFaces  # noqa: E402
from anime_gan.prepare.near_duplicates import (  # noqa: E402
    FingerprintIndex,
    fingerprint,
    same_picture,
    thumbnail,
)

FACES = DrawnFaces(11)


def is_copy(first: np.ndarray, second: np.ndarray) -> bool:
    index = FingerprintIndex()
    index.add(fingerprint(first))
    return index.candidates(fingerprint(second)) == [0] and same_picture(thumbnail(second), thumbnail(first))


def changed(picture: np.ndarray, kind: str) -> np.ndarray:
    image = Image.fromarray(picture)
    if kind == "recompressed":
        file = io.BytesIO()
        image.save(file, "JPEG", quality=35)
        image = Image.open(file)
    elif kind == "resized":
        image = image.resize((90, 90), Image.Resampling.BICUBIC)
    elif kind == "cropped":
        image = image.crop((9, 4, 192, 197))
    return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("kind", ["recompressed", "resized", "cropped"])
def test_copies_are_found(kind: str) -> None:
    pictures = [FACES.draw(index, 200)[0] for index in range(6)]

    assert all(is_copy(picture, changed(picture, kind)) for picture in pictures)


def test_the_same_drawing_in_another_tint_is_another_picture() -> None:
    colors = {0: "blue", 1: "green", 2: "pink"}
    for index, color in colors.items():
        picture = FACES.draw_with(index, 200, hair_color="red")[0]
        other = FACES.draw_with(index, 200, hair_color=color)[0]

        assert not is_copy(picture, other)
        assert is_copy(picture, changed(picture, "recompressed"))


def test_another_mouth_is_another_picture() -> None:
    picture = FACES.draw_with(0, 200, open_mouth=True, smile=True)[0]

    assert not same_picture(
        thumbnail(picture), thumbnail(FACES.draw_with(0, 200, open_mouth=False, smile=True)[0])
    )


def test_different_faces_are_no_copies() -> None:
    thumbnails = [thumbnail(FACES.draw(index, 100)[0]) for index in range(8)]

    assert not any(same_picture(a, b) for i, a in enumerate(thumbnails) for b in thumbnails[:i])


def test_plain_pictures_can_be_compared() -> None:
    white, black = (thumbnail(np.full((80, 80, 3), value, np.uint8)) for value in (255, 0))

    assert same_picture(white, white)
    assert not same_picture(white, black)


def test_index_gives_the_nearest_first() -> None:
    index = FingerprintIndex()
    pictures = [FACES.draw(number, 200)[0] for number in range(5)]
    for picture in pictures:
        index.add(fingerprint(picture))

    for number, picture in enumerate(pictures):
        assert index.candidates(fingerprint(changed(picture, "cropped")))[0] == number
