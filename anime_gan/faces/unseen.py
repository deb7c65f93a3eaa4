"""Notes about requests for what a style never shows, such as pixel art with a turned head."""

from __future__ import annotations

import numpy as np

from anime_gan.attributes.edits import with_changes
from anime_gan.attributes.label_rows import LabelRows
from anime_gan.attributes.schema import Schema, Slot
from anime_gan.exports.read import Export, read_label_rows
from anime_gan.faces.request import FaceRequest
from anime_gan.faces.sheets import requested_labels, sides

STYLE = "style"
# With fewer label rows, it is not known what a style never shows.
MIN_ROWS = 20
# A value of a scale is shown if a training picture has one as close as this.
NEAR = 0.15


def unseen_notes(export: Export, request: FaceRequest) -> list[str]:
    """Returns a note for each style that a request names and that never shows something else it names."""
    schema = export.schema
    if not any(group.name == STYLE for group in schema.groups):
        return []
    wanted = requested_rows(schema, request)
    if not np.any(wanted[:, schema.slot_named(STYLE).columns] > 0):
        return []
    unseen = never_shown(schema, read_label_rows(export.directory), wanted)
    return [
        f"no training picture in {style} shows: {', '.join(words)}; the model guesses what it looks like"
        for style, words in unseen.items()
    ]


def requested_rows(schema: Schema, request: FaceRequest) -> np.ndarray:
    """Returns what a request asks for in each keyframe or cell of a sheet: float32 [n, num_labels]."""
    rows = schema.parse(request.attributes).astype(np.float32)[np.newaxis]
    if request.interpolation is not None:
        keyframes = request.interpolation.keyframes
        rows = np.concatenate([with_changes(rows, schema, keyframe) for keyframe in keyframes])
    rows = with_changes(rows, schema, request.changes)
    for side in sides(request.sheet) if request.sheet else ():
        rows = rows if side is None else requested_labels(rows, schema, side)[0]
    return rows


def never_shown(schema: Schema, distribution: LabelRows, wanted: np.ndarray) -> dict[str, list[str]]:
    """Returns what no training picture of the same style shows.

    Args:
        schema: Meaning of the columns, with the group `style`.
        distribution: The label rows of the training set.
        wanted: float32 [n, num_labels], requests.

    Returns:
        The words for a style -> the words for what it never shows. What is unknown in all of its pictures is
        left out.
    """
    style, rows = schema.slot_named(STYLE), schema.decode(distribution.rows)
    found: dict[str, dict[str, None]] = {}
    for request in wanted:
        for column in range(style.start, style.start + style.size):
            of_style = rows[rows[:, column] > 0]
            if request[column] <= 0 or len(of_style) < MIN_ROWS:
                continue
            words = {
                _words(schema, slot, request): None
                for slot in schema.slots
                if slot.name != STYLE and _is_unseen(slot, of_style, request)
            }
            if words:
                found.setdefault(schema.describe(_only(style, request)), {}).update(words)
    return {name: list(words) for name, words in found.items()}


def _is_unseen(slot: Slot, rows: np.ndarray, request: np.ndarray) -> bool:
    known = rows[:, slot.columns]
    asked = request[slot.columns]
    if slot.is_scale:
        values = known[known[:, 0] != 0, 0]
        return bool(asked[0] and len(values) and np.abs(values - asked[0]).min() > NEAR)
    chosen = np.flatnonzero(asked > 0)
    # A tag that is asked for as absent is nothing special.
    return any(np.sum(known[:, i] < 0) >= MIN_ROWS and not np.any(known[:, i] > 0) for i in chosen)


def _words(schema: Schema, slot: Slot, request: np.ndarray) -> str:
    return schema.describe(_only(slot, request))


def _only(slot: Slot, request: np.ndarray) -> np.ndarray:
    row = np.zeros_like(request)
    row[slot.columns] = request[slot.columns]
    return row
