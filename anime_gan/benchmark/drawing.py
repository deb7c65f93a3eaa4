"""How fast the built-in faces are drawn."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import NamedTuple

from anime_gan.benchmark.measure import Numbers, Options, take_turns, timed
from anime_gan.common.markdown import in_words, markdown_table
from anime_gan.common.workers import map_in_order
from anime_gan.datasets.drawn.faces import DrawnFaces

RESOLUTIONS = (64, 128)
FACES = 32
# Of every core: drawn while the processes start, and drawn against the clock.
EARLY_CHUNKS, CHUNKS = 4, 8


def measure(options: Options, earlier: Numbers) -> Numbers:
    """Draws on one core, in this process, and on all of them, in turn."""
    del earlier
    runs: dict[str, Callable[[], float]] = {}
    for resolution in RESOLUTIONS:
        _draw(_Drawing(0, resolution))
        runs[f"one core, {resolution}"] = timed(partial(_draw, _Drawing(0, resolution)))
        runs[f"all cores, {resolution}"] = partial(_on_all_cores, resolution)
    # A warm-up would start all the processes once more; each has its own.
    seconds = take_turns(runs, options.repetitions, "drawing", warm_ups=0)
    numbers: Numbers = {"cores": _cores(), "resolutions": []}
    for resolution in RESOLUTIONS:
        one, every = seconds[f"one core, {resolution}"], seconds[f"all cores, {resolution}"]
        numbers["resolutions"].append(
            {
                "resolution": resolution,
                "seconds_one_core": one,
                "seconds_all_cores": every,
                "faces_per_second_one_core": FACES / median(one),
                "faces_per_second_all_cores": FACES / median(every),
            }
        )
    return numbers


def report(numbers: Numbers) -> str:
    """The table, and what its columns mean."""
    rows = [
        [
            f"{line['resolution']}x{line['resolution']}",
            in_words(line["faces_per_second_one_core"]),
            in_words(line["faces_per_second_all_cores"]),
            in_words(line["faces_per_second_all_cores"] / line["faces_per_second_one_core"]),
        ]
        for line in numbers["resolutions"]
    ]
    columns = ["drawing", "faces/s, one core", f"faces/s, {numbers['cores']} cores", "times one core"]
    return f"{markdown_table(columns, rows)}\n\nThe time to start the processes is left out."


class _Drawing(NamedTuple):
    start: int
    resolution: int


def _draw(job: _Drawing) -> list[object]:
    """Draws `FACES` faces; they are returned, since sending them to the parent costs time too."""
    faces = DrawnFaces()
    return [faces.draw(index, job.resolution) for index in range(job.start, job.start + FACES)]


def _on_all_cores(resolution: int) -> float:
    """Seconds `FACES` faces once all processes are at work."""
    early, chunks = EARLY_CHUNKS * _cores(), CHUNKS * _cores()
    # Every chunk the same faces, so that none is slower to draw.
    jobs = (_Drawing(0, resolution) for _ in range(early + chunks))
    started = 0.0
    for done, _ in enumerate(map_in_order(_draw, jobs), start=1):
        if done == early:
            started = time.perf_counter()
    return (time.perf_counter() - started) / chunks


def _cores() -> int:
    return len(os.sched_getaffinity(0))
