"""Interpolation between faces."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import geometric_slerp

from anime_gan.faces.interpolation import closed_path, ring, slerp


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_unit_vectors_as_scipy_has_them(share):
    random = np.random.default_rng(1)
    first, last = random.standard_normal((2, 20))
    first, last = first / np.linalg.norm(first), last / np.linalg.norm(last)
    expected = geometric_slerp(first, last, share)
    np.testing.assert_allclose(slerp(first, last, share), expected, atol=1e-6)


def test_halfway_between_two_axes_is_the_diagonal_at_full_length():
    np.testing.assert_allclose(slerp(np.array([3, 0]), np.array([0, 3]), 0.5), [4.5**0.5] * 2, rtol=1e-6)


@pytest.mark.parametrize("last", [[2.0, 0.0], [-2.0, 0.0], [0.0, 0.0], [4.0, 0.0]])
def test_without_an_arc_it_goes_straight(last):
    middle = slerp(np.array([2.0, 0.0]), np.array(last), 0.25)
    np.testing.assert_allclose(middle, 0.75 * np.array([2.0, 0.0]) + 0.25 * np.array(last), atol=1e-6)


def test_a_path_meets_every_keyframe_and_comes_back():
    random = np.random.default_rng(2)
    latents = random.standard_normal((3, 8)).astype(np.float32)
    labels = random.choice([-1.0, 1.0], (3, 5)).astype(np.float32)
    path, mixed = closed_path(latents, labels, 24)
    assert path.shape == (24, 8) and mixed.shape == (24, 5)
    np.testing.assert_array_equal(path[::8], latents)
    np.testing.assert_array_equal(mixed[::8], labels)
    # Halfway, labels are the mean of both keyframes; the last part leads back to the first.
    for keyframe in range(3):
        following = (keyframe + 1) % 3
        np.testing.assert_allclose(
            mixed[8 * keyframe + 4], (labels[keyframe] + labels[following]) / 2, atol=1e-6
        )
    steps = np.linalg.norm(np.diff(np.concatenate([path, path[:1]]), axis=0), axis=1)
    # The step from the last frame to the first is as small as the first one of each part.
    assert steps[-1] < steps.mean() / 2
    # Slow at the keyframes, fast between: sin^2 has its maximum there.
    assert steps[3] > 2 * steps[0]


def test_frames_that_keyframes_do_not_divide():
    latents = np.eye(3, dtype=np.float32)
    path, mixed = closed_path(latents, np.zeros((3, 0), np.float32), 7)
    assert path.shape == (7, 3) and mixed.shape == (7, 0)
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), 1, rtol=1e-6)
    # Frame 3 of 7 is 9/7 on its way through three parts.
    share = 0.5 - 0.5 * np.cos(np.pi * 2 / 7)
    np.testing.assert_allclose(path[3], [0, np.cos(share * np.pi / 2), np.sin(share * np.pi / 2)], atol=1e-6)


def test_a_ring_lies_around_its_face():
    latent = np.random.default_rng(3).standard_normal(50).astype(np.float32)
    around = ring(latent, 0.4, 6, seed=9)
    assert around.shape == (6, 50) and around.dtype == np.float32
    norms = np.linalg.norm(around, axis=1)
    np.testing.assert_allclose(norms, np.linalg.norm(latent), rtol=1e-5)
    np.testing.assert_allclose(around @ latent / norms / np.linalg.norm(latent), np.cos(0.4), rtol=1e-5)
    # Evenly spaced: the distances are the sides of a hexagon with radius |z| sin(0.4).
    sides = np.linalg.norm(around - np.roll(around, 1, axis=0), axis=1)
    np.testing.assert_allclose(sides, np.linalg.norm(latent) * np.sin(0.4), rtol=1e-5)


def test_the_seed_decides_the_direction_of_a_perturbation():
    latent = np.random.default_rng(4).standard_normal(50)
    first, again, other = (ring(latent, 0.3, 1, seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    # In 50 dimensions two random directions are nearly orthogonal.
    moved, elsewhere = first - np.cos(0.3) * latent, other - np.cos(0.3) * latent
    cosine = moved @ elsewhere / np.linalg.norm(moved) / np.linalg.norm(elsewhere)
    assert abs(cosine) < 0.6
