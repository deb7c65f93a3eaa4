"""Cropping, and rejection of pictures and crops."""

from __future__ import annotations

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")

from anime_gan.datasets.drawn.faces import DrawnFaces  # noqa: E402
from anime_gan.prepare.boxes import Box, overlaps  # noqa: E402
from anime_gan.prepare.cleaning import crop_fault, measure_quality, picture_fault  # noqa: E402
from anime_gan.prepare.crops import crop_box, cut  # noqa: E402


def test_overlaps_of_boxes_by_hand() -> None:
    boxes = [Box(0, 0, 10, 10), Box(5, 0, 10, 10), Box(20, 20, 5, 5)]

    # Half of each box is common: 50 of 150.
    assert overlaps(boxes[:1], boxes)[0] == pytest.approx([1, 50 / 150, 0])


def test_crop_is_larger_around_the_center_and_moves_up() -> None:
    box = crop_box(Box(100, 100, 40, 40), margin=1.5, lift=0.1)

    assert box == pytest.approx((90, 84, 60, 60))


def test_crop_of_a_leaning_head_moves_towards_its_crown() -> None:
    # With a tilt of 90 degrees counterclockwise, the crown is on the left.
    box = crop_box(Box(100, 100, 40, 40), margin=1.5, lift=0.1, angle=90)

    assert box == pytest.approx((84, 90, 60, 60))


def test_what_lies_outside_is_the_mirror_image() -> None:
    picture = np.arange(20 * 30, dtype=np.uint16).reshape(20, 30, 1).repeat(3, axis=2).astype(np.uint8)
    crop = cut(picture, Box(-5, -5, 20, 20), 20)

    assert crop.image[5:, 5:].tolist() == picture[:15, :15].tolist()
    assert crop.image[4, 5:].tolist() == picture[0, :15].tolist()
    assert crop.image[5:, 0].tolist() == picture[:15, 4].tolist()
    assert crop.outside == pytest.approx(1 - 15 * 15 / 400)


def test_enlarged_crops_are_flagged() -> None:
    picture = DrawnFaces(0).draw(0, 100)[0]

    assert cut(picture, Box(10, 10, 50, 50), 64).upscaled
    assert not cut(picture, Box(10, 10, 64, 64), 64).upscaled


def test_leaning_heads_are_set_upright() -> None:
    picture = DrawnFaces(0).draw(3, 200)[0]
    # Rotated counterclockwise by 20 degrees about the center.
    turn = cv2.getRotationMatrix2D((99.5, 99.5), 20, 1)
    leaning = cv2.warpAffine(picture, turn, (200, 200), borderMode=cv2.BORDER_REFLECT)
    crop = cut(leaning, Box(60, 60, 80, 80), 80, angle=20).image

    def difference(other: np.ndarray) -> float:
        return float(np.mean(np.abs(crop.astype(float) - other[60:140, 60:140])))

    assert difference(picture) < 0.4 * difference(leaning)


@pytest.mark.parametrize(
    ("fault", "spoil"),
    [
        ("blurred", lambda image: cv2.GaussianBlur(image, (0, 0), 7)),
        ("grayscale", lambda image: image.mean(axis=-1, keepdims=True).repeat(3, axis=-1).astype(np.uint8)),
        ("low contrast", lambda image: (image * 0.12 + 120).astype(np.uint8)),
        (
            "not drawn",
            lambda image: np.clip(
                image + np.random.default_rng(0).normal(0, 25, image.shape[:2])[..., None], 0, 255
            ).astype(np.uint8),
        ),
    ],
)
def test_useless_crops_are_rejected_for_what_is_wrong(fault: str, spoil: object) -> None:
    assert callable(spoil)
    for index in range(5):
        image = DrawnFaces(0).draw(index, 256)[0]

        assert crop_fault(measure_quality(image)) is None
        assert str(crop_fault(measure_quality(spoil(image)))).startswith(fault)


def test_strips_and_tiny_pictures_are_not_searched() -> None:
    assert "aspect" in str(picture_fault(np.zeros((100, 900, 3), np.uint8), 64))
    assert "too small" in str(picture_fault(np.zeros((40, 60, 3), np.uint8), 64))
    assert picture_fault(np.zeros((300, 900, 3), np.uint8), 64) is None
