"""Measures the control over attributes: attribute precision, combinations, and leakage.

Labels are arrays [n, num_labels] of +1 (present), -1 (absent), and 0 (unknown, only for real images).
Verdicts are labels that a tagger predicts. `visible`, bool [n, num_labels], is false for hidden attributes,
such as the color of closed eyes. They are not counted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from anime_gan.attributes.scales import BINS, known
from anime_gan.attributes.schema import Schema, Slot
from anime_gan.common.alpha import premultiplied

# Number of images that are processed at a time, as float32 copies.
CHUNK = 256


@dataclasses.dataclass(frozen=True)
class Confirmations:
    """How often each column was requested, and how often the verdict agreed.

    Attributes:
        asked: int64 [2, num_labels], number of images requested with the attribute and without it.
        confirmed: int64 [2, num_labels], number of these images whose verdict agrees.
    """

    asked: np.ndarray
    confirmed: np.ndarray

    def rate(self, sign: int, column: int) -> float | None:
        """Returns the share of confirmed images for a sign, +1 or -1; None without images."""
        row = 0 if sign > 0 else 1
        asked = int(self.asked[row, column])
        return int(self.confirmed[row, column]) / asked if asked else None

    def number(self, sign: int, column: int) -> int:
        """Returns the number of images that were requested with a sign."""
        return int(self.asked[0 if sign > 0 else 1, column])


def count_confirmations(labels: np.ndarray, verdicts: np.ndarray, visible: np.ndarray) -> Confirmations:
    """Counts requests and confirming verdicts for each column."""
    asked = np.stack([(labels > 0) & visible, (labels < 0) & visible])
    agrees = np.stack([verdicts > 0, verdicts < 0])
    return Confirmations(np.sum(asked, axis=1), np.sum(asked & agrees, axis=1))


def add_for_value(counts: Confirmations, more: Confirmations, sign: int, column: int) -> Confirmations:
    """Adds the counts of images that were drawn for one value, to the counts of this value only.

    These images are not representative of other columns, because all of them have this value.
    """
    row = 0 if sign > 0 else 1
    asked, confirmed = counts.asked.copy(), counts.confirmed.copy()
    asked[row, column] += more.asked[row, column]
    confirmed[row, column] += more.confirmed[row, column]
    return Confirmations(asked, confirmed)


def judged_values(schema: Schema) -> list[tuple[str, int, int]]:
    """Returns all values that have a precision, as (name, sign, column).

    These are every value of a group, such as `hair_color=blue`, every tag, and the absence of every tag, such
    as `glasses=no`.
    """
    values = []
    for slot in (slot for slot in schema.slots if not slot.is_scale):
        for column in range(slot.start, slot.start + slot.size):
            values.append((schema.columns[column], 1, column))
        if not slot.is_group:
            values.append((f"{slot.name}=no", -1, slot.start))
    return values


def attribute_precision(schema: Schema, model: Confirmations, real: Confirmations) -> dict[str, Any]:
    """Returns the share of images whose verdict confirms the request, for each value.

    This is the attribute precision of Jin et al. 2017 (arXiv 1708.05509, section 5), with a tagger instead of
    people. The tagger is not perfect, so its rate on real images is reported too. The averages give the same
    weight to each value of a group and to each present tag. They include only values with images of both the
    model and the real data.

    Returns:
        `model` and `real`: the averages, in 0..1.
        `share_of_real`: their ratio.
        `worst`: the value with the lowest precision.
        `values`: one row per value. None stands for a value without images.
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
    """Returns whether all columns of each slot are true, from bool [n, num_labels] to [n, num_slots]."""
    return np.stack([np.all(columns[:, slot.columns], axis=1) for slot in slots], axis=1)


def combination_precision(
    wanted: np.ndarray, verdicts: np.ndarray, visible: np.ndarray, slots: Sequence[Slot]
) -> dict[str, Any]:
    """Returns the share of images with all attributes of one combination.

    Args:
        wanted: [num_labels] of +1, -1, and 0 (any value).
        verdicts: [n, num_labels], for images requested with the combination.
        visible: bool [n, num_labels]. Images that hide a part of the combination are not counted.
        slots: The schema's slots.

    Returns:
        `joint`: the share of images with the whole combination.
        `each`: slot name -> share of images with that part.
        `images`: the number of images that were counted.
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
    """Draws combinations of the same attributes from the training set, for comparison.

    Args:
        labels: int8 [n, num_labels], the training labels. They do not have the held-out combinations.
        combinations: int8 [k, num_labels], the held-out combinations.
        slots: The schema's slots.
        seed: Random seed. Combinations are drawn without repetition.

    Returns:
        int8 [at most k, num_labels]. For each set of attributes, it has as many combinations as were held
        out, or all combinations if there are fewer.
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
    """Returns whether each label row knows the attribute, bool [n]. A group needs a positive value."""
    part = labels[:, slot.columns]
    return np.any(part > 0 if slot.is_group else part != 0, axis=1)


def change_one(labels: np.ndarray, slots: Sequence[Slot], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Changes one random attribute of each row to another random value. Both are drawn uniformly.

    Args:
        labels: [n, num_labels] of +1 and -1, complete rows.
        slots: The schema's slots.
        seed: Random seed.

    Returns:
        The changed rows, and the index of each changed slot, int64 [n].
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
        elif slot.is_scale:
            # Somewhere else: at least a quarter of the range away.
            steps = np.linspace(-1, 1, BINS)
            row[slot.start] = known(random.choice(steps[np.abs(steps - row[slot.start]) >= 0.5]))
        else:
            row[slot.start] *= -1
    return changed, chosen


def leakage(before: np.ndarray, after: np.ndarray, comparable: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """Counts attributes that changed unintentionally.

    Args:
        before: [n, num_slots], the value of each attribute before the edit, in any encoding.
        after: [n, num_slots], the values after the edit.
        comparable: bool [n, num_slots], whether the attribute is visible both before and after.
        changed: int64 [n], the index of the edited attribute.

    Returns:
        int64 [num_slots, 2]: for each edited attribute, the number of other attributes that flipped, and the
        number of other attributes that were compared. Leakage is the ratio of the two sums.
    """
    rows = np.arange(len(changed))
    others = comparable.copy()
    others[rows, changed] = False
    flips = np.sum(others & (before != after), axis=1)
    counts = np.zeros((before.shape[1], 2), np.int64)
    np.add.at(counts, changed, np.stack([flips, np.sum(others, axis=1)], axis=1))
    return counts


def slot_codes(verdicts: np.ndarray, slots: Sequence[Slot]) -> np.ndarray:
    """Returns the index of each group's value, 0 or 1 for each tag, and the third of each scale's range.

    Returns:
        int64 [n, num_slots].
    """
    return np.stack(
        [
            np.argmax(verdicts[:, slot.columns], axis=1)
            if slot.is_group
            else np.digitize(verdicts[:, slot.start], (-1 / 3, 1 / 3))
            if slot.is_scale
            else verdicts[:, slot.start] > 0
            for slot in slots
        ],
        axis=1,
    ).astype(np.int64)


def slot_contrast(images: np.ndarray, labels: np.ndarray, slots: Sequence[Slot]) -> np.ndarray:
    """Returns where real images differ between the values of an attribute.

    Args:
        images: uint8 [n, h, w, 3 or 4], straight alpha.
        labels: [n, num_labels] of +1, -1, and 0.
        slots: The schema's slots.

    Returns:
        float32 [num_slots, h, w] in 0..255: the standard deviation between the mean images of the values,
        averaged over the channels. All zeros if fewer than two values occur.
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

    The region is the half of the pixels in which this attribute changes real images most.

    Args:
        change: [h, w], the mean absolute change of each pixel by the edit.
        contrast: [h, w], the contrast of this attribute from `slot_contrast`.

    Returns:
        The mean change outside the region, divided by the mean change inside. 0 means that nothing changes
        outside, and 1 that both change equally. None if nothing changes inside, or without contrast.
    """
    order = np.argsort(contrast, axis=None, kind="stable")
    half = order.size // 2
    outside, inside = np.mean(change.ravel()[order[:half]]), np.mean(change.ravel()[order[half:]])
    return float(outside / inside) if inside > 0 and np.any(contrast) else None
