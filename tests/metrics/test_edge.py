"""The edge of transparent images, with values computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from anime_gan.metrics.edge import alpha_texture, edge_length_ratio


def with_alpha(alpha: np.ndarray) -> np.ndarray:
    colors = np.random.default_rng(0).integers(0, 256, (*alpha.shape, 3), np.uint8)
    return np.concatenate([colors, alpha[..., None].astype(np.uint8)], axis=3)


def squares(count: int, side: int, soft: tuple[int, ...]) -> np.ndarray:
    """Opaque on the left, transparent on the right, with columns of other alpha between them."""
    alpha = np.zeros((count, side, side), np.uint8)
    alpha[:, :, : side // 2] = 255
    for place, value in enumerate(soft):
        alpha[:, :, side // 2 + place] = value
    return with_alpha(alpha)


@pytest.mark.parametrize(
    ("soft", "width"), [((), 0.0), ((100,), 1.0), ((200, 100), 2.0), ((250, 240, 200, 150, 20, 5), 4.0)]
)
def test_the_width_of_an_edge_is_its_partially_transparent_pixels(soft, width):
    assert edge_length_ratio(squares(3, 16, soft)) == width


def test_every_image_counts_by_the_length_of_its_outline():
    # A square of 4x4: an outline of 16 pixel sides. Haze outside: 10x10 - 4x4 partial pixels.
    alpha = np.zeros((300, 10, 10), np.uint8)
    alpha[:, 3:7, 3:7] = 255
    alpha[0][alpha[0] == 0] = 30
    assert edge_length_ratio(with_alpha(alpha)) == pytest.approx(84 / (16 * 300))


def test_without_an_outline_there_is_no_width():
    assert np.isnan(edge_length_ratio(with_alpha(np.full((2, 8, 8), 255))))
    with pytest.raises(ValueError, match="no alpha channel"):
        edge_length_ratio(np.zeros((2, 8, 8, 3), np.uint8))


def test_dither_at_the_edge_is_found_whatever_the_colors():
    random = np.random.default_rng(1)
    smooth = np.zeros((32, 32, 32))
    rows = np.arange(32)
    for image in smooth:
        image[:] = np.clip((rows[None, :] - 16 - 6 * np.sin(random.uniform(0, 6) + rows[:, None] / 5)), -1, 1)
    smooth = np.round(127.5 + 127.5 * smooth)
    halves = with_alpha(smooth[:16]), with_alpha(smooth[16:])
    dithered = smooth[16:].copy()
    edge = np.abs(np.diff(smooth[16:], axis=2, prepend=0)) > 0
    dithered[edge] = random.choice([0.0, 255.0], edge.sum())
    natural = alpha_texture(*halves)
    assert alpha_texture(halves[0], with_alpha(dithered)) > 2 * natural
    assert alpha_texture(halves[0], halves[0]) == 0
