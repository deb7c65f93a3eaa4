"""Pictures with large or damaged parts that do not matter for their pixels, and HEIC."""

from __future__ import annotations

import base64
import io
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from anime_gan.datasets.reading import pictures
from anime_gan.datasets.reading.pictures import read_picture, read_whole_picture
from anime_gan.datasets.reading.png_text import without_text

COLOR = (200, 100, 50)
# 64x64 pixels of (200, 60, 30), encoded as HEVC, compressed with zlib.
HEIC = (
    "eJxjYGCQSSupLMhIzUxmAILczDRDEDs3MzGNgYExLDe1JJEBAhQzUnKKoGyGgszkEgY0oJSZkw82xMWBgREIgYCxCkIDgRwQK2dm5qWB"
    "eSBRUSAnlQnKyyhLNgQx+QoyS3LhSq5lFhQVAOntmQXJ+UC6AqjMmZEZJDQBYuoHhj9/f/xgYOBnTgDqkHBg5GH8/x+kgBmkghmE5HYx"
    "OSQCJbWdGBnRZBYoNLJOe+WpuS6PSYqHAyR0AkRwOCQB1bO7MB4s2qDkALRGODk/pygvOacCKMzLwNYAFBLJLC5IhfrNAYoFCjIrMkEC"
    "zBwcQNMYxDMLcmHBBwwRlkYmZhYgUy03JREUelIajOs5Hyhalsb//503//+fT9MVf1VFlcgcvv4AALfPToo="
)


def chunk(kind: bytes, data: bytes, crc: int | None = None) -> bytes:
    check = zlib.crc32(kind + data) if crc is None else crc
    return len(data).to_bytes(4, "big") + kind + data + check.to_bytes(4, "big")


def png_with(*chunks: bytes) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (20, 20), COLOR).save(stream, "PNG")
    data = stream.getvalue()
    return data[:33] + b"".join(chunks) + data[33:]


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(b"zTXt", b"prompt\0\0" + zlib.compress(b"x" * 3_000_000))],
        [chunk(b"iTXt", b"prompt\0\1\0\0\0" + zlib.compress(b"x" * 3_000_000))],
        [chunk(b"tEXt", b"prompt\0" + b"x" * 3_000_000)],
        [chunk(b"tEXt", b"a\0b", crc=1)],
        [chunk(b"zTXt", b"broken")],
        [chunk(b"tEXt", b"a\0b")] * 100_000,
    ],
)
def test_texts_are_no_damage(chunks):
    assert read_picture(png_with(*chunks), 16)[8, 8].tolist() == list(COLOR)


def test_a_large_color_profile_is_used():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = png_with(chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(profile + bytes(2_000_000))))
    assert np.abs(read_picture(data, 16)[8, 8].astype(int) - COLOR).max() <= 2


def test_damage_to_other_chunks_is_damage():
    data = bytearray(png_with(chunk(b"tEXt", b"a\0b")))
    data[data.index(b"IDAT") + 6] ^= 1
    with pytest.raises(pictures.PictureError, match="broken"):
        read_picture(bytes(data), 16)


def test_only_texts_are_removed():
    whole = png_with()
    assert without_text(png_with(chunk(b"tEXt", b"a\0b"), chunk(b"zTXt", b"c"))) == whole
    assert without_text(whole) is whole
    assert without_text(b"GIF89a") == b"GIF89a"
    assert without_text(whole[:40]) == whole[:40]


def test_heic():
    pytest.importorskip("pi_heif")
    image = read_whole_picture(zlib.decompress(base64.b64decode(HEIC)), 64)
    assert image.shape == (64, 64, 3)
    assert np.abs(image.astype(int) - (200, 60, 30)).max() <= 8


def test_heic_without_its_plug_in_is_named(monkeypatch):
    from anime_gan.datasets.reading import kinds

    monkeypatch.setattr(kinds, "FORMATS", tuple(name for name in pictures.FORMATS if name != "HEIF"))
    head = zlib.decompress(base64.b64decode(HEIC))[:32]
    assert not kinds.is_picture("a.heic", lambda: head)
    assert kinds.why_left_out("a.heic") == ".heic needs the extra [heic]: pip install '.[heic]'"
