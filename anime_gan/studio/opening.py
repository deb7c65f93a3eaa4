"""Reads the settings from an image that was dropped on the page."""

from __future__ import annotations

import tempfile
from pathlib import Path

from PIL import Image

from anime_gan.faces.picture_files import read_text
from anime_gan.studio.errors import StudioError

# No picture that was made here has more.
MAX_PIXELS = 64_000_000


def _text_of(data: bytes) -> dict[str, str]:
    """What a file that somebody sent says of itself; its kind is told by its first bytes."""
    if data.lstrip()[:1] == b"{":
        ending = ".json"
    else:
        ending = ".mp4" if data[4:8] == b"ftyp" and data[8:12] != b"avif" else ".png"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"opened{ending}"
        path.write_bytes(data)
        try:
            if ending == ".png":
                with Image.open(path) as image:
                    pixels = image.width * image.height
                if pixels > MAX_PIXELS:
                    raise StudioError("unreadable")
            return read_text(path)
        except StudioError:
            raise
        except Exception as error:  # On broken files Pillow raises almost anything.
            raise StudioError("unreadable") from error
