"""The test vectors are what the TensorFlow graph computes, and NumPy computes the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from anime_gan.attributes.label_rows import LabelTables
from anime_gan.attributes.open_attributes import complete
from anime_gan.common import philox
from anime_gan.common.pixels import to_uint8
from anime_gan.faces.request import expanded
from anime_gan.models import pixels

VECTORS = Path(__file__).parents[1] / "data" / "portable_vectors.json"


def test_the_file_is_what_the_graph_computes(written):
    """To write it again after a change of the format: `VECTORS.write_text(json.dumps(written))`."""
    stored = json.loads(VECTORS.read_text("utf-8"))
    assert stored["schema"] == written["schema"]
    assert len(stored["vectors"]) == 100
    for vector, expected in zip(stored["vectors"], written["vectors"], strict=True):
        latents = vector.pop("latents")
        np.testing.assert_allclose(latents, expected.pop("latents"), atol=1e-6)
        assert vector == expected


def test_numpy_agrees_with_the_graph(small_schema, rows):
    tables = LabelTables(small_schema, rows)
    for vector in json.loads(VECTORS.read_text("utf-8"))["vectors"]:
        seed = int(vector["seed"])
        latents = philox.normals(seed, 0, len(vector["latents"])) * np.float32(vector["truncation"])
        np.testing.assert_allclose(latents, vector["latents"], atol=1e-6)
        wanted = small_schema.parse(expanded(vector["attributes"], small_schema)).astype(np.float32)
        labels = complete(tables, wanted, philox.uniforms(seed, 1, 1 + len(small_schema.slots)))
        np.testing.assert_array_equal(labels, np.array(vector["labels"], np.float32), vector["attributes"])


def test_philox_known_answers():
    """From the test vectors of Random123, the reference implementation (philox4x32-10)."""
    zeros, ones = np.zeros((1, 4), np.uint32), np.full((1, 4), 0xFFFFFFFF, np.uint32)
    assert philox.philox(zeros, (0, 0)).tolist() == [[0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]]
    full = philox.philox(ones, (0xFFFFFFFF, 0xFFFFFFFF))
    assert full.tolist() == [[0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]]


@pytest.mark.parametrize(("side", "channels"), [(8, 3), (8, 4), (7, 4), (1, 4)])
def test_pixels_are_those_of_the_graph(side, channels):
    random = np.random.default_rng(side)
    images = random.uniform(-1.2, 1.2, (3, side, side, channels)).astype(np.float32)
    images[:, : side // 2] = -1
    np.testing.assert_array_equal(to_uint8(images), pixels.to_uint8(images).numpy())
