"""The user's corrections: items unticked on the review page, and deleted crops."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from anime_gan.prepare.labeling import Label

CORRECTIONS = "corrections.json"
VERSION = 1


class Corrections(NamedTuple):
    """Corrections to crops and labels.

    Attributes:
        dropped: Crops that the user unticked.
        wrong: Crop -> attributes with wrong labels, which become unknown.
        deleted: Crops whose files the user deleted.
    """

    dropped: frozenset[str]
    wrong: Mapping[str, frozenset[str]]
    deleted: frozenset[str] = frozenset()

    def apply(self, file: str, labels: Mapping[str, Label]) -> dict[str, Label] | None:
        """Returns the labels of a crop without the wrong ones; None if the crop is rejected."""
        if self.reason(file):
            return None
        wrong = self.wrong.get(file, frozenset())
        return {name: label for name, label in labels.items() if name not in wrong}

    def reason(self, file: str) -> str:
        """Returns why the user rejected a crop; empty if it is kept."""
        if file in self.deleted:
            return "deleted by the user"
        return "unticked in review" if file in self.dropped else ""

    def to_json(self) -> str:
        """Returns the dropped crops and the wrong labels in the review page's format."""
        wrong = {file: sorted(names) for file, names in sorted(self.wrong.items())}
        return json.dumps({"version": VERSION, "dropped": sorted(self.dropped), "wrong": wrong})


def read_corrections(path: Path) -> Corrections:
    """Reads a corrections file; a missing file means no corrections.

    Raises:
        ValueError: The file is not a corrections file of this version.
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
            f"{path}: not a corrections file saved by the review page ({error}); save it again or delete it"
        ) from error
