"""Removes the text chunks of a PNG file, which do not matter for its pixels."""

from __future__ import annotations

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXT = (b"tEXt", b"zTXt", b"iTXt")


def without_text(data: bytes) -> bytes:
    """Returns a PNG file without text chunks, because long or damaged texts would prevent reading its pixels.

    Other data is returned unchanged.
    """
    if not data.startswith(_SIGNATURE):
        return data
    kept = [_SIGNATURE]
    # Neighboring chunks are copied together.
    start = place = len(_SIGNATURE)
    while place + 8 <= len(data):
        kind = data[place + 4 : place + 8]
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        if kind in _TEXT and end <= len(data):
            kept.append(data[start:place])
            start = end
        place = end
    return b"".join([*kept, data[start:]]) if len(kept) > 1 else data
