"""Colors of a GIF: close to the true ones, and steady where the true ones are."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageSequence

from anime_gan.faces.picture_files import save_animation


def walk(channels: int, count: int = 10, side: int = 48) -> np.ndarray:
    """A disc that changes its color and grows and shrinks, on a still background of many colors."""
    rows, columns = np.mgrid[:side, :side]
    frames = np.zeros((count, side, side, channels), np.uint8)
    for number, frame in enumerate(frames):
        wave = np.sin(np.pi * number / count)
        frame[..., :3] = np.stack([5 * rows, 5 * columns, (3 * rows + 2 * columns) % 256], axis=-1)
        disc = (rows - 24) ** 2 + (columns - 24) ** 2 < (8 + 10 * wave) ** 2
        shade = np.stack([40 + 200 * wave + rows, 120 + 2 * columns, 200 - 150 * wave + 0 * rows], axis=-1)
        frame[disc, :3] = np.clip(shade, 0, 255)[disc].astype(np.uint8)
        if channels == 4:
            frame[..., 3] = np.where(disc | (rows > 30), 255, 0)
    return frames


def shown(path) -> np.ndarray:
    with Image.open(path) as image:
        return np.stack([np.asarray(frame.convert("RGBA")) for frame in ImageSequence.Iterator(image)])


@pytest.mark.parametrize("channels", [3, 4])
def test_a_color_stays_where_the_true_color_stays(tmp_path, channels):
    frames = walk(channels)
    save_animation(tmp_path / "a.gif", frames, 20, {})
    found = shown(tmp_path / "a.gif")
    assert found.shape[:3] == frames.shape[:3]
    # The last frame is followed by the first.
    still = (frames == np.roll(frames, 1, axis=0)).all(axis=-1)
    assert still.mean() > 0.5
    steady = (found == np.roll(found, 1, axis=0)).all(axis=-1)
    assert steady[still].all()
    if channels == 4:
        np.testing.assert_array_equal(found[..., 3], frames[..., 3])
    visible = found[..., 3] > 0
    error = np.abs(found[visible][:, :3].astype(int) - frames[visible][:, :3])
    assert error.mean() < 4


def test_few_colors_are_exact(tmp_path):
    frames = np.random.default_rng(3).integers(0, 4, (6, 20, 20, 3)).astype(np.uint8) * 80
    save_animation(tmp_path / "a.gif", frames, 20, {})
    np.testing.assert_array_equal(shown(tmp_path / "a.gif")[..., :3], frames)


def test_a_full_palette_serves_what_changes_next(tmp_path):
    """The first frame takes all colors, and one pixel of 2,304 changes at a time."""
    frames = np.repeat(walk(3, 1), 5, axis=0)
    for number in range(1, 5):
        frames[number:, number, number] = (255, 0, 255)
    save_animation(tmp_path / "a.gif", frames, 20, {})
    found = shown(tmp_path / "a.gif")[..., :3]
    rest = np.ones((48, 48), bool)
    rest[np.arange(1, 5), np.arange(1, 5)] = False
    assert (found[:, rest] == found[0, rest]).all()
    assert all((found[number:, number, number] == (255, 0, 255)).all() for number in range(1, 5))
