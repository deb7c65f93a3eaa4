"""Checks the JSON that the page sends, and converts labels between the page and the schema."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.faces.request import SEED_LIMIT
from anime_gan.studio.errors import StudioError

MAX_NUMBER = 64
MAX_CANDIDATES = 16
MIN_FRAMES, MAX_FRAMES = 4, 240
MAX_NEARBY = 12
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


def attributes(body: Mapping[str, Any], name: str, schema: Schema) -> str:
    """Returns the selected attributes as a request text.

    Args:
        body: The request. The field maps a group to a value, and a tag to true or false. An attribute that is
            null or missing is left open.
        name: Name of the field.
        schema: The attributes of the model.

    Raises:
        StudioError: An attribute or a value is not in the schema.
    """
    picked = body.get(name, {})
    groups = {group.name: {value.name for value in group.values} for group in schema.groups}
    scales = {scale.name: scale for scale in schema.scales.values()}
    if not isinstance(picked, dict):
        raise StudioError("missing", name=name)
    known = {slot.name for slot in schema.slots}
    for attribute, value in picked.items():
        if attribute not in known:
            raise StudioError("wrong_attribute", name=attribute[:80])
        if value is None:
            continue
        if attribute in groups:
            good = isinstance(value, str) and value in groups[attribute]
        elif attribute in scales:
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            good = number and scales[attribute].low <= value <= scales[attribute].high
        else:
            good = isinstance(value, bool)
        if not good:
            raise StudioError("wrong_value", name=attribute, value=str(value)[:80])
    return schema.describe(schema.decode(schema.encode(picked)))


def described(labels: np.ndarray, schema: Schema) -> dict[str, str | bool | float | None]:
    """Converts a label row to the form that `attributes` reads.

    Args:
        labels: [num_labels] of +1, -1, and 0.
        schema: The schema of the labels.
    """
    found: dict[str, str | bool | float | None] = {}
    for slot in schema.slots:
        values = labels[slot.columns]
        if slot.is_group:
            positive = np.flatnonzero(values > 0)
            found[slot.name] = schema.terms[slot.start + positive[0]].name if positive.size else None
        elif slot.is_scale:
            found[slot.name] = schema.scales[slot.start].number(values[0]) if values[0] else None
        else:
            found[slot.name] = bool(values[0] > 0) if values[0] else None
    return found
