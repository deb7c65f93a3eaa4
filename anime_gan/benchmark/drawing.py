"""The speed of drawing the built-in faces."""

from __future__ import annotations

import time
from statistics import median

from anime_gan.benchmark.measure import Numbers, Options, take_turns
from anime_gan.common.markdown import in_words, markdown_table
from anime_gan.common.workers import available_cores, map_in_order
from anime_gan.datasets.drawn.faces import DrawnFaces

RESOLUTION = 64
FACES = 32
# Chunks per core: those drawn while the processes start, and those that are timed.
EARLY_CHUNKS, CHUNKS = 4, 8


def measure(options: Options) -> Numbers:
    """Measures drawing on all cores."""
    # No warm-up runs: every run warms up its own processes.
    runs = take_turns({"drawing": _on_all_cores}, options.repetitions, "drawing", warm_ups=0)
    seconds = runs["drawing"]
    return {"cores": available_cores(), "seconds": seconds, "faces_per_second": FACES / median(seconds)}


def report(numbers: Numbers) -> str:
    """Returns the table and a note on it."""
    size = f"{RESOLUTION}x{RESOLUTION}"
    table = markdown_table(
        ["drawing", f"faces/s, {numbers['cores']} cores"], [[size, in_words(numbers["faces_per_second"])]]
    )
    return f"{table}\n\nThe time to start the processes is not included."


def _draw(first: int) -> list[object]:
    """Draws `FACES` faces and returns them, because sending them to the parent process takes time too."""
    faces = DrawnFaces()
    return [faces.draw(index, RESOLUTION) for index in range(first, first + FACES)]


def _on_all_cores() -> float:
    """Returns the seconds per chunk of `FACES` faces once all processes are running."""
    early, chunks = EARLY_CHUNKS * available_cores(), CHUNKS * available_cores()
    # Every chunk contains the same faces, so that all chunks take equally long.
    jobs = (0 for _ in range(early + chunks))
    started = 0.0
    for done, _ in enumerate(map_in_order(_draw, jobs), start=1):
        if done == early:
            started = time.perf_counter()
    return (time.perf_counter() - started) / chunks
