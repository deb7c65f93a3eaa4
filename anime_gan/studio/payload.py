"""What the page sends, checked piece by piece; labels in the form in which the page has them."""

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
# Radians. Two faces by chance are a right angle apart.
MIN_ANGLE, MAX_ANGLE = 0.02, 1.5


def parsed(body: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        StudioError: It is none.
    """
    try:
        wish = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise StudioError("wrong_json") from error
    if not isinstance(wish, dict):
        raise StudioError("wrong_json")
    return wish


def integer(wish: Mapping[str, Any], name: str, low: int, high: int, default: int) -> int:
    """A whole number in a range, both ends included."""
    value = wish.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise StudioError("wrong_number", name=name, low=low, high=high)
    return value


def real(wish: Mapping[str, Any], name: str, low: float, high: float, default: float) -> float:
    """A number in a range, both ends included."""
    value = wish.get(name, default)
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    # A whole number may be too large to be turned into a float.
    if not good or not low <= value <= high or not math.isfinite(value):
        raise StudioError("wrong_number", name=name, low=low, high=high)
    return float(value)


def text(wish: Mapping[str, Any], name: str) -> str:
    """A string."""
    value = wish.get(name)
    if not isinstance(value, str):
        raise StudioError("missing", name=name)
    return value


def seed(wish: Mapping[str, Any], number: int) -> int:
    """The first of so many seeds: a string of digits, since JavaScript's numbers are too short."""
    value = wish.get("seed", "0")
    digits = re.fullmatch("[0-9]{1,19}", value) if isinstance(value, str) else None
    if digits is None or int(value) + number > SEED_LIMIT:
        raise StudioError("wrong_seed")
    return int(value)


def attributes(wish: Mapping[str, Any], name: str, schema: Schema) -> str:
    """What is picked, in the schema's words.

    Args:
        wish: Under the name an object: group -> value, tag -> true or false; null or nothing leaves open.
        name: Where it is.
        schema: What can be asked for.

    Raises:
        StudioError: Something in it is not in the schema.
    """
    picked = wish.get(name, {})
    groups = {group.name: {value.name for value in group.values} for group in schema.groups}
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
        else:
            good = isinstance(value, bool)
        if not good:
            raise StudioError("wrong_value", name=attribute, value=str(value)[:80])
    return schema.describe(schema.encode(picked))


def described(labels: np.ndarray, schema: Schema) -> dict[str, str | bool | None]:
    """A label row as `attributes` takes it.

    Args:
        labels: [num_labels] of +1, -1 and 0.
        schema: What the columns mean.
    """
    found: dict[str, str | bool | None] = {}
    for slot in schema.slots:
        values = labels[slot.columns]
        if slot.is_group:
            positive = np.flatnonzero(values > 0)
            found[slot.name] = schema.terms[slot.start + positive[0]].name if positive.size else None
        else:
            found[slot.name] = bool(values[0] > 0) if values[0] else None
    return found
