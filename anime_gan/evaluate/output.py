"""Writes the files of an evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from anime_gan.common.files import write_text, written_whole
from anime_gan.evaluate.evaluation import Evaluation
from anime_gan.evaluate.report import copies_sheet, markdown, picture_sheet, summary
from anime_gan.exports.model_card import MODEL_CARD, with_measured_section
from anime_gan.exports.read import CRITIC, PERSON, TAGGER
from anime_gan.judges.load import Judges
from anime_gan.judges.person import PersonMeasure


def write_results(evaluation: Evaluation, out: Path) -> None:
    """Writes `evaluation.json`, `EVALUATION.md`, `evaluation.png` and `copies.png`, each atomically.

    Only `copies.png` shows training images, so that the other files can be published with the model.
    """
    write_text(
        out / "evaluation.json",
        json.dumps(evaluation.numbers, ensure_ascii=False, indent=1, allow_nan=False) + "\n",
    )
    write_text(out / "EVALUATION.md", markdown(evaluation.numbers))
    sheets = {
        "evaluation.png": picture_sheet(evaluation.pictures),
        "copies.png": copies_sheet(evaluation.pictures),
    }
    for name, sheet in sheets.items():
        if sheet is not None:
            with written_whole(out / name) as partial:
                Image.fromarray(sheet).save(partial)


def complete_export(
    numbers: dict[str, Any], judges: Judges, measure: PersonMeasure | None, export: Path
) -> None:
    """Adds the main results to an export's model card and saves the judges next to the model.

    Args:
        numbers: The results.
        judges: All judges of the training data.
        measure: The identity measure; None if the data has no pairs to train it.
        export: The version folder.
    """
    card = export / MODEL_CARD
    text = card.read_text("utf-8") if card.is_file() else "# Model card\n"
    write_text(card, with_measured_section(text, summary(numbers)))
    judges.selector.save(export / CRITIC)
    if judges.whole.tagger is not None:
        judges.whole.tagger.save(export / TAGGER)
    if measure is not None:
        measure.save(export / PERSON)
