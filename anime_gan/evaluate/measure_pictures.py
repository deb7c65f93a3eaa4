"""Measures of image quality: variety, memorization, distance to real images, texture, damage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from anime_gan.attributes.schema import Slot
from anime_gan.evaluate.bench import Bench, Samples, Stream
from anime_gan.faces.generator import candidate_seed
from anime_gan.metrics.control import is_known
from anime_gan.metrics.distances import frechet_distance, kernel_distance, precision_recall
from anime_gan.metrics.edge import alpha_texture, edge_length_ratio
from anime_gan.metrics.texture import sliced_wasserstein
from anime_gan.metrics.variety import group_by_labels, nearest_images, pairwise_diversity

CANDIDATES = 4
# With fewer pairs of images with equal attributes, fewer attributes have to be equal.
MIN_PAIRS = 20
# Number of training images read at a time.
CHUNK = 8192
NEAR_PERCENTILE = 1
PICTURED_PAIRS = 16


class Closest(NamedTuple):
    """The generated faces closest to a training image.

    Attributes:
        generated: uint8 [n, h, w, channels], the closest first.
        nearest: uint8 [n, h, w, channels], the training image nearest to each of them.
    """

    generated: np.ndarray
    nearest: np.ndarray


def variety(bench: Bench) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Measures the variety of faces with equal attributes, also after a selection among candidates.

    Pairs of real images with equal labels are compared with pairs of faces requested with the same labels. If
    too few real images share all labels, only the groups have to be equal, on both sides, and the tags are
    left open. If that is still not enough, no attribute has to be equal.

    Returns:
        The variety as a mean distance (see `anime_gan.metrics.variety`): `model`, `real` and their `ratio`.
        Then, for 1 and for several candidates: the share of faces above the critic's floor, the share of
        those whose details are above the floor of the details' critic, and the ratio.
    """
    bench.stage("variety")
    equal, columns, real_pairs = _equal_pairs(bench)
    rows = np.where(columns, bench.schema.decode(bench.dataset.labels[real_pairs[:, 0]]), 0)
    texts = [request for request in map(bench.schema.describe, rows) for _ in range(2)]
    faces = bench.draw(Stream.VARIETY, texts, len(texts))
    drawn, margins = [], []
    for number in range(CANDIDATES):
        seeds = [candidate_seed(seed, number) for seed in faces.seeds.tolist()]
        latents = faces.latents if number == 0 else bench.model.inputs(texts, seeds)[0]
        drawn.append(bench.render(latents, faces.labels))
        margins.append(bench.margins(drawn[-1]))
    real = pairwise_diversity(_paired(np.asarray(bench.dataset.images[real_pairs.ravel()])))
    results = []
    for count in (1, CANDIDATES):
        best = np.argmax(margins[:count], axis=0)
        images = np.stack([drawn[number][index] for index, number in enumerate(best)])
        diversity = pairwise_diversity(_paired(images))
        results.append(
            {
                "candidates": count,
                "success": float(np.mean(bench.scores(images) >= bench.critic.floor)),
                "details": float(np.mean(bench.detail_scores(images) >= bench.judges.detail.critic.floor)),
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
    """Finds pairs of training images with equal attributes.

    Returns:
        The equal attributes, in words; bool [num_labels], their columns; int64 [pairs, 2], the images.
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
    """Returns pairs of training images with these attributes known and equal: int64 [at most count, 2]."""
    train = bench.split.train
    labels = bench.dataset.labels[train]
    # An unknown attribute may have any value.
    known = np.flatnonzero(np.all([np.ones(len(train), bool), *(is_known(labels, s) for s in slots)], axis=0))
    groups = group_by_labels(labels[known][:, _columns(bench, slots)], 2, count, bench.options.seed)
    return train[known[_round_robin(groups, count)]]


def _round_robin(groups: list[np.ndarray], count: int) -> np.ndarray:
    """Returns pairs of members, int64 [at most count, 2]: the first two of every group, then the next two."""
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
    """Checks for memorization: are generated faces closer to training images than held-out images are?

    Returns:
        `model` and `real`: the median distance (see `anime_gan.metrics.variety`) to the nearest training
        image; `limit`: the first percentile of the distances of held-out images; `model_near`: the share of
        generated faces within that distance, 1% for a model that does not copy. Then the closest faces.
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
    """Returns the distance to the nearest training image and its index, for each image."""
    train = bench.split.train
    # A model trained with mirrored images may have copied one of them.
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
    """FID, KID, precision and recall on the tagger's features, against training images.

    All but the KID depend on the number of images, so the model is measured twice: with all its faces, and
    with as many faces as there are held-out images, which are measured too.
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
    """Sliced Wasserstein distance to training images, for each scale (see `metrics.texture`).

    All sets have the same size, because the distance depends on it.
    """
    bench.stage("texture")
    count = min(len(sample.images) for sample in samples)
    model, real = (
        sliced_wasserstein(samples.reference.images[:count], sample.images[:count], bench.options.seed)
        for sample in (samples.faces, samples.test)
    )
    levels = {str(level): {"model": model[level], "real": real[level]} for level in model}
    return {"images": count, "levels": levels}


def edge(bench: Bench, samples: Samples) -> dict[str, Any]:
    """Width and roughness of the outlines of transparent faces (see `metrics.edge`)."""
    bench.stage("edge")
    count = min(len(sample.images) for sample in samples)
    reference = samples.reference.images[:count]
    parts = {"model": samples.faces.images[:count], "real": samples.test.images[:count]}
    return {
        "images": count,
        "width": {name: edge_length_ratio(images) for name, images in parts.items()},
        "texture": {
            name: alpha_texture(reference, images, bench.options.seed) for name, images in parts.items()
        },
    }


def success(bench: Bench, samples: Samples) -> dict[str, Any]:
    """The share of faces above the critic's floor, which 95% of held-out real images exceed."""
    faces, test = samples.faces, samples.test
    bench.stage("success rate")
    shares = [float(np.mean(bench.scores(sample.images) >= bench.critic.floor)) for sample in (faces, test)]
    return {
        "model": shares[0],
        "real": shares[1],
        "images": len(faces.images),
        "real_images": len(test.images),
    }
