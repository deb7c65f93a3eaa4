"""The same measures on details at full resolution: an eye, the mouth, an edge of the hair, the outline."""

from __future__ import annotations

from typing import Any

import numpy as np

from anime_gan.evaluate.bench import JUDGE_BATCH, Bench, Sample, Samples
from anime_gan.judges.details import PARTS
from anime_gan.judges.tagger import RELIABLE, Tagger, decide, visible
from anime_gan.metrics import control
from anime_gan.metrics.distances import frechet_distance


def details(bench: Bench, samples: Samples) -> dict[str, Any]:
    """Measures attributes, FID and the success rate on mosaics of details (see `judges.details`).

    Returns:
        `side` and `parts` of a mosaic; `success`, the share above the floor of the details' critic;
        `attributes`, as in `measure_control.attribute_precision`, but only those that can be recognized on
        details of real images; `fid` of equal numbers of faces and held-out images. The last two are absent
        for a model without labels.
    """
    bench.stage("details")
    (tagger, critic), crops = bench.judges.detail, bench.judges.crops
    mosaics = [crops.mosaic(sample.images) for sample in samples]
    faces, _, test = mosaics
    shares = [
        float(np.mean(bench.in_batches(JUDGE_BATCH, critic.score, images) >= critic.floor))
        for images in (faces, test)
    ]
    numbers: dict[str, Any] = {
        "side": crops.side,
        "parts": list(PARTS),
        "success": {"model": shares[0], "real": shares[1], "images": len(faces), "real_images": len(test)},
    }
    if tagger is not None:
        drawn, reference, real = (
            _judged(sample, images, tagger) for sample, images in zip(samples, mosaics, strict=True)
        )
        numbers["attributes"] = _attribute_precision(bench, drawn, real, tagger)
        numbers["fid"] = _fid(reference, drawn, real)
    return numbers


def _judged(sample: Sample, mosaics: np.ndarray, tagger: Tagger) -> Sample:
    judgement = tagger.judge(mosaics)
    verdicts = decide(judgement.probabilities, tagger.schema)
    return Sample(mosaics, sample.labels, verdicts, judgement.features)


def _attribute_precision(bench: Bench, drawn: Sample, real: Sample, tagger: Tagger) -> dict[str, Any]:
    recognized = np.zeros(bench.schema.num_labels, bool)
    for slot in bench.schema.slots:
        recognized[slot.columns] = tagger.accuracy[slot.name] >= RELIABLE
    counts = []
    for sample in (drawn, real):
        assert sample.verdicts is not None
        shown = visible(sample.labels, bench.schema) & recognized
        counts.append(control.count_confirmations(sample.labels, sample.verdicts, shown))
    return control.attribute_precision(bench.schema, *counts)


def _fid(reference: Sample, drawn: Sample, real: Sample) -> dict[str, Any]:
    assert reference.features is not None and drawn.features is not None and real.features is not None
    count = min(len(drawn.features), len(real.features))
    return {
        "images": count,
        "model": frechet_distance(reference.features, drawn.features[:count]),
        "real": frechet_distance(reference.features, real.features[:count]),
    }
