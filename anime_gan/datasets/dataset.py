"""`Dataset`, the common form of every data source, and the report on skipped files."""

from __future__ import annotations

import collections
import dataclasses
import json
from collections.abc import Mapping

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.common.errors import InputError

# Attributes in the statistics of a dataset.
MAX_STATISTICS = 100


class DataError(InputError):
    """A data source cannot be used; the message says what is wrong, where, and what to do."""


@dataclasses.dataclass(frozen=True)
class DataReport:
    """What a source contains, and which files were skipped and why.

    Attributes:
        found: Number of image files and table rows, including the skipped ones.
        skipped: (name, reason) of each skipped file or row.
        notes: Further notes for the user, to be read before training starts.
    """

    found: int = 0
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def reasons(self) -> dict[str, int]:
        """Kind of reason -> number of skipped files, most frequent first."""
        # The text after the colon differs from file to file.
        kinds = collections.Counter(reason.split(":")[0] for _, reason in self.skipped)
        return dict(kinds.most_common())

    def lines(self) -> list[str]:
        """Returns the report for the console; empty if there is nothing to report."""
        lines = list(self.notes)
        if self.skipped:
            reasons = ", ".join(f"{reason} ({count})" for reason, count in self.reasons.items())
            number = len(self.skipped)
            lines.insert(0, f"skipped {number} file{'s' * (number > 1)}: {reasons}")
        return lines

    def to_json(self, used: int) -> str:
        """Returns the full report for the run directory, with the reason for every skipped file."""
        parts = {
            "found": self.found,
            "used": used,
            "reasons": self.reasons,
            "notes": self.notes,
            "skipped": [{"name": printable(name), "reason": reason} for name, reason in self.skipped],
        }
        return json.dumps(parts, ensure_ascii=False, indent=1)


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Labeled images, ready for training.

    Attributes:
        name: Short name, for run directories.
        images: uint8 [n, height, width, channels]: RGB, or RGBA with straight alpha. Usually a memory map, so
            that images stay on disk.
        labels: int8 [n, num_labels] of +1, -1, and 0 (unknown), and bins of scales; see `Schema.decode`.
        schema: The meaning of the label columns; empty if the images are unlabeled.
        statement: Description of the images, their license, and whom to credit.
        checksum: SHA-256 of schema, labels, and images; equal for runs that use the same data.
        report: Skipped files and notes.
        constants: What all images show, and what none shows, of attributes that are not in the schema because
            they do not vary: name -> value.
        frequencies: float64 [n], how often an image is used in training, relative to others; None for equally
            often.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    schema: Schema
    statement: str
    checksum: str
    report: DataReport = DataReport()
    constants: Mapping[str, str | bool | float] = dataclasses.field(default_factory=dict)
    frequencies: np.ndarray | None = None

    def statistics(self) -> str:
        """Returns the number of images with each attribute value, one attribute per line.

        With very many attributes, the last line says how many are left out.
        """
        lines = []
        left_out = len(self.schema.slots) - MAX_STATISTICS
        for slot in self.schema.slots[:MAX_STATISTICS]:
            columns = self.labels[:, slot.columns]
            having = np.sum(columns > 0, axis=0)
            unknown = int(np.sum(np.all(columns == 0, axis=1)))
            if slot.is_scale:
                values = self.schema.decode(self.labels)[columns[:, 0] != 0, slot.start]
                scale = self.schema.scales[slot.start]
                parts = [f"{word} {scale.in_unit(value)}" for word, value in _spread(values)]
                lines.append(f"{slot.name}: {', '.join(parts)}" + (f", unknown {unknown}" if unknown else ""))
                continue
            terms = self.schema.terms[slot.columns]
            parts = [f"{term.name} {count}" for term, count in zip(terms, having, strict=True)]
            lines.append(f"{slot.name}: {', '.join(parts)}" + (f", unknown {unknown}" if unknown else ""))
        if left_out > 0:
            lines.append(f"and {left_out} more attributes")
        return "\n".join(lines) or "no labels"


def _spread(values: np.ndarray) -> list[tuple[str, float]]:
    """Returns the lowest, the mean, and the highest value, each with its name; empty without values."""
    measures = (("lowest", np.min), ("mean", np.mean), ("highest", np.max))
    return [(word, float(measure(values))) for word, measure in measures] if len(values) else []


def printable(name: str) -> str:
    """Returns a file name that can be encoded as UTF-8, whatever bytes it has on disk."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
