"""`LabelSampler.complete` in NumPy, for programs without TensorFlow. Both give the same labels."""

from __future__ import annotations

import numpy as np

from anime_gan.attributes.label_rows import LabelTables
from anime_gan.attributes.scales import SAME_BIN


def complete(tables: LabelTables, wanted: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Samples complete labels that agree with a request; see `LabelSampler.complete`.

    Args:
        tables: The options of each attribute and the label rows.
        wanted: float32 [a]: +1 for present, -1 for absent, 0 for open; others are strengths or scales.
        uniforms: float64 [1 + attributes] in [0, 1); the first number selects the row.

    Returns:
        float32 [a], as requested, else +1 and -1, and values of scales.
    """
    hidden = tables.hides.T @ (wanted > 0) > 0
    wanted = np.where(hidden & (wanted == 0), np.float32(-1), wanted).astype(np.float32)
    rows = tables.rows
    # Equal minus opposite columns, and equal plus opposite columns.
    side, of_rows = np.sign(wanted), np.sign(rows)
    compared = np.abs(of_rows) @ np.abs(side)
    difference = of_rows @ (side * (1 - tables.is_scale))
    for column in tables.scale_columns:
        # Equal means in the same bin.
        is_equal = np.abs(wanted[column] - rows[:, column]) <= SAME_BIN
        difference += np.where((rows[:, column] != 0) & (wanted[column] != 0), np.where(is_equal, 1, -1), 0)
    exact = difference >= np.abs(side).sum()
    compatible = difference >= compared
    nearest = difference >= difference.max()
    chosen = exact if exact.any() else compatible if compatible.any() else nearest
    row = rows[_pick(chosen * tables.distribution.counts.astype(np.float64), uniforms[0])]
    # If one column of an attribute contradicts the request, the row's whole attribute is ignored.
    clash = tables.owner.T @ (tables.owner @ (wanted * row < 0)) > 0
    known = np.where(clash | (wanted != 0), wanted, row)
    return _fill(tables, known, uniforms[1:])


def _fill(tables: LabelTables, labels: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Keeps the known attributes and samples the others independently; see `LabelSampler.fill`."""
    filled: np.ndarray = labels.copy()
    for index, owned in enumerate(tables.owner > 0):
        values = labels[owned]
        if np.any(values > 0) or (len(values) == 1 and values[0]):
            continue
        agreement = tables.meaning[index] @ labels
        allowed = (agreement >= np.abs(values).sum()) * tables.exists[index]
        weights = allowed * tables.frequency[index]
        option = _pick(weights if weights.any() else allowed, uniforms[index])
        filled[owned] = tables.meaning[index, option, owned]
    return filled


def _pick(weights: np.ndarray, uniform: float) -> int:
    """Samples an index with probability proportional to its weight, by inverting the cumulative sum."""
    cumulative = np.cumsum(weights)
    return int(np.argmax(cumulative > uniform * cumulative[-1]))
