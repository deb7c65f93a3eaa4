"""Known faults in real images, and that the judges of a small dataset detect them."""

import numpy as np
import pytest

from anime_gan.common.alpha import on_background, premultiplied
from anime_gan.datasets.load import load_dataset
from anime_gan.judges.details import find_details
from anime_gan.judges.faults import dither, enlarge, faults_for, halo, smear, swap_eye
from anime_gan.metrics.edge import edge_length_ratio


@pytest.fixture(scope="module")
def faces():
    return load_dataset("drawn", 200, 64, 0, "yes")


@pytest.fixture(scope="module")
def details(faces):
    return find_details(faces)


def test_an_enlarged_image_has_no_fine_detail(faces, details):
    """Averages of 2x2 pixels stay; the differences inside of them nearly vanish."""
    images = faces.images[:50]
    enlarged = enlarge(images, details)

    def within(images):
        values = premultiplied(images)
        cells = values.reshape(50, 32, 2, 32, 2, 4)
        return cells.mean(axis=(2, 4)), cells.std(axis=(2, 4)).mean()

    (before, fine), (after, coarse) = within(images), within(enlarged)
    assert np.abs(before - after).mean() < 4.0
    assert coarse < 0.6 * fine


def test_dither_changes_every_other_pixel_along_edges_of_the_hair(faces, details):
    images = faces.images[:20]
    changed = np.any(dither(images, details) != images, axis=-1)
    rows, columns = np.nonzero(changed.any(axis=0))
    assert np.all((rows + columns) % 2 == 0)
    assert 0.005 < changed.mean() < 0.2


def test_a_halo_surrounds_the_outline(faces, details):
    images = faces.images[:50]
    pale = halo(images, details)
    solid = images[..., 3] == 255
    np.testing.assert_array_equal(pale[solid], images[solid])
    assert edge_length_ratio(pale) > 1.5 * edge_length_ratio(images)
    # On black, the rim is brighter than what it surrounds was.
    black = on_background(images, (0, 0, 0)).astype(int)
    assert np.all(on_background(pale, (0, 0, 0)) >= black - 1)


def test_only_one_eye_is_swapped(faces, details):
    images = faces.images[:50]
    changed = np.any(swap_eye(images, details) != images, axis=-1).any(axis=0)
    rows, columns = np.nonzero(changed)
    top, left = details.eyes[0]
    assert top <= rows.min() and rows.max() < top + details.side
    assert left <= columns.min() and columns.max() < left + details.side
    assert changed.mean() < 0.15


def test_a_smear_is_at_the_outline(faces, details):
    images = faces.images[:50]
    smeared = smear(images, details)
    assert edge_length_ratio(smeared) > 1.5 * edge_length_ratio(images)
    # The middle of the face is far from the outline.
    np.testing.assert_array_equal(smeared[:, 36:40, 30:34], images[:, 36:40, 30:34])


def test_opaque_images_have_no_halo():
    assert halo not in faults_for(np.zeros((1, 64, 64, 3), np.uint8)).values()
    assert halo in faults_for(np.zeros((1, 64, 64, 4), np.uint8)).values()
