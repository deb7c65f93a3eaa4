"""Shares of attributes in a crowd: `male 50%, glasses 10%` becomes a request for each character."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from anime_gan.attributes.phrases import normalize, split_phrases
from anime_gan.attributes.schema import Schema, Slot
from anime_gan.common.errors import InputError
from anime_gan.faces.request import expanded


def parse_shares(text: str, schema: Schema) -> dict[int, float]:
    """Reads shares such as `male 50%, glasses 10%`.

    Args:
        text: Attributes with percentages, separated by commas.
        schema: The attributes of the model.

    Returns:
        Label column -> share, 0 to 1.

    Raises:
        InputError: A percentage is missing or out of range, or the values of a group exceed 100%.
        AttributeRequestError: An attribute is unknown.
    """
    shares: dict[int, float] = {}
    for part in filter(str.strip, re.split("[,，、;]", text)):
        match = re.fullmatch(r"(.*?\S)\s*[:=]?\s*(\d+(?:\.\d+)?)\s*[%％]", part.strip())
        if not match:
            raise InputError(
                f"{part.strip()!r}: write an attribute and its percentage, such as glasses 10%", "share", text
            )
        percent = float(match[2])
        if percent > 100:
            raise InputError(f"{part.strip()!r}: a share can be at most 100%", "share", text)
        phrase = ", ".join(split_phrases(match[1]))
        if any(phrase in map(normalize, scale.phrases) for scale in schema.scales.values()):
            raise InputError(
                f"{part.strip()!r}: {phrase!r} is a scale, and scales cannot have shares", "share", text
            )
        wanted = schema.parse(expanded(phrase, schema))
        present = np.flatnonzero(wanted > 0)
        absent = np.flatnonzero(wanted < 0)
        if len(present) == 1:
            column, share = int(present[0]), percent / 100
        elif not len(present) and len(absent) == 1 and not _slot(schema, int(absent[0])).is_group:
            column, share = int(absent[0]), 1 - percent / 100
        else:
            raise InputError(f"{part.strip()!r} must name one value of one attribute", "share", text)
        if column in schema.scales:
            raise InputError(f"{part.strip()!r}: values of scales cannot have shares", "share", text)
        if column in shares:
            raise InputError(f"{phrase!r} has two shares; give only one", "share", text)
        shares[column] = share
    for slot in schema.slots:
        total = sum(share for column, share in shares.items() if _slot(schema, column) is slot)
        if total > 1 + 1e-9:
            raise InputError(
                f"the shares of {slot.name} add up to {100 * total:g}%, which is more than 100%",
                "share",
                text,
            )
    return shares


def share_requests(shares: Mapping[int, float], schema: Schema, count: int, seed: int) -> list[str]:
    """Returns what each of `count` characters must have or must not have, in words.

    The number of characters with an attribute is the share, rounded. Attributes are independent of each
    other. Whoever has none of the named values of a group gets another value.

    Args:
        shares: From `parse_shares`.
        schema: The attributes of the model.
        count: Number of characters.
        seed: Random seed of the distribution.
    """
    rows = np.zeros((count, schema.num_labels), np.int8)
    for number, slot in enumerate(schema.slots):
        named = {c: share for c, share in shares.items() if _slot(schema, c) is slot}
        if not named:
            continue
        order = np.random.default_rng([seed, number]).permutation(count)
        rows[:, list(named)] = -1
        start, total = 0, 0.0
        for column, share in named.items():
            # Rounded as running totals, so that errors do not add up.
            total += share
            stop = round(total * count)
            having = order[start:stop]
            rows[having, slot.columns] = -1
            rows[having, column] = 1
            start = stop
        if slot.is_group and start < count and len(named) == slot.size:
            raise InputError(f"the shares of all values of {slot.name} must add up to 100%", "share")
    return [schema.describe(row) for row in rows]


def _slot(schema: Schema, column: int) -> Slot:
    return next(slot for slot in schema.slots if slot.start <= column < slot.start + slot.size)
