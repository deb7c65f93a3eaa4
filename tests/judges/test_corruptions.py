"""Damage against closed forms and plain NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from anime_gan.judges import corruptions
from anime_gan.judges.corruptions import DAMAGES, corrupt, tolerate


@pytest.fixture
def everywhere(monkeypatch):
    """Damage that concerns a region or everything concerns everything."""
    monkeypatch.setattr(corruptions, "WHOLE_SHARE", 1.1)


def pictures(count=6, side=32, seed=0):
    """Random pictures in [-1, 1] with edges, of squares whose sides divide no other length here."""
    squares = np.random.default_rng(seed).uniform(-1, 1, (count, 11, 11, 3))
    places = np.arange(side) * 11 // side
    return squares[:, places][:, :, places].astype(np.float32)


def ramp(count, side):
    """Each pixel's row and column, as its first two channels."""
    rows, columns = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
    picture = np.stack([rows, columns, rows], axis=-1) / side
    return np.repeat(picture[None], count, axis=0).astype(np.float32)


def damaged(name, images, severity, seed=0, others=None):
    others = np.roll(images, 1, axis=0) if others is None else others
    strengths = np.full(len(images), severity, np.float32)
    return DAMAGES[name](
        tf.constant(images), tf.constant(others), tf.constant(strengths), tf.constant([seed, 5])
    ).numpy()


@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize("name", DAMAGES)
def test_nothing_at_severity_0_and_more_the_higher_it_is(name, side):
    images = pictures(24, side)
    np.testing.assert_allclose(damaged(name, images, 0.0), images, atol=1e-5)
    faint, strong = (np.abs(damaged(name, images, s) - images).mean(axis=(1, 2, 3)) for s in (0.2, 1.0))
    assert np.mean(faint) > 1e-4
    assert np.mean(strong) > 2 * np.mean(faint)
    # No picture gets away.
    assert strong.min() > 1e-3
    assert strong.mean() > 0.01


@pytest.mark.parametrize("name", DAMAGES)
def test_the_seed_decides(name):
    images = pictures()
    first, again, other = (damaged(name, images, 0.7, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other, atol=1e-3)


@pytest.mark.parametrize("name", ["warp", "blur", "ragged", "resample", "smear"])
def test_what_only_moves_pixels_makes_no_new_colours(name):
    images = pictures() * 0.5 + np.linspace(-0.5, 0.5, 6, dtype=np.float32)[:, None, None, None]
    found = damaged(name, images, 1.0)
    lowest, highest = images.min(axis=(1, 2)), images.max(axis=(1, 2))
    assert np.all(found.min(axis=(1, 2)) >= lowest - 1e-5)
    assert np.all(found.max(axis=(1, 2)) <= highest + 1e-5)


@pytest.mark.parametrize("severity", [0.5, 1.0])
def test_a_blurred_point_is_a_gaussian(everywhere, severity):
    point = np.zeros((1, 65, 65, 3), np.float32)
    point[0, 32, 32] = 1.0
    found = damaged("blur", point, severity)[0, :, :, 0]
    place = np.arange(65) - 32
    deviation = 0.04 * severity * 65
    gauss = np.exp(-0.5 * (place / deviation) ** 2)
    gauss /= gauss.sum()
    np.testing.assert_allclose(found, np.outer(gauss, gauss), atol=1e-6)


def test_noise_has_the_deviation_it_says(everywhere):
    grey = np.zeros((8, 64, 64, 3), np.float32)
    for severity in (0.2, 0.5):
        found = damaged("noise", grey, severity)
        assert np.std(found) == pytest.approx(0.3 * severity, rel=0.02)
        # Independent from pixel to pixel.
        assert abs(np.mean(found[:, 1:] * found[:, :-1])) < 0.02 * np.var(found)


def test_ragged_pixels_come_from_nearby(everywhere):
    side = 64
    images = ramp(4, side)
    moves = (damaged("ragged", images, 0.5) - images)[:, 10:-10, 10:-10] * side
    assert np.std(moves[..., 0]) == pytest.approx(0.03 * side * 0.5, rel=0.03)
    assert np.std(moves[..., 1]) == pytest.approx(0.03 * side * 0.5, rel=0.03)


def test_a_warp_is_smooth_and_bounded(everywhere):
    side = 64
    images = ramp(4, side)
    moves = (damaged("warp", images, 1.0) - images) * side
    # Cubic interpolation overshoots the control points a little.
    assert 0.5 * 0.08 * side < np.abs(moves).max() < 1.5 * 0.08 * side
    assert np.abs(np.diff(moves, axis=1)).max() < 2.5


def test_too_few_pixels_are_means_of_squares(everywhere):
    images = np.random.default_rng(0).uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32)
    means = images.reshape(2, 16, 4, 16, 4, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(
        damaged("resample", images, 1.0), np.kron(means, np.ones((1, 4, 4, 1))), atol=1e-5
    )


def test_a_ghost_is_half_another_picture_at_most(everywhere):
    images = pictures()
    others = np.roll(images, 1, axis=0)
    np.testing.assert_allclose(damaged("ghost", images, 1.0), (images + others) / 2, atol=1e-6)
    np.testing.assert_allclose(damaged("ghost", images, 0.5), 0.75 * images + 0.25 * others, atol=1e-6)


def test_a_patch_is_a_region_of_the_other_picture():
    shape = (40, 64, 64, 3)
    masks = (damaged("patch", -np.ones(shape, np.float32), 0.5, others=np.ones(shape, np.float32)) + 1) / 2
    assert masks.min() >= 0 and masks.max() <= 1
    # An ellipse of semiaxes 0.175 of the side, times 0.7 to 1.3, of which the edge may lie outside.
    areas = masks.mean(axis=(1, 2, 3))
    assert np.pi * (0.175 * 0.5) ** 2 < areas.min() and areas.max() < np.pi * (0.175 * 1.5) ** 2
    assert np.all(masks.max(axis=(1, 2, 3)) > 0.99)
    # They are in different places.
    peaks = masks[..., 0].reshape(40, -1).argmax(axis=1)
    assert len(set(peaks)) > 30


def test_bleeding_keeps_the_brightness(everywhere):
    images = pictures() * 0.3
    found = damaged("bleed", images, 1.0)
    weights = np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(found @ weights, images @ weights, atol=1e-5)
    assert np.abs(found - images).mean() > 0.02


def test_a_smear_repeats_rows_or_columns_before_its_middle():
    side = 64
    images = ramp(64, side)
    moves = (damaged("smear", images, 1.0) - images) * side
    # Read from above or from the left, never both.
    assert moves.max() < 1e-3
    rows, columns = (moves[..., channel].min(axis=(1, 2)) < -1 for channel in (0, 1))
    assert np.all(rows != columns)
    assert 10 < rows.sum() < 54


def test_what_fades_ends_in_its_mean_colour(everywhere):
    images = pictures()
    means = images.mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(damaged("fade", images, 1.0), np.broadcast_to(means, images.shape), atol=1e-5)
    np.testing.assert_allclose(damaged("fade", images, 0.5), (images + means) / 2, atol=1e-5)


def test_what_is_tolerated_is_faint_and_leaves_a_third_alone():
    images = pictures(300, 64)
    found = tolerate(tf.constant(images), tf.constant([0, 1])).numpy()
    changes = np.sqrt(np.mean((found - images) ** 2, axis=(1, 2, 3)))
    assert np.mean(changes == 0) == pytest.approx(1 / 3, abs=0.08)
    # Far from edges nothing but grain and mottle is left: deviations below 0.04 and 0.06.
    flat = np.full((300, 64, 64, 3), 0.1, np.float32)
    deviations = np.std(tolerate(tf.constant(flat), tf.constant([0, 2])).numpy(), axis=(1, 2, 3))
    assert 0.03 < deviations.max() < np.hypot(0.04, 0.06)
    # Nothing is moved by more than about a hundredth of the side.
    places = tolerate(tf.constant(ramp(200, 64)), tf.constant([0, 3])).numpy()[:, 8:-8, 8:-8]
    moves = np.abs((places - ramp(200, 64)[:, 8:-8, 8:-8]).mean(axis=(1, 2)))
    assert 0.001 < moves.max() < 0.015


def test_a_batch_gets_every_kind_in_turn():
    kinds = len(DAMAGES)
    images = pictures(2 * kinds + 3)
    found = corrupt(tf.constant(images), tf.constant([0, 1])).numpy()
    # Those of the first kind first, and so on.
    order = np.concatenate([np.arange(kind, len(images), kinds) for kind in range(kinds)])
    own = np.abs(found - images[order]).mean(axis=(1, 2, 3))
    other = np.abs(found - np.roll(images, 1, axis=0)[order]).mean(axis=(1, 2, 3))
    assert np.all(own > 0) and np.all(own < other)
    again, another = (corrupt(tf.constant(images), tf.constant([0, seed])).numpy() for seed in (1, 2))
    np.testing.assert_array_equal(again, found)
    assert not np.allclose(another, found, atol=1e-3)
