"""Reduces the frames of an animation to palettes, so that a pixel that does not change keeps its color."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

from anime_gan.common.alpha import has_alpha
from anime_gan.datasets.reading.pictures import HALF_TRANSPARENT

# The index of transparent pixels; the other 255 colors of a palette are free.
CLEAR = 255


def reduced(frames: np.ndarray) -> Iterator[Image.Image]:
    """Yields each frame with its own palette; hair that changes its color would show bands in a shared one.

    A pixel that keeps its true color keeps its shown color. One that returns to its color in the first frame
    gets that shown color again, so that the loop has no seam. There is no dithering: its dots would crawl.

    Opaque frames are overlays: they are transparent where nothing changes, so that all colors serve the rest.
    Frames with transparency must be shown alone, so each palette also has the colors of what does not change.

    Args:
        frames: uint8 [n, h, w, 3 or 4], RGB or RGBA with straight alpha.
    """
    true = frames[..., :3].astype(np.int32) @ np.array([1 << 16, 1 << 8, 1])
    overlay = not has_alpha(frames)
    if not overlay:
        true = np.where(frames[..., 3] < HALF_TRANSPARENT, -1, true)
    before = first = np.full_like(true[0], -1)
    for number, colors in enumerate(true):
        still = (colors == true[number - 1]) & (number > 0)
        kept = np.where(still & (not overlay), before, -1)
        drawn = (colors >= 0) & ~still
        if number:
            returned = drawn & (colors == true[0])
            candidate = np.where(returned, first, kept)
            if len(_palette(candidate)) <= CLEAR:
                kept, drawn = candidate, drawn & ~returned
        shown = _draw(kept, colors, drawn, use_all=overlay)
        yield _with_palette(shown)
        before = np.where(still, before, shown)
        first = before if number == 0 else first


def _draw(kept: np.ndarray, colors: np.ndarray, drawn: np.ndarray, use_all: bool) -> np.ndarray:
    """Returns the shown colors: int [h, w], 0xRRGGBB, or -1 for transparent pixels.

    Args:
        kept: The shown colors that are settled, and -1.
        colors: The true colors.
        drawn: The pixels whose shown color is to be chosen.
        use_all: Whether to use all colors of the palette. Otherwise, some stay free for the frames that
            follow, because the colors that they must keep would use up all of them.
    """
    shown = kept.copy()
    if drawn.any():
        palette = _palette(kept)
        free = CLEAR - len(palette)
        count = free if use_all else free - free // 4
        palette = np.concatenate([palette, _new_colors(colors[drawn], count)])
        distinct, places = np.unique(colors[drawn], return_inverse=True)
        shown[drawn] = palette[_nearest(distinct, palette)][places.ravel()]
    return shown


def _palette(shown: np.ndarray) -> np.ndarray:
    """Returns the distinct visible colors."""
    return np.unique(shown[shown >= 0])


def _new_colors(colors: np.ndarray, count: int) -> np.ndarray:
    """Returns at most `count` colors that represent the given ones."""
    distinct = np.unique(colors)
    if len(distinct) <= count:
        return distinct
    if not count:
        return distinct[:0]
    pixels = Image.fromarray(_channels(colors)[np.newaxis].astype(np.uint8))
    picture = pixels.quantize(count, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    palette = np.array(picture.getpalette("RGB"), np.int32).reshape(-1, 3)[:count]
    return np.unique(palette @ np.array([1 << 16, 1 << 8, 1]))


def _nearest(colors: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Returns the index of the nearest color of the palette for each color."""
    a, b = _channels(colors).astype(np.float32), _channels(palette).astype(np.float32)
    # Squared distances without the part that is the same for the whole palette.
    return np.argmin(np.sum(b * b, axis=1) - 2 * a @ b.T, axis=1)


def _channels(colors: np.ndarray) -> np.ndarray:
    return np.stack([colors >> 16, colors >> 8 & 255, colors & 255], axis=-1)


def _with_palette(shown: np.ndarray) -> Image.Image:
    palette = _palette(shown)
    index = np.where(shown < 0, CLEAR, np.searchsorted(palette, shown)).astype(np.uint8)
    picture = Image.fromarray(index).convert("P")
    picture.putpalette(_channels(palette).astype(np.uint8).tobytes())
    return picture
