"""The input side of training by number of images: start-up, memory, and speed, with images of 8x8 pixels."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from anime_gan.benchmark.measure import (
    Numbers,
    Options,
    anonymous_bytes,
    cache_in,
    flush_disk,
    memory_in_words,
    run_python,
    take_turns,
    timed,
)
from anime_gan.benchmark.pipeline import BATCH, BATCHES, speed, taker
from anime_gan.benchmark.synthetic import NoiseFaces
from anime_gan.common.markdown import in_words, markdown_table
from anime_gan.datasets.prepared import open_prepared, prepare, prepared_folder

RESOLUTION = 8
SIZES = (1_000, 10_000, 100_000)
# Also measured with `--million`.
LARGE_SIZES = (1_000_000, 10_000_000)


def measure(options: Options) -> Numbers:
    """Prepares noise of each size, opens it in new processes, and takes batches alternately."""
    sizes = _sizes(options.million)
    with cache_in(options.scratch):
        datasets = {str(size): prepare(NoiseFaces(size), RESOLUTION) for size in sizes}
        folders = {str(size): _folder(size) for size in sizes}
    flush_disk()
    starts = take_turns({size: _starter(folders[size]) for size in folders}, options.repetitions, "start-up")
    takers = {size: timed(taker(dataset), BATCHES) for size, dataset in datasets.items()}
    seconds = take_turns(takers, options.repetitions, "inputs")
    return {
        "sizes": [
            {
                **speed(size, seconds[size], options),
                "seconds_to_the_first_batch": [start["seconds"] for start in starts[size]],
                "bytes": [start["bytes"] for start in starts[size]],
            }
            for size in datasets
        ]
    }


def report(numbers: Numbers) -> str:
    """Returns the table and a note on its columns."""
    rows = [
        [
            f"{size['images']:,}",
            in_words(median(size["seconds_to_the_first_batch"])),
            memory_in_words(size["bytes"]),
            in_words(size["images_per_second"]),
            in_words(size["times_the_training_step"]) if size["times_the_training_step"] else "",
        ]
        for size in numbers["sizes"]
    ]
    columns = ["images of 8x8", "first batch, s", "memory, MiB", "images/s", "times the step"]
    return (
        f"{markdown_table(columns, rows)}\n\nFirst batch: opening the prepared files in a new process, "
        f"shuffling, and taking {BATCH} images. Memory: what this adds to the process, without the mapped "
        "images. Times the step: speed relative to the fastest step above, which trains on images of 64x64."
    )


def needed_bytes(million: bool) -> int:
    """Returns the disk space of the prepared images and labels in bytes."""
    return sum(_sizes(million)) * (RESOLUTION * RESOLUTION * 3 + 2 * NoiseFaces.schema.num_labels)


def _sizes(million: bool) -> tuple[int, ...]:
    return (*SIZES, *LARGE_SIZES) if million else SIZES


def _folder(size: int) -> Path:
    source = NoiseFaces(size)
    return prepared_folder(source.name, RESOLUTION, source.fingerprint())


def _starter(folder: Path) -> Callable[[], Numbers]:
    def start() -> Numbers:
        numbers: Numbers = json.loads(run_python("-m", "anime_gan.benchmark.inputs", str(folder)))
        return numbers

    return start


def main(argv: Sequence[str]) -> None:
    """Opens a prepared folder, takes a batch, and prints the seconds and the bytes of memory as JSON."""
    before, started = anonymous_bytes(), time.perf_counter()
    dataset = open_prepared(Path(argv[0]))
    # It has the order of an epoch, as during training.
    take = taker(dataset)
    take()
    seconds, after = time.perf_counter() - started, anonymous_bytes()
    print(json.dumps({"seconds": seconds, "bytes": after - before if before and after else None}))


if __name__ == "__main__":
    main(sys.argv[1:])
