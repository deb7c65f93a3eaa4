"""Changes to label rows: set one attribute, or everything that a request names."""

from __future__ import annotations

import numpy as np

from anime_gan.attributes.schema import AttributeRequestError, Schema, Slot


def with_value(labels: np.ndarray, slot: Slot, option: int) -> np.ndarray:
    """The same label rows with one attribute set.

    Args:
        labels: [n, num_labels] of +1 and -1.
        slot: The attribute.
        option: For a group the index of a value; for a tag 0 is on and 1 is off.
    """
    changed: np.ndarray = labels.copy()
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
