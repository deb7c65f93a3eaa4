"""Datasets whose images are changed when they are read."""

import numpy as np
import pytest

from anime_gan.datasets.dataset import Dataset
from anime_gan.datasets.mapped import mapped


@pytest.fixture
def dataset(schema) -> Dataset:
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3), np.uint8)
    return Dataset("few", images, np.zeros((6, schema.num_labels), np.int8), schema, "", checksum="ab")


def halves(images: np.ndarray) -> np.ndarray:
    return images[:, ::2, ::2] // 2


def test_images_are_changed_however_they_are_read(dataset):
    changed = mapped(dataset, halves, "halves")
    expected = dataset.images[:, ::2, ::2] // 2
    assert changed.images.shape == (6, 2, 2, 3) and len(changed.images) == 6
    np.testing.assert_array_equal(changed.images[3], expected[3])
    np.testing.assert_array_equal(changed.images[1:4], expected[1:4])
    np.testing.assert_array_equal(changed.images[np.array([5, 0])], expected[[5, 0]])
    np.testing.assert_array_equal(np.asarray(changed.images), expected)


def test_the_checksum_depends_on_the_data_and_the_key(dataset):
    first = mapped(dataset, halves, "halves").checksum
    assert first not in (dataset.checksum, mapped(dataset, halves, "others").checksum)
    assert first == mapped(dataset, halves, "halves").checksum
