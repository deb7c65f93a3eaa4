"""Kills a small training at random moments, and resumes it until it ends."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

TITLE = "kills of a training, resumed until the end: the same weights"
# Each start of TensorFlow takes seconds.
SHORT, FULL = 1, 50
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
STEPS = 8


def run(count: int, seed: int, folder: Path) -> list[str]:
    """Kills a training `count` times; a finished one is compared, and the next one starts.

    Args:
        count: Number of kills.
        seed: Random seed of the moments and of the signals.
        folder: An empty folder.

    Returns:
        A line for each kill after which the training could not be resumed, or gave other weights.
    """
    generator = random.Random(seed)
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "TF_ENABLE_ONEDNN_OPTS": "0"}
    data = pictures(folder / "faces")
    began = time.monotonic()
    expected = finished(start(folder / "whole", data, environment), folder / "whole")
    longest = time.monotonic() - began
    if len(expected) != 64:
        return [f"without a kill: {expected}"] * count
    failures: list[str] = []
    number, kills = 0, []
    for kill in range(count):
        directory = folder / f"run{number}"
        process = start(directory, data, environment)
        chosen = generator.choice(SIGNALS)
        moment = generator.uniform(0.1, 1.0) * longest
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(chosen)
        process.communicate()
        kills.append(f"{chosen.name} after {moment:.2f} s")
        # A training that goes on until its end takes as long as three kills.
        if len(kills) == 4 or kill == count - 1:
            found = finished(start(directory, data, environment), directory)
            if found != expected:
                failures.append(f"{', '.join(kills)}: {found}")
            number, kills = number + 1, []
    return failures


def pictures(folder: Path) -> Path:
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(folder / f"{number}.png")
    return folder


def training_options(data: Path) -> list[str]:
    """Returns the options of the training."""
    return [
        f"--data={data}",
        "--preset=published",
        "--precision=float32",
        "--batch_size=2",
        "--test_every=0",
        f"--steps={STEPS}",
        "--log_interval=1",
        "--sample_interval=100",
        "--checkpoint_interval=2",
    ]


def start(
    directory: Path,
    data: Path,
    environment: dict[str, str],
    before: Callable[[], None] | None = None,
) -> subprocess.Popen[str]:
    """Starts a training, or resumes it if its directory has a run; `before` runs first in its process."""
    arguments = training_options(data)
    if (directory / "config.json").is_file():
        arguments = ["--resume"]
    elif directory.exists():
        # Killed while the directory was made: a new run needs another one.
        directory.rename(directory.with_name(f"{directory.name}-{time.monotonic_ns()}"))
    command = [sys.executable, "-m", "anime_gan.commands.train", f"--run_dir={directory}", *arguments]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=before,
    )


def finished(process: subprocess.Popen[str], directory: Path) -> str:
    """Waits for the end of a training; returns the checksum of the weights, or what went wrong."""
    _, error = process.communicate()
    if process.returncode != 0:
        return f"status {process.returncode}: {error.strip().splitlines()[-1:]}"
    return finished_run(directory)


def finished_run(directory: Path) -> str:
    """Returns the checksum of the weights of a complete run, or what is wrong with it."""
    card = directory / "export" / str(STEPS) / "MODEL_CARD.md"
    if not card.is_file():
        return "no model was exported"
    events = [line.split('"step": ')[1].split(",")[0] for line in _lines(directory / "stats.jsonl")]
    if events != [str(step) for step in range(1, STEPS + 1)]:
        return f"stats.jsonl has the steps {', '.join(events)}"
    return card.read_text("utf-8").split()[-1]


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines()
