"""Measures of the control over scales: errors, order, and what else changes."""

from __future__ import annotations

from typing import Any

import numpy as np

from anime_gan.attributes.edits import STEPS, with_value
from anime_gan.evaluate.bench import Bench, Samples, Stream
from anime_gan.judges.tagger import visible
from anime_gan.metrics import control


def scales(bench: Bench, samples: Samples) -> dict[str, dict[str, Any]]:
    """Draws some faces with nine values of each scale and compares the tagger's values.

    Returns:
        Name of the scale -> `error`: mean absolute difference between the requested value and the tagger's,
        in the unit of the scale; `real_error`: the same on real images, which is the error of the tagger;
        `ordered`: share of neighboring steps in which the tagger's value rises; `flipped`: share of the
        other attributes whose label differs from that of the same face in the middle of the scale; `unit`,
        and `faces`.
    """
    schema = bench.schema
    count = -(-bench.options.images_per_request // len(STEPS))
    results = {}
    if schema.scales:
        bench.stage("scales")
        bench.announce(2 * len(schema.scales) * len(STEPS) * count)
    for index, slot in enumerate(schema.slots):
        if not slot.is_scale:
            continue
        scale = schema.scales[slot.start]
        half = (scale.high - scale.low) / 2
        faces = bench.draw(Stream.CHANGES, "", count)
        rows = [with_value(faces.labels, slot, option) for option in range(len(STEPS))]
        verdicts = np.stack([bench.verdicts(bench.render(faces.latents, row)) for row in rows])
        values = verdicts[..., slot.start]
        seen = control.by_slot(visible(faces.labels, schema), schema.slots)
        others = np.arange(len(schema.slots)) != index
        codes = np.stack([control.slot_codes(part, schema.slots) for part in verdicts])
        middle = len(STEPS) // 2
        differs = (codes != codes[middle])[np.arange(len(STEPS)) != middle]
        results[slot.name] = {
            "error": float(np.mean(np.abs(values - np.array(STEPS)[:, np.newaxis]))) * half,
            "real_error": _real_error(samples, slot.start, half),
            "ordered": float(np.mean(np.diff(values, axis=0) > 0)),
            "flipped": float(np.mean(differs[:, seen & others])),
            "unit": scale.unit,
            "faces": count,
        }
    return results


def _real_error(samples: Samples, column: int, half: float) -> float | None:
    """Returns the tagger's mean absolute error on real images; None if no image has a known value."""
    truth, verdicts = samples.test.labels, samples.test.verdicts
    assert verdicts is not None
    known = truth[:, column] != 0
    return float(np.mean(np.abs(truth - verdicts)[known, column])) * half if np.any(known) else None
