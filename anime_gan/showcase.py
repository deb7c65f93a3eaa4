"""Pictures that show what a generator can do: grids, and sheets that vary one attribute."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from anime_gan.attributes import Schema, Slot

GAP = 2
PAPER = (255, 255, 255)
INK = (40, 40, 48)


def grid(images: np.ndarray, columns: int) -> np.ndarray:
    """Lays images out in rows.

    Args:
        images: uint8 [n, height, width, 3].
        columns: Images a row.

    Returns:
        uint8 [rows * (height + gap) - gap, columns * (width + gap) - gap, 3].
    """
    count, height, width, _ = images.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    canvas = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), PAPER, np.uint8)
    for index, image in enumerate(images):
        top, left = (index // columns) * (height + GAP), (index % columns) * (width + GAP)
        canvas[top : top + height, left : left + width] = image
    return canvas


def captioned(picture: np.ndarray, captions: Sequence[str], row_height: int) -> np.ndarray:
    """Writes a caption to the left of every row of a grid.

    Args:
        picture: uint8 [height, width, 3] from `grid`.
        captions: One text a row.
        row_height: Height of an image in the grid, in pixels.
    """
    font = ImageFont.load_default(size=max(11, row_height // 6))
    margin = max(int(font.getlength(text)) for text in captions) + 12
    canvas = Image.new("RGB", (picture.shape[1] + margin, picture.shape[0]), PAPER)
    canvas.paste(Image.fromarray(picture), (margin, 0))
    draw = ImageDraw.Draw(canvas)
    for row, text in enumerate(captions):
        middle = row * (row_height + GAP) + row_height / 2
        draw.text((margin - 6, middle), text, fill=INK, font=font, anchor="rm")
    return np.asarray(canvas)


def with_value(labels: np.ndarray, slot: Slot, option: int) -> np.ndarray:
    """The same label rows with one attribute set.

    Args:
        labels: [n, num_labels] of +1 and -1.
        slot: The attribute.
        option: For a group the index of a value; for a tag 0 is on and 1 is off.
    """
    changed = labels.copy()
    if slot.is_group:
        changed[:, slot.columns] = -1
        changed[:, slot.start + option] = 1
    else:
        changed[:, slot.start] = 1 - 2 * option
    return changed


def options(schema: Schema, slot: Slot) -> list[str]:
    """What an attribute can be, as captions, in the order of `with_value`'s options."""
    phrases = [term.phrase for term in schema.terms[slot.columns]]
    return phrases if slot.is_group else [phrases[0], f"no {phrases[0]}"]


def sheet_labels(labels: np.ndarray, schema: Schema, slots: Sequence[Slot]) -> tuple[np.ndarray, list[str]]:
    """Label rows for a sheet: the same faces again for every value of the given attributes.

    Args:
        labels: float32 [n, num_labels], complete rows.
        schema: What the columns mean.
        slots: The attributes to vary, one after the other.

    Returns:
        float32 [rows * n, num_labels], row by row, and a caption for each row.
    """
    rows, captions = [], []
    for slot in slots:
        for option, caption in enumerate(options(schema, slot)):
            rows.append(with_value(labels, slot, option))
            captions.append(caption)
    return np.concatenate(rows), captions
