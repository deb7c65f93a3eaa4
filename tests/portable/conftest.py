"""A small portable model, and what the TensorFlow graph makes of requests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from anime_gan.attributes.label_rows import LabelRows
from anime_gan.attributes.label_sampler import LabelSampler
from anime_gan.attributes.schema import Schema, known_scale
from anime_gan.common.backend import tf
from anime_gan.exports.read import Export
from anime_gan.exports.sampling import FaceSampler
from anime_gan.portable.schema_file import schema_text
from anime_gan.portable.vectors import make_vectors

LATENT_DIM = 7
# A schema with a hidden attribute, a phrase with two meanings, a scale, and rows that do not know everything.
ATTRIBUTES = {
    "hair_color": ("blue", "red", "black", "blonde"),
    "smile": None,
    "eye_color": ("blue", "red", "green"),
    "closed_eyes": None,
    "glasses": None,
    "score": ("-1", "0", "1"),
    "turn": known_scale("turn", -40, 40),
}


def small_rows(schema: Schema) -> LabelRows:
    random = np.random.default_rng(5)
    rows = []
    for _ in range(60):
        known = random.random(7) < 0.8
        rows.append(
            schema.encode(
                {
                    "hair_color": str(random.choice(["blue", "red", "blonde"])) if known[0] else None,
                    "smile": bool(random.random() < 0.6) if known[1] else None,
                    "eye_color": str(random.choice(["blue", "green"])) if known[2] else None,
                    "closed_eyes": bool(random.random() < 0.3),
                    "glasses": bool(random.random() < 0.25) if known[4] else None,
                    "score": str(random.choice(["-1", "0", "1"])) if known[5] else None,
                    "turn": float(random.choice([-40, -24, 0, 12])) if known[6] else None,
                }
            )
        )
    return LabelRows.from_labels(np.stack(rows))


@pytest.fixture(scope="session")
def small_schema() -> Schema:
    return Schema.from_names(ATTRIBUTES)


@pytest.fixture(scope="session")
def rows(small_schema) -> LabelRows:
    return small_rows(small_schema)


@pytest.fixture(scope="session")
def reference(small_schema, rows):
    """The sampler of the TensorFlow graph, as a function of texts, seeds, and a truncation."""
    sampler = FaceSampler(small_schema, LabelSampler(small_schema, rows), LATENT_DIM)

    def draw(texts, seeds, truncation):
        checked = sampler(
            tf.constant(list(texts)), tf.constant(seeds, tf.int64), tf.fill([len(seeds)], float(truncation))
        )
        assert all(error == b"" for error in checked.errors.numpy())
        return checked.values.latents.numpy(), checked.values.labels.numpy()

    return draw


@pytest.fixture(scope="session")
def written(small_schema, rows, reference) -> dict:
    """What the file of test vectors must contain."""
    record = {
        "config": {"latent_dim": LATENT_DIM, "resolution": 8, "channels": 4},
        "statement": "",
        "weights_sha256": "0123456789abcdef" * 4,
    }
    schema = json.loads(schema_text(Export(Path("unused"), small_schema, record), rows))
    return {"schema": schema, "vectors": make_vectors(small_schema, reference, 100)}
