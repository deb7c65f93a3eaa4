"""Control over attributes: attribute precision, combinations, leakage.

Labels and verdicts (labels predicted by a tagger) are arrays [n, num_labels] of +1 (has the attribute), -1
(does not have it) and 0 (unknown, in labels of real images). Hidden attributes, such as the color of closed
eyes, are marked by `visible`, bool [n, num_labels], and not counted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from anime_gan.attributes.schema import Schema, Slot
from anime_gan.common.alpha import premultiplied

# Number of images summed at a time, as float32 copies.
CHUNK = 256


@dataclasses.dataclass(frozen=True)
class Confirmations:
    """How often each column was requested, and how often the verdict agreed.

    Attributes:
        asked: int64 [2, num_labels], number of images that should have it and that should not.
        confirmed: int64 [2, num_labels], number of these images with the requested verdict.
    """

    asked: np.ndarray
    confirmed: np.ndarray

    def rate(self, sign: int, column: int) -> float | None:
        """Returns the share of confirmed images for +1 or -1; None without images."""
        row = 0 if sign > 0 else 1
        asked = int(self.asked[row, column])
        return int(self.confirmed[row, column]) / asked if asked else None

    def number(self, sign: int, column: int) -> int:
        """Returns the number of images requested with that sign."""
        return int(self.asked[0 if sign > 0 else 1, column])


def count_confirmations(labels: np.ndarray, verdicts: np.ndarray, visible: np.ndarray) -> Confirmations:
    """Counts requests and confirming verdicts, column by column."""
    asked = np.stack([(labels > 0) & visible, (labels < 0) & visible])
    agrees = np.stack([verdicts > 0, verdicts < 0])
    return Confirmations(np.sum(asked, axis=1), np.sum(asked & agrees, axis=1))


def add_for_value(counts: Confirmations, more: Confirmations, sign: int, column: int) -> Confirmations:
    """Adds the counts of images drawn for one value, to that value only.

    These images are not representative of other columns, because all of them share this value.
    """
    row = 0 if sign > 0 else 1
    asked, confirmed = counts.asked.copy(), counts.confirmed.copy()
    asked[row, column] += more.asked[row, column]
    confirmed[row, column] += more.confirmed[row, column]
    return Confirmations(asked, confirmed)


def judged_values(schema: Schema) -> list[tuple[str, int, int]]:
    """Returns everything with a precision: (request, sign, column), as `hair_color=blue` or `glasses=no`.

    These are every value of a group, every tag, and the absence of every tag.
    """
    values = []
    for slot in schema.slots:
        for column in range(slot.start, slot.start + slot.size):
            values.append((schema.columns[column], 1, column))
        if not slot.is_group:
            values.append((f"{slot.name}=no", -1, slot.start))
    return values


def attribute_precision(schema: Schema, model: Confirmations, real: Confirmations) -> dict[str, Any]:
    """Returns the share of images whose verdict confirms the request, value by value.

    After Jin et al. 2017 (arXiv 1708.05509, section 5, attribute precision), with a tagger instead of people,
    so the tagger's rate on real images is reported too. The averages are over values of groups and present
    tags, each with the same weight, and only over values with images on both sides.

    Returns:
        `model` and `real`, the averages in 0..1; `share_of_real`, their ratio; `worst`, the value with the
        lowest precision; and `values`, one row per value. None stands for a value without images.
    """
    rows: list[dict[str, Any]] = [
        {
            "value": name,
            "model": model.rate(sign, column),
            "model_images": model.number(sign, column),
            "real": real.rate(sign, column),
            "real_images": real.number(sign, column),
            "averaged": bool(sign > 0 and model.number(sign, column) and real.number(sign, column)),
        }
        for name, sign, column in judged_values(schema)
    ]
    averaged = [row for row in rows if row["averaged"]]
    if not averaged:
        return {"model": None, "real": None, "share_of_real": None, "worst": None, "values": rows}
    of_model, of_real = (float(np.mean([row[side] for row in averaged])) for side in ("model", "real"))
    worst = min(averaged, key=lambda row: row["model"])
    return {
        "model": of_model,
        "real": of_real,
        "share_of_real": of_model / of_real if of_real else None,
        "worst": {key: worst[key] for key in ("value", "model", "real")},
        "values": rows,
    }


def by_slot(columns: np.ndarray, slots: Sequence[Slot]) -> np.ndarray:
    """Returns whether all columns of each slot are true: bool [n, num_labels] -> [n, num_slots]."""
    return np.stack([np.all(columns[:, slot.columns], axis=1) for slot in slots], axis=1)


def combination_precision(
    wanted: np.ndarray, verdicts: np.ndarray, visible: np.ndarray, slots: Sequence[Slot]
) -> dict[str, Any]:
    """Returns the share of images with all attributes of one combination.

    Args:
        wanted: [num_labels] of +1, -1 and 0 (any value).
        verdicts: [n, num_labels], of images requested with the combination.
        visible: bool [n, num_labels]; images that hide a part of the combination are not counted.
        slots: The schema's slots.

    Returns:
        `joint`, the share with the whole combination; `each`, slot name -> share with that part; `images`.
    """
    asked = wanted != 0
    verdicts = verdicts[np.all(visible | ~asked, axis=1)]
    right = (verdicts == wanted) | ~asked
    each = {
        slot.name: float(np.mean(np.all(right[:, slot.columns], axis=1))) if len(right) else None
        for slot in slots
        if np.any(asked[slot.columns])
    }
    joint = float(np.mean(np.all(right, axis=1))) if len(right) else None
    return {"joint": joint, "each": each, "images": len(right)}


def seen_combinations(
    labels: np.ndarray, combinations: np.ndarray, slots: Sequence[Slot], seed: int
) -> np.ndarray:
    """Draws combinations of the same attributes that are in the training set, for comparison.

    Args:
        labels: int8 [n, num_labels], the training labels, without held-out combinations.
        combinations: int8 [k, num_labels], the held-out combinations.
        slots: The schema's slots.
        seed: Random seed; combinations are drawn without repetition.

    Returns:
        int8 [at most k, num_labels]: for every set of attributes the held-out number of combinations, or all.
    """
    random = np.random.default_rng(seed)
    owner = np.stack([[np.any(row[slot.columns] != 0) for slot in slots] for row in combinations])
    found = []
    for used in np.unique(owner, axis=0):
        parts = [slot for slot, is_used in zip(slots, used, strict=True) if is_used]
        columns = np.concatenate([np.arange(slot.start, slot.start + slot.size) for slot in parts])
        known = np.all([is_known(labels, slot) for slot in parts], axis=0)
        values = np.unique(labels[known][:, columns], axis=0)
        num_held_out = int(np.sum(np.all(owner == used, axis=1)))
        chosen = random.permutation(len(values))[:num_held_out]
        rows = np.zeros((len(chosen), labels.shape[1]), np.int8)
        rows[:, columns] = values[np.sort(chosen)]
        found.append(rows)
    return np.concatenate(found)


def is_known(labels: np.ndarray, slot: Slot) -> np.ndarray:
    """Returns whether the attribute of each label row is known: bool [n]. A group needs a positive value."""
    part = labels[:, slot.columns]
    return np.any(part > 0 if slot.is_group else part != 0, axis=1)


def change_one(labels: np.ndarray, slots: Sequence[Slot], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Changes one random attribute of each row to another random value, both drawn uniformly.

    Args:
        labels: [n, num_labels] of +1 and -1, complete rows.
        slots: The schema's slots.
        seed: Random seed.

    Returns:
        The changed rows, and int64 [n], the index of the changed slot.
    """
    random = np.random.default_rng(seed)
    chosen = random.integers(len(slots), size=len(labels))
    changed = labels.copy()
    for row, index in zip(changed, chosen, strict=True):
        slot = slots[index]
        if slot.is_group:
            others = np.flatnonzero(row[slot.columns] < 0)
            row[slot.columns] = -1
            row[slot.start + random.choice(others)] = 1
        else:
            row[slot.start] *= -1
    return changed, chosen


def leakage(before: np.ndarray, after: np.ndarray, comparable: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """Counts the attributes that changed unintentionally.

    Args:
        before: [n, num_slots], the value of each attribute before the edit, in any coding.
        after: The same after the edit.
        comparable: bool [n, num_slots], whether the attribute is visible before and after.
        changed: int64 [n], the edited attribute.

    Returns:
        int64 [num_slots, 2]: for each edited attribute, how many other attributes flipped and how many were
        compared. Leakage is the first sum divided by the second.
    """
    rows = np.arange(len(changed))
    others = comparable.copy()
    others[rows, changed] = False
    flips = np.sum(others & (before != after), axis=1)
    counts = np.zeros((before.shape[1], 2), np.int64)
    np.add.at(counts, changed, np.stack([flips, np.sum(others, axis=1)], axis=1))
    return counts


def slot_codes(verdicts: np.ndarray, slots: Sequence[Slot]) -> np.ndarray:
    """Returns the value of each attribute: int64 [n, num_slots], its index, or 0 and 1 for a tag."""
    return np.stack(
        [
            np.argmax(verdicts[:, slot.columns], axis=1) if slot.is_group else verdicts[:, slot.start] > 0
            for slot in slots
        ],
        axis=1,
    ).astype(np.int64)


def slot_contrast(images: np.ndarray, labels: np.ndarray, slots: Sequence[Slot]) -> np.ndarray:
    """Returns where real images differ between the values of an attribute.

    Args:
        images: uint8 [n, h, w, 3 or 4], straight alpha.
        labels: [n, num_labels] of +1, -1 and 0.
        slots: The schema's slots.

    Returns:
        float32 [num_slots, h, w]: the standard deviation, over the values, of the mean image with each value,
        averaged over the color channels, in 0..255. All zero if fewer than two values occur.
    """
    members = [
        labels[:, slot.columns] > 0
        if slot.is_group
        else np.stack([labels[:, slot.start] > 0, labels[:, slot.start] < 0], axis=1)
        for slot in slots
    ]
    sides = np.cumsum([0] + [part.shape[1] for part in members])
    weights = np.concatenate(members, axis=1).astype(np.float32)
    totals = np.zeros((weights.shape[1], int(np.prod(images.shape[1:]))), np.float32)
    for start in range(0, len(images), CHUNK):
        part = premultiplied(images[start : start + CHUNK]).reshape(-1, totals.shape[1])
        totals += weights[start : start + CHUNK].T @ part
    counts = weights.sum(axis=0)
    contrast = np.zeros((len(slots), *images.shape[1:3]), np.float32)
    for index, (first, last) in enumerate(zip(sides[:-1], sides[1:], strict=True)):
        present = np.flatnonzero(counts[first:last]) + first
        if len(present) >= 2:
            means = (totals[present] / counts[present, np.newaxis]).reshape(-1, *images.shape[1:])
            contrast[index] = np.mean(np.std(means, axis=0), axis=-1)
    return contrast


def spill(change: np.ndarray, contrast: np.ndarray) -> float | None:
    """Returns how much an edit of one attribute changes the image outside the attribute's region.

    The region is the half of the pixels in which real images differ most by this attribute.

    Args:
        change: [h, w], the mean absolute change of the pixels in the edit.
        contrast: [h, w], of this attribute, from `slot_contrast`.

    Returns:
        Mean change outside the region divided by the mean change inside: 0 if nothing changes outside, 1 if
        both change equally; None without any change or contrast.
    """
    order = np.argsort(contrast, axis=None, kind="stable")
    half = order.size // 2
    outside, inside = np.mean(change.ravel()[order[:half]]), np.mean(change.ravel()[order[half:]])
    return float(outside / inside) if inside > 0 and np.any(contrast) else None
