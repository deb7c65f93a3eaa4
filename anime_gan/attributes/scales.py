"""Scales: attributes with a value from -1 to 1, and requests that contain a number, such as `smile 40%`.

A label of 0 means unknown, so it cannot stand for the middle of a scale. Stored label rows (int8) therefore
contain the number of a bin, 1 to 21. In float32 rows, the middle is `NEARLY_ZERO`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

import numpy as np

BINS = 21
MIDDLE_BIN = (BINS + 1) // 2
NEARLY_ZERO = 1 / 1024
# Half the width of a bin, and a bit for rounding.
SAME_BIN = 0.5 / (MIDDLE_BIN - 1) + 1e-6
# Values of a scale in a sheet.
SHEET_STEPS = 9
# A verdict of a judge within this distance of the requested value is right.
TOLERANCE = 0.15
# The sum of a product may exceed 1 by a rounding error.
LIMIT = 1 + 1e-9
# Unit -> what may follow a number.
UNIT_SPELLINGS = {"degrees": ("degrees", "degree", "deg", "°"), "years": ("years", "year")}
# The parts of a phrase with a number: what precedes it, its sign, the number, and its unit. A minus in front
# of a number is a sign; `normalize` may have turned it into "!". Python's `re` and RE2 read the same.
NUMBER = r"^(.*[ =])([-!+]?)([0-9]+(?:\.[0-9]*)?|\.[0-9]+) ?([^0-9 .]*)$"
# In a form, this stands for a number.
PLACE = "#"


@dataclasses.dataclass(frozen=True)
class ScaleWord:
    """A phrase that names a value of a scale, such as `turned left`; the value is in -1..1."""

    phrase: str
    value: float


@dataclasses.dataclass(frozen=True)
class Scale:
    """An attribute with a value, such as the angle of the head.

    Attributes:
        name: Name of the attribute.
        phrase: What people type in front of a number.
        low, high: The values in the unit that correspond to -1 and 1.
        unit: Name of the unit; empty if there is none.
        aliases: Further phrases.
        words: Phrases for single values.
        mirrored: Whether a mirrored picture has the opposite value.

    Raises:
        ValueError: The limits are not ascending, or a word is outside -1..1.
    """

    name: str
    phrase: str
    low: float = -1.0
    high: float = 1.0
    unit: str = ""
    aliases: tuple[str, ...] = ()
    words: tuple[ScaleWord, ...] = ()
    mirrored: bool = False

    def __post_init__(self) -> None:
        if not -np.inf < self.low < self.high < np.inf:
            raise ValueError(
                f"scale {self.name!r}: low must be below high, not {self.low:g} and {self.high:g}"
            )
        if self.mirrored and self.low != -self.high:
            raise ValueError(f"scale {self.name!r} is mirrored, so low must be -high")
        for word in self.words:
            if not -1 <= word.value <= 1:
                raise ValueError(f"scale {self.name!r}: {word.phrase!r} must be from -1 to 1")

    @property
    def phrases(self) -> tuple[str, ...]:
        """All spellings: the phrase, the name, and the aliases."""
        return (self.phrase, self.name, *self.aliases)

    def bin_of(self, number: float) -> int:
        """Returns the bin of a number in the scale's unit.

        Raises:
            ValueError: The number is outside the limits.
        """
        if not self.low <= number <= self.high:
            raise ValueError(f"{number:g} is not from {self.low:g} to {self.high:g}")
        return 1 + round((number - self.low) / (self.high - self.low) * (BINS - 1))

    def in_unit(self, value: float) -> str:
        """Returns a value in -1..1 in the scale's unit, such as `-35 degrees`."""
        return f"{self.number(value):g} {self.unit}".strip()

    def number(self, value: float) -> float:
        """Returns a value in -1..1 in the scale's unit, with two decimals."""
        value = 0.0 if abs(value) == NEARLY_ZERO else float(value)
        return round(self.low + (value + 1) / 2 * (self.high - self.low), 2)


@dataclasses.dataclass(frozen=True)
class NumberForm:
    """What a number in a phrase means: the label is `number * factor + offset`.

    Attributes:
        column: The label column.
        factor, offset: See above.
        signed: Whether the number may have a sign.
    """

    column: int
    factor: float
    offset: float
    signed: bool


def scale_forms(scale: Scale, column: int) -> Iterator[tuple[str, NumberForm]]:
    """Yields all phrases with a number for a scale, such as `head turn #%` and `turn=#`."""
    half = (scale.high - scale.low) / 2
    units = UNIT_SPELLINGS.get(scale.unit, (scale.unit,)) if scale.unit else ()
    in_unit = NumberForm(column, 1 / half, -scale.low / half - 1, True)
    for phrase in scale.phrases:
        for joint in (" ", "="):
            yield f"{phrase}{joint}{PLACE}", NumberForm(column, 1.0, 0.0, True)
            yield f"{phrase}{joint}{PLACE}%", NumberForm(column, 0.01, 0.0, True)
            for unit in units:
                yield f"{phrase}{joint}{PLACE}{unit}", in_unit
    for word in scale.words:
        sign = float(np.sign(word.value))
        if sign:
            yield f"{word.phrase} {PLACE}%", NumberForm(column, sign / 100, 0.0, False)
            for unit in units if scale.low == -scale.high else ():
                yield f"{word.phrase} {PLACE}{unit}", NumberForm(column, sign / half, 0.0, False)


def tag_forms(phrases: tuple[str, ...], column: int) -> Iterator[tuple[str, NumberForm]]:
    """Yields all phrases with a strength for a tag, such as `smile #%`: 0% is absent, and 100% is present."""
    for phrase in phrases:
        yield f"{phrase} {PLACE}%", NumberForm(column, 0.02, -1.0, False)
        yield f"{phrase}={PLACE}%", NumberForm(column, 0.02, -1.0, False)
        yield f"{phrase}={PLACE}", NumberForm(column, 2.0, -1.0, False)


def split_number(phrase: str) -> tuple[str, str, float] | None:
    """Splits a normalized phrase into its form, the sign, and the number; None without a number."""
    found = re.match(NUMBER, phrase)
    if not found:
        return None
    before, sign, digits, unit = found.groups()
    return f"{before}{PLACE}{unit}", sign, float(digits)


def known(value: float) -> float:
    """Returns a float32 label for a value in -1..1; the label is not 0, which means unknown."""
    return float(np.float32(value)) or NEARLY_ZERO


def percent(value: float) -> str:
    """Writes a label as a percentage that `known` turns back into the same label."""
    # The shortest decimal number that identifies the float32 number.
    shortest = float(str(np.float32(value))) if abs(value) != NEARLY_ZERO else 0.0
    return f"{round(100 * shortest, 8):.10g}%"


def strength(value: float) -> str:
    """Writes the label of a tag as its strength, such as `40%`."""
    shortest = float(str(np.float32(value)))
    return f"{round(50 * shortest + 50, 8):.10g}%" if abs(value) != NEARLY_ZERO else "50%"


def decoded(labels: np.ndarray, columns: list[int]) -> np.ndarray:
    """Turns stored label rows into float32 rows; `columns` are those of scales."""
    rows = np.asarray(labels).astype(np.float32)
    for column in columns:
        bins = rows[..., column]
        values = (bins - MIDDLE_BIN) / (MIDDLE_BIN - 1)
        rows[..., column] = np.where(bins == 0, 0, np.where(values == 0, NEARLY_ZERO, values))
    return rows
