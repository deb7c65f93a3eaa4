"""Measures of the pictures themselves: variety, copies, closeness to real ones, texture, intactness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from anime_gan.attributes.schema import Slot
from anime_gan.evaluate.bench import Bench, Samples, Stream
from anime_gan.faces.generator import candidate_seed
from anime_gan.metrics.control import is_known
from anime_gan.metrics.distances import frechet_distance, kernel_distance, precision_recall
from anime_gan.metrics.texture import sliced_wasserstein
from anime_gan.metrics.variety import group_by_labels, nearest_images, pairwise_diversity

CANDIDATES = 4
# Fewer pairs of images with equal attributes tell nothing: then fewer attributes have to be equal.
MIN_PAIRS = 20
# Training images read at a time.
CHUNK = 8192
NEAR_PERCENTILE = 1
PICTURED_PAIRS = 16


class Closest(NamedTuple):
    """The generated faces that are closest to a training image.

    Attributes:
        generated: uint8 [n, h, w, 3], the closest first.
        nearest: uint8 [n, h, w, 3], the training image that each is closest to.
    """

    generated: np.ndarray
    nearest: np.ndarray


def variety(bench: Bench) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """How different faces with equal attributes are, and what choosing among candidates does to that.

    Pairs of real images with equal labels are compared with pairs of faces that were asked for with the same
    labels. If too few real images have the same complete labels, only the values of the groups have to be
    equal, on both sides, and the tags are left open; if that is not enough either, nothing has to be.

    Returns:
        The variety as a mean distance (see `anime_gan.metrics.variety`): `model`, `real` and their `ratio`.
        And for 1 candidate and several, the share of faces above the critic's floor, and the ratio.
    """
    bench.stage("variety")
    equal, columns, real_pairs = _equal_pairs(bench)
    rows = np.where(columns, bench.dataset.labels[real_pairs[:, 0]], 0)
    texts = [request for request in map(bench.schema.describe, rows) for _ in range(2)]
    faces = bench.draw(Stream.VARIETY, texts, len(texts))
    drawn, scores = [], []
    for number in range(CANDIDATES):
        seeds = [candidate_seed(seed, number) for seed in faces.seeds.tolist()]
        latents = faces.latents if number == 0 else bench.model.inputs(texts, seeds)[0]
        drawn.append(bench.render(latents, faces.labels))
        scores.append(bench.scores(drawn[-1]))
    real = pairwise_diversity(_paired(np.asarray(bench.dataset.images[real_pairs.ravel()])))
    results = []
    for count in (1, CANDIDATES):
        best = np.argmax(scores[:count], axis=0)
        images = np.stack([drawn[number][index] for index, number in enumerate(best)])
        diversity = pairwise_diversity(_paired(images))
        results.append(
            {
                "candidates": count,
                "success": float(np.mean(np.max(scores[:count], axis=0) >= bench.critic.floor)),
                "diversity": diversity,
                "variety": diversity / real if real else None,
                "images": len(images),
            }
        )
    numbers = {
        "equal": equal,
        "pairs": len(real_pairs),
        "model": results[0]["diversity"],
        "real": real,
        "ratio": results[0]["variety"],
    }
    return numbers, results


def _equal_pairs(bench: Bench) -> tuple[str, np.ndarray, np.ndarray]:
    """Pairs of training images that are alike.

    Returns:
        What is equal, in words; bool [num_labels], in which columns; int64 [pairs, 2], which images.
    """
    slots, count = bench.schema.slots, bench.options.pairs // 2
    groups = tuple(slot for slot in slots if slot.is_group)
    for equal, kept in (("all attributes", slots), ("all but tags", groups)):
        pairs = _alike(bench, kept, count)
        if kept and len(pairs) >= min(MIN_PAIRS, count):
            return equal, _columns(bench, kept), pairs
    return "no attributes", _columns(bench, ()), _alike(bench, (), count)


def _columns(bench: Bench, slots: Sequence[Slot]) -> np.ndarray:
    columns = np.zeros(bench.schema.num_labels, bool)
    for slot in slots:
        columns[slot.columns] = True
    return columns


def _alike(bench: Bench, slots: Sequence[Slot], count: int) -> np.ndarray:
    """Pairs of training images in which these attributes are known and equal: int64 [at most count, 2]."""
    train = bench.split.train
    labels = bench.dataset.labels[train]
    # An unknown attribute may be anything.
    known = np.flatnonzero(np.all([np.ones(len(train), bool), *(is_known(labels, s) for s in slots)], axis=0))
    groups = group_by_labels(labels[known][:, _columns(bench, slots)], 2, count, bench.options.seed)
    return train[known[_round_robin(groups, count)]]


def _round_robin(groups: list[np.ndarray], count: int) -> np.ndarray:
    """Pairs of members, int64 [at most count, 2]: the first two of every group, then the next two."""
    longest = max((len(group) for group in groups), default=0)
    pairs = [
        group[start : start + 2]
        for start in range(0, longest - 1, 2)
        for group in groups
        if len(group) >= start + 2
    ]
    return np.array(pairs[:count], np.int64).reshape(-1, 2)


def _paired(images: np.ndarray) -> np.ndarray:
    return images.reshape(-1, 2, *images.shape[1:])


def copies(bench: Bench, samples: Samples) -> tuple[dict[str, Any], Closest]:
    """Whether generated faces are nearer to training images than other real images are.

    Returns:
        `model` and `real`: the median distance (see `anime_gan.metrics.variety`) to the nearest training
        image; `limit`: the distance that 1% of the held-out images are within; `model_near`: the share of
        generated faces that are, which is 1% too if they keep away as real ones do. And the closest faces.
    """
    bench.stage("copies")
    count = bench.options.copies
    images = samples.faces.images[:count]
    distances, nearest = _nearest_training_images(bench, images)
    real, _ = _nearest_training_images(bench, samples.test.images[:count])
    limit = float(np.percentile(real, NEAR_PERCENTILE))
    closest = np.argsort(distances, kind="stable")[:PICTURED_PAIRS]
    numbers = {
        "model": float(np.median(distances)),
        "real": float(np.median(real)),
        "limit": limit,
        "model_near": float(np.mean(distances <= limit)),
        "real_near": float(np.mean(real <= limit)),
        "images": len(images),
        "real_images": len(real),
    }
    return numbers, Closest(images[closest], np.stack([bench.dataset.images[nearest[i]] for i in closest]))


def _nearest_training_images(bench: Bench, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance to the nearest training image and its index in the dataset, for each image."""
    train = bench.split.train
    # A model that was trained on mirrored images may have copied one.
    mirrored = bench.model.record["config"].get("flip", False)
    distances = np.full(len(images), np.inf)
    indices = np.zeros(len(images), np.int64)
    for start in range(0, len(train), CHUNK):
        part = train[start : start + CHUNK]
        references = np.asarray(bench.dataset.images[part])
        for queries in (images, images[:, :, ::-1]) if mirrored else (images,):
            found, where = nearest_images(queries, references)
            nearer = found < distances
            distances[nearer], indices[nearer] = found[nearer], part[where[nearer]]
    return distances, indices


def resemblance(bench: Bench, samples: Samples) -> dict[str, Any]:
    """FID, KID, precision and recall on the tagger's features, against images that were trained on.

    All but the KID depend on how many images there are, so the model is measured twice: with all its faces,
    and with as many as there are held-out images, whose values stand beside.
    """
    bench.stage("resemblance")
    faces, reference, test = samples
    count = min(len(faces.images), len(test.images))
    assert faces.features is not None and reference.features is not None and test.features is not None
    return {
        "reference_images": len(reference.images),
        "all": {"images": len(faces.images), "model": _distances(reference.features, faces.features)},
        "equal_numbers": {
            "images": count,
            "model": _distances(reference.features, faces.features[:count]),
            "real": _distances(reference.features, test.features[:count]),
        },
    }


def _distances(real: np.ndarray, others: np.ndarray) -> dict[str, float]:
    precision, recall = precision_recall(real, others)
    return {
        "fid": frechet_distance(real, others),
        "kid": kernel_distance(real, others),
        "precision": precision,
        "recall": recall,
    }


def texture(bench: Bench, samples: Samples) -> dict[str, Any]:
    """Sliced Wasserstein distance to images that were trained on, for each scale (see `metrics.texture`).

    As many images on all sides: the distance depends on their number.
    """
    bench.stage("texture")
    count = min(len(sample.images) for sample in samples)
    model, real = (
        sliced_wasserstein(samples.reference.images[:count], sample.images[:count], bench.options.seed)
        for sample in (samples.faces, samples.test)
    )
    levels = {str(level): {"model": model[level], "real": real[level]} for level in model}
    return {"images": count, "levels": levels}


def success(bench: Bench, samples: Samples) -> dict[str, Any]:
    """The share of faces that the critic takes for intact: as good as 95% of held-out real images."""
    faces, test = samples.faces, samples.test
    bench.stage("success rate")
    shares = [float(np.mean(bench.scores(sample.images) >= bench.critic.floor)) for sample in (faces, test)]
    return {
        "model": shares[0],
        "real": shares[1],
        "images": len(faces.images),
        "real_images": len(test.images),
    }
