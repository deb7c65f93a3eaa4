"""Grids of images with captions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP = 2
# Minimum space between neighboring captions, in pixels.
HEAD_GAP = 8
PAPER = (255, 255, 255)
INK = (40, 40, 48)
# The soft tint behind transparent pictures in grids and sheets. White and black are both visible on it.
TINT = (214, 224, 238)


def grid(images: np.ndarray, columns: int) -> np.ndarray:
    """Lays images out in rows.

    Args:
        images: uint8 [n, height, width, channels], RGB or RGBA.
        columns: Images per row.

    Returns:
        uint8 [rows * (height + gap) - gap, columns * (width + gap) - gap, channels].
    """
    count, height, width, channels = images.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    size = (rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, channels)
    canvas = np.full(size, _paper(channels), np.uint8)
    for index, image in enumerate(images):
        top, left = (index // columns) * (height + GAP), (index % columns) * (width + GAP)
        canvas[top : top + height, left : left + width] = image
    return canvas


def captioned(
    picture: np.ndarray, captions: Sequence[str], row_height: int, heads: Sequence[str] = ()
) -> np.ndarray:
    """Writes a caption to the left of each row of a grid, and one above each column.

    Args:
        picture: uint8 [height, width, channels] from `grid`.
        captions: One text per row.
        row_height: Height of an image in the grid, in pixels.
        heads: One text per column, wrapped if it is long; empty for none.
    """
    font = ImageFont.load_default(size=max(11, row_height // 6))
    left = max(int(font.getlength(text)) for text in captions) + 12
    pitch = (picture.shape[1] + GAP) / max(1, len(heads))
    texts = [_wrapped(text, font, pitch - HEAD_GAP) for text in heads]
    line = int(font.getbbox("Ag")[3]) + 3
    top = max(map(len, texts)) * line + 6 if texts else 0
    faces = Image.fromarray(picture)
    canvas = Image.new(faces.mode, (faces.width + left, faces.height + top), _paper(picture.shape[2]))
    canvas.paste(faces, (left, top))
    draw = ImageDraw.Draw(canvas)
    for row, text in enumerate(captions):
        middle = top + row * (row_height + GAP) + row_height / 2
        draw.text((left - 6, middle), text, fill=INK, font=font, anchor="rm")
    for column, lines in enumerate(texts):
        middle = left + column * pitch + (pitch - GAP) / 2
        for up, text in enumerate(reversed(lines)):
            draw.text((middle, top - 5 - up * line), text, fill=INK, font=font, anchor="mb")
    return np.asarray(canvas)


def _paper(channels: int) -> tuple[int, ...]:
    """Returns the background color: white, or transparent if there is an alpha channel."""
    return PAPER if channels == 3 else (*PAPER, 0)


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> list[str]:
    """Wraps text to a width in pixels; returns its lines."""
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def captioned_columns(images: np.ndarray, captions: Sequence[str], columns: int) -> np.ndarray:
    """Lays out columns of faces, uint8 RGB [n, faces, height, width, 3], each under its caption."""
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
    """Returns the largest font size, 8 to 14, at which every caption fits into a width in pixels."""
    for size in range(14, 8, -1):
        font = ImageFont.load_default(size=size)
        if max(font.getlength(caption) for caption in captions) <= width:
            return size
    return 8


def titled(title: str, picture: np.ndarray) -> np.ndarray:
    """Writes a title above a picture, uint8 [h, w, 3]; widens a picture that is too narrow."""
    font = ImageFont.load_default(size=14)
    width = max(picture.shape[1], int(font.getlength(title)) + 8)
    head = 22
    canvas = Image.new("RGB", (width, picture.shape[0] + head), PAPER)
    ImageDraw.Draw(canvas).text((2, head // 2), title, fill=INK, font=font, anchor="lm")
    canvas.paste(Image.fromarray(picture), (0, head))
    return np.asarray(canvas)
