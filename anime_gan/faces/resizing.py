"""Changes the size of drawn faces, on premultiplied colors."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
from PIL import Image

from anime_gan.common.alpha import has_alpha, premultiplied, straight_alpha
from anime_gan.common.command_line import Flags
from anime_gan.common.errors import InputError
from anime_gan.faces.palette import MAX_COLORS, MIN_COLORS, snapped

MIN_SIZE, MAX_SIZE = 96, 1_024
PIXELS = (2, 3, 4)
SIZE_HELP = (
    f"side of the pictures in pixels ({MIN_SIZE} to {MAX_SIZE:,}; default: as the model draws them). The "
    'face stays the same. pip install "anime_gan[upscale]" for sharper lines in larger pictures'
)
PIXEL_HELP = "enlarges every pixel to a square of 2, 3, or 4 pixels, for pixel art"
PALETTE_HELP = (
    f"number of colors in each picture ({MIN_COLORS} to {MAX_COLORS}). Edges become hard, and if the model "
    "draws squares in place of pixels, each square gets a single color, as in pixel art (default: all colors)"
)
UPSCALE_NOTE = (
    'enlarged by Lanczos filtering; pip install "anime_gan[upscale]" for an upscaler that keeps lines sharp'
)
# The smaller of the package's networks that do not remove noise, which drawn faces do not have.
UPSCALER = "acnet-hdn0"
# A picture is not doubled to more than this factor of its final size, which would only take time.
TOLERANCE = 1.35


def define_scaling(flags: Flags) -> None:
    """Defines the flags `--size` and `--pixel`."""
    flags.integer("size", None, SIZE_HELP, MIN_SIZE, MAX_SIZE)
    flags.integer("pixel", None, PIXEL_HELP, min(PIXELS), max(PIXELS))


@dataclasses.dataclass(frozen=True)
class Scaling:
    """The size of the pictures, and the number of their colors.

    Attributes:
        size: Side in pixels; 0 for the side that the model draws.
        pixel: Side of the square that a pixel becomes; 0 for no change.
        palette: Number of colors, see `palette.snapped`; 0 for no change.
    """

    size: int = 0
    pixel: int = 0
    palette: int = 0

    def checked(self) -> Scaling:
        """Returns the same scaling.

        Raises:
            InputError: A number is out of range, or size is combined with pixel or palette.
        """
        if self.size != 0 and not MIN_SIZE <= self.size <= MAX_SIZE:
            raise InputError(f"must be {MIN_SIZE} to {MAX_SIZE:,}", "size", self.size)
        if self.pixel not in (0, *PIXELS):
            raise InputError(
                f"must be {', '.join(map(str, PIXELS[:-1]))}, or {PIXELS[-1]}", "pixel", self.pixel
            )
        if self.palette != 0 and not MIN_COLORS <= self.palette <= MAX_COLORS:
            raise InputError(f"must be {MIN_COLORS} to {MAX_COLORS}", "palette", self.palette)
        if self.size and self.palette:
            reason = "cannot be combined with --size, which blurs pixels; use --pixel"
            raise InputError(reason, "palette", self.palette)
        if self.size and self.pixel:
            raise InputError("cannot be combined with --size; use one of the two", "pixel", self.pixel)
        return self

    def side(self, drawn: int) -> int:
        """Returns the side of a picture whose face the model draws with the side `drawn`."""
        return self.size or drawn * max(1, self.pixel)

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Scales a square picture, uint8 [h, w, 3 or 4] with straight alpha."""
        if self.palette:
            image = snapped(image, self.palette)
        if self.pixel:
            return image.repeat(self.pixel, axis=0).repeat(self.pixel, axis=1)
        return resized(image, self.size) if self.size else image


def resized(image: np.ndarray, size: int) -> np.ndarray:
    """Changes the size of a square picture.

    It is reduced by Lanczos filtering. It is enlarged by an upscaler for line art if that is installed, in
    steps of two, and by Lanczos filtering otherwise.

    Args:
        image: uint8 [h, w, 3 or 4], RGB or RGBA with straight alpha.
        size: Side of the result in pixels.

    Returns:
        uint8 [size, size, channels].
    """
    if size == len(image):
        return image
    pixels = np.rint(premultiplied(image)).astype(np.uint8)
    if size > len(image) and has_upscaler():
        while 2 * len(pixels) <= TOLERANCE * size:
            pixels = _doubled(pixels)
    pixels = _lanczos(pixels, size)
    return straight_alpha(pixels) if has_alpha(image) else pixels


def has_upscaler() -> bool:
    """Whether the extra [upscale] is installed."""
    try:
        import pyanime4k  # noqa: F401
    except ImportError:
        return False
    return True


@functools.cache
def _upscaler() -> Any:
    import pyanime4k

    return pyanime4k.Processor(processor_type="cpu", device=0, model=UPSCALER)


def _doubled(pixels: np.ndarray) -> np.ndarray:
    """Doubles a picture with the upscaler; alpha is enlarged as a picture of its own."""
    upscale = _upscaler()
    colors = upscale(np.ascontiguousarray(pixels[..., :3]), 2.0)
    if not has_alpha(pixels):
        return np.asarray(colors)
    # A gray picture, so that alpha gets the same lines as the colors.
    alpha = upscale(np.ascontiguousarray(pixels[..., 3:].repeat(3, axis=2)), 2.0)
    return np.dstack([colors, np.asarray(alpha)[..., 1]])


def _lanczos(pixels: np.ndarray, size: int) -> np.ndarray:
    """Resizes RGB or premultiplied RGBA, whose bands Pillow filters independently in the mode "RGBX"."""
    if len(pixels) == size:
        return pixels
    height, width, channels = pixels.shape
    mode = "RGB" if channels == 3 else "RGBX"
    picture = Image.frombytes(mode, (width, height), np.ascontiguousarray(pixels).tobytes())
    return np.asarray(picture.resize((size, size), Image.Resampling.LANCZOS))
