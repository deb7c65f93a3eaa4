"""Shards of the work: each machine analyzes every n-th picture, and a later run joins what they found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from anime_gan.common.errors import InputError
from anime_gan.common.files import remove
from anime_gan.prepare.journal import Journal, PictureRecord

_NAME = re.compile(r"shard-(\d+)-of-(\d+)\.jsonl")


class Shard(NamedTuple):
    """The pictures number, number + total, number + 2 * total, and so on.

    Attributes:
        number: From 0.
        total: Number of shards.
    """

    number: int
    total: int

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"

    def journal(self, folder: Path) -> Path:
        """Returns the file of the shard's journal in the folder of all journals."""
        return folder / f"shard-{self.number}-of-{self.total}.jsonl"


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


class ShardJournals:
    """The journals of all shards, from which the records are read in the order of the pictures."""

    def __init__(self, folder: Path, options: Mapping[str, Any]) -> None:
        """Opens the journals in a folder.

        Args:
            folder: The folder of all journals; it may have none of shards.
            options: The options that affect the result.

        Raises:
            ValueError: A journal is missing or was written with other options.
        """
        found = [
            Shard(int(match[1]), int(match[2]))
            for path in folder.glob("shard-*.jsonl")
            if (match := _NAME.fullmatch(path.name))
        ]
        counts = sorted({shard.total for shard in found})
        if len(counts) > 1:
            ways = " and ".join(f"{count} shards" for count in counts)
            raise ValueError(f"{folder}: has journals of {ways}; delete those that are no longer needed")
        shards = [Shard(number, counts[0]) for number in range(counts[0])] if counts else []
        for shard in shards:
            if shard not in found:
                raise ValueError(f"shard {shard} is missing; run it with --shard={shard}")
        self.paths = [shard.journal(folder) for shard in shards]
        self._journals = [Journal(path, options) for path in self.paths]

    def __len__(self) -> int:
        return len(self._journals)

    def read(self, number: int) -> PictureRecord:
        """Returns the record of the picture with this number among all pictures.

        Raises:
            ValueError: Its shard has not come that far.
        """
        place, shard = divmod(number, len(self))
        if place >= len(self._journals[shard]):
            name = Shard(shard, len(self))
            raise ValueError(f"shard {name} is not finished; run it again with --shard={name}")
        return self._journals[shard].read(place)

    def remove(self) -> None:
        """Removes the journals; all their records are in another one."""
        for path in self.paths:
            remove(path)
