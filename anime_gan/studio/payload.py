"""Checks the JSON that the page sends, and converts labels between the page and the schema."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.common.alpha import Color
from anime_gan.faces.request import SEED_LIMIT
from anime_gan.studio.errors import StudioError

MAX_NUMBER = 64
MAX_CANDIDATES = 16
MIN_FRAMES, MAX_FRAMES = 4, 240
MAX_NEARBY = 64
# Side of a saved picture in pixels.
MAX_SIZE = 1_024
# Faces that are changed, read, or blended at once.
MAX_SETS, MAX_READ, MAX_KEYFRAMES = 256, 64, 8
# Angles are in radians. Two random faces are about a right angle apart.
MIN_ANGLE, MAX_ANGLE = 0.02, 1.5


def parsed(data: bytes) -> dict[str, Any]:
    """Parses a JSON object.

    Raises:
        StudioError: The data is not a JSON object.
    """
    try:
        body = json.loads(data)
        # Half of a surrogate pair is valid JSON, but cannot be written to a file.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise StudioError("wrong_json") from error
    if not isinstance(body, dict):
        raise StudioError("wrong_json")
    return body


def integer(body: Mapping[str, Any], name: str, low: int, high: int, default: int) -> int:
    """Returns an integer field, which must be in a range including its bounds."""
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise StudioError("wrong_number", name=name, low=low, high=high)
    return value


def real(body: Mapping[str, Any], name: str, low: float, high: float, default: float) -> float:
    """Returns a number field, which must be in a range including its bounds."""
    value = body.get(name, default)
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    # The range is checked first, because an integer may be too large for a float.
    if not good or not low <= value <= high or not math.isfinite(value):
        raise StudioError("wrong_number", name=name, low=low, high=high)
    return float(value)


def text(body: Mapping[str, Any], name: str) -> str:
    """Returns a text field."""
    value = body.get(name)
    if not isinstance(value, str):
        raise StudioError("missing", name=name)
    return value


def seed(body: Mapping[str, Any], number: int) -> int:
    """Returns the first of several seeds. It comes as text, because JavaScript numbers are too small."""
    value = body.get("seed", "0")
    digits = re.fullmatch("[0-9]{1,19}", value) if isinstance(value, str) else None
    if digits is None or int(value) + number > SEED_LIMIT:
        raise StudioError("wrong_seed")
    return int(value)


def color(body: Mapping[str, Any], name: str) -> Color | None:
    """Returns a color field such as `#ffcc00`; None if it is missing or null."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch("#[0-9a-f]{6}", value):
        raise StudioError("missing", name=name)
    red, green, blue = bytes.fromhex(value[1:])
    return red, green, blue


def pairs(body: Mapping[str, Any], name: str) -> dict[str, str]:
    """Returns a field that maps texts to texts."""
    value = body.get(name)
    if not isinstance(value, dict) or not all(isinstance(part, str) for part in value.values()):
        raise StudioError("missing", name=name)
    return value


def several(body: Mapping[str, Any], name: str, low: int, high: int) -> list[dict[str, Any]]:
    """Returns each item of a list field as a body of its own, in which the item has the name of the field.

    Raises:
        StudioError: The field is not a list, or has the wrong length.
    """
    value = body.get(name)
    if not isinstance(value, list) or not low <= len(value) <= high:
        raise StudioError("wrong_count", name=name, low=low, high=high)
    return [{name: item} for item in value]


def attributes(body: Mapping[str, Any], name: str, schema: Schema) -> str:
    """Returns the selected attributes as a request text.

    Args:
        body: The request. The field maps a group to a value, a tag to true, false, or its strength from 0
            to 1, and a scale to a number in its unit. An attribute that is null or missing is left open.
        name: Name of the field.
        schema: The attributes of the model.

    Raises:
        StudioError: An attribute or a value is not in the schema.
    """
    picked = body.get(name, {})
    if not isinstance(picked, dict):
        raise StudioError("missing", name=name)
    groups = {group.name: {value.name for value in group.values} for group in schema.groups}
    scales = {scale.name: scale for scale in schema.scales.values()}
    words = []
    for attribute, value in picked.items():
        if attribute not in {slot.name for slot in schema.slots}:
            raise StudioError("wrong_attribute", name=attribute[:80])
        if value is None:
            continue
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        word = None
        if attribute in groups:
            word = value if isinstance(value, str) and value in groups[attribute] else None
        elif attribute in scales:
            low, high = scales[attribute].low, scales[attribute].high
            if number and low <= value <= high:
                word = f"{200 * (value - low) / (high - low) - 100:.10g}%"
        elif isinstance(value, bool):
            word = "yes" if value else "no"
        elif number and 0 <= value <= 1:
            word = f"{100 * value:.10g}%"
        if word is None:
            raise StudioError("wrong_value", name=attribute, value=str(value)[:80])
        words.append(f"{attribute}={word}")
    return schema.describe(schema.parse(", ".join(words)))


def described(labels: np.ndarray, schema: Schema) -> dict[str, str | bool | float | None]:
    """Converts a label row to the form that `attributes` reads.

    Args:
        labels: [num_labels] of +1, -1, and 0; in between, strengths of tags and values of scales.
        schema: The schema of the labels.
    """
    found: dict[str, str | bool | float | None] = {}
    for slot in schema.slots:
        values = labels[slot.columns]
        label = float(values[0])
        if slot.is_group:
            positive = np.flatnonzero(values > 0)
            found[slot.name] = schema.terms[slot.start + positive[0]].name if positive.size else None
        elif not label:
            found[slot.name] = None
        elif slot.is_scale:
            found[slot.name] = schema.scales[slot.start].number(label)
        else:
            found[slot.name] = label > 0 if abs(label) == 1 else round((label + 1) / 2, 2)
    return found
