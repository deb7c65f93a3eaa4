"""Makes the files that can be downloaded from a history entry."""

from __future__ import annotations

import io
import json
import re
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from anime_gan.common.alpha import on_background
from anime_gan.common.layout import TINT
from anime_gan.datasets.reading.pictures import PictureError
from anime_gan.faces.picture_files import ANIMATIONS, file_stem, name_part, save_animation
from anime_gan.faces.request import origin_from_text
from anime_gan.studio.errors import StudioError
from anime_gan.studio.history import ANIMATION, Entry
from anime_gan.studio.studio import SHEET, Studio

MEDIA_TYPES = {
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".mp4": "video/mp4",
    ".json": "application/json",
    ".zip": "application/zip",
}


class Download(NamedTuple):
    """A file to download.

    Attributes:
        name: The suggested file name.
        media_type: The HTTP content type.
        data: The whole file.
    """

    name: str
    media_type: str
    data: bytes


def download(studio: Studio, identifier: str, name: str) -> Download:
    """Returns a file of an entry. Some files are made on request.

    Args:
        studio: The studio with the entry.
        identifier: Identifier of the entry.
        name: Name of the file: `0.png` or `0.json` for a face, `animation` with the ending `.webp`, `.gif`,
            or `.mp4`, `sheet.png`, `settings.json`, or `all.zip`.

    Raises:
        StudioError: The file does not exist or cannot be made.
    """
    match = re.fullmatch(r"([0-9]{1,4}|animation|sheet|settings|all)(\.[a-z0-9]{3,4})", name)
    if match is None or match[2] not in MEDIA_TYPES:
        raise StudioError("gone", 404)
    what, ending = match[1], match[2]
    entry = studio.shelf.entry(identifier)
    stem = "sheet" if what == "sheet" else "animation" if what == "animation" else f"faces-{identifier}"
    if what.isdigit() and ending in (".png", ".json") and int(what) < len(entry.faces):
        text = entry.faces[int(what)]
        stem = _stem(text)
        data = _json(text) if ending == ".json" else studio.shelf.read(identifier, f"{int(what)}.png")
    elif (what, ending) == ("settings", ".json") and entry.settings:
        stem, data = _stem(entry.settings), _json(entry.settings)
    elif (what, ending) == ("sheet", ".png"):
        data = studio.shelf.read(identifier, SHEET)
        stem = f"sheet-{name_part(entry.settings.get('sheet', ''))}"
    elif what == "animation" and ending in ANIMATIONS:
        data = _animation(studio, entry, ending)
    elif (what, ending) == ("all", ".zip"):
        data = _zip(studio, entry)
    else:
        raise StudioError("gone", 404)
    return Download(stem + ending, MEDIA_TYPES[ending], data)


def _stem(text: dict[str, str]) -> str:
    try:
        return file_stem(origin_from_text(text).request)[:120] or "face"
    except (KeyError, ValueError, IndexError):
        return "face"


def _json(text: dict[str, str]) -> bytes:
    return (json.dumps(text, indent=1) + "\n").encode("ascii")


def _animation(studio: Studio, entry: Entry, ending: str) -> bytes:
    """Returns the animation in the format of a file name ending. The source is a lossless WebP file."""
    data = studio.shelf.read(entry.identifier, ANIMATION)
    if ending == ".webp":
        return data
    frames = []
    with Image.open(io.BytesIO(data)) as animation:
        for number in range(getattr(animation, "n_frames", 1)):
            animation.seek(number)
            # A WebP file has alpha only if a frame needs it.
            frames.append(np.asarray(animation.convert("RGBA" if animation.has_transparency_data else "RGB")))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"animation{ending}"
        try:
            rate = int(entry.settings.get("fps", "20"))
            pictures = np.stack(frames)
            if ending == ".mp4":
                pictures = on_background(pictures, TINT)
            save_animation(path, pictures, rate, entry.settings)
        except PictureError as error:
            raise StudioError("no_video", 409) from error
        return path.read_bytes()


def _zip(studio: Studio, entry: Entry) -> bytes:
    """Returns a zip file with all pictures, the animation or the sheet, and the settings of an entry."""
    packed = io.BytesIO()
    # The files are stored uncompressed, because pictures are already compressed.
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for number, text in enumerate(entry.faces):
            name = f"{number:02}_{_stem(text)}.png"
            archive.writestr(name, studio.shelf.read(entry.identifier, f"{number}.png"))
        if entry.settings:
            archive.writestr("settings.json", _json(entry.settings))
        for name in [ANIMATION] * (entry.kind == "blend") + [SHEET] * (entry.kind == "sheet"):
            archive.writestr(name, studio.shelf.read(entry.identifier, name))
    return packed.getvalue()
