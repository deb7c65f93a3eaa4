"""Reads the generation settings in a file that was opened on the page."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from PIL import Image

from anime_gan.datasets.reading.pictures import FORMATS
from anime_gan.faces.picture_files import read_text
from anime_gan.studio.errors import StudioError

# No picture of the studio or of `generate.py` has more pixels.
MAX_PIXELS = 64_000_000
# Limit of a file in a zip file of the studio.
MAX_MEMBER = 32 * 2**20
# The first bytes of a zip file.
ZIP = b"PK\3\4"
SETTINGS = "settings.json"


def read_settings(data: bytes) -> dict[str, str]:
    """Reads the text fields of an uploaded file. Its first bytes determine its type.

    Raises:
        StudioError: The file cannot be read.
    """
    if data.startswith(ZIP):
        data = _unpacked(data)
    if data.lstrip()[:1] == b"{":
        ending = ".json"
    else:
        ending = ".mp4" if data[4:8] == b"ftyp" and data[8:12] != b"avif" else ".png"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"opened{ending}"
        path.write_bytes(data)
        try:
            if ending == ".png":
                with Image.open(path, formats=FORMATS) as image:
                    pixels = image.width * image.height
                if pixels > MAX_PIXELS:
                    raise StudioError("unreadable")
            return read_text(path)
        except StudioError:
            raise
        except Exception as error:  # Pillow raises almost anything on a damaged file.
            raise StudioError("unreadable") from error


def _unpacked(data: bytes) -> bytes:
    """Returns the settings in a zip file of the studio, or else its first picture."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            known = [member for member in members if member.filename == SETTINGS]
            pictures = [member for member in members if member.filename.endswith(".png")]
            member = (known + pictures)[0]
            with archive.open(member) as file:
                content = file.read(MAX_MEMBER + 1)
    except Exception as error:  # `zipfile` raises almost anything on a damaged file.
        raise StudioError("not_ours") from error
    if len(content) > MAX_MEMBER:
        raise StudioError("unreadable")
    return content
