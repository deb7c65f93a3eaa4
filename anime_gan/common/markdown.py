"""Formats Markdown tables, numbers, and durations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

# Matches a cell of a numeric column; a dash or an empty cell stands for a missing number.
NUMERIC = re.compile(r"[-+]?\d.*|[–-]|")


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Returns a Markdown table that is readable as plain text too.

    Columns of numbers are aligned to the right. The first column and columns of text are aligned to the left.

    Args:
        heads: One title per column.
        rows: One sequence of cells per row, as long as `heads`.
    """
    columns = [[str(cell) for cell in column] for column in zip(heads, *rows, strict=True)]
    cells, rule = [], []
    for number, column in enumerate(columns, start=1):
        is_numeric = number > 1 and all(NUMERIC.fullmatch(cell) for cell in column[1:])
        # A last column of text is not padded, because one long cell would lengthen every line.
        width = 0 if number == len(columns) and not is_numeric else max(3, *map(len, column))
        cells.append([cell.rjust(width) if is_numeric else cell.ljust(width) for cell in column])
        rule.append(f"{'-' * (width + 1)}:" if is_numeric else "-" * max(3, width + 2))
    head, *lines = (f"| {' | '.join(line)} |" for line in zip(*cells, strict=True))
    return "\n".join([head, f"|{'|'.join(rule)}|", *lines])


def in_words(value: float) -> str:
    """Returns a number with three significant digits: 0.123, 12.3, 1,234."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def duration_in_words(seconds: float) -> str:
    """Returns a duration: 18 seconds, 65 minutes, 2.2 hours."""
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    if seconds < 6_000:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3_600:.1f} hours"
