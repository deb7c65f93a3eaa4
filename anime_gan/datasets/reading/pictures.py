"""Decodes image files of any origin: each is decoded correctly, or rejected with a short reason."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from PIL import (
    ExifTags,
    Image,
    ImageCms,
    ImageFile,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
)

from anime_gan.common.alpha import straight_alpha
from anime_gan.common.errors import InputError
from anime_gan.datasets.reading.png_text import without_text

MAX_BYTES = 256 * 2**20
MAX_PIXELS = 100_000_000
MAX_PROFILE = 16 * 2**20  # Bytes of a color profile. Pillow permits 1 MiB.
MIN_SIDE = 16  # Pixels along the shorter side.
# Pixels with a lower alpha are transparent. A picture with a smaller share of transparent pixels is opaque.
HALF_TRANSPARENT = 128
MIN_TRANSPARENT = 0.01
OPAQUE = "opaque picture among transparent ones"

# Formats that are identified by their first bytes and decoded in this process. TGA files have no such bytes,
# and EPS files are programs. MPO files are opened as JPEG. Old versions of Pillow do not support AVIF. HEIF
# needs the plug-in of the extra [heic].
Image.init()
with contextlib.suppress(ImportError):
    import pi_heif

    pi_heif.register_heif_opener()
_WANTED = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF", "HEIF")
FORMATS = tuple(name for name in _WANTED if name in Image.OPEN)

# A file that Pillow cannot identify is a broken image if its first 16 bytes contain one of these.
SIGNATURES = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"WEBP",
    b"GIF8",
    b"II*\0",
    b"MM\0*",
    b"jP  \r\n",
    b"ftypavi",
    b"ftyphei",
)
BROKEN = "broken, truncated, or of an unsupported kind"

# EXIF orientation -> the operation that makes the image upright; 1 needs none.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class PictureError(InputError):
    """A file contains no usable image; the message is a short reason without the file's name."""


def read_picture(data: bytes, resolution: int, transparent: bool = False) -> np.ndarray:
    """Decodes the center square of an image file: upright, in sRGB, on white or with its alpha channel.

    The format is detected from the bytes. Only the first frame of an animation is used. Smaller images are
    enlarged. The function is not thread-safe, because it silences warnings for the whole process.

    Args:
        data: The content of the file.
        resolution: Side of the result in pixels.
        transparent: Whether to keep the alpha channel. An opaque image is then unusable.

    Returns:
        uint8 [resolution, resolution, 3], RGB; or [resolution, resolution, 4], RGBA with straight alpha.

    Raises:
        PictureError: The file contains no usable image.
    """
    return _read(data, lambda image: _middle_square(image, resolution, transparent))


def is_transparent(data: bytes) -> bool:
    """Whether at least the share `MIN_TRANSPARENT` of an image file's center square is transparent."""
    with contextlib.suppress(PictureError):
        return bool(read_picture(data, MIN_SIDE, transparent=True).size)
    return False


def read_whole_picture(data: bytes, longest: int, transparent: bool = False) -> np.ndarray:
    """Decodes an image file like `read_picture`, but without cropping or enlarging.

    Args:
        data: The content of the file.
        longest: Maximum length of the longer side in pixels.
        transparent: Whether to keep the alpha channel if the picture has transparent pixels.

    Returns:
        uint8 [height, width, 3], RGB; or [height, width, 4], RGBA with straight alpha.

    Raises:
        PictureError: The file contains no usable image.
    """
    return _read(data, lambda image: _whole(image, longest, transparent))


def _read(data: bytes, finish: Callable[[ImageFile.ImageFile], np.ndarray]) -> np.ndarray:
    """Checks and opens an image file, and passes it to `finish`."""
    if not data:
        raise PictureError("empty file")
    if len(data) > MAX_BYTES:
        raise PictureError(f"too large: {len(data):,} bytes; the limit is {MAX_BYTES:,}")
    data = without_text(data)
    try:
        with _quiet(data):
            _check(data)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                return finish(image)
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(f"too large: the limit is {MAX_PIXELS:,} pixels") from error
    except MemoryError as error:
        raise PictureError("too large for the available memory") from error
    except UnidentifiedImageError as error:
        known = any(signature in data[:16] for signature in SIGNATURES)
        raise PictureError(BROKEN if known else "not a picture of a known format") from error
    except Exception as error:  # Pillow raises almost any exception on broken files.
        raise PictureError(BROKEN) from error


@contextlib.contextmanager
def _quiet(data: bytes) -> Iterator[None]:
    """Silences the warnings of Pillow and the direct output of libtiff, and permits large color profiles."""
    with warnings.catch_warnings(), contextlib.ExitStack() as restore:
        restore.callback(setattr, PngImagePlugin, "MAX_TEXT_CHUNK", PngImagePlugin.MAX_TEXT_CHUNK)
        PngImagePlugin.MAX_TEXT_CHUNK = MAX_PROFILE
        warnings.simplefilter("ignore")
        if data[:2] in (b"II", b"MM"):
            stderr = os.dup(2)
            restore.callback(os.close, stderr)
            restore.callback(os.dup2, stderr, 2)
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
        yield


def _check(data: bytes) -> None:
    """Checks the header; rejects an image that is too large, too small, or not decoded correctly."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise PictureError(f"too large: {width}x{height} pixels; the limit is {MAX_PIXELS:,} pixels")
        if min(width, height) < MIN_SIDE:
            raise PictureError(f"too small: {width}x{height} pixels")
        if image.mode == "F":
            raise PictureError("floating-point pixels: their value range is unknown")
        _check_completeness(image)
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            _check_tiff(image)
        if image.format == "PNG":
            _check_png(image, depth=data[24])


def _check_completeness(image: ImageFile.ImageFile) -> None:
    """Rejects an image with missing tiles or an incomplete first frame, which Pillow would fill in."""
    boxes = [box for _, box, *_ in image.tile if box]
    covered = sum((right - left) * (bottom - top) for left, top, right, bottom in boxes)
    if boxes and covered < image.width * image.height and "transparency" not in image.info:
        raise PictureError("incomplete: part of the image is missing")


def _check_tiff(image: TiffImagePlugin.TiffImageFile) -> None:
    """Rejects gray TIFFs that Pillow decodes incorrectly: with 12 bits, or with 16 bits and 0 as white."""
    bits = image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE)
    zero_is_black = image.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 1
    if image.mode.startswith("I;16") and (bits != (16,) or not zero_is_black):
        raise PictureError("unsupported kind of gray TIFF")


def _check_png(image: ImageFile.ImageFile, depth: int) -> None:
    """Rejects a transparent color that is not 8 bits deep: Pillow compares it with 8-bit pixels."""
    if depth != 8 and image.mode not in ("1", "P") and "transparency" in image.info:
        raise PictureError(f"unsupported transparent color of {depth} bits per channel")
    image.verify()  # Decoding alone does not check all checksums.


def _middle_square(image: ImageFile.ImageFile, resolution: int, transparent: bool) -> np.ndarray:
    """Decodes, crops, and resizes; returns uint8 [resolution, resolution, 3], or 4 if transparent."""
    if transparent and not image.has_transparency_data:
        raise PictureError(OPAQUE)
    # JPEGs are decoded at 1/2, 1/4, or 1/8 of their size if that leaves 4x4 pixels per output pixel.
    draft = image.draft(None, (4 * resolution, 4 * resolution))
    image.load()
    width, height = draft[1][2:] if draft else image.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    square = (_premultiplied(image) if transparent else _flat(image)).resize(
        (resolution, resolution),
        Image.Resampling.LANCZOS,
        box=(left, top, left + side, top + side),
        reducing_gap=3.0,
    )
    if not transparent:
        return np.array(_upright(_in_srgb(square, image), image))
    if _is_opaque(square):
        raise PictureError(OPAQUE)
    return _straight(square, image)


def _whole(image: ImageFile.ImageFile, longest: int, transparent: bool) -> np.ndarray:
    """Decodes and reduces; returns uint8 [height, width, 3], or 4 if the image stays transparent."""
    # Draft mode is not used, because small parts of a large image are cropped later at full resolution.
    image.load()
    transparent = transparent and image.has_transparency_data
    pixels = _premultiplied(image) if transparent else _flat(image)
    if transparent and _is_opaque(pixels):
        transparent, pixels = False, _flat(image)
    share = longest / max(pixels.size)
    if share < 1:
        size = (max(1, round(pixels.width * share)), max(1, round(pixels.height * share)))
        pixels = pixels.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    if transparent:
        return _straight(pixels, image)
    # The colors are converted last, when few pixels are left.
    return np.array(_upright(_in_srgb(pixels, image), image))


def _is_opaque(premultiplied: Image.Image) -> bool:
    """Whether fewer than `MIN_TRANSPARENT` of the pixels are transparent."""
    alpha = np.array(premultiplied.getchannel(3))
    return bool(np.mean(alpha < HALF_TRANSPARENT) < MIN_TRANSPARENT)


def _straight(premultiplied: Image.Image, image: ImageFile.ImageFile) -> np.ndarray:
    """Returns RGBA with straight alpha in sRGB, upright: uint8 [height, width, 4]."""
    straight = Image.fromarray(straight_alpha(np.array(premultiplied)))
    colors = _in_srgb(straight.convert("RGB"), image)
    return np.array(_upright(Image.merge("RGBA", (*colors.split(), straight.getchannel("A"))), image))


def _upright(picture: Image.Image, image: ImageFile.ImageFile) -> Image.Image:
    """Turns a picture upright, as the EXIF data of its file specifies."""
    orientation = _orientation(image)
    return picture.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else picture


def _premultiplied(image: ImageFile.ImageFile) -> Image.Image:
    """Converts to premultiplied RGBA, so that hidden colors do not bleed into the edges.

    The result has the mode "RGBX", whose bands Pillow filters independently.
    """
    colors = image.convert("RGBA").convert("RGBa")
    return Image.frombytes("RGBX", colors.size, colors.tobytes())


def _flat(image: Image.Image) -> Image.Image:
    """Converts to 8 bits per channel without transparency: mode L, RGB, or CMYK.

    Transparent pixels become white, because the colors that they hide are arbitrary. This happens before
    resizing, so that hidden colors do not bleed into the edges.
    """
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int32)
        if values.min() < 0 or values.max() > 65535:
            raise PictureError("gray values of more than 16 bits")
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        colors = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(colors, mask=colors)
        return white
    return image if image.mode in ("L", "CMYK") else image.convert("RGB")


def _in_srgb(picture: Image.Image, image: ImageFile.ImageFile) -> Image.Image:
    """Converts to sRGB with the ICC profile embedded in the file, if it is usable."""
    profile: bytes | None = image.info.get("icc_profile")
    for mode in (picture.mode, "RGB"):  # Gray images often have the profile of a color image.
        transform = _transform_to_srgb(profile, mode) if profile else None
        if transform:
            return ImageCms.applyTransform(picture.convert(mode), transform) or picture
    return picture.convert("RGB")


@functools.lru_cache(maxsize=8)  # Few profiles are in use, and each transform takes milliseconds to build.
def _transform_to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Returns the transform to sRGB; None if the profile is broken or for another color model."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None


def _orientation(image: Image.Image) -> int:
    try:
        orientation: int = image.getexif().get(ExifTags.Base.Orientation, 1)
        return orientation
    except Exception:  # Pillow raises almost any exception on broken EXIF data, which is then ignored.
        return 1
