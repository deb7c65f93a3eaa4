"""Where labelled images come from; every source ends in the same `Dataset`."""

from __future__ import annotations

import collections
import dataclasses
import json
from pathlib import Path

import numpy as np

from anime_gan.attributes import Schema

# Drawn when nobody says how many: a drawn source has no end.
DEFAULT_DRAWN_IMAGES = 16_000


class DataError(ValueError):
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


def load_dataset(data: str, num_images: int, resolution: int, seed: int) -> Dataset:
    """Opens a data source by the text of `--data`.

    Args:
        data: `drawn`, `sutemo:DIR`, `sutemo-white:DIR`, a folder of images, or one of TFRecord shards;
            folders may be anything that `tf.io.gfile` opens, such as `gs://bucket/faces`.
        num_images: How many images at most; 0 for all there are, or `DEFAULT_DRAWN_IMAGES` drawn ones.
        resolution: Pixels along a side.
        seed: Decides what is drawn.

    Raises:
        DataError: There is no such source, or it cannot be read.
    """
    # Imported here: a folder needs none of the illustrators.
    from anime_gan.datasets.prepared import prepare
    from anime_gan.datasets.storage import is_folder, is_remote

    kind, _, where = data.partition(":")
    if kind == "drawn" and not where:
        from anime_gan.datasets.drawn import DrawnFaces
        from anime_gan.datasets.generated import GeneratedFaces

        return prepare(GeneratedFaces(DrawnFaces(seed), num_images or DEFAULT_DRAWN_IMAGES), resolution)
    if kind in ("sutemo", "sutemo-white") and where:
        from anime_gan.datasets.generated import GeneratedFaces
        from anime_gan.datasets.sutemo import SutemoFaces, SutemoFacesOnWhite

        try:
            illustrator = (SutemoFaces if kind == "sutemo" else SutemoFacesOnWhite)(where, seed)
        except (OSError, ValueError) as error:
            raise DataError(f"--data={data}: {error}") from error
        return prepare(GeneratedFaces(illustrator, num_images or DEFAULT_DRAWN_IMAGES), resolution)
    root = data if is_remote(data) else str(Path(data).resolve())
    # An empty text would be the current folder.
    if not data or not is_folder(root):
        raise DataError(f"--data={data}: no such folder; use drawn, sutemo:DIR, or a folder of images")
    from anime_gan.datasets import folder, records

    if records.is_records_folder(root):
        return prepare(records.RecordShards(root, num_images), resolution)
    return folder.load_folder(root, num_images, resolution)


def printable(name: str) -> str:
    """A file name that can be written as UTF-8, whatever bytes it has on disk."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
