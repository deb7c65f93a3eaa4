"""Edits label rows: sets one attribute, or all attributes that a request names."""

from __future__ import annotations

import numpy as np

from anime_gan.attributes.scales import SHEET_STEPS, known
from anime_gan.attributes.schema import AttributeRequestError, Schema, Slot

# The values of a scale in a sheet.
STEPS = tuple(np.linspace(-1, 1, SHEET_STEPS).tolist())


def with_value(labels: np.ndarray, slot: Slot, option: int) -> np.ndarray:
    """Returns label rows with one attribute set.

    Args:
        labels: [n, num_labels] of +1 and -1, and values of scales.
        slot: The attribute.
        option: Index of a group's value; for a tag, 0 is on and 1 is off; for a scale, an index of evenly
            spaced values.
    """
    changed: np.ndarray = labels.copy()
    if slot.is_group:
        changed[:, slot.columns] = -1
        changed[:, slot.start + option] = 1
    elif slot.is_scale:
        changed[:, slot.start] = known(STEPS[option])
    else:
        changed[:, slot.start] = 1 - 2 * option
    return changed


def options(schema: Schema, slot: Slot) -> list[str]:
    """Returns a caption for each value of an attribute; its index is the `option` of `with_value`."""
    phrases = [term.phrase for term in schema.terms[slot.columns]]
    if slot.is_scale:
        scale = schema.scales[slot.start]
        return [f"{slot.name} {scale.in_unit(value)}" for value in STEPS]
    return phrases if slot.is_group else [phrases[0], f"no {phrases[0]}"]


def has_words(labels: np.ndarray, schema: Schema) -> bool:
    """Whether the words for a label row stand for it; values between those of a group have no words."""
    try:
        return np.array_equal(schema.parse(schema.describe(labels)), labels)
    except AttributeRequestError:
        return False


def definite(wanted: np.ndarray, schema: Schema, request: str, field: str) -> np.ndarray:
    """Checks that a request names a value for each group that it mentions; `no blue hair` does not.

    Args:
        wanted: [num_labels] from `Schema.parse`; returned unchanged.
        schema: The attributes that the columns stand for.
        request: The request as typed, for the message.
        field: The request field, for the message.

    Raises:
        AttributeRequestError: The request only rules out values of a group.
    """
    for slot in (slot for slot in schema.slots if slot.is_group):
        if wanted[slot.columns].any() and wanted[slot.columns].max() < 1:
            reason = f"{request.strip()!r} only rules out values of {slot.name}; name the value to use"
            raise AttributeRequestError(reason, field)
    return wanted


def with_changes(labels: np.ndarray, schema: Schema, changes: str) -> np.ndarray:
    """Returns label rows with the attributes of a request set.

    Closed eyes are opened if the request names an attribute that they would hide, such as the eye color.

    Args:
        labels: float32 [n, num_labels].
        schema: The attributes that the columns stand for.
        changes: A request that `definite` accepts.
    """
    wanted = schema.parse(changes)
    for hidden, hider in schema.hidden_by:
        if np.any(wanted[hidden.columns] > 0) and wanted[hider] == 0:
            wanted[hider] = -1
    return np.where(wanted != 0, wanted, labels).astype(labels.dtype)
