"""Requests for what a style never shows get a note."""

from __future__ import annotations

import numpy as np
import pytest

from anime_gan.attributes.label_rows import LabelRows
from anime_gan.attributes.schema import Schema, known_scale
from anime_gan.exports.read import Export
from anime_gan.faces import unseen
from anime_gan.faces.request import FaceRequest, Interpolation

SCHEMA = Schema.from_names(
    {"style": ("cel", "pixel", "rare"), "turn": known_scale("turn", -40, 40), "hat": None, "smile": None}
)


@pytest.fixture
def notes(monkeypatch):
    rows = [
        {"style": "cel", "turn": turn, "hat": bool(i % 2), "smile": None}
        for i, turn in enumerate(np.linspace(-40, 40, 30))
    ]
    # Hats are sometimes hidden, and smiles are not labeled.
    rows += [{"style": "pixel", "turn": 0, "hat": None if i % 4 == 0 else False} for i in range(40)]
    rows += [{"style": "rare", "turn": 0, "hat": False}] * 3
    labels = LabelRows.from_labels(np.stack([SCHEMA.encode(row) for row in rows]))
    labels = LabelRows(np.repeat(labels.rows, labels.counts, axis=0), np.ones(len(rows), np.int64))
    monkeypatch.setattr(unseen, "read_label_rows", lambda directory: labels)
    return lambda *args, **kwargs: unseen.unseen_notes(Export(None, SCHEMA, {}), FaceRequest(*args, **kwargs))


@pytest.mark.parametrize(
    ("request_text", "words"),
    [
        ("pixel art, turned left", "head turn -60%"),
        ("pixel art, hat", "hat"),
        ("pixel art, hat, head turn 50%", "head turn 50%, hat"),
    ],
)
def test_what_a_style_never_shows(notes, request_text, words):
    assert notes(request_text) == [
        f"no training picture in pixel art shows: {words}; the model guesses what it looks like"
    ]


@pytest.mark.parametrize(
    "request_text",
    ["cel style, turned left, hat", "pixel art, facing forward", "turned left", "pixel art, no hat",
     "pixel art, smile", "rare style, turned left", "pixel art, head turn 10%", ""],
)  # fmt: skip
def test_nothing_to_note(notes, request_text):
    assert notes(request_text) == []


def test_changes_keyframes_and_sheets_count(notes):
    assert notes("cel style", changes="hat") == []
    assert "hat" in notes("pixel art", changes="hat")[0]
    frames = Interpolation(("pixel art", "turned right"), 8, 20)
    assert "head turn 60%" in notes("", interpolation=Interpolation(("pixel art, turned right",), 8, 20))[0]
    assert notes("cel style", interpolation=frames) == []
    (note,) = notes("pixel art", sheet="turn")
    assert "head turn -100%" in note
    assert "head turn 100%" in note
    assert "head turn 0%" not in note
    assert len(notes("hat", sheet="style x smile; no smile")) == 1
