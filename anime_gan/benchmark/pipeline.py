"""The speed of taking batches from prepared images, for datasets of several sizes.

`python -m anime_gan.benchmark.pipeline FOLDER` is the new process whose opening time and memory are measured.
It does not import TensorFlow, whose memory would hide that of the data.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
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
from anime_gan.benchmark.synthetic import NoiseFaces
from anime_gan.common.markdown import in_words, markdown_table
from anime_gan.datasets.dataset import Dataset
from anime_gan.datasets.prepared import open_prepared, prepare, prepared_folder
from anime_gan.training.batches import Batches

RESOLUTION = 64
BATCH = 64
# Batches of a run, and of the process whose memory is measured.
BATCHES = 200
SIZES = (1_000, 10_000, 100_000)
MILLION = 1_000_000


def measure(options: Options) -> Numbers:
    """Prepares datasets of noise in every size, then takes batches from all of them alternately."""
    sizes = _sizes(options.million)
    with cache_in(options.scratch):
        datasets = {size: prepare(NoiseFaces(size), RESOLUTION) for size in sizes}
        folders = {size: _prepared(size) for size in sizes}
        flush_disk()
        takers = {str(size): timed(_taker(dataset), BATCHES) for size, dataset in datasets.items()}
        seconds = take_turns(takers, options.repetitions, "pipeline")
        openers = {str(size): _opener(folder) for size, folder in folders.items()}
        opened = take_turns(openers, options.repetitions, "opening")
    steps = options.earlier.get("step", {}).get("steps", ())
    fastest = max((step["images_per_second"] for step in steps), default=None)
    numbers: Numbers = {"sizes": []}
    for size in map(str, sizes):
        rate = BATCH / median(seconds[size])
        numbers["sizes"].append(
            {
                "images": int(size),
                "seconds_a_batch": seconds[size],
                "images_per_second": rate,
                "times_the_training_step": rate / fastest if fastest else None,
                "open_seconds": [run["open_seconds"] for run in opened[size]],
                "anonymous_bytes": [run["anonymous_bytes"] for run in opened[size]],
            }
        )
    return numbers


def report(numbers: Numbers) -> str:
    """Returns the table and a note on its columns."""
    rows = [
        [
            f"{size['images']:,}",
            in_words(size["images_per_second"]),
            in_words(size["times_the_training_step"]) if size["times_the_training_step"] else "",
            in_words(1e3 * median(size["open_seconds"])),
            memory_in_words(size["anonymous_bytes"]),
        ]
        for size in numbers["sizes"]
    ]
    columns = ["images", "images/s", "times the step", "open + first batch, ms", "memory, MiB"]
    return "\n".join(
        [
            markdown_table(columns, rows),
            "",
            f"Shuffled batches of {BATCH} from prepared files in the page cache. Times the step: speed "
            "relative to the fastest training step above. Opening: in a new Python process, without imports. "
            f"Memory: largest amount of anonymous pages of that process over {BATCHES} batches, measured on "
            "Linux only. It includes Python, but not mapped files, whose memory the kernel can reclaim at "
            "any time.",
        ]
    )


def needed_bytes(million: bool) -> int:
    """Returns the disk space of the prepared datasets."""
    return sum(_sizes(million)) * RESOLUTION * RESOLUTION * 3


def _sizes(million: bool) -> tuple[int, ...]:
    return (*SIZES, MILLION) if million else SIZES


def _prepared(size: int) -> Path:
    source = NoiseFaces(size)
    return prepared_folder(source.name, RESOLUTION, source.fingerprint())


def _taker(dataset: Dataset) -> Callable[[], object]:
    """Returns a function that takes the next batch, as `run_training` does."""
    batches = Batches(len(dataset.images), BATCH, seed=0)
    step = 0

    def take() -> object:
        nonlocal step
        chosen = batches.indices(step)
        step += 1
        return dataset.images[chosen], dataset.labels[chosen]

    return take


def _opener(folder: Path) -> Callable[[], Numbers]:
    return lambda: json.loads(run_python("-m", "anime_gan.benchmark.pipeline", str(folder)))


def _open_and_take(folder: Path) -> Numbers:
    """Opens a dataset and takes batches, in the process that is measured."""
    started = time.perf_counter()
    take = _taker(open_prepared(folder))
    take()
    seconds = time.perf_counter() - started
    memory = [anonymous_bytes()]
    for _ in range(BATCHES):
        take()
        memory.append(anonymous_bytes())
    most = max((value for value in memory if value is not None), default=None)
    return {"open_seconds": seconds, "anonymous_bytes": most}


if __name__ == "__main__":
    print(json.dumps(_open_and_take(Path(sys.argv[1]))))
