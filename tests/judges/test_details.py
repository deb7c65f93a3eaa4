"""Crops at full resolution: where they are, and that judges see every pixel of them."""

import numpy as np
import pytest

from anime_gan.attributes.schema import Schema
from anime_gan.datasets.dataset import Dataset
from anime_gan.judges.details import Details, crop_side, edges, find_details, window_sums

# Top left corners of squares of 12 pixels at 64 pixels: where the parts of the test's faces are.
EYES = ((24, 10), (24, 42))
MOUTH = (46, 26)
SQUARE = 12


def make_faces(side: int = 64, count: int = 300) -> Dataset:
    """Gray pictures with colored eyes, a mouth that is open or not, and hair above."""
    schema = Schema.from_names(
        {"hair_color": ("black", "white"), "eye_color": ("red", "blue"), "open_mouth": None}
    )
    random = np.random.default_rng(0)
    labels = np.full((count, schema.num_labels), -1, np.int8)
    scale = side // 64
    images = np.full((count, side, side, 4), 128, np.uint8)
    images[..., 3] = 0
    images[:, 4 * scale : 60 * scale, 4 * scale : 60 * scale, 3] = 255

    def paint(image, corner, size, color):
        top, left = (scale * place for place in corner)
        image[top : top + size[0] * scale, left : left + size[1] * scale, :3] = color

    for image, row in zip(images, labels, strict=True):
        hair, eyes, is_open = random.integers(2, size=3)
        row[[hair, 2 + eyes]] = 1
        row[4] = 1 if is_open else -1
        paint(image, (4, 4), (16, 56), 30 if hair == 0 else 220)
        for corner in EYES:
            paint(image, corner, (SQUARE, SQUARE), (200, 0, 0) if eyes == 0 else (0, 0, 200))
        paint(image, MOUTH, (8, SQUARE), 20 if is_open else 128)
    return Dataset("squares", images, labels, schema, "", checksum="ab")


@pytest.mark.parametrize("side", [64, 128, 256])
def test_crops_are_around_the_eyes_and_the_mouth(side):
    details = find_details(make_faces(side, 100))
    assert details.side == {64: 32, 128: 32, 256: 64}[side] == crop_side(side)
    scale = side // 64
    found = [np.add(corner, details.side / 2) / scale for corner in (*sorted(details.eyes), details.mouth)]
    centers = [np.add(corner, SQUARE / 2) for corner in (*EYES, (MOUTH[0] - 2, MOUTH[1]))]
    assert len(details.eyes) == 2
    for place, center in zip(found, centers, strict=True):
        # A crop stays inside of the picture.
        limit = details.side / 2 / scale
        np.testing.assert_allclose(place, np.clip(center, limit, 64 - limit), atol=3)
    rows = np.flatnonzero(details.hair.any(axis=1))
    assert (rows[0], rows[-1]) == (4 * scale, 20 * scale - 1)


@pytest.mark.parametrize(("side", "crop"), [(200, 50), (150, 37), (32, 32), (16, 16)])
def test_any_side_has_crops(side, crop):
    images = np.random.default_rng(0).integers(0, 256, (40, side, side, 3), np.uint8)
    dataset = Dataset("noise", images, np.zeros((40, 0), np.int8), Schema(()), "", checksum="ab")
    details = find_details(dataset)
    assert details.side == crop and details.hair.shape == (side, side)
    assert details.mosaic(images).shape == (40, 2 * crop, 2 * crop, 3)


def test_a_mosaic_shows_pixels_as_they_are():
    dataset = make_faces(128, 40)
    # Noise in one place, finer than any judge of whole pictures would see.
    details = find_details(dataset)
    row, column = details.mouth
    dataset.images[7, row : row + 32, column : column + 32] = np.random.default_rng(1).integers(
        0, 256, (32, 32, 4)
    )
    mosaic = details.mosaic(dataset.images[7:8])[0]
    assert mosaic.shape == (64, 64, 4)
    np.testing.assert_array_equal(mosaic[:32, 32:], dataset.images[7, row : row + 32, column : column + 32])
    eyes = [dataset.images[7, top : top + 32, left : left + 32] for top, left in details.eyes]
    assert any(np.array_equal(mosaic[:32, :32], eye) for eye in eyes)


def test_the_edge_and_the_outline_are_where_they_are_said_to_be():
    dataset = make_faces(128, 60)
    mosaics = find_details(dataset).mosaic(dataset.images)
    # The only edge inside the hair is its lower border: the middle rows of the crop are of two colors.
    for mosaic in mosaics:
        edge, outline = mosaic[32:, :32], mosaic[32:, 32:]
        assert edge[14, 16, 0] != edge[17, 16, 0] or edge[16, 14, 0] != edge[16, 17, 0]
        assert {0, 255} == set(np.unique(outline[..., 3]))


def test_mosaics_depend_on_the_image_alone():
    dataset = make_faces(128, 30)
    details = find_details(dataset)
    together = details.mosaic(dataset.images)
    np.testing.assert_array_equal(details.mosaic(dataset.images[::-1]), together[::-1])
    lazily = details.of(dataset)
    np.testing.assert_array_equal(lazily.images[np.array([4, 2])], together[[4, 2]])
    assert lazily.checksum != dataset.checksum


def test_images_without_edges_or_labels_have_mosaics():
    images = np.full((40, 64, 64, 3), 9, np.uint8)
    dataset = Dataset("flat", images, np.zeros((40, 0), np.int8), Schema(()), "", checksum="ab")
    mosaics = find_details(dataset).mosaic(images)
    assert mosaics.shape == (40, 64, 64, 3) and np.all(mosaics == 9)


def test_edges_inside_and_outside():
    image = np.zeros((8, 8, 4), np.uint8)
    image[2:6, 2:6] = (100, 100, 100, 255)
    image[4:6, 2:6, :3] = 40
    inside, outline = edges(image)
    # Inside: the four columns between rows 3 and 4. Outline: 16 pixels of the square's border.
    assert np.argwhere(inside > 0).tolist() == [[3, 2], [3, 3], [3, 4]] or np.sum(inside > 0) == 4
    assert np.all(inside[inside > 0] == pytest.approx(60))
    assert np.sum(outline) == 16


def test_window_sums_are_sums():
    values = np.random.default_rng(2).random((9, 11))
    sums = window_sums(values, 4)
    assert sums.shape == (6, 8)
    assert sums[2, 3] == pytest.approx(values[2:6, 3:7].sum())


def test_a_random_place_follows_the_edges():
    """Two edges, one three times as strong: three quarters of the crops are around it."""
    images = np.zeros((800, 64, 64, 3), np.uint8)
    # Faint marks tell the images apart.
    images[:, 0, :10, 0] = np.arange(800)[:, None] >> np.arange(10) & 1
    images[:, :, 16:] += 30
    images[:, :, 48:] += 90
    details = Details(32, ((0, 0),), (0, 0), np.ones((64, 64), bool))
    edge = details.mosaic(images)[:, 32:, :32].astype(int)
    # Around the strong edge at column 48 the crop ends at the right border and starts bright.
    strong = np.mean(edge[:, :, -1].mean(axis=(1, 2)) > 100)
    assert strong == pytest.approx(0.75, abs=0.06)
