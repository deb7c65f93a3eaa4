"""How long a folder of image files takes the first time and at every later start, however many there are.

Without TensorFlow, as its memory would hide that of the data. `python -m anime_gan.benchmark.folder FOLDER`
is the fresh process that is measured.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from anime_gan.benchmark.measure import Numbers, Options, anonymous_bytes, cache_in, run_python, take_turns
from anime_gan.common.markdown import in_words, markdown_table
from anime_gan.datasets.folder.source import SETTLED_SECONDS
from anime_gan.datasets.load import load_dataset
from anime_gan.training.batches import Batches

RESOLUTION = 64
BATCH = 64
SIZES = (1_000, 10_000)
MILLION_SIZES = (100_000, 1_000_000)
# Of a picture file: larger than what is made of it, as users' are.
SIDE = 80
# The others are hard links to these, so that a million need little disk.
DIFFERENT = 1_000
# What the different files take up, and each of their names in a sub-folder and in the table.
FILE_BYTES, NAME_BYTES = 20_000, 100
SUBFOLDER = 1_000
HAIR = ("blue", "red", "black")


def measure(options: Options, earlier: Numbers) -> Numbers:
    """Makes folders of every size, opens each for the first time, then all of them in turn."""
    sizes = _sizes(options.million)
    pictures = _make_pictures(options.scratch / "pictures", min(DIFFERENT, max(sizes)))
    openers = {str(size): _opener(_make_folder(options.scratch, size, pictures)) for size in sizes}
    with cache_in(options.scratch / "cache"):
        # What still waits to be written would slow down whatever is measured next.
        os.sync()
        # Once: after that it is no longer the first time.
        first = take_turns(openers, 1, "folder, first time", warm_ups=0)
        os.sync()
        # A folder changed just now is read again: the unmeasured turn must come later than that.
        time.sleep(SETTLED_SECONDS)
        later = take_turns(openers, options.repetitions, "folder, later starts")
    runs = [{"first": first[str(size)][0], "later": later[str(size)]} for size in sizes]
    return {"sizes": [{"images": size, **run} for size, run in zip(sizes, runs, strict=True)]}


def report(numbers: Numbers) -> str:
    """The table, and what its columns mean."""
    rows = [
        [
            f"{size['images']:,}",
            in_words(size["first"]["seconds"]),
            in_words(median(run["seconds"] for run in size["later"])),
            in_words(median(run["anonymous_bytes"] for run in size["later"]) / 2**20),
        ]
        for size in numbers["sizes"]
    ]
    return "\n".join(
        [
            markdown_table(["folder", "first time, s", "later start, s", "memory, MiB"], rows),
            "",
            f"Until the first batch of {BATCH} is there, in a fresh Python, its imports left out. First time "
            "(one run): every file is read, decoded, resized and cached, on all cores. Later start: names, "
            "sizes and times of all files are compared with those remembered, none is read. Memory: "
            "anonymous pages of the process after the first batch of a later start, Python included. The "
            f"files are PNG, {SIDE}x{SIDE}, at most {DIFFERENT:,} different ones and hard links to them, "
            "with a table of labels; all lie in the page cache.",
        ]
    )


def needed_bytes(million: bool) -> int:
    """What the folders and the cache take up on disk."""
    a_picture = RESOLUTION * RESOLUTION * 3 + NAME_BYTES
    return sum(_sizes(million)) * a_picture + DIFFERENT * FILE_BYTES


def _sizes(million: bool) -> tuple[int, ...]:
    return (*SIZES, *MILLION_SIZES) if million else SIZES


def _make_pictures(folder: Path, count: int) -> list[Path]:
    """Makes so many seeded picture files: soft blots of colour."""
    folder.mkdir(parents=True)
    paths = [folder / f"{i:03d}.png" for i in range(count)]
    for i, path in enumerate(paths):
        blots = np.random.default_rng([0, i]).integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(blots).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(path)
    return paths


def _make_folder(parent: Path, size: int, pictures: Sequence[Path]) -> Path:
    """Makes a folder of `size` labelled files in sub-folders, all of them links to the pictures."""
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
    """What the fresh process does: opens, takes a batch, looks at its memory, and tells what it opened."""
    # What is imported only once it is known what the source is.
    for name in ("folder", "records"):
        importlib.import_module(f"anime_gan.datasets.{name}")
    openings = itertools.count()

    def notice(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and str(arguments[0]).startswith(f"{folder}{os.sep}"):
            next(openings)

    sys.addaudithook(notice)
    started = time.perf_counter()
    dataset = load_dataset(str(folder), 0, RESOLUTION, 0)
    chosen = Batches(len(dataset.images), BATCH, seed=0).indices(0)
    _ = dataset.images[chosen], dataset.labels[chosen]
    seconds = time.perf_counter() - started
    return {
        "images": len(dataset.images),
        "seconds": seconds,
        "anonymous_bytes": anonymous_bytes(),
        "files_opened": next(openings),
    }


# Guarded: the processes that decode import this module again.
if __name__ == "__main__":
    # As Ctrl-C: ends those processes too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(json.dumps(_open_and_take(Path(sys.argv[1]).resolve())))
