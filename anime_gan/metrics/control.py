"""How well a model does what it is asked: attribute precision, combinations, leakage.

Everything here is arrays. Label rows and verdicts are [n, num_labels] of +1 (has it), -1 (has it not) and
0 (unknown, in labels of real images); who gave the verdicts does not matter. What a face hides, such as the
colour of closed eyes, is marked by `visible`, bool [n, num_labels], and not counted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from anime_gan.attributes.schema import Schema, Slot

# Images summed at a time: float32 copies of them are made.
CHUNK = 256


@dataclasses.dataclass(frozen=True)
class Confirmations:
    """How often each column was asked for, and how often the verdict agreed.

    Attributes:
        asked: int64 [2, num_labels], images that should have it and images that should not.
        confirmed: int64 [2, num_labels], those of them with that verdict.
    """

    asked: np.ndarray
    confirmed: np.ndarray

    def rate(self, sign: int, column: int) -> float | None:
        """Share of confirmed images, for +1 (has it) or -1 (has it not); None if there are no images."""
        row = 0 if sign > 0 else 1
        asked = int(self.asked[row, column])
        return int(self.confirmed[row, column]) / asked if asked else None

    def number(self, sign: int, column: int) -> int:
        """Images that were asked for with that sign."""
        return int(self.asked[0 if sign > 0 else 1, column])


def count_confirmations(labels: np.ndarray, verdicts: np.ndarray, visible: np.ndarray) -> Confirmations:
    """Compares what was asked with the verdicts, column by column."""
    asked = np.stack([(labels > 0) & visible, (labels < 0) & visible])
    agrees = np.stack([verdicts > 0, verdicts < 0])
    return Confirmations(np.sum(asked, axis=1), np.sum(asked & agrees, axis=1))


def add_for_value(counts: Confirmations, more: Confirmations, sign: int, column: int) -> Confirmations:
    """Adds images that were drawn for the sake of one value, to that value alone.

    They tell nothing fair about other columns, since everything in them goes with this one value.
    """
    row = 0 if sign > 0 else 1
    asked, confirmed = counts.asked.copy(), counts.confirmed.copy()
    asked[row, column] += more.asked[row, column]
    confirmed[row, column] += more.confirmed[row, column]
    return Confirmations(asked, confirmed)


def judged_values(schema: Schema) -> list[tuple[str, int, int]]:
    """Everything that has a precision: (request, sign, column), as `hair_color=blue` or `glasses=no`.

    Every value of a group, every tag, and the absence of every tag.
    """
    values = []
    for slot in schema.slots:
        for column in range(slot.start, slot.start + slot.size):
            values.append((schema.columns[column], 1, column))
        if not slot.is_group:
            values.append((f"{slot.name}=no", -1, slot.start))
    return values


def attribute_precision(schema: Schema, model: Confirmations, real: Confirmations) -> dict[str, Any]:
    """The share of images whose verdict confirms what was asked, value by value.

    After Jin et al. 2017 (arXiv 1708.05509, section 5, attribute precision), with a tagger in place of
    people, so the tagger's own rate on real images stands beside it. The averages are over values of groups
    and tags that are on, each value counting once, and only over values that both sides have images of.

    Returns:
        `model` and `real`, the averages in 0..1, `share_of_real` their ratio, `worst` the value that the
        model does worst, and `values`, a row each; None stands for what has no images.
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
    """Whether something holds for all columns of each slot: bool [n, num_labels] -> [n, num_slots]."""
    return np.stack([np.all(columns[:, slot.columns], axis=1) for slot in slots], axis=1)


def combination_precision(
    wanted: np.ndarray, verdicts: np.ndarray, visible: np.ndarray, slots: Sequence[Slot]
) -> dict[str, Any]:
    """How many images have all attributes of one combination.

    Args:
        wanted: [num_labels] of +1, -1 and 0 (may be anything).
        verdicts: [n, num_labels], of images that were asked for with the combination.
        visible: bool [n, num_labels]; an image that hides a part of the combination is not counted.
        slots: The schema's slots.

    Returns:
        `joint`, the share with all of it, `each`, slot name -> the share with that part, `images`.
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
    """Combinations to compare held-out ones with: of the same attributes, and present in the training set.

    Args:
        labels: int8 [n, num_labels], the rows that were trained on: none has a held-out combination.
        combinations: int8 [k, num_labels], what was held out.
        slots: The schema's slots.
        seed: Decides which are drawn, without repetition.

    Returns:
        int8 [at most k, num_labels]: for every set of attributes as many as were held out, or all there are.
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
    """Whether each label row says what the attribute is: bool [n]. A group needs the value that it has."""
    part = labels[:, slot.columns]
    return np.any(part > 0 if slot.is_group else part != 0, axis=1)


def change_one(labels: np.ndarray, slots: Sequence[Slot], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Changes one attribute of each row: which one, and to which other value, is drawn evenly.

    Args:
        labels: [n, num_labels] of +1 and -1, complete rows.
        slots: The schema's slots.
        seed: Decides what is drawn.

    Returns:
        The changed rows, and int64 [n], the index of the slot that was changed.
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
    """Counts the attributes that changed though they should not have.

    Args:
        before: [n, num_slots], what each attribute was seen to be (any coding).
        after: The same of the faces with one attribute changed.
        comparable: bool [n, num_slots], whether the attribute can be seen in both.
        changed: int64 [n], the attribute that was changed on purpose.

    Returns:
        int64 [num_slots, 2]: for each attribute that was changed on purpose, how many others flipped and how
        many others were compared. Leakage is the one sum divided by the other.
    """
    rows = np.arange(len(changed))
    others = comparable.copy()
    others[rows, changed] = False
    flips = np.sum(others & (before != after), axis=1)
    counts = np.zeros((before.shape[1], 2), np.int64)
    np.add.at(counts, changed, np.stack([flips, np.sum(others, axis=1)], axis=1))
    return counts


def slot_codes(verdicts: np.ndarray, slots: Sequence[Slot]) -> np.ndarray:
    """Which value each attribute has: int64 [n, num_slots], the column that is on; a tag 0 or 1."""
    return np.stack(
        [
            np.argmax(verdicts[:, slot.columns], axis=1) if slot.is_group else verdicts[:, slot.start] > 0
            for slot in slots
        ],
        axis=1,
    ).astype(np.int64)


def slot_contrast(images: np.ndarray, labels: np.ndarray, slots: Sequence[Slot]) -> np.ndarray:
    """Where real pictures differ from one value of an attribute to the next.

    Args:
        images: uint8 [n, h, w, 3].
        labels: [n, num_labels] of +1, -1 and 0.
        slots: The schema's slots.

    Returns:
        float32 [num_slots, h, w]: the standard deviation, over the values, of the mean picture of the images
        with that value, averaged over the colours, in 0..255. All zero if fewer than two values occur.
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
        part = np.asarray(images[start : start + CHUNK], np.float32).reshape(-1, totals.shape[1])
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
    """How much a change of one attribute moves where it should not.

    The picture is cut into two halves of as many pixels: where real pictures differ most by this attribute,
    and the rest.

    Args:
        change: [h, w], the mean absolute change of the pixels when the attribute is changed.
        contrast: [h, w], of this attribute, from `slot_contrast`.

    Returns:
        Mean change in the rest divided by that where it belongs: 0 if nothing else moves, 1 if everything
        moves alike; None if nothing moves, or if there is no contrast.
    """
    order = np.argsort(contrast, axis=None, kind="stable")
    half = order.size // 2
    outside, inside = np.mean(change.ravel()[order[:half]]), np.mean(change.ravel()[order[half:]])
    return float(outside / inside) if inside > 0 and np.any(contrast) else None
