"""Writes the files of an evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from anime_gan.common.files import write_text, written_whole
from anime_gan.evaluate.evaluation import Evaluation
from anime_gan.evaluate.report import markdown, picture_sheet, summary
from anime_gan.exports.model_card import MODEL_CARD, with_measured_section
from anime_gan.exports.read import CRITIC
from anime_gan.judges.selection import Selector


def write_results(evaluation: Evaluation, out: Path) -> None:
    """Writes `evaluation.json`, `EVALUATION.md` and `evaluation.png`, each atomically."""
    write_text(
        out / "evaluation.json",
        json.dumps(evaluation.numbers, ensure_ascii=False, indent=1, allow_nan=False) + "\n",
    )
    write_text(out / "EVALUATION.md", markdown(evaluation.numbers))
    with written_whole(out / "evaluation.png") as partial:
        Image.fromarray(picture_sheet(evaluation.pictures)).save(partial)


def complete_export(numbers: dict[str, Any], selector: Selector, export: Path) -> None:
    """Adds the main results to an export's model card and saves the critics next to the model."""
    card = export / MODEL_CARD
    text = card.read_text("utf-8") if card.is_file() else "# Model card\n"
    write_text(card, with_measured_section(text, summary(numbers)))
    selector.save(export / CRITIC)
