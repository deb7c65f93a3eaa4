"""The model card of an export."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from anime_gan.attributes.schema import Schema
from anime_gan.training.config import command_line

SECTION = "## Measured"
# What a model card says until its model is measured.
UNMEASURED = " No measured figures come with this card."


def with_measured_section(card: str, summary: str) -> str:
    """A model card with the main results as its section "Measured"; an older such section is replaced."""
    card = card.replace(UNMEASURED, "")
    section = f"{SECTION}\n\n{summary}\n\nIn full: EVALUATION.md, evaluation.png.\n"
    pattern = re.compile(rf"^{SECTION}\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    if pattern.search(card):
        # A function, since a backslash in the text is none of the pattern's.
        return pattern.sub(lambda found: section + ("\n" if found.end() < len(card) else ""), card, count=1)
    return f"{card.rstrip()}\n\n{section}"


def _model_card(record: Mapping[str, Any], schema: Schema) -> str:
    config = record["config"]
    if "imported" in record:
        origin, frequencies = _imported_origin(record), "fixed frequencies, each attribute by itself"
    else:
        origin = _trained_origin(record)
        frequencies = "the training set's own frequencies, with whatever imbalance it has"
    return f"""# Model card

Draws {config["resolution"]}x{config["resolution"]} anime faces. Architecture `{config["architecture"]}`,
{origin}
## What can be asked for

{schema.listing() or "Nothing: it was trained without labels."}

## Limits

Faces in the style of the training pictures only. What a request leaves open follows
{frequencies}. {_speed_limit(record)}No measured figures come with this card.

## Checksum of the weights (SHA-256)

{record["weights_sha256"]}
"""


def _speed_limit(record: Mapping[str, Any]) -> str:
    if record.get("packing", {}).get("precision") != "bfloat16":
        return ""
    return "It computes in bfloat16, which is slow on processors that do not have it. "


def _trained_origin(record: Mapping[str, Any]) -> str:
    config, seconds = record["config"], record.get("seconds", 0.0)
    duration = f" They took {seconds / 3600:.2f} hours." if seconds else ""
    return f"""\
trained for {record["steps"]} steps of {config["batch_size"]} images.{duration}

    {command_line(config)}

## Trained on

{record["images"]} images. {record["statement"]}

## Licence of the weights

The weights may be used, changed and passed on as what they were trained on, and began with, may be (see
above); this project claims no further rights in them.
"""


def _imported_origin(record: Mapping[str, Any]) -> str:
    return f"""\
imported, not trained here.

## Origin and licence

{record["statement"]}
"""
