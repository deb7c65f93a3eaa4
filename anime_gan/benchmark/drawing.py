"""The speed of drawing the built-in faces."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import NamedTuple

from anime_gan.benchmark.measure import Numbers, Options, take_turns, timed
from anime_gan.common.markdown import in_words, markdown_table
from anime_gan.common.workers import available_cores, map_in_order
from anime_gan.datasets.drawn.faces import DrawnFaces

RESOLUTIONS = (64, 128)
FACES = 32
# Chunks for each core: drawn while the processes start, and timed.
EARLY_CHUNKS, CHUNKS = 4, 8


def measure(options: Options) -> Numbers:
    """Draws alternately on one core, in this process, and on all cores."""
    runs: dict[str, Callable[[], float]] = {}
    for resolution in RESOLUTIONS:
        _draw(_Drawing(0, resolution))
        runs[f"one core, {resolution}"] = timed(partial(_draw, _Drawing(0, resolution)))
        runs[f"all cores, {resolution}"] = partial(_on_all_cores, resolution)
    # No warm-up runs: every run on all cores warms up its own processes.
    seconds = take_turns(runs, options.repetitions, "drawing", warm_ups=0)
    numbers: Numbers = {"cores": available_cores(), "resolutions": []}
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
    """Returns the table and a note on its columns."""
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
    return f"{markdown_table(columns, rows)}\n\nStarting the processes is not included."


class _Drawing(NamedTuple):
    start: int
    resolution: int


def _draw(job: _Drawing) -> list[object]:
    """Draws `FACES` faces. Returns them, because sending them to the parent process takes time too."""
    faces = DrawnFaces()
    return [faces.draw(index, job.resolution) for index in range(job.start, job.start + FACES)]


def _on_all_cores(resolution: int) -> float:
    """Returns the seconds for `FACES` faces when all processes are running."""
    early, chunks = EARLY_CHUNKS * available_cores(), CHUNKS * available_cores()
    # The same faces in every chunk, so that all take equally long.
    jobs = (_Drawing(0, resolution) for _ in range(early + chunks))
    started = 0.0
    for done, _ in enumerate(map_in_order(_draw, jobs), start=1):
        if done == early:
            started = time.perf_counter()
    return (time.perf_counter() - started) / chunks
