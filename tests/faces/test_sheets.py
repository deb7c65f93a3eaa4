"""Blocks of faces for each attribute."""

from __future__ import annotations

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.common.layout import GAP
from anime_gan.faces.sheets import attribute_blocks, sheet_labels


def test_blocks_show_each_value_once_and_each_tag_switched_on(schema: Schema):
    """Every face has its own color, by which it is found in the blocks."""
    labels = np.ones((2, schema.num_labels), np.float32)
    _, captions = sheet_labels(labels, schema, schema.slots)
    side = 64
    images = np.zeros((len(captions), 2, side, side, 3), np.uint8)
    for value in range(len(captions)):
        for face in range(2):
            images[value, face] = (10 + value, 100 + face, 7)
    blocks = attribute_blocks(images, schema, columns=3)

    assert list(blocks) == ["hair_color", "eye_color", "hair_style", "yes_or_no"]
    # Rows of `sheet_labels`: 4 hair colors, smile and no smile, 3 eye colors, glasses and none, 3 styles.
    expected = {
        "hair_color": [0, 1, 2, 3],
        "eye_color": [6, 7, 8],
        "hair_style": [11, 12, 13],
        "yes_or_no": [4, 9],
    }
    for name, values in expected.items():
        shown = blocks[name].reshape(-1, 3)
        for value in range(len(captions)):
            for face in range(2):
                pixels = np.sum(np.all(shown == (10 + value, 100 + face, 7), axis=-1))
                assert pixels == (side * side if value in values else 0), (name, value, face)
        assert blocks[name].shape[1] == min(3, len(values)) * (side + GAP) - GAP
