"""Transparency: straight and premultiplied alpha, and pictures on a background.

Images in uint8, as in files, have straight alpha: their colors do not depend on their alpha. Images in
floats, as in networks, have premultiplied alpha (Porter and Duff 1984, "Compositing Digital Images", section
2). All fully transparent pixels then have the same value, and filters weight colors by alpha.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from PIL import ImageColor

from anime_gan.common.errors import InputError
from anime_gan.common.suggestions import nearest

Color = tuple[int, int, int]

# Value of `--transparent` -> whether images keep their alpha channel. None lets the source decide.
TRANSPARENT: Mapping[str, bool | None] = MappingProxyType({"auto": None, "yes": True, "no": False})
TRANSPARENT_HELP = (
    "whether images keep their alpha channel: yes, no, or auto. With auto, drawn faces keep it, and so do "
    "folders in which nearly all images have transparent pixels. Opaque images among transparent ones are "
    "skipped"
)


def transparency(channels: int) -> str:
    """Returns the value of `--transparent` for the images of a model with 3 or 4 channels."""
    return "yes" if channels == 4 else "no"


def parse_color(name: str) -> Color:
    """Returns the sRGB values, 0..255, of a color such as "white" or "#c8d8f0".

    Raises:
        InputError: There is no such color (field `background`).
    """
    with contextlib.suppress(ValueError):
        red, green, blue = ImageColor.getrgb(name)[:3]
        return red, green, blue
    hint = nearest(name, ImageColor.colormap)
    raise InputError(f"must be transparent, #rrggbb, or a CSS color name{hint}", "background", name)


def parse_background(name: str) -> Color | None:
    """Returns the color of a background, as in `parse_color`; None for "transparent".

    Raises:
        InputError: There is no such color (field `background`).
    """
    return None if name == "transparent" else parse_color(name)


def has_alpha(images: np.ndarray) -> bool:
    """Whether images, [..., h, w, channels], have an alpha channel."""
    return images.shape[-1] == 4


def straight_alpha(images: np.ndarray) -> np.ndarray:
    """Divides colors by alpha.

    Args:
        images: Premultiplied RGBA in 0..255, [..., 4]. Colors above alpha, which a sharpening filter can
            produce, are clipped.

    Returns:
        uint8 [..., 4]; transparent pixels are black.
    """
    colors, alpha = images[..., :3].astype(np.float32), np.rint(images[..., 3:])
    straight = np.minimum(255.0 * colors / np.maximum(alpha, 1), 255.0) * (alpha > 0)
    return np.concatenate([np.rint(straight), alpha], axis=-1).astype(np.uint8)


def premultiplied(images: np.ndarray) -> np.ndarray:
    """Multiplies colors by alpha; returns float32 [..., channels] in 0..255.

    Args:
        images: uint8 [..., 3 or 4] with straight alpha. RGB stays as it is.
    """
    values = images.astype(np.float32)
    if has_alpha(images):
        values[..., :3] *= values[..., 3:] * np.float32(1 / 255)
    return values


def on_background(images: np.ndarray, color: Color | None) -> np.ndarray:
    """Puts images on a background of one color; returns uint8 RGB [..., 3].

    Args:
        images: uint8 [..., 3 or 4] with straight alpha. RGB stays as it is.
        color: sRGB, 0..255. As in other programs, sRGB values are mixed, not linear light. None keeps the
            images transparent.
    """
    if color is None or not has_alpha(images):
        return images
    values = premultiplied(images)
    passing = 1.0 - values[..., 3:] * np.float32(1 / 255)
    mixed: np.ndarray = np.rint(values[..., :3] + passing * np.array(color, np.float32)).astype(np.uint8)
    return mixed
