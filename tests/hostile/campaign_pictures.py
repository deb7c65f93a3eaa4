"""Picture files of random kind, name, and damage: each is read right, or named with a reason."""

from __future__ import annotations

import io
import random
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, features

from anime_gan.datasets.folder.labels import read_labels
from anime_gan.datasets.reading.pictures import MIN_SIDE, PictureError, read_picture
from anime_gan.datasets.reading.storage import list_files, read_file

TITLE = "pictures: pixels as they were painted, or a reason"
SHORT, FULL = 100, 6000

# Format -> the modes that it can store.
MODES = {
    "PNG": ("RGB", "RGBA", "L", "LA", "P", "1", "I;16"),
    "JPEG": ("RGB", "L", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("P", "L"),
    "BMP": ("RGB", "L", "P"),
    "TIFF": ("RGB", "RGBA", "L", "CMYK", "I;16"),
    "PPM": ("RGB", "L"),
    "JPEG2000": ("RGB", "L"),
    "AVIF": ("RGB", "RGBA"),
}
ENDINGS = ("", ".png", ".jpe", ".jpg_large", ".PNG", ".jpeg", ".bin", ".orig", ".webp", ".x")
OTHER = {
    ".psd": b"8BPS\0\1",
    ".jxl": b"\xff\x0a\0",
    ".zip": b"PK\3\4",
    ".mp4": b"\0\0\0\x20ftypisom",
    ".svg": b"<svg/>",
    ".kra": b"PK\3\4",
    "": b"\0\1\2\3",
    ".npz": b"PK\3\4",
}
# Lossy formats, and JPEG's CMYK, change colors a little.
TOLERANCE = 12


def run(count: int, seed: int, folder: Path) -> list[str]:
    """Tries `count` files; returns a line for each that was answered badly."""
    failures = []
    for number in range(count):
        source = random.Random(f"{seed}/{number}")
        make = source.choice([whole, whole, chunks, damaged, damaged, stranger])
        try:
            wrong = make(source, folder)
        except Exception as error:
            wrong = f"{type(error).__name__}: {error}"
        if wrong:
            failures.append(f"{number} ({make.__name__}): {wrong}")
    return failures


def painted(source: random.Random) -> tuple[bytes, str, tuple[int, int, int]]:
    """Returns a file of one color, its format and mode, and the color."""
    kinds = [kind for kind in MODES if kind != "AVIF" or features.check("avif")]
    kind = source.choice(kinds)
    mode = source.choice(MODES[kind])
    color = tuple(source.randrange(256) for _ in range(3))
    size = (source.randint(MIN_SIDE, 40), source.randint(MIN_SIDE, 40))
    image = Image.new("RGB", size, color)
    if mode == "I;16":
        gray = color[0]
        image = Image.fromarray(np.full(size[::-1], gray * 257, np.uint16))
        color = (gray, gray, gray)
    elif mode == "1":
        image = image.convert("L").point(lambda value: 255 * (value > 127)).convert("1")
        color = image.convert("RGB").getpixel((0, 0))  # type: ignore[assignment]
    else:
        image = image.quantize(4) if mode == "P" else image.convert(mode)
        if mode != "CMYK":
            color = image.convert("RGB").getpixel((0, 0))  # type: ignore[assignment]
    stream = io.BytesIO()
    options = {"quality": 95} if kind in ("JPEG", "WEBP", "AVIF") else {}
    image.save(stream, kind, **options)
    return stream.getvalue(), f"{kind} {mode}", color  # type: ignore[return-value]


def wrong_color(data: bytes, color: tuple[int, int, int]) -> str:
    """Returns how the decoded color differs; empty if it does not."""
    image = read_picture(data, 16)
    if image.shape != (16, 16, 3) or image.dtype != np.uint8:
        return f"shape {image.shape}"
    difference = np.abs(image.astype(int) - color).max()
    return f"color {image[8, 8].tolist()} instead of {color}" if difference > TOLERANCE else ""


def whole(source: random.Random, folder: Path) -> str:
    """A good picture under any name must be found and read."""
    data, kind, color = painted(source)
    name = "p" + source.choice(ENDINGS)
    (folder / name).write_bytes(data)
    try:
        labels = read_labels(str(folder), [file.name for file in list_files(str(folder), [])], 0)
        if labels.names != [name]:
            return f"{name} ({kind}) not found: {labels.skipped}"
        wrong = wrong_color(read_file(str(folder), name), color)
    except PictureError as error:
        wrong = f"refused: {error}"
    finally:
        (folder / name).unlink()
    return f"{kind} as {name}: {wrong}" if wrong else ""


def chunks(source: random.Random, folder: Path) -> str:
    """A PNG with large or damaged texts must be read."""
    color = tuple(source.randrange(256) for _ in range(3))
    stream = io.BytesIO()
    Image.new("RGB", (20, 20), color).save(stream, "PNG")
    data = stream.getvalue()
    size = source.choice([0, 10, 100_000, 3_000_000])
    body = {
        b"tEXt": b"k\0" + b"x" * size,
        b"zTXt": b"k\0\0" + zlib.compress(b"x" * size),
        b"iTXt": b"k\0\1\0\0\0" + zlib.compress(b"x" * size),
    }
    kind = source.choice(list(body))
    content = body[kind][: source.choice([None, None, 3])]
    crc = zlib.crc32(kind + content) ^ source.choice([0, 0, 1])
    piece = len(content).to_bytes(4, "big") + kind + content + crc.to_bytes(4, "big")
    place = source.choice([33, len(data) - 12])
    times = source.choice([1, 3, 1000]) if size < 100 else 1
    try:
        wrong = wrong_color(data[:place] + piece * times + data[place:], color)  # type: ignore[arg-type]
    except PictureError as error:
        wrong = f"refused: {error}"
    return f"{kind!r} of {len(content)} bytes, {times} times: {wrong}" if wrong else ""


def damaged(source: random.Random, folder: Path) -> str:
    """A damaged file must be refused in one short line, or still give a picture; other errors are wrong."""
    data, kind, _ = painted(source)
    data = bytearray(data)
    how = source.choice(["cut", "flip", "zeros", "insert", "empty", "head"])
    place = source.randrange(len(data))
    if how == "cut":
        data = data[:place]
    elif how == "flip":
        for _ in range(source.randint(1, 8)):
            data[source.randrange(len(data))] ^= 1 << source.randrange(8)
    elif how == "zeros":
        data[place : place + 64] = bytes(min(64, len(data) - place))
    elif how == "insert":
        data[place:place] = source.randbytes(16)
    elif how == "empty":
        data = bytearray()
    else:
        data = data[: source.randint(1, 16)] + bytearray(source.randbytes(64))
    try:
        image = read_picture(bytes(data), 16)
    except PictureError as error:
        text = str(error)
        return "" if text and len(text) < 120 and "\n" not in text else f"{kind} {how}: {text!r}"
    return "" if image.shape == (16, 16, 3) else f"{kind} {how}: shape {image.shape}"


def stranger(source: random.Random, folder: Path) -> str:
    """A file that is no picture of a known format must be named, and counted by its ending."""
    ending = source.choice(list(OTHER))
    name = "strange" + ending
    (folder / name).write_bytes(OTHER[ending] + source.randbytes(40))
    (folder / "good.png").write_bytes(b"")
    labels = read_labels(str(folder), [file.name for file in list_files(str(folder), [])], 0)
    for file in (name, "good.png"):
        (folder / file).unlink()
    if labels.names != ["good.png"] or [file for file, _ in labels.skipped] != [name]:
        return f"{name}: {labels.names}, {labels.skipped}"
    reason = labels.skipped[0][1]
    return "" if (ending or "without an ending") in reason else f"{name}: {reason}"
