"""Shards of the work of many machines, by number."""

from __future__ import annotations

import re
from typing import NamedTuple

from anime_gan.common.errors import InputError


class Shard(NamedTuple):
    """The items number, number + total, number + 2 * total, and so on.

    Attributes:
        number: From 0.
        total: Number of shards.
    """

    number: int
    total: int

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"


def parse_shard(text: str) -> Shard | None:
    """Reads a shard such as `3/64`; None for an empty text.

    Raises:
        InputError: The text means something else.
    """
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if not found or int(found[1]) >= int(found[2]):
        raise InputError("must be NUMBER/COUNT, such as 0/4 to 3/4 for four machines", "shard", text)
    return Shard(int(found[1]), int(found[2]))
