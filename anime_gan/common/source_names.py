"""Several data sources in one text: `--data=A --data=B` becomes `A + B`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from anime_gan.common.errors import InputError

SEPARATOR = " + "


def joined(sources: Iterable[str]) -> str:
    """Returns the text for data sources."""
    return SEPARATOR.join(sources)


def split_sources(data: str) -> list[str]:
    """Returns the data sources in a text, which may also be the path of a folder with ` + ` in its name."""
    return [data] if os.path.exists(data) else data.split(SEPARATOR)


def each_source(change: Callable[[str], str], data: str) -> str:
    """Changes each data source in a text."""
    return joined(map(change, split_sources(data)))


def parse_shares(text: str, count: int) -> tuple[float, ...] | None:
    """Reads the shares of data sources, such as `3,1`.

    Args:
        text: Positive numbers, separated by commas; empty for no shares.
        count: Number of sources.

    Returns:
        The shares, which add up to 1; None without shares.

    Raises:
        InputError: The text has another number of numbers, or they are not positive.
    """
    if not text.strip():
        return None
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise InputError("must be numbers separated by commas, such as 3,1", "data_shares", text) from error
    if len(shares) != count:
        reason = f"has {len(shares)} numbers, but --data names {count} sources; give one number for each"
        raise InputError(reason, "data_shares", text)
    if not all(0 < share < float("inf") for share in shares):
        raise InputError("each share must be above 0", "data_shares", text)
    return tuple(share / sum(shares) for share in shares)
