"""The model card of an export: `MODEL_CARD.md`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from anime_gan.attributes.schema import Schema
from anime_gan.common.markdown import duration_in_words
from anime_gan.training.config import command_line

MODEL_CARD = "MODEL_CARD.md"
SECTION = "## Measured"
FULL_RESULTS = "Full results: EVALUATION.md, evaluation.png."
_SECTION_PATTERN = re.compile(rf"^{SECTION}\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
# The sentence in a card without measurements. Older versions wrote the second sentence.
UNMEASURED = (
    " This model has not been evaluated yet (python -m anime_gan.evaluate).",
    " No measured figures come with this card.",
)


def with_measured_section(card: str, summary: str) -> str:
    """Returns a model card with the main results in its section "Measured"; replaces an older section."""
    for sentence in UNMEASURED:
        card = card.replace(sentence, "")
    section = f"{SECTION}\n\n{summary}\n\n{FULL_RESULTS}\n"
    pattern = _SECTION_PATTERN
    if pattern.search(card):
        # A function is passed, because backslashes in a replacement text would be interpreted.
        return pattern.sub(lambda found: section + ("\n" if found.end() < len(card) else ""), card, count=1)
    return f"{card.rstrip()}\n\n{section}"


def measured_section(card: str) -> str:
    """Returns the main results in the section "Measured" of a card; empty without such a section."""
    found = _SECTION_PATTERN.search(card)
    return found[0].removeprefix(SECTION).replace(FULL_RESULTS, "").strip() if found else ""


def model_card(record: Mapping[str, Any], schema: Schema) -> str:
    """Returns the model card in Markdown.

    Args:
        record: The contents of `training.json`.
        schema: The attributes that the model understands.
    """
    config = record["config"]
    if "imported" in record:
        origin, frequencies = _imported_origin(record), "fixed frequencies, each independently of the others"
    else:
        origin = _trained_origin(record)
        frequencies = "the frequencies of the training set, including its imbalances"
    return f"""# Model card

Generates {config["resolution"]}x{config["resolution"]} anime faces. Architecture: `{config["architecture"]}`.
{origin}
## Attributes

{schema.listing() or "None. The model was trained without labels."}

## Limits

The model draws only faces in the style of its training pictures. Attributes that a request leaves open are
sampled with {frequencies}.{_speed_limit(record)}{UNMEASURED[0]}

## Checksum of the weights (SHA-256)

{record["weights_sha256"]}
"""


def _speed_limit(record: Mapping[str, Any]) -> str:
    if record.get("packing", {}).get("precision") != "bfloat16":
        return ""
    return " The model computes in bfloat16, which is slow on processors without bfloat16 instructions."


def _trained_origin(record: Mapping[str, Any]) -> str:
    config, seconds = record["config"], record.get("seconds", 0.0)
    duration = f" ({duration_in_words(seconds)})" if seconds else ""
    earlier = record.get("earlier_runs", ())
    grown = f", after {_runs(earlier)}" if earlier else ""
    commands = [*(f"{_command(run)} --run_dir={run['name']}" for run in earlier), _command(record)]
    indented = "\n".join(f"    {command}" for command in commands)
    return f"""\
Trained for {record["steps"]:,} steps with a batch size of {config["batch_size"]}{duration}{grown}.

{indented}
{_lowered_rates(record)}
## Training data

{record["images"]:,} images. {record["statement"]}

## License of the weights

You may use, modify, and redistribute the weights under the terms of the training data and of the initial
weights, if any (see above). This project claims no further rights in them.
"""


def _runs(earlier: Sequence[Mapping[str, Any]]) -> str:
    names = [f"{run['name']} ({run['steps']:,} steps)" for run in earlier]
    return ("runs " if len(names) > 1 else "run ") + ", ".join(names)


def _command(record: Mapping[str, Any]) -> str:
    """Returns the command that makes these weights, without the learning rates that were lowered later."""
    first: Mapping[str, Any] = next(iter(record.get("learning_rates", ())), {})
    rates = {name: value for name, value in first.items() if name != "step"}
    # A snapshot was made before the last step of its run.
    # Networks from before the option have a single image output.
    return command_line({"base_resolution": 0, **record["config"], **rates, "steps": record["steps"]})


def _lowered_rates(record: Mapping[str, Any]) -> str:
    lines = [
        f"\nFrom step {entry['step']:,} on, after `--resume --from_step={entry['step']}`, with "
        + " ".join(f"`--{name}={value:g}`" for name, value in entry.items() if name != "step")
        + ".\n"
        for entry in record.get("learning_rates", ())[1:]
    ]
    return "".join(lines)


def _imported_origin(record: Mapping[str, Any]) -> str:
    return f"""\
This model was imported. It was not trained by this project.

## Origin and license

{record["statement"]}
"""
