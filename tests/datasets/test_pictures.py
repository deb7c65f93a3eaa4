"""Image files: decoded correctly, or rejected with a reason."""

from __future__ import annotations

import io
import os
import struct
import zlib

import numpy as np
import PIL
import pytest
from PIL import Image, ImageCms, ImageFile, ImageOps

from anime_gan.datasets.reading import pictures
from anime_gan.datasets.reading.pictures import PictureError, read_picture

WHITE, BLACK, RED, BLUE = (255, 255, 255), (0, 0, 0), (255, 0, 0), (0, 0, 255)
CORNERS = np.array([[RED, (0, 255, 0)], [BLUE, (255, 255, 0)]], np.uint8)


def enlarged(pixels: np.ndarray, factor: int) -> np.ndarray:
    return pixels.repeat(factor, 0).repeat(factor, 1)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def solid(mode: str, color, kind: str = "PNG", **options) -> bytes:
    return encoded(Image.new(mode, (32, 32), color), kind, **options)


def color_of(data: bytes) -> np.ndarray:
    """Decodes a picture with a single color; returns the color."""
    pixels = read_picture(data, 16).reshape(-1, 3)
    assert np.ptp(pixels, axis=0).max() <= 2
    return np.median(pixels, axis=0)


def refusal(data: bytes) -> str:
    with pytest.raises(PictureError) as caught:
        read_picture(data, 32)
    assert len(str(caught.value)) < 80 and "\n" not in str(caught.value)
    return str(caught.value)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, depth: int, color_type: int, rows: bytes, *extra: bytes) -> bytes:
    """Builds a PNG from packed `rows`, each with its filter byte."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0))
    body = b"".join(extra) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + body


def tiff(width: int, height: int, bits: int, photometric: int, pixels: bytes) -> bytes:
    """Builds a little-endian TIFF: one channel, one strip, no compression."""
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 122)]
    tags += [(277, 1), (278, height), (279, len(pixels))]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + pixels


@pytest.fixture(scope="module")
def painting() -> Image.Image:
    """A picture with soft colors and some grain, wider than high."""
    random = np.random.default_rng(3)
    soft = Image.fromarray(random.integers(0, 256, (4, 5, 3), np.uint8))
    pixels = np.asarray(soft.resize((24, 20), Image.Resampling.BICUBIC)).astype(int)
    return Image.fromarray(np.clip(pixels + random.integers(-20, 20, pixels.shape), 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def files(painting: Image.Image) -> dict[str, bytes]:
    """A small file of each supported kind."""
    few = painting.quantize(16)
    turned = [painting.transpose(Image.Transpose.ROTATE_180)]
    compressions = (None, "tiff_lzw", "tiff_deflate", "jpeg", "packbits")
    return {
        "png": encoded(painting, "PNG"),
        "palette": encoded(few, "PNG", transparency=3),
        "apng": encoded(painting, "PNG", save_all=True, append_images=turned),
        "jpeg": encoded(painting, "JPEG"),
        "progressive": encoded(painting, "JPEG", progressive=True),
        "cmyk": encoded(painting.convert("CMYK"), "JPEG"),
        "mpo": encoded(painting, "MPO", save_all=True, append_images=turned),
        "webp": encoded(painting, "WEBP"),
        "lossless webp": encoded(painting.convert("RGBA"), "WEBP", lossless=True),
        "gif": encoded(few, "GIF", save_all=True, append_images=[few.transpose(Image.Transpose.ROTATE_180)]),
        "bmp": encoded(painting, "BMP"),
        "ppm": encoded(painting, "PPM"),
        "jpeg2000": encoded(painting, "JPEG2000"),
        **{f"tiff {name}": encoded(painting, "TIFF", compression=name) for name in compressions},
        "fax": encoded(painting.convert("1"), "TIFF", compression="group4"),
        **({"avif": encoded(painting, "AVIF")} if "AVIF" in Image.SAVE else {}),
    }


# Formats.


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "TIFF", "PPM", "WEBP", "JPEG", "JPEG2000", "AVIF"])
def test_each_kind_of_file_shows_the_same_picture(kind):
    if kind not in Image.SAVE:
        pytest.skip(f"this Pillow cannot write {kind}")
    options = {
        "WEBP": {"lossless": True},
        "JPEG": {"quality": 95, "subsampling": 0},
        "AVIF": {"quality": 95, "subsampling": "4:4:4"},
    }
    data = encoded(Image.fromarray(enlarged(CORNERS, 16)), kind, **options.get(kind, {}))
    found = read_picture(data, 32)
    assert found.shape == (32, 32, 3) and found.dtype == np.uint8
    tolerance = 12 if kind in ("JPEG", "AVIF") else 0
    assert np.abs(found.astype(int) - enlarged(CORNERS, 16)).max() <= tolerance


@pytest.mark.parametrize(
    "data, expected",
    [
        (solid("RGB", (10, 20, 30)), (10, 20, 30)),
        (solid("L", 77), (77, 77, 77)),
        (solid("1", 1), WHITE),
        (solid("1", 0, "TIFF", compression="group4"), BLACK),
        (encoded(Image.new("RGB", (32, 32), (10, 20, 30)).quantize(), "PNG"), (10, 20, 30)),
        # Y, Cb, Cr of pure red in JPEG's full-range BT.601.
        pytest.param(
            solid("YCbCr", (76, 85, 255), "TIFF"),
            (254, 0, 0),
            marks=pytest.mark.skipif(PIL.__version__ < "13", reason="Pillow 12 cannot read what it writes"),
        ),
        # L* = 50.2% without chroma is a linear 18.6%, in sRGB 0.468 * 255.
        (solid("LAB", (128, 128, 128), "TIFF"), (119, 119, 119)),
        (solid("CMYK", (255, 0, 255, 0), "TIFF"), (0, 255, 0)),
        (tiff(16, 16, 8, 0, bytes([55]) * 256), (200, 200, 200)),  # 0 is white.
    ],
    ids=["rgb", "gray", "bit", "fax", "palette", "ycbcr", "lab", "cmyk", "white is zero"],
)
def test_color_models(data, expected):
    np.testing.assert_allclose(color_of(data), expected, atol=2)


def test_adobe_cmyk_jpegs_are_not_negatives():
    """Adobe stores inverted ink: 255 is no ink."""
    data = solid("CMYK", (0, 255, 255, 0), "JPEG", quality=95)
    assert b"Adobe" in data
    np.testing.assert_allclose(color_of(data), RED, atol=3)
    np.testing.assert_allclose(color_of(solid("CMYK", (0, 0, 0, 0), "JPEG")), WHITE, atol=3)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "MPO"])
def test_the_first_of_several_pictures(kind):
    second = Image.new("RGB", (32, 32), BLUE)
    data = solid("RGB", RED, kind, save_all=True, append_images=[second])
    np.testing.assert_allclose(color_of(data), RED, atol=3)


# Transparency.


@pytest.mark.parametrize(
    "data, expected",
    [
        (solid("RGBA", (255, 0, 0, 128)), (255, 127, 127)),  # 255 * 128 / 255 + 0 and 255 - 128.
        (solid("RGBA", (255, 0, 0, 128), "WEBP", lossless=True), (255, 127, 127)),
        (solid("RGBA", (255, 0, 0, 128), "TIFF"), (255, 127, 127)),
        (solid("RGBA", (0, 0, 0, 0)), WHITE),
        (solid("LA", (0, 51)), (204, 204, 204)),
        (solid("PA", (0, 51), "TIFF"), (204, 204, 204)),
        (solid("P", 0, transparency=0), WHITE),
        (solid("P", 0, transparency=bytes([51])), (204, 204, 204)),
        (solid("P", 0, "GIF", transparency=0), WHITE),
        (solid("RGB", (9, 8, 7), transparency=(9, 8, 7)), WHITE),
        (solid("RGB", (9, 8, 7), transparency=(9, 8, 6)), (9, 8, 7)),
        (solid("L", 9, transparency=9), WHITE),
        (solid("1", 0, transparency=0), WHITE),
    ],
    ids=[
        "rgba",
        "webp",
        "tiff",
        "hidden",
        "la",
        "pa",
        "index",
        "indices",
        "gif",
        "rgb",
        "other",
        "gray",
        "bit",
    ],
)
def test_transparency_is_on_white(data, expected):
    np.testing.assert_allclose(color_of(data), expected, atol=1)


def test_edges_have_no_dark_fringes():
    """The edge of a pale disc on transparent black must not be darker than the disc."""
    y, x = np.mgrid[:200, :200] - 99.5
    disc = np.zeros((200, 200, 4), np.uint8)
    disc[np.hypot(x, y) < 70] = (250, 200, 200, 255)
    found = read_picture(encoded(Image.fromarray(disc), "PNG"), 20).astype(float)
    opaque = np.where(disc[..., 3:] > 0, disc[..., :3], 255).astype(float)
    reference = opaque.reshape(20, 10, 20, 10, 3).mean((1, 3))
    assert found[..., 1].min() > 188  # Lanczos overshoots by a tenth of the step of 55.
    assert np.abs(found - reference).max() < 16


# Bit depth.

GRADIENT = np.linspace(0, 65535, 32 * 32).astype(np.uint16).reshape(32, 32)


@pytest.mark.parametrize(
    "data",
    [
        encoded(Image.fromarray(GRADIENT), "PNG"),
        encoded(Image.fromarray(GRADIENT), "TIFF"),
        encoded(Image.fromarray(GRADIENT), "TIFF", compression="tiff_lzw"),
        encoded(Image.frombytes("I;16B", (32, 32), GRADIENT.astype(">u2").tobytes()), "TIFF"),
        encoded(Image.fromarray(GRADIENT.astype(np.int32)), "TIFF"),
        b"P5 32 32 65535\n" + GRADIENT.astype(">u2").tobytes(),
    ],
    ids=["png", "tiff", "lzw", "big-endian tiff", "32-bit tiff", "pgm"],
)
def test_sixteen_bit_grey_is_scaled(data):
    expected = np.round(GRADIENT / 257)
    assert np.abs(read_picture(data, 32) - expected[..., None]).max() == 0


def test_sixteen_bit_color_is_scaled():
    row = b"\0" + struct.pack(">3H", 10 * 257, 128 * 257, 65535) * 16
    np.testing.assert_allclose(color_of(png(16, 16, 16, 2, row * 16)), (10, 128, 255), atol=1)


@pytest.mark.parametrize(
    "data, reason",
    [
        (solid("F", 0.5, "TIFF"), "floating-point"),
        (solid("I", 70000, "TIFF"), "more than 16 bits"),
        (solid("I", -1, "TIFF"), "more than 16 bits"),
        (tiff(16, 16, 12, 1, bytes(384)), "unsupported kind of gray"),
        (tiff(16, 16, 16, 0, bytes(512)), "unsupported kind of gray"),
        (png(16, 16, 4, 0, (b"\0" + b"\x33" * 8) * 16, chunk(b"tRNS", b"\0\3")), "4 bits"),
        (png(16, 16, 16, 2, (b"\0" + bytes(96)) * 16, chunk(b"tRNS", bytes(6))), "16 bits"),
    ],
    ids=["float", "32 bits", "negative", "12 bits", "white is zero", "tRNS of 4 bits", "tRNS of 16 bits"],
)
def test_what_would_be_read_wrongly_is_refused(data, reason):
    assert reason in refusal(data)


# Embedded color profiles.


def icc_profile(space: bytes, tags: dict[bytes, bytes], connection: bytes = b"XYZ ") -> bytes:
    """An ICC profile, version 2.4, for a screen or (CMYK) a printer."""
    white = struct.pack(">4s4x3i", b"XYZ ", *(round(value * 65536) for value in (0.9642, 1, 0.8249)))
    tags = {b"wtpt": white, **tags}
    table, content = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(content), len(value))
        content += value + bytes(-len(value) % 4)
    device = b"prtr" if space == b"CMYK" else b"mntr"
    size = 128 + len(table) + len(content)
    header = struct.pack(">I4xI4s4s4s12x4s28x", size, 0x02400000, device, space, connection, b"acsp")
    return (header + white[8:]).ljust(128, b"\0") + table + content


def xyz(*values: float) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *(round(value * 65536) for value in values))


LINEAR = struct.pack(">4s4xI", b"curv", 0)
# sRGB's primaries with red and green swapped, and a linear curve.
SWAPPED = icc_profile(
    b"RGB ",
    {
        b"rXYZ": xyz(0.3851, 0.7169, 0.0971),
        b"gXYZ": xyz(0.4361, 0.2225, 0.0139),
        b"bXYZ": xyz(0.1431, 0.0606, 0.7141),
        b"rTRC": LINEAR,
        b"gTRC": LINEAR,
        b"bTRC": LINEAR,
    },
)
LINEAR_GREY = icc_profile(b"GRAY", {b"kTRC": LINEAR})


def inks() -> bytes:
    """A CMYK profile with black for black ink, middle gray for any other ink, and white for paper."""
    ramp = bytes(range(256))
    lightness = [255] + [0 if number % 2 else 128 for number in range(1, 16)]  # Black is the last digit.
    corners = b"".join(bytes([value, 128, 128]) for value in lightness)
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    table = struct.pack(">4s4xBBBx", b"mft1", 4, 3, 2) + identity + ramp * 4 + corners + ramp * 3
    return icc_profile(b"CMYK", {b"A2B0": table}, b"Lab ")


@pytest.mark.parametrize(
    "data, expected",
    [
        # sRGB of 10%, 50%, and 100% light: 1.055 * light ** (1 / 2.4) - 0.055.
        (solid("RGB", (26, 128, 255), icc_profile=SWAPPED), (188, 90, 255)),
        (solid("RGB", (26, 128, 255), "JPEG", quality=100, icc_profile=SWAPPED), (188, 90, 255)),
        (solid("RGBA", (26, 128, 255, 255), "WEBP", lossless=True, icc_profile=SWAPPED), (188, 90, 255)),
        (solid("L", 128, icc_profile=SWAPPED), (188, 188, 188)),
        (solid("L", 128, icc_profile=LINEAR_GREY), (188, 188, 188)),
        (solid("CMYK", (255, 0, 0, 0), "JPEG", icc_profile=inks()), (119, 119, 119)),
        (solid("CMYK", (0, 0, 0, 0), "TIFF", icc_profile=inks()), WHITE),
    ],
    ids=["png", "jpeg", "webp", "gray in color", "gray", "ink", "paper"],
)
def test_embedded_profiles_are_followed(data, expected):
    np.testing.assert_allclose(color_of(data), expected, atol=3)


@pytest.mark.parametrize(
    "profile",
    [
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        b"no profile",
        SWAPPED[:200],
        SWAPPED[:128] + bytes(len(SWAPPED) - 128),
        LINEAR_GREY,
        inks(),
    ],
    ids=["sRGB", "text", "truncated", "empty", "gray", "cmyk"],
)
def test_srgb_broken_and_unfitting_profiles_change_nothing(profile):
    np.testing.assert_allclose(
        color_of(solid("RGB", (26, 128, 200), icc_profile=profile)), (26, 128, 200), atol=1
    )


# Cropping, orientation, and resizing.

# Orientation -> the operation on the stored rows, by the EXIF standard.
UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored.swapaxes(0, 1)[:, ::-1],
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: stored.swapaxes(0, 1)[::-1],
}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_pictures_are_upright(orientation, kind):
    stored = np.zeros((32, 64, 3), np.uint8)
    stored[:, 16:48] = enlarged(CORNERS, 16)
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = read_picture(encoded(Image.fromarray(stored), kind, exif=exif.tobytes()), 16)
    corners = found[[3, 3, 12, 12], [3, 12, 3, 12]].reshape(2, 2, 3)
    assert np.abs(corners.astype(int) - UPRIGHT[orientation](CORNERS)).max() < 40


@pytest.mark.parametrize("exif", [b"Exif\0\0II*\0\xff\xff\xff\x7f", b"Exif\0\0broken", b"Exif\0\0MM"])
def test_broken_exif_is_ignored(exif):
    found = read_picture(encoded(Image.fromarray(enlarged(CORNERS, 16)), "PNG", exif=exif), 32)
    np.testing.assert_array_equal(found, enlarged(CORNERS, 16))


@pytest.mark.parametrize("size", [(64, 64), (101, 64), (64, 101), (65, 64), (1000, 64)])
def test_the_middle_square_is_cut_out(size):
    random = np.random.default_rng(1)
    image = Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), np.uint8))
    expected = ImageOps.fit(image, (48, 48), Image.Resampling.LANCZOS)
    found = read_picture(encoded(image, "PNG"), 48)
    assert np.abs(found.astype(int) - np.asarray(expected)).max() <= 1


def test_circles_stay_round():
    y, x = np.mgrid[:120, :300]
    disc = np.where(np.hypot(x - 149.5, y - 59.5) < 40, 0, 255).astype(np.uint8)
    black = read_picture(encoded(Image.fromarray(disc), "PNG"), 60)[..., 0] < 128
    assert [np.ptp(np.nonzero(black.any(axis))[0]) + 1 for axis in (0, 1)] == [40, 40]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("size", [(701, 1003), (1200, 800), (400, 400)])
def test_reducing_fast_is_as_good_as_lanczos(size, kind):
    random = np.random.default_rng(2)
    blocks = Image.fromarray(random.integers(0, 256, (70, 50, 3), np.uint8))
    data = encoded(blocks.resize(size, Image.Resampling.NEAREST), kind)
    with Image.open(io.BytesIO(data)) as image:
        plain = np.asarray(ImageOps.fit(image.convert("RGB"), (32, 32), Image.Resampling.LANCZOS))
    assert np.abs(read_picture(data, 32).astype(int) - plain).mean() < 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_fine_patterns_become_grey(kind):
    """Subsampling a checkerboard without averaging would give stripes, black or white."""
    board = ((np.indices((600, 600)).sum(0) % 2) * 255).astype(np.uint8)
    assert np.abs(read_picture(encoded(Image.fromarray(board), kind), 50).astype(int) - 127.5).max() < 3


def test_small_pictures_are_enlarged():
    found = read_picture(encoded(Image.fromarray(enlarged(CORNERS, 8)), "PNG"), 64)
    np.testing.assert_array_equal(found[[8, 8, 56, 56], [8, 56, 8, 56]].reshape(2, 2, 3), CORNERS)


# Rejected files.


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "empty file"),
        (b"<!DOCTYPE html><html><body>404 Not Found</body></html>", "not a picture"),
        (b"just some text\n" * 100, "not a picture"),
        (b"PK\x03\x04" + bytes(100), "not a picture"),
        (bytes(1000), "not a picture"),
        (solid("RGB", RED, "EPS"), "not a picture"),  # A program: reading it starts Ghostscript.
        (solid("RGB", RED, "PDF"), "not a picture"),
        (solid("RGB", RED, "TGA"), "not a picture"),
        (encoded(Image.new("RGB", (10, 10)), "PNG"), "too small: 10x10 pixels"),
        (encoded(Image.new("RGB", (400, 15)), "JPEG"), "too small: 400x15 pixels"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
    ],
    ids=["empty", "html", "text", "zip", "zeros", "eps", "pdf", "tga", "small", "narrow", "signature"],
)
def test_what_is_no_picture_is_refused(data, reason):
    assert reason in refusal(data)


def test_the_smallest_picture():
    assert read_picture(encoded(Image.new("RGB", (16, 40)), "PNG"), 8).shape == (8, 8, 3)


def test_large_files_are_refused(monkeypatch):
    data = solid("RGB", RED)
    monkeypatch.setattr(pictures, "MAX_BYTES", len(data))
    assert color_of(data)[0] == 255
    monkeypatch.setattr(pictures, "MAX_BYTES", len(data) - 1)
    assert f"{len(data)} bytes" in refusal(data)


@pytest.mark.parametrize(
    "size, number",
    [((60000, 60000), "100,000,000"), ((2**31 - 1, 16), "100,000,000"), ((11000, 10000), "11000x10000")],
)
def test_large_pictures_are_refused_before_decoding(size, number, monkeypatch):
    def never(*arguments):
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", never)
    reason = refusal(png(*size, 8, 2, bytes(2**20)))
    assert "too large" in reason and number in reason


def test_little_text_that_unpacks_to_much_is_not_unpacked():
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(64 * 2**20)))
    assert color_of(png(16, 16, 8, 0, (b"\0" + b"\x37" * 16) * 16, text))[0] == 0x37


def test_a_small_profile_that_unpacks_to_much_is_refused():
    profile = chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(64 * 2**20)))
    assert "broken" in refusal(png(16, 16, 8, 0, (b"\0" + bytes(16)) * 16, profile))


def test_more_pixels_than_announced_do_no_harm():
    data = png(16, 16, 8, 0, (b"\0" + b"\x37" * 16) * 16 + bytes(64 * 2**20))
    assert color_of(data)[0] == 0x37


def test_not_enough_memory_is_a_reason(monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(pictures, "_flat", fail)
    assert "memory" in refusal(solid("RGB", RED))


def test_every_truncated_file_is_refused_or_whole(files):
    """If only a trailer is cut off, the picture must be the same."""
    for name, data in files.items():
        whole = read_picture(data, 16)
        for length in [*range(1, len(data), 41), *range(len(data) - 9, len(data))]:
            try:
                found = read_picture(data[:length], 16)
            except PictureError:
                continue
            np.testing.assert_array_equal(found, whole, err_msg=f"{name}, {length} of {len(data)} bytes")


@pytest.mark.parametrize("name", ["png", "jpeg", "progressive", "webp", "lossless webp", "gif", "bmp", "ppm"])
def test_truncated_files_are_called_so(files, name):
    data = files[name][: len(files[name]) // 2] if name != "gif" else files[name][:200]
    assert "truncated" in refusal(data)


def test_changed_pixels_of_a_png_are_noticed(painting):
    """This includes the end of the file, whose checksums decoders never reach."""
    data = encoded(painting, "PNG")
    for place in range(len(data) - 200, len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1
        try:
            found = read_picture(bytes(damaged), 24)
        except PictureError:
            continue
        np.testing.assert_array_equal(found, read_picture(data, 24))


def test_a_tiff_with_missing_rows_is_refused():
    height_16, height_200 = (struct.pack("<HHII", 257, 4, 1, height) for height in (16, 200))
    assert "missing" in refusal(tiff(16, 16, 8, 1, bytes(256)).replace(height_16, height_200))


def test_a_gif_that_paints_only_a_part_at_first():
    """With a transparent color the rest is white; without one it is undefined."""
    frame = Image.new("P", (32, 32), 1)
    frame.putpalette([*RED, *BLUE])
    frame.putpixel((0, 0), 0)
    for options in ({"transparency": 0}, {}):
        data = bytearray(encoded(frame, "GIF", optimize=False, **options))
        data[6:8] = struct.pack("<H", 64)  # The animation's width; the frame stays 32 wide.
        if options:
            np.testing.assert_array_equal(read_picture(bytes(data), 32)[16, [2, 29]], [BLUE, WHITE])
        else:
            assert "missing" in refusal(bytes(data))


def test_the_console_stays_empty(files, capfd, recwarn):
    lzw, large = (
        files["tiff tiff_lzw"],
        png(10000, 9500, 8, 2, b""),
    )  # Pillow warns above 89 million pixels.
    for data in (lzw[:-30], files["tiff jpeg"][:-200], files["fax"][:-30], large):
        refusal(data)
    assert capfd.readouterr() == ("", "") and not recwarn.list
    os.write(2, b"libtiff was silenced, others are not")
    assert "others are not" in capfd.readouterr().err


def test_damaged_files_give_a_picture_or_a_reason(files, capfd):
    random = np.random.default_rng(11)
    names = list(files)
    outcomes = {"read": 0, "refused": 0}
    for trial in range(600):
        data = bytearray(files[names[trial % len(names)]])
        for _ in range(random.integers(1, 5)):
            reach = len(data) if random.random() < 0.5 else min(len(data), 150)
            place = int(random.integers(reach))
            data[place : place + int(random.integers(0, 3))] = random.bytes(int(random.integers(0, 3)))
        try:
            found = read_picture(bytes(data), 24)
            assert found.shape == (24, 24, 3) and found.dtype == np.uint8
            outcomes["read"] += 1
        except PictureError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 50, outcomes
    assert capfd.readouterr() == ("", "")
