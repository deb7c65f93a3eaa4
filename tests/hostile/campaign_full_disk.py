"""Trains with a limit on the size of files, which fails like a full disk at one of the writers."""

from __future__ import annotations

import os
import random
import resource
from pathlib import Path

from campaign_kills import finished, pictures, start

TITLE = "full disk: a training stops with one line at whatever it writes, and can be resumed"
# Each start of TensorFlow takes seconds.
SHORT, FULL = 1, 20
# Bytes. The smallest stops the first file, and only the largest ones let a checkpoint through.
LIMITS = (300, 60_000_000)


def run(count: int, seed: int, folder: Path) -> list[str]:
    """Trains with `count` limits.

    Args:
        count: Number of trainings.
        seed: Random seed of the limits.
        folder: An empty folder.

    Returns:
        A line for each training that ended otherwise, or that could not be resumed without the limit. The
        first training is not resumed, to save time.
    """
    generator = random.Random(seed)
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "TF_ENABLE_ONEDNN_OPTS": "0"}
    data = pictures(folder / "faces")
    failures = []
    for number in range(count):
        limit = round(LIMITS[0] * (LIMITS[1] / LIMITS[0]) ** generator.random())
        directory = folder / f"run{number}"
        process = start(directory, data, environment, lambda size=limit: _limit(size))
        _, error = process.communicate()
        last = (error.strip().splitlines() or [""])[-1]
        if process.returncode == 0:
            continue
        told = last.startswith("train.py: ") and "Traceback" not in error
        if process.returncode != 2 or not told:
            failures.append(f"{limit} bytes: status {process.returncode}: {last}")
        elif number and len(result := finished(start(directory, data, environment), directory)) != 64:
            failures.append(f"{limit} bytes, then resumed: {result}")
    return failures


def _limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
