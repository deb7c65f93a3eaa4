"""What the user unticked on the review page, or deleted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from anime_gan.prepare.labeling import Label

CORRECTIONS = "corrections.json"
VERSION = 1


class Corrections(NamedTuple):
    """What is wrong.

    Attributes:
        dropped: Crops that are no good.
        wrong: Crop -> attributes whose value is wrong: they become unknown.
        deleted: Crops whose files are gone.
    """

    dropped: frozenset[str]
    wrong: Mapping[str, frozenset[str]]
    deleted: frozenset[str] = frozenset()

    def apply(self, file: str, labels: Mapping[str, Label]) -> dict[str, Label] | None:
        """The labels of a crop without the wrong ones; None if the crop itself is no good."""
        if self.reason(file):
            return None
        wrong = self.wrong.get(file, frozenset())
        return {name: label for name, label in labels.items() if name not in wrong}

    def reason(self, file: str) -> str:
        """Why a crop is left out; empty if it is not."""
        if file in self.deleted:
            return "deleted by hand"
        return "unticked in the review" if file in self.dropped else ""

    def to_json(self) -> str:
        wrong = {file: sorted(names) for file, names in sorted(self.wrong.items())}
        return json.dumps({"version": VERSION, "dropped": sorted(self.dropped), "wrong": wrong})


def read_corrections(path: Path) -> Corrections:
    """Reads a corrections file; none at all corrects nothing.

    Raises:
        ValueError: The file is there, but is none.
    """
    if not path.exists():
        return Corrections(frozenset(), {})
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']}")
        wrong = {str(file): frozenset(map(str, names)) for file, names in data["wrong"].items()}
        return Corrections(frozenset(map(str, data["dropped"])), wrong)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"{path}: not a corrections file of the review page ({error}): save it again or remove it"
        ) from error
