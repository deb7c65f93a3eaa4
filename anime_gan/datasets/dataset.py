"""The dataset that every source is turned into."""

from __future__ import annotations

import collections
import dataclasses
import json

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.common.errors import InputError


class DataError(InputError):
    """A data source cannot be used; the message says what, where, and what to do."""


@dataclasses.dataclass(frozen=True)
class DataReport:
    """What was found in a source, and what of it was not used and why.

    Attributes:
        found: Pictures, and rows and files that turned out to be none.
        skipped: (name, reason) of each of them that was left out.
        notes: What else the user should know before training starts.
    """

    found: int = 0
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def reasons(self) -> dict[str, int]:
        """How often each kind of reason was given, the most frequent first."""
        # What stands behind the colon differs from file to file.
        kinds = collections.Counter(reason.split(":")[0] for _, reason in self.skipped)
        return dict(kinds.most_common())

    def lines(self) -> list[str]:
        """The report for the console; empty if all is well."""
        lines = list(self.notes)
        if self.skipped:
            reasons = ", ".join(f"{count} {reason}" for reason, count in self.reasons.items())
            lines.insert(0, f"{len(self.skipped)} left out: {reasons}")
        return lines

    def to_json(self, used: int) -> str:
        """The whole report, every name with its reason, as it is kept beside a run."""
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
    """Labelled images, ready to be trained on.

    Attributes:
        name: Short name, for run directories.
        images: uint8 [n, height, width, 3], RGB; usually a memory map, so that a million need no memory.
        labels: int8 [n, num_labels] of +1, -1 and 0 (unknown).
        schema: What the label columns mean; empty if the images are not labelled.
        statement: What the images are, their licence and whom to credit.
        checksum: SHA-256 of schema, labels and images: tells whether two runs saw the same data.
        report: What was left out.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    schema: Schema
    statement: str
    checksum: str
    report: DataReport = DataReport()

    def statistics(self) -> str:
        """How many images have each attribute value, a line an attribute."""
        lines = []
        for slot in self.schema.slots:
            columns = self.labels[:, slot.columns]
            having = np.sum(columns > 0, axis=0)
            terms = self.schema.terms[slot.columns]
            parts = [f"{term.name} {count}" for term, count in zip(terms, having, strict=True)]
            unknown = int(np.sum(np.all(columns == 0, axis=1)))
            lines.append(f"{slot.name}: {', '.join(parts)}" + (f", unknown {unknown}" if unknown else ""))
        return "\n".join(lines) or "no labels"


def printable(name: str) -> str:
    """A file name that can be written as UTF-8, whatever bytes it has on disk."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
