"""Pictures that show what a generator can do: grids, and sheets that vary one attribute."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from anime_gan.attributes import AttributeRequestError, Schema, Slot

GAP = 2
# Between captions side by side.
HEAD_GAP = 8
# Between what varies down a sheet and what varies across it.
ACROSS = " x "
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


def captioned(
    picture: np.ndarray, captions: Sequence[str], row_height: int, heads: Sequence[str] = ()
) -> np.ndarray:
    """Writes a caption to the left of every row of a grid, and one above every column.

    Args:
        picture: uint8 [height, width, 3] from `grid`.
        captions: One text a row.
        row_height: Height of an image in the grid, in pixels.
        heads: One text a column, over several lines if it is long; empty for none.
    """
    font = ImageFont.load_default(size=max(11, row_height // 6))
    left = max(int(font.getlength(text)) for text in captions) + 12
    pitch = (picture.shape[1] + GAP) / max(1, len(heads))
    texts = [_wrapped(text, font, pitch - HEAD_GAP) for text in heads]
    line = int(font.getbbox("Ag")[3]) + 3
    top = max(map(len, texts)) * line + 6 if texts else 0
    canvas = Image.new("RGB", (picture.shape[1] + left, picture.shape[0] + top), PAPER)
    canvas.paste(Image.fromarray(picture), (left, top))
    draw = ImageDraw.Draw(canvas)
    for row, text in enumerate(captions):
        middle = top + row * (row_height + GAP) + row_height / 2
        draw.text((left - 6, middle), text, fill=INK, font=font, anchor="rm")
    for column, lines in enumerate(texts):
        middle = left + column * pitch + (pitch - GAP) / 2
        for up, text in enumerate(reversed(lines)):
            draw.text((middle, top - 5 - up * line), text, fill=INK, font=font, anchor="mb")
    return np.asarray(canvas)


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> list[str]:
    """The words of a text on as few lines of so many pixels as they need."""
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


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


def sides(sheet: str) -> tuple[str, str | None]:
    """What varies down a sheet, and what across it, which is None if nothing does."""
    down, *rest = re.split(r"\s+[xX×]\s+", sheet, maxsplit=1)
    return down, rest[0] if rest else None


def is_list(sheet: str) -> bool:
    """Whether a sheet is described by requests, a row each, instead of by an attribute's name."""
    return ";" in sheet


def usual_spelling(sheet: str, schema: Schema) -> str:
    """A sheet's description as the schema writes it.

    Args:
        sheet: An attribute's name, or requests separated by semicolons; or two of them with an x between.
        schema: What can be asked for.

    Raises:
        AttributeRequestError: Something in it is unknown, or a row leaves open which value it means.
    """
    down, across = sides(sheet)
    if across is not None:
        if sides(across)[1] is not None:
            raise AttributeRequestError(f"a sheet has two sides, not more: {sheet!r}")
        return usual_spelling(down, schema) + ACROSS + usual_spelling(across, schema)
    if not is_list(sheet):
        return schema.slot(sheet).name
    rows = [
        definite(schema.parse(request), schema, request, "a row of a sheet") for request in sheet.split(";")
    ]
    return "; ".join(schema.describe(row) for row in rows)


def definite(wanted: np.ndarray, schema: Schema, request: str, what: str) -> np.ndarray:
    """A request that a face can be changed to: `no blue hair` would leave open which hair instead.

    Args:
        wanted: [num_labels] from `Schema.parse`, which is returned.
        schema: What can be asked for.
        request: What was typed, for the message.
        what: What it is for, for the message.

    Raises:
        AttributeRequestError: It rules out values of a group and says none.
    """
    for slot in (slot for slot in schema.slots if slot.is_group):
        if wanted[slot.columns].any() and wanted[slot.columns].max() < 1:
            raise AttributeRequestError(f"{what} needs one value of {slot.name}: {request.strip()!r}")
    return wanted


def with_changes(labels: np.ndarray, schema: Schema, changes: str) -> np.ndarray:
    """The same label rows with what a request names, and with open eyes if it names what closed ones hide.

    Args:
        labels: float32 [n, num_labels].
        schema: What the columns mean.
        changes: A definite request; see `definite`.
    """
    wanted = schema.parse(changes)
    for hidden, hider in schema.hidden_by:
        if np.any(wanted[hidden.columns] > 0) and wanted[hider] == 0:
            wanted[hider] = -1
    return np.where(wanted != 0, wanted, labels).astype(labels.dtype)


def requested_labels(labels: np.ndarray, schema: Schema, sheet: str) -> tuple[np.ndarray, list[str]]:
    """Label rows for a sheet as a user describes it.

    Args:
        labels: float32 [n, num_labels], complete rows.
        schema: What the columns mean.
        sheet: As `usual_spelling` gives it.

    Returns:
        As `sheet_labels`.
    """
    if not is_list(sheet):
        return sheet_labels(labels, schema, [schema.slot(sheet)])
    captions = [request.strip() for request in sheet.split(";")]
    wanted = [schema.parse(request) for request in captions]
    return np.concatenate([np.where(row != 0, row, labels) for row in wanted]), captions


def attribute_blocks(images: np.ndarray, schema: Schema, columns: int = 6) -> dict[str, np.ndarray]:
    """A small picture for each group, and one for all tags, with the value written above each face.

    Args:
        images: uint8 [values, faces, height, width, 3], in the order of `sheet_labels` over all slots.
        schema: What was varied.
        columns: Values side by side; more go into a second row of faces.

    Returns:
        Group name -> uint8 [h, w, 3]; the tags, each switched on, under `yes_or_no`.
    """
    blocks: dict[str, np.ndarray] = {}
    names, tags, start = [], [], 0
    for slot in schema.slots:
        if slot.is_group:
            values = [term.name for term in schema.terms[slot.columns]]
            blocks[slot.name] = _block(images[start : start + slot.size], values, columns)
        else:
            names.append(slot.name)
            tags.append(start)
        start += slot.size if slot.is_group else 2
    if tags:
        blocks["yes_or_no"] = _block(images[tags], names, columns)
    return blocks


def _block(images: np.ndarray, captions: Sequence[str], columns: int) -> np.ndarray:
    """Columns of faces, uint8 [n, faces, height, width, 3], each under its caption."""
    count, faces, height, width, _ = images.shape
    columns = min(columns, count)
    captions = [caption.replace("_", " ") for caption in captions]
    font_size = _fitting_size(captions, width)
    font = ImageFont.load_default(size=font_size)
    head = font_size + 6
    band = head + faces * (height + GAP) + GAP
    size = (columns * (width + GAP) - GAP, -(-count // columns) * band)
    canvas = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(canvas)
    for index, caption in enumerate(captions):
        left, top = (index % columns) * (width + GAP), (index // columns) * band
        draw.text((left + width / 2, top + 2), caption, fill=INK, font=font, anchor="ma")
        for face in range(faces):
            canvas.paste(Image.fromarray(images[index, face]), (left, top + head + face * (height + GAP)))
    return np.asarray(canvas)


def _fitting_size(captions: Sequence[str], width: int) -> int:
    """The largest legible font size in which every caption is at most so many pixels wide."""
    for size in range(14, 8, -1):
        font = ImageFont.load_default(size=size)
        if max(font.getlength(caption) for caption in captions) <= width:
            return size
    return 8
