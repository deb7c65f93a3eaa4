"""Pictures with few colors, hard edges, and even squares."""

from __future__ import annotations

import numpy as np
import pytest

from anime_gan.common.errors import InputError
from anime_gan.faces.palette import find_squares, snapped
from anime_gan.faces.request import FaceRequest, origin_from_text, request_text
from anime_gan.faces.resizing import Scaling

COLORS = np.array([[200, 30, 40], [20, 160, 60], [30, 40, 220], [240, 220, 190]])


def art(side: int, channels: int) -> np.ndarray:
    """Random pixels of four colors; every seventh is transparent."""
    numbers = np.random.default_rng(1).integers(4, size=(side, side))
    image = np.full((side, side, 4), 255, np.uint8)
    image[..., :3] = COLORS[numbers]
    image.reshape(-1, 4)[::7, 3] = 0
    return np.ascontiguousarray(image[..., :channels])


def noisy(image: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(2).normal(0, 6, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("square", [1, 2, 3, 4])
def test_noise_is_removed(square, channels):
    clean = art(12, channels).repeat(square, axis=0).repeat(square, axis=1)
    image = noisy(clean)
    assert find_squares(image) == square
    result = snapped(image, 4)
    assert result.shape == image.shape
    assert result.dtype == np.uint8
    visible = np.ones(clean.shape[:2], bool) if channels == 3 else clean[..., 3] > 0
    assert len(np.unique(result[visible][:, :3], axis=0)) == 4
    assert np.abs(result[visible].astype(int) - clean[visible]).max() <= 12
    if channels == 4:
        np.testing.assert_array_equal(result[..., 3], clean[..., 3])
    small = result[::square, ::square]
    np.testing.assert_array_equal(small.repeat(square, axis=0).repeat(square, axis=1), result)


def test_invisible_pictures_and_smooth_ones():
    assert not snapped(np.zeros((8, 8, 4), np.uint8), 8).any()
    ramp = np.arange(64, dtype=np.uint8).repeat(64 * 3).reshape(64, 64, 3)
    assert find_squares(ramp) == 1
    assert len(np.unique(snapped(ramp, 5).reshape(-1, 3), axis=0)) == 5


def test_the_option_is_stored_and_checked():
    request = FaceRequest(scaling=Scaling(pixel=2, palette=16))
    text = {**request_text(request), "model": "ab"}
    assert text["palette"] == "16"
    assert origin_from_text(text).request == request
    image = Scaling(pixel=2, palette=4).checked().apply(noisy(art(12, 3)))
    assert image.shape == (24, 24, 3)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) == 4
    for wrong in (Scaling(palette=1), Scaling(palette=257), Scaling(size=128, palette=8)):
        with pytest.raises(InputError, match="palette"):
            wrong.checked()
