"""Writes `schema.json`: everything that turns a request into latent vectors and labels."""

from __future__ import annotations

import json
from typing import Any

from anime_gan.attributes.label_rows import LabelRows
from anime_gan.attributes.phrases import NORMALIZATION
from anime_gan.common.errors import InputError
from anime_gan.exports.portable_form import FORMAT, VERSION
from anime_gan.exports.read import Export

# The version of `attributes.json` that this form can hold.
SCHEMA_VERSION = 1
# A label in a row of `label_rows`.
LETTERS = {1: "+", -1: "-", 0: "0"}


def schema_text(export: Export, rows: LabelRows) -> str:
    """Returns the contents of `schema.json`; docs/portable_format.md defines the fields.

    Args:
        export: The model.
        rows: The label rows of its training set.

    Raises:
        InputError: The model's attributes are of a kind that this form does not have.
    """
    schema, config = export.schema, export.record["config"]
    written = json.loads(schema.to_json())
    if written["version"] != SCHEMA_VERSION:
        raise InputError(
            f"{export.directory}: its attributes have version {written['version']}, and the portable form "
            f"holds version {SCHEMA_VERSION}"
        )
    content: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "model": export.name,
        "latent_dim": config["latent_dim"],
        "num_labels": schema.num_labels,
        "resolution": config["resolution"],
        "channels": export.channels,
        "statement": export.record["statement"],
        "attributes": written["attributes"],
        "normalization": [list(pair) for pair in NORMALIZATION],
        "phrases": schema.phrase_codes,
        "hidden_by": [[slot.name, column] for slot, column in schema.hidden_by],
        "label_rows": ["".join(LETTERS[int(label)] for label in row) for row in rows.rows],
        "label_counts": rows.counts.tolist(),
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"
