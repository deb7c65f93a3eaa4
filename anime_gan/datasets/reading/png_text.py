"""Finds and removes the text chunks of a PNG file, which do not matter for its pixels."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXT = (b"tEXt", b"zTXt", b"iTXt")


def text_chunks(stream: BinaryIO) -> Iterator[tuple[int, int]]:
    """Yields the start and the end of each text chunk of a PNG file; none of another file."""
    place = len(_SIGNATURE)
    if stream.read(place) != _SIGNATURE:
        return
    while len(header := stream.read(8)) == 8 and header[4:] != b"IEND":
        # The header, the data, and the checksum.
        end = place + 12 + int.from_bytes(header[:4], "big")
        if header[4:] in _TEXT:
            yield place, end
        place = stream.seek(end)


def without_text(data: bytes) -> bytes:
    """Returns a PNG file without text chunks, because long or damaged texts would prevent reading its pixels.

    Other data is returned unchanged.
    """
    # Neighboring chunks are copied together.
    kept, start = [], 0
    for place, end in text_chunks(io.BytesIO(data)):
        if end <= len(data):
            kept.append(data[start:place])
            start = end
    return b"".join([*kept, data[start:]]) if kept else data
