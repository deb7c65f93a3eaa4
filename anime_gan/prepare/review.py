"""Writes review pages, on which the user unticks bad crops and wrong labels."""

from __future__ import annotations

import hashlib
import importlib.resources
import itertools
import json
import string
from pathlib import Path
from typing import Any

from anime_gan.common.files import remove, write_text
from anime_gan.prepare.corrections import CORRECTIONS, VERSION, Corrections
from anime_gan.prepare.journal import Journal
from anime_gan.prepare.labeling import Label
from anime_gan.prepare.results import kept_faces

FOLDER = "review"
PER_PAGE = 500


def write_review(destination: Path, journal: Journal, corrections: Corrections) -> int:
    """Writes pages with all crops of the dataset: `review/page-1.html` and so on.

    Args:
        destination: The folder of the dataset.
        journal: The journal.
        corrections: Earlier corrections. The pages save them again.

    Returns:
        The number of pages.
    """
    remove(destination / FOLDER)
    count = sum(1 for _ in kept_faces(journal, corrections))
    pages = [_page_name(number) for number in range(1, -(-count // PER_PAGE) + 1)]
    template = importlib.resources.files("anime_gan.prepare").joinpath("review.html").read_text("utf-8")
    earlier = corrections.to_json()
    # The browser stores ticks under this key, which depends on the dataset and on earlier corrections.
    state = hashlib.sha256(f"{destination.resolve()}\0{earlier}\0{count}".encode("utf-8", "surrogateescape"))
    faces = kept_faces(journal, corrections)
    for number, page in enumerate(pages, start=1):
        shown = [
            [kept.face.file, [_shown(name, label) for name, label in kept.labels.items() if label.value]]
            for kept in itertools.islice(faces, PER_PAGE)
        ]
        data = {
            "version": VERSION,
            "id": state.hexdigest()[:16],
            "page": number,
            "pages": pages,
            "earlier": json.loads(earlier),
            "faces": shown,
        }
        text = string.Template(template).substitute(
            page=number, pages=len(pages), corrections=CORRECTIONS, data=_embedded(data)
        )
        write_text(destination / FOLDER / page, text)
    return len(pages)


def _page_name(number: int) -> str:
    return f"page-{number}.html"


def _shown(name: str, label: Label) -> list[str]:
    """Returns the attribute's name, the text to show, and the label's source with its confidence."""
    text = name if label.value is True else f"{name}={label.value}"
    return [name, text, f"{label.source} {label.confidence:.2f}"]


def _embedded(data: Any) -> str:
    # Escape "<", because "</" and "<!--" have a meaning in a script element.
    return json.dumps(data, ensure_ascii=True).replace("<", "\\u003c")
