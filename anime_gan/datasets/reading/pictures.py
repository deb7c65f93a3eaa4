"""Picture files as people have them: each is read right, or refused with a short reason."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile, TiffImagePlugin, UnidentifiedImageError

from anime_gan.common.errors import InputError

MAX_BYTES = 256 * 2**20
MAX_PIXELS = 100_000_000
MIN_SIDE = 16  # Pixels along the shorter side.

# Decoded inside this process, and known by their first bytes. Left out: TGA, which has no such bytes, and
# EPS and its like, which are programs. MPO is a kind of JPEG; AVIF is missing from old versions of Pillow.
Image.init()
_WANTED = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")
FORMATS = tuple(name for name in _WANTED if name in Image.OPEN)

# What Pillow cannot identify, but has one of these in its first 16 bytes, is a picture that is broken.
SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"WEBP", b"GIF8", b"II*\0", b"MM\0*", b"jP  \r\n", b"ftypavi")
BROKEN = "broken, truncated, or of an unsupported kind"

# EXIF's Orientation: what must be done to the stored picture; 1 is nothing.
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
    """A file holds no usable picture; the message is a short reason, without the file's name."""


def read_picture(data: bytes, resolution: int) -> np.ndarray:
    """Decodes one image file's bytes; what kind of file it is, the bytes say.

    Gives the middle square, upright, in sRGB, with transparency on white; of an animation the first frame.
    Smaller pictures are enlarged. Not for several threads at once: warnings are silenced process-wide.

    Args:
        data: The whole file.
        resolution: Pixels along a side of the result.

    Returns:
        uint8 [resolution, resolution, 3], RGB.

    Raises:
        PictureError: The file holds no usable picture, whatever is wrong with it.
    """
    return _read(data, lambda image: _middle_square(image, resolution))


def read_whole_picture(data: bytes, longest: int) -> np.ndarray:
    """Decodes one image file's bytes without cropping; like `read_picture` in everything else.

    Args:
        data: The whole file.
        longest: Pixels along the longer side that the result has at most; nothing is enlarged.

    Returns:
        uint8 [height, width, 3], RGB.

    Raises:
        PictureError: The file holds no usable picture, whatever is wrong with it.
    """
    return _read(data, lambda image: _whole(image, longest))


def _read(data: bytes, finish: Callable[[ImageFile.ImageFile], np.ndarray]) -> np.ndarray:
    """Opens a file that was found to be good, and finishes it."""
    if not data:
        raise PictureError("empty file")
    if len(data) > MAX_BYTES:
        raise PictureError(f"too large: {len(data):,} bytes, the limit is {MAX_BYTES:,}")
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
        raise PictureError("too large for the memory") from error
    except UnidentifiedImageError as error:
        known = any(signature in data[:16] for signature in SIGNATURES)
        raise PictureError(BROKEN if known else "not a picture of a known format") from error
    except Exception as error:  # On broken files Pillow raises almost anything.
        raise PictureError(BROKEN) from error


@contextlib.contextmanager
def _quiet(data: bytes) -> Iterator[None]:
    """Keeps the console free of Pillow's warnings, and of what libtiff prints past Python."""
    with warnings.catch_warnings(), contextlib.ExitStack() as restore:
        warnings.simplefilter("ignore")
        if data[:2] in (b"II", b"MM"):
            stderr = os.dup(2)
            restore.callback(os.close, stderr)
            restore.callback(os.dup2, stderr, 2)
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
        yield


def _check(data: bytes) -> None:
    """Refuses, from the header, what is not worth decoding or would be decoded wrongly."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise PictureError(f"too large: {width}x{height} pixels, the limit is {MAX_PIXELS:,} pixels")
        if min(width, height) < MIN_SIDE:
            raise PictureError(f"too small: {width}x{height} pixels")
        if image.mode == "F":
            raise PictureError("floating-point pixels: what is white is unknown")
        _check_completeness(image)
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            _check_tiff(image)
        if image.format == "PNG":
            _check_png(image, data[24])  # The bit depth.


def _check_completeness(image: ImageFile.ImageFile) -> None:
    """Pillow paints what the parts of a TIFF or the first frame of a GIF leave open in some colour."""
    boxes = [box for _, box, *_ in image.tile if box]
    covered = sum((right - left) * (bottom - top) for left, top, right, bottom in boxes)
    if boxes and covered < image.width * image.height and "transparency" not in image.info:
        raise PictureError("a part of the picture is missing")


def _check_tiff(image: TiffImagePlugin.TiffImageFile) -> None:
    """Pillow gives greys of 12 bits as they are, and those of 16 bits as if 0 was always black."""
    bits = image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE)
    zero_is_black = image.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 1
    if image.mode.startswith("I;16") and (bits != (16,) or not zero_is_black):
        raise PictureError("an unsupported kind of grey TIFF")


def _check_png(image: ImageFile.ImageFile, depth: int) -> None:
    """Pillow compares pixels made 8 bits deep with a transparent colour as deep as in the file."""
    if depth != 8 and image.mode not in ("1", "P") and "transparency" in image.info:
        raise PictureError(f"a transparent colour of {depth} bits a channel is not supported")
    image.verify()  # Compares all checksums; decoding leaves some out.


def _middle_square(image: ImageFile.ImageFile, resolution: int) -> np.ndarray:
    """Decodes, crops and reduces: uint8 [resolution, resolution, 3]."""
    # JPEGs are decoded at a half, quarter or eighth if that leaves four pixels for each one wanted.
    draft = image.draft(None, (4 * resolution, 4 * resolution))
    image.load()
    width, height = draft[1][2:] if draft else image.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    square = _flat(image).resize(
        (resolution, resolution),
        Image.Resampling.LANCZOS,
        box=(left, top, left + side, top + side),
        reducing_gap=3.0,
    )
    return _upright_in_srgb(square, image)


def _whole(image: ImageFile.ImageFile, longest: int) -> np.ndarray:
    """Decodes and reduces: uint8 [height, width, 3]."""
    # No draft, unlike for squares: of a large picture a small part is wanted, with every pixel.
    image.load()
    flat = _flat(image)
    share = longest / max(flat.size)
    if share < 1:
        size = (max(1, round(flat.width * share)), max(1, round(flat.height * share)))
        flat = flat.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return _upright_in_srgb(flat, image)


def _upright_in_srgb(picture: Image.Image, image: ImageFile.ImageFile) -> np.ndarray:
    """Colours and orientation come last because then there are few pixels: uint8 [height, width, 3]."""
    picture = _in_srgb(picture, image.info.get("icc_profile"))
    orientation = _orientation(image)
    return np.array(picture.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else picture)


def _flat(image: Image.Image) -> Image.Image:
    """8 bits a channel without transparency: mode L, RGB or CMYK.

    Transparent pixels go on white: the colours they hide are arbitrary, often black, and nobody was meant
    to see them. Before resizing, or those colours would bleed into the edges.
    """
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int32)
        if values.min() < 0 or values.max() > 65535:
            raise PictureError("grey values of more than 16 bits")
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        colors = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(colors, mask=colors)
        return white
    return image if image.mode in ("L", "CMYK") else image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Mode RGB, from the colours that the embedded ICC profile means, if there is a usable one."""
    for mode in (image.mode, "RGB"):  # Grey pictures often carry the profile of a colour picture.
        transform = _transform_to_srgb(profile, mode) if profile else None
        if transform:
            return ImageCms.applyTransform(image.convert(mode), transform) or image
    return image.convert("RGB")


@functools.lru_cache(maxsize=8)  # Few profiles are in use, and each takes milliseconds.
def _transform_to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """None if the profile is broken, or for another kind of colours."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # Pillow raises almost anything on broken EXIF data; the picture can do without.
        return 1
