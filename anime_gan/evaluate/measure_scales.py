"""Measures of the control over scales: errors, order, and what else changes."""

from __future__ import annotations

from typing import Any

import numpy as np

from anime_gan.attributes.edits import STEPS, with_value
from anime_gan.attributes.schema import Schema, Slot
from anime_gan.datasets.mixture.united import STYLE
from anime_gan.evaluate.bench import Bench, Faces, Samples, Stream
from anime_gan.evaluate.persons import REACH, Persons
from anime_gan.judges.person import distances
from anime_gan.judges.tagger import visible
from anime_gan.metrics import control


def scales(bench: Bench, samples: Samples, persons: Persons | None = None) -> dict[str, dict[str, Any]]:
    """Draws some faces with nine values of each scale and compares the tagger's values.

    Faces in styles whose training pictures hardly vary in a scale are left out.

    Returns:
        Name of the scale -> `error`: mean absolute difference between the requested value and the tagger's,
        in the unit of the scale; `real_error`: the same on real images, which is the error of the tagger;
        `end_error` and `real_end_error`: the same at the ends of the scale; `ordered`: share of neighboring
        steps in which the tagger's value rises; `flipped`: share of the other attributes whose label differs
        between -REACH and REACH; `person`: see `_moved`, only with an identity measure; `unit`, and `faces`.
    """
    schema = bench.schema
    count = -(-bench.options.images_per_request // len(STEPS))
    slots = [slot for slot in schema.slots if slot.is_scale]
    if slots:
        bench.stage("scales")
        bench.announce(2 * len(slots) * (len(STEPS) + 2) * count)
    trained = (
        schema.decode(bench.dataset.labels[bench.split.train]) if slots and _has_styles(schema) else None
    )
    results: dict[str, dict[str, Any]] = {}
    for slot in slots:
        scale = schema.scales[slot.start]
        half = (scale.high - scale.low) / 2
        faces = _varied_faces(bench, slot, trained, count)
        rows = [with_value(faces.labels, slot, option) for option in range(len(STEPS))]
        verdicts = np.stack([bench.verdicts(bench.render(faces.latents, row)) for row in rows])
        values = verdicts[..., slot.start]
        errors = np.abs(values - np.array(STEPS)[:, np.newaxis]).mean(axis=1) * half
        ends = (_with_end(faces.labels, slot, end) for end in (-REACH, REACH))
        low, high = (bench.render(faces.latents, row) for row in ends)
        results[slot.name] = {
            "error": float(errors.mean()),
            "real_error": _real_error(samples, slot.start, half),
            "end_error": float(errors[[0, -1]].mean()),
            "real_end_error": _real_error(samples, slot.start, half, REACH),
            "ordered": float(np.mean(np.diff(values, axis=0) > 0)),
            "flipped": _flipped(schema, slot, faces.labels, bench.verdicts(low), bench.verdicts(high)),
            "unit": scale.unit,
            "faces": len(faces.labels),
        }
        if persons is not None and slot.name in persons.moved:
            results[slot.name]["person"] = _moved(persons, slot.name, low, high)
    return results


def _has_styles(schema: Schema) -> bool:
    return any(slot.name == STYLE for slot in schema.slots)


def _varied_faces(bench: Bench, slot: Slot, trained: np.ndarray | None, count: int) -> Faces:
    """Draws faces in the styles whose training pictures show at least half of a scale.

    Args:
        bench: Draws the faces.
        slot: The scale.
        trained: float32 [n, num_labels], the labels of the training pictures; None without styles.
        count: Number of faces.
    """
    if trained is None:
        return bench.draw(Stream.CHANGES, "", count)
    style = bench.schema.slot_named(STYLE).columns
    values = np.where(trained[:, style] > 0, trained[:, [slot.start]], 0)
    is_varied = np.ptp(values, axis=0) > 1.0
    if not is_varied.any():
        return bench.draw(Stream.CHANGES, "", count)
    parts: list[Faces] = []
    while sum(len(part.seeds) for part in parts) < count:
        drawn = bench.draw(Stream.CHANGES, "", count)
        kept = is_varied[np.argmax(drawn.labels[:, style], axis=1)]
        parts.append(Faces(*(column[kept] for column in drawn)))
    return Faces(*(np.concatenate(columns)[:count] for columns in zip(*parts, strict=True)))


def _with_end(labels: np.ndarray, slot: Slot, value: float) -> np.ndarray:
    changed: np.ndarray = labels.copy()
    changed[:, slot.start] = value
    return changed


def _flipped(schema: Schema, slot: Slot, labels: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """Returns the share of the other attributes that the tagger reads differently at both ends."""
    others = np.array([other.name != slot.name for other in schema.slots])
    seen = control.by_slot(visible(labels, schema), schema.slots) & others
    codes = [control.slot_codes(verdicts, schema.slots) for verdicts in (low, high)]
    return float(np.mean((codes[0] != codes[1])[seen]))


def _moved(persons: Persons, name: str, low: np.ndarray, high: np.ndarray) -> dict[str, float]:
    """Returns how far people move from one end of a scale to the other.

    Returns:
        `distance`: mean distance; `limit`: the distance that 95% of real people stay below; `within`: share
        of the faces that stay below it.
    """
    measure, limit = persons.measure, persons.moved[name]
    between = np.diagonal(distances(measure.features(low), measure.features(high)))
    return {
        "distance": float(between.mean()),
        "limit": limit,
        "within": float(np.mean(between <= limit)),
    }


def _real_error(samples: Samples, column: int, half: float, smallest: float = 0.0) -> float | None:
    """Returns the tagger's mean absolute error on real images; None if no image has such a value.

    Args:
        samples: The images.
        column: Column of the scale.
        half: Half of the scale's range, in its unit.
        smallest: Smallest absolute value of the images that count.
    """
    truth, verdicts = samples.test.labels, samples.test.verdicts
    assert verdicts is not None
    counted = (truth[:, column] != 0) & (np.abs(truth[:, column]) >= smallest)
    return float(np.mean(np.abs(truth - verdicts)[counted, column])) * half if np.any(counted) else None
