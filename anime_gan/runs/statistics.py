"""Reads and writes files with one JSON object of numbers per line, such as `stats.jsonl`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from anime_gan.common.files import write_text
from anime_gan.common.json_files import JsonError, parse_json

# The objects are flat, so a damaged line ends at the next brace even if its end is damaged.
_OBJECT = re.compile(rb"\{[^{}]*\}")


class Statistics(NamedTuple):
    """The contents of a file.

    Attributes:
        lines: The readable lines, in the order of their steps.
        damaged: Number of lines that cannot be read.
    """

    lines: list[dict[str, Any]]
    damaged: int


def read_statistics(file: Path) -> Statistics:
    """Reads a file; a damaged line costs only itself. Of several lines of one step, the last one counts."""
    data = file.read_bytes() if file.is_file() else b""
    whole = [line for found in _OBJECT.findall(data) if (line := _parsed(found)) is not None]
    by_step = {line["step"]: line for line in whole}
    written = sum(1 for line in data.split(b"\n") if line.strip())
    return Statistics([by_step[step] for step in sorted(by_step)], max(0, written - len(whole)))


def append_statistics(file: Path, values: Mapping[str, Any]) -> None:
    """Appends a line. The last line may have been left unfinished by a crash."""
    with file.open("ab+") as stream:
        if stream.tell():
            stream.seek(-1, 2)
            if stream.read(1) != b"\n":
                stream.write(b"\n")
        stream.write(json.dumps(values).encode() + b"\n")


def keep_statistics(file: Path, kept: Callable[[int], bool]) -> int:
    """Removes the lines whose steps are not kept, and damaged lines; returns the number of damaged ones."""
    if not file.is_file():
        return 0
    lines, damaged = read_statistics(file)
    write_text(file, "".join(json.dumps(line) + "\n" for line in lines if kept(line["step"])))
    return damaged


def training_seconds(lines: list[dict[str, Any]], batch_size: int) -> float:
    """Returns the total duration of the steps that the lines of `stats.jsonl` cover, in seconds."""
    steps = [0, *(line["step"] for line in lines)]
    return sum(
        (step - before) * batch_size / line["images_per_second"]
        for before, step, line in zip(steps, steps[1:], lines, strict=False)
        if line.get("images_per_second", 0) > 0
    )


def _parsed(text: bytes) -> dict[str, Any] | None:
    """Returns the numbers of a line; None if it is damaged."""
    try:
        line = parse_json(text, dict[str, int | float])
    except JsonError:
        return None
    step = line.get("step")
    whole = isinstance(step, int) and step > 0 and all(map(math.isfinite, line.values()))
    return line if whole else None
