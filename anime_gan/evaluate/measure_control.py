"""Measures of control: does the model draw the requested attributes, and only those?"""

from __future__ import annotations

from typing import Any

import numpy as np

from anime_gan.common.alpha import premultiplied
from anime_gan.datasets.splits import TEST_EVERY, find_combinations
from anime_gan.evaluate.bench import Bench, Samples, Stream
from anime_gan.judges.tagger import visible
from anime_gan.metrics import control

PICTURED = 4


def attribute_precision(bench: Bench, samples: Samples) -> dict[str, Any]:
    """Precision of every value, on faces drawn without a request and, for rare values, on additional faces.

    See `anime_gan.metrics.control.attribute_precision`.
    """
    faces, test = samples.faces, samples.test
    schema, wanted = bench.schema, bench.options.images_per_request
    assert faces.verdicts is not None and test.verdicts is not None
    counts = control.count_confirmations(faces.labels, faces.verdicts, visible(faces.labels, schema))
    missing = [
        (request, sign, column, wanted - counts.number(sign, column))
        for request, sign, column in control.judged_values(schema)
        if counts.number(sign, column) < wanted
    ]
    bench.stage("attribute precision")
    bench.announce(2 * sum(number for *_, number in missing))
    for request, sign, column, number in missing:
        more = bench.draw(Stream.VALUES, request, number)
        verdicts = bench.verdicts(bench.render(more.latents, more.labels))
        confirmed = control.count_confirmations(more.labels, verdicts, visible(more.labels, schema))
        counts = control.add_for_value(counts, confirmed, sign, column)
    real = control.count_confirmations(test.labels, test.verdicts, visible(test.labels, schema))
    return control.attribute_precision(schema, counts, real)


def unseen_combinations(bench: Bench) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    """Compares the precision of held-out combinations with combinations seen in training.

    Returns:
        The numbers, and for each held-out combination some faces, uint8 [at most 4, h, w, channels];
        None without held-out combinations.
    """
    if not len(bench.combinations):
        return None
    trained_on = bench.dataset.labels[bench.split.train]
    seen = control.seen_combinations(trained_on, bench.combinations, bench.schema.slots, bench.options.seed)
    count = bench.options.images_per_request
    bench.stage("combinations")
    pictures: dict[str, np.ndarray] = {}
    sides: dict[str, dict[str, Any]] = {}
    for name, rows in (("unseen", bench.combinations), ("seen", seen)):
        results = []
        for row in rows:
            request = bench.schema.describe(row)
            faces = bench.draw(Stream.COMBINATIONS, request, count)
            images = bench.render(faces.latents, faces.labels)
            shown = visible(faces.labels, bench.schema)
            found = control.combination_precision(row, bench.verdicts(images), shown, bench.schema.slots)
            results.append({"request": request, **found})
            if name == "unseen":
                pictures[request] = images[:PICTURED]
        sides[name] = {
            "joint": _mean([result["joint"] for result in results]),
            "single": _mean([share for result in results for share in result["each"].values()]),
            "combinations": results,
        }
    unseen, known = sides["unseen"]["joint"], sides["seen"]["joint"]
    difference = None if unseen is None or known is None else unseen - known
    real = _real_combinations(bench)
    return {"hold_out": bench.hold_out, **sides, "difference": difference, "real": real}, pictures


def _real_combinations(bench: Bench) -> dict[str, Any]:
    """Returns the tagger's accuracy on real images with held-out combinations that it was not trained on."""
    kept = bench.split.held_out[bench.split.held_out % TEST_EVERY == TEST_EVERY - 1]
    if not len(kept):
        return {"joint": None, "images": 0}
    sample = bench.real(kept, bench.options.num_images)
    assert sample.verdicts is not None
    shown = visible(sample.labels, bench.schema)
    has = find_combinations(sample.labels, bench.combinations)
    parts = [
        control.combination_precision(row, sample.verdicts[has[:, k]], shown[has[:, k]], bench.schema.slots)
        for k, row in enumerate(bench.combinations)
    ]
    images = sum(part["images"] for part in parts)
    right = sum(part["joint"] * part["images"] for part in parts if part["images"])
    return {"joint": right / images if images else None, "images": images}


def leakage(bench: Bench, samples: Samples) -> dict[str, Any]:
    """Measures what else changes when one attribute of a face is edited.

    Real images show which region of the image belongs to an attribute.

    Returns:
        `flipped`: share of the other attributes whose label changes; `noise`: share of labels that change
        when a face moves by one pixel, which is the error of the tagger; `followed`: share of successful
        edits; `spill`: mean over the attributes of `anime_gan.metrics.control.spill`; `attributes`: the same
        for each edited attribute; `pairs`, `compared`: counts.
    """
    schema, slots = bench.schema, bench.schema.slots
    bench.stage("leakage")
    faces = bench.draw(Stream.CHANGES, "", bench.options.pairs)
    changed_labels, changed = control.change_one(faces.labels, slots, bench.options.seed)
    images = [bench.render(faces.latents, labels) for labels in (faces.labels, changed_labels)]
    before, after = (bench.verdicts(part) for part in images)
    moved = bench.verdicts(np.concatenate([images[0][:, :, :1], images[0][:, :, :-1]], axis=2))

    seen_before = control.by_slot(visible(faces.labels, schema), slots)
    seen_after = control.by_slot(visible(changed_labels, schema), slots)
    codes = {
        name: control.slot_codes(verdicts, slots)
        for name, verdicts in (("before", before), ("after", after), ("moved", moved))
    }
    counts = control.leakage(codes["before"], codes["after"], seen_before & seen_after, changed)
    flips, compared = (int(total) for total in counts.sum(axis=0))
    noise = (codes["before"] != codes["moved"])[seen_before]
    rows = np.arange(len(changed))
    followed = (codes["after"] == control.slot_codes(changed_labels, slots))[rows, changed]
    followed = followed[seen_after[rows, changed]]

    contrast = control.slot_contrast(samples.reference.images, samples.reference.labels, slots)
    attributes = {}
    for index, slot in enumerate(slots):
        of_slot = changed == index
        if np.any(of_slot):
            before, after = (premultiplied(part[of_slot]) for part in images)
            difference = np.abs(after - before)
            attributes[slot.name] = {
                "pairs": int(np.sum(of_slot)),
                "flipped": _share(*counts[index]),
                "spill": control.spill(difference.mean(axis=(0, 3)), contrast[index]),
            }
    return {
        "flipped": _share(flips, compared),
        "noise": _share(int(noise.sum()), noise.size),
        "followed": _share(int(followed.sum()), followed.size),
        "spill": _mean([part["spill"] for part in attributes.values()]),
        "pairs": len(changed),
        "compared": compared,
        "attributes": attributes,
    }


def _share(part: int, whole: int) -> float | None:
    return int(part) / int(whole) if whole else None


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
