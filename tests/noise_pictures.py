"""Folders of small pictures for tests of whole runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def write_pictures(folder: Path, count: int, side: int = 64, channels: int = 3) -> Path:
    """Writes pictures of noise with one attribute, a smile in every second one; returns the new folder.

    Sample images have a row of faces for every attribute value, so few attributes keep runs short.
    """
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for number in range(count):
        pixels = random.integers(0, 256, (side, side, channels), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    rows = "".join(f"{number:02}.png,{number % 2}\n" for number in range(count))
    (folder / "labels.csv").write_text(f"filename,smile\n{rows}")
    return folder
