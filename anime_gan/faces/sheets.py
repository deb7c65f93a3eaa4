"""Pictures that show what a generator can do: grids, and sheets that vary one attribute."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from anime_gan.attributes.edits import definite, options, with_value
from anime_gan.attributes.schema import AttributeRequestError, Schema, Slot
from anime_gan.common.layout import _block

# Between what varies down a sheet and what varies across it.
ACROSS = " x "


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
