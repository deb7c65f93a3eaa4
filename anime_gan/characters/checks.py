"""Checks the faces of a character: the right attributes, the same person, an intact picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.exports.read import CRITIC, NAME_DIGITS, PERSON, TAGGER

if TYPE_CHECKING:
    from anime_gan.judges.person import PersonMeasure
    from anime_gan.judges.selection import Selector
    from anime_gan.judges.tagger import Tagger

INTACT = "not intact"
SAME_PERSON = "another person"
TOO_SIMILAR = "too similar to another character"


@dataclasses.dataclass(frozen=True)
class Looks:
    """What the judges see in n faces; None where the model has no such judge.

    Attributes:
        margins: float32 [n], by how much each face passes the critics.
        probabilities: float32 [n, num_labels], as in `Judgement`.
        points: float32 [n, 64], as in `PersonMeasure.features`.
    """

    margins: np.ndarray | None
    probabilities: np.ndarray | None
    points: np.ndarray | None


class Checker:
    """The judges beside a model, which were trained on real pictures only.

    Attributes:
        notes: Which checks are not made, and why.
    """

    def __init__(self, export: Path, schema: Schema) -> None:
        """Loads the judges that an export has.

        Raises:
            JudgeError: A judge is damaged.
        """
        # Imported here because they import TensorFlow.
        from anime_gan.judges.person import PersonMeasure
        from anime_gan.judges.selection import Selector
        from anime_gan.judges.tagger import Tagger

        self._schema = schema
        self._selector: Selector | None = None
        self._tagger: Tagger | None = None
        self._measure: PersonMeasure | None = None
        if (export / CRITIC).is_dir():
            self._selector = Selector.load(export / CRITIC)
        if (export / TAGGER).is_dir():
            self._tagger = Tagger.load(export / TAGGER, schema)
        if (export / PERSON).is_dir():
            self._measure = PersonMeasure.load(export / PERSON)
        missing = [
            what
            for judge, what in (
                (self._selector, "intact faces"),
                (self._tagger, "requested attributes"),
                (self._measure, "same person"),
            )
            if judge is None
        ]
        self.notes = []
        if missing:
            self.notes = [
                f"the model lacks judges, so these checks are skipped: {', '.join(missing)}. "
                f"To add the judges: python -m anime_gan.evaluate --model={export}"
            ]

    @property
    def names(self) -> dict[str, str]:
        """The first digits of each judge's checksum, which identify it in a manifest."""
        judges = {"critic": self._selector, "tagger": self._tagger, "person": self._measure}
        return {name: judge.checksum[:NAME_DIGITS] for name, judge in judges.items() if judge is not None}

    def look(self, images: np.ndarray) -> Looks:
        """Runs the judges on faces, uint8 [n, h, w, channels]."""
        return Looks(
            self._selector.margins(images) if self._selector else None,
            self._tagger.judge(images).probabilities if self._tagger else None,
            self._measure.features(images) if self._measure else None,
        )

    def faults(
        self,
        looks: Looks,
        labels: np.ndarray,
        neutral: Looks | None = None,
        neutral_labels: np.ndarray | None = None,
    ) -> list[list[str]]:
        """Returns what is wrong with each face; an empty list if nothing is.

        Args:
            looks: From `look`, of n faces.
            labels: float32 [n, num_labels], what was requested.
            neutral: The neutral face of the same person; None if the faces are neutral ones.
            neutral_labels: float32 [1, num_labels], what was requested for it.
        """
        found: list[list[str]] = [[] for _ in labels]
        if looks.margins is not None:
            floor = self._measure.limits.intact if self._measure else 0.0
            for faults, margin in zip(found, looks.margins, strict=True):
                faults += [INTACT] * bool(margin < floor)
        if looks.probabilities is not None:
            for faults, wrong in zip(
                found, self._wrong(looks.probabilities, labels, neutral, neutral_labels), strict=True
            ):
                faults += wrong
        if neutral is not None and looks.points is not None and neutral.points is not None and self._measure:
            from anime_gan.judges.person import distances

            moved = distances(looks.points, neutral.points)[:, 0] > self._measure.limits.same
            for faults, far in zip(found, moved, strict=True):
                faults += [SAME_PERSON] * bool(far)
        return found

    def nearest(self, looks: Looks, others: Sequence[Looks]) -> float | None:
        """Returns the distance of a neutral face to the nearest of other characters; None if not measured."""
        if looks.points is None or not others:
            return None
        from anime_gan.judges.person import distances

        points = np.concatenate([other.points for other in others if other.points is not None])
        return float(distances(looks.points, points).min())

    def is_distinct(self, distance: float | None) -> bool:
        """Whether a distance from `nearest` is usual between different people."""
        return distance is None or self._measure is None or distance >= self._measure.limits.distinct

    def _wrong(
        self,
        probabilities: np.ndarray,
        labels: np.ndarray,
        neutral: Looks | None,
        neutral_labels: np.ndarray | None,
    ) -> list[list[str]]:
        """Returns the names of the attributes of each face that are not drawn as they should be.

        An attribute that differs from the neutral face must be recognized. Another one must not change by
        more than it does between two real pictures of a person.
        """
        from anime_gan.judges.person import attribute_changes
        from anime_gan.judges.tagger import agreement, decide, visible

        schema = self._schema
        seen = visible(labels, schema)
        right = agreement(decide(probabilities, schema), labels, schema)
        kept = np.zeros((len(labels), len(schema.slots)), bool)
        usual = self._measure.limits.changes if self._measure else {}
        if usual and neutral is not None and neutral_labels is not None and neutral.probabilities is not None:
            limits = [usual.get(slot.name, 1.0) for slot in schema.slots]
            equal = labels == neutral_labels
            same = np.stack([np.all(equal[:, slot.columns], axis=1) for slot in schema.slots], axis=1)
            kept = same & (attribute_changes(probabilities, neutral.probabilities, schema) <= limits)
        return [
            [
                slot.name
                for number, slot in enumerate(schema.slots)
                if seen[face, slot.start] and not kept[face, number] and not np.all(right[face, slot.columns])
            ]
            for face in range(len(labels))
        ]
