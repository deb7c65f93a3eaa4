"""Shards of the work: each machine analyzes every n-th picture, and a later run joins what they found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anime_gan.common.files import remove
from anime_gan.common.shards import Shard
from anime_gan.prepare.journal import Journal, PictureRecord

_NAME = re.compile(r"shard-(\d+)-of-(\d+)\.jsonl")


def journal_of(shard: Shard, folder: Path) -> Path:
    """Returns the file of a shard's journal in the folder of all journals."""
    return folder / f"shard-{shard.number}-of-{shard.total}.jsonl"


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
        self.paths = [journal_of(shard, folder) for shard in shards]
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
