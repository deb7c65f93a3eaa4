"""Writes `schema.json`: everything that turns a request into latent vectors and labels."""

from __future__ import annotations

import json
from typing import Any

from anime_gan.attributes.label_rows import LabelRows
from anime_gan.attributes.phrases import NORMALIZATION
from anime_gan.attributes.scales import BINS, NUMBER, known
from anime_gan.exports.portable_form import FORMAT
from anime_gan.exports.read import Export

# A label in a row of `label_rows`; a scale has the letter of its bin, `a` to `u`.
LETTERS = {1: "+", -1: "-", 0: "0"}
BIN_LETTERS = {0: "0", **{number: chr(ord("a") + number - 1) for number in range(1, BINS + 1)}}


def schema_text(export: Export, rows: LabelRows) -> str:
    """Returns the contents of `schema.json`; docs/portable_format.md defines the fields.

    Args:
        export: The model.
        rows: The label rows of its training set.
    """
    schema, config = export.schema, export.record["config"]
    written = json.loads(schema.to_json())
    letters = [BIN_LETTERS if column in schema.scales else LETTERS for column in range(schema.num_labels)]
    content: dict[str, Any] = {
        "format": FORMAT,
        # Programs that know no scales refuse version 2.
        "version": written["version"],
        "model": export.name,
        "latent_dim": config["latent_dim"],
        "num_labels": schema.num_labels,
        "resolution": config["resolution"],
        "channels": export.channels,
        "statement": export.record["statement"],
        "attributes": written["attributes"],
        "normalization": [list(pair) for pair in NORMALIZATION],
        "phrases": schema.phrase_codes,
        "number": NUMBER,
        "number_forms": {
            form: [meaning.column, meaning.factor, meaning.offset, meaning.signed]
            for form, meaning in schema.number_forms.items()
        },
        "words": [[column, known(word.value)] for column, word in schema.scale_words],
        "hidden_by": [[slot.name, column] for slot, column in schema.hidden_by],
        "label_rows": [
            "".join(names[int(label)] for names, label in zip(letters, row, strict=True)) for row in rows.rows
        ],
        "label_counts": rows.counts.tolist(),
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"
