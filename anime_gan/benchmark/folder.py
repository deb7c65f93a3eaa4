"""The time to open image folders of several sizes, for the first time and at later starts.

`python -m anime_gan.benchmark.folder FOLDER` runs in the new process that is measured. It does not import
TensorFlow, because TensorFlow's memory would hide the memory of the data.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from anime_gan.benchmark.measure import (
    Numbers,
    Options,
    anonymous_bytes,
    cache_in,
    flush_disk,
    memory_in_words,
    run_python,
    take_turns,
)
from anime_gan.common.markdown import in_words, markdown_table
from anime_gan.datasets.folder.source import SETTLED_SECONDS
from anime_gan.datasets.load import load_dataset
from anime_gan.training.batches import Batches

RESOLUTION = 64
BATCH = 64
SIZES = (1_000, 10_000)
MILLION_SIZES = (100_000, 1_000_000)
# Side of the picture files; larger than `RESOLUTION`, as in most users' folders.
SIDE = 80
# Number of distinct files. All others are hard links to them, so that a million files need little disk space.
DIFFERENT = 1_000
# Disk space of a distinct file, and of the entries of a file in its folder and in the table.
FILE_BYTES, NAME_BYTES = 20_000, 100
SUBFOLDER = 1_000
HAIR = ("blue", "red", "black")


def measure(options: Options) -> Numbers:
    """Makes a folder of each size, opens each for the first time, and then opens all alternately."""
    sizes = _sizes(options.million)
    pictures = _make_pictures(options.scratch / "pictures", min(DIFFERENT, max(sizes)))
    openers = {str(size): _opener(_make_folder(options.scratch, size, pictures)) for size in sizes}
    with cache_in(options.scratch / "cache"):
        flush_disk()
        # There is only one run, because the next one would not be the first.
        first = take_turns(openers, 1, "folder, first time", warm_ups=0)
        flush_disk()
        # A folder that has just changed is read again, so the later starts must wait.
        time.sleep(SETTLED_SECONDS)
        later = take_turns(openers, options.repetitions, "folder, later starts")
    runs = [{"first": first[str(size)][0], "later": later[str(size)]} for size in sizes]
    return {"sizes": [{"images": size, **run} for size, run in zip(sizes, runs, strict=True)]}


def report(numbers: Numbers) -> str:
    """Returns the table and a note on its columns."""
    rows = [
        [
            f"{size['images']:,}",
            in_words(size["first"]["seconds"]),
            in_words(median(run["seconds"] for run in size["later"])),
            memory_in_words([run["anonymous_bytes"] for run in size["later"]]),
        ]
        for size in numbers["sizes"]
    ]
    return "\n".join(
        [
            markdown_table(["folder", "first time, s", "later start, s", "memory, MiB"], rows),
            "",
            "The times are measured in a new Python process, from the end of the imports to the first batch "
            f"of {BATCH}. First time (one run): all cores read, decode, resize, and cache every file. Later "
            "start: the names, sizes, and times of all files are compared with the recorded ones, and no "
            "file is read. Memory: anonymous pages of the process after the first batch of a later start, "
            f"including Python (measured on Linux only). The images are {SIDE}x{SIDE} PNG files: at most "
            f"{DIFFERENT:,} distinct ones, and hard links to them. A table contains their labels. All files "
            "are in the page cache.",
        ]
    )


def needed_bytes(million: bool) -> int:
    """Returns the disk space of the folders and the cache in bytes."""
    a_picture = RESOLUTION * RESOLUTION * 3 + NAME_BYTES
    return sum(_sizes(million)) * a_picture + DIFFERENT * FILE_BYTES


def _sizes(million: bool) -> tuple[int, ...]:
    return (*SIZES, *MILLION_SIZES) if million else SIZES


def _make_pictures(folder: Path, count: int) -> list[Path]:
    """Makes `count` picture files with soft blots of color, which are the same every time."""
    folder.mkdir(parents=True)
    paths = [folder / f"{i:03d}.png" for i in range(count)]
    for i, path in enumerate(paths):
        blots = np.random.default_rng([0, i]).integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(blots).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(path)
    return paths


def _make_folder(parent: Path, size: int, pictures: Sequence[Path]) -> Path:
    """Makes a folder with `size` labeled files in subfolders; all files are links to the pictures."""
    folder = parent / f"{size}-images"
    folder.mkdir()
    table = folder / "labels.csv"
    with table.open("w", encoding="utf-8") as stream:
        stream.write("filename,hair_color,smile,glasses\n")
        for i in range(size):
            subfolder, place = divmod(i, SUBFOLDER)
            if place == 0:
                (folder / f"{subfolder:03d}").mkdir()
            name = f"{subfolder:03d}/{place:03d}.png"
            os.link(pictures[i % len(pictures)], folder / name)
            stream.write(f"{name},{HAIR[i % 3]},{i % 2},{i // 3 % 2}\n")
    return folder


def _opener(folder: Path) -> Callable[[], Numbers]:
    return lambda: json.loads(run_python("-m", "anime_gan.benchmark.folder", str(folder)))


def _open_and_take(folder: Path) -> Numbers:
    """Opens the folder and takes a batch, in the process that is measured."""
    # `load_dataset` would import these modules later, but imports are not measured.
    for name in ("folder.source", "records"):
        importlib.import_module(f"anime_gan.datasets.{name}")
    started = time.perf_counter()
    dataset = load_dataset(str(folder), 0, RESOLUTION, 0)
    chosen = Batches(len(dataset.images), BATCH, seed=0).indices(0)
    _ = dataset.images[chosen], dataset.labels[chosen]
    seconds = time.perf_counter() - started
    return {"images": len(dataset.images), "seconds": seconds, "anonymous_bytes": anonymous_bytes()}


# This is guarded, because worker processes import this module again.
if __name__ == "__main__":
    # Like Ctrl-C, SIGTERM ends the worker processes too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(json.dumps(_open_and_take(Path(sys.argv[1]).resolve())))
