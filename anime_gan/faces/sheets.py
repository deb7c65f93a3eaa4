"""Sheets: grids of the same faces, in which attributes vary from row to row and from column to column."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from anime_gan.attributes.edits import definite, options, with_value
from anime_gan.attributes.schema import Schema, Slot
from anime_gan.common.errors import InputError
from anime_gan.common.layout import captioned_columns

# Separates what varies from row to row from what varies from column to column.
ACROSS = " x "


def sheet_labels(labels: np.ndarray, schema: Schema, slots: Sequence[Slot]) -> tuple[np.ndarray, list[str]]:
    """Returns label rows for a sheet: the same faces with every value of the given attributes.

    Args:
        labels: float32 [n, num_labels], complete rows.
        schema: The attributes that the columns stand for.
        slots: The attributes to vary, one at a time.

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
    """Splits a sheet into what varies by row and what varies by column; None if nothing varies by column."""
    down, *rest = re.split(r"\s+[xX×]\s+", sheet, maxsplit=1)
    return down, rest[0] if rest else None


def is_list(sheet: str) -> bool:
    """Whether a sheet is a list of requests, one per row, instead of the name of an attribute."""
    return ";" in sheet


def usual_spelling(sheet: str, schema: Schema) -> str:
    """Returns a sheet's description in the schema's own spelling.

    Args:
        sheet: The name of an attribute, requests separated by semicolons, or two of these joined by an x.
        schema: The attributes of the model.

    Raises:
        AttributeRequestError: An attribute is unknown, or a row only rules out values.
        InputError: The sheet has more than two parts.
    """
    down, across = sides(sheet)
    if across is not None:
        if sides(across)[1] is not None:
            raise InputError("a sheet has at most two parts, joined by one x", "sheet", sheet)
        return usual_spelling(down, schema) + ACROSS + usual_spelling(across, schema)
    if not is_list(sheet):
        return schema.slot(sheet).name
    rows = [definite(schema.parse(request), schema, request, "sheet") for request in sheet.split(";")]
    return "; ".join(schema.describe(row) for row in rows)


def requested_labels(labels: np.ndarray, schema: Schema, sheet: str) -> tuple[np.ndarray, list[str]]:
    """Returns label rows for a sheet as a user describes it.

    Args:
        labels: float32 [n, num_labels], complete rows.
        schema: The attributes that the columns stand for.
        sheet: As `usual_spelling` gives it.

    Returns:
        As `sheet_labels`.
    """
    if not is_list(sheet):
        return sheet_labels(labels, schema, [schema.slot(sheet)])
    captions = [request.strip() for request in sheet.split(";")]
    wanted = [schema.parse(request) for request in captions]
    return np.concatenate([np.where(row != 0, row, labels) for row in wanted]), captions


def leading_attributes(schema: Schema, most: int) -> Schema:
    """Returns the first attributes of a schema with at most `most` label columns, but at least one."""
    kept = [a for a, slot in zip(schema.attributes, schema.slots, strict=True) if slot.columns.stop <= most]
    return Schema(tuple(kept or schema.attributes[:1]))


def attribute_blocks(images: np.ndarray, schema: Schema, columns: int = 6) -> dict[str, np.ndarray]:
    """Makes a small picture for each group, and one for all tags, with the value above each face.

    Args:
        images: uint8 [values, faces, height, width, 3], in the order of `sheet_labels` over all slots.
        schema: The attributes that vary.
        columns: Values per row.

    Returns:
        Group name -> uint8 [h, w, 3]. The key `yes_or_no` contains all tags, each switched on.
    """
    blocks: dict[str, np.ndarray] = {}
    names, tags, start = [], [], 0
    for slot in schema.slots:
        if slot.is_scale:
            values = options(schema, slot)
            blocks[slot.name] = captioned_columns(images[start : start + len(values)], values, columns)
        elif slot.is_group:
            values = [term.name for term in schema.terms[slot.columns]]
            blocks[slot.name] = captioned_columns(images[start : start + slot.size], values, columns)
        else:
            names.append(slot.name)
            tags.append(start)
        start += slot.num_options
    if tags:
        blocks["yes_or_no"] = captioned_columns(images[tags], names, columns)
    return blocks
