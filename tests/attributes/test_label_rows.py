"""The distinct label rows of a training set, counted without copies of all labels."""

from __future__ import annotations

import collections
import tracemalloc

import numpy as np
import pytest

from anime_gan.attributes import label_rows
from anime_gan.attributes.label_rows import LabelRows


@pytest.mark.parametrize("block", [1, 4, 2**12])
@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_rows_are_counted_whatever_block_they_are_in(monkeypatch, block, count):
    monkeypatch.setattr(label_rows, "BLOCK", block)
    labels = np.random.default_rng(0).integers(-1, 2, (count, 3), np.int8)
    found = LabelRows.from_labels(labels)
    counted = collections.Counter(map(tuple, labels.tolist()))
    rows = map(tuple, found.rows.tolist())
    assert dict(zip(rows, found.counts.tolist(), strict=True)) == counted


def test_memory_is_that_of_few_numbers_a_row():
    labels = np.random.default_rng(0).integers(-1, 2, (20_000, 200), np.int8)
    tracemalloc.start()
    LabelRows.from_labels(labels, limit=10)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # All rows are different. One copy of them would already be more.
    assert most < labels.nbytes
