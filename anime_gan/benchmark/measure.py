"""Turns, medians and tables: what all parts of the benchmark share."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from tqdm import tqdm

import anime_gan

Result = TypeVar("Result")
# What a part found out, as it is written to JSON.
Numbers = dict[str, Any]


class Options(NamedTuple):
    """What the command line says to a part.

    Attributes:
        repetitions: Turns each contestant gets.
        scratch: An empty folder, removed when the part is done.
        million: Whether the pipeline and a folder are also measured with a million images.
    """

    repetitions: int
    scratch: Path
    million: bool


def take_turns(
    contestants: Mapping[str, Callable[[], Result]], repetitions: int, name: str, warm_ups: int = 1
) -> dict[str, list[Result]]:
    """Lets contestants take turns, each once a repetition, so that a drift of the machine hits all alike.

    Args:
        contestants: Name -> one run, which measures itself (see `timed`).
        repetitions: Runs of each that count.
        name: What the progress line calls this.
        warm_ups: Runs of each before, which do not count: graphs are built, files read.

    Returns:
        Name -> results, in order.
    """
    results: dict[str, list[Result]] = {contestant: [] for contestant in contestants}
    total = (warm_ups + repetitions) * len(contestants)
    with tqdm(total=total, desc=f"measuring {name}", unit="run", file=sys.stderr, leave=False) as progress:
        for repetition in range(-warm_ups, repetitions):
            for contestant, run in contestants.items():
                result = run()
                if repetition >= 0:
                    results[contestant].append(result)
                progress.update()
    return results


def timed(
    function: Callable[[], object], times: int = 1, clock: Callable[[], float] = time.perf_counter
) -> Callable[[], float]:
    """A run for `take_turns`: calls a function so many times and returns the seconds a call."""

    def run() -> float:
        started = clock()
        for _ in range(times):
            function()
        return (clock() - started) / times

    return run


def run_python(*arguments: str) -> str:
    """Runs this Python in a fresh process and returns what it prints.

    Raises:
        OSError: It failed; the message ends with what it complained of last.
    """
    # Found from any folder, also when the package is not installed.
    paths = [str(Path(anime_gan.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    with subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            printed, complaints = process.communicate()
        except BaseException:
            # Asked to end, not killed: it may have to end processes of its own.
            process.terminate()
            process.wait()
            raise
    if process.returncode:
        complaint = complaints.strip().splitlines()[-1:] or ["nothing said"]
        raise OSError(f"python {' '.join(arguments)} failed with status {process.returncode}: {complaint[0]}")
    return printed


@contextlib.contextmanager
def cache_in(folder: Path) -> Iterator[None]:
    """Keeps prepared images in a folder instead of the user's cache."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["XDG_CACHE_HOME"]
        else:
            os.environ["XDG_CACHE_HOME"] = before


def check_space(scratch: Path, needed: int) -> None:
    """Makes sure that the disk holds so many bytes, and a little more.

    Raises:
        OSError: It does not.
    """
    free = shutil.disk_usage(scratch).free
    if free < 1.05 * needed:
        raise OSError(f"--scratch={scratch}: {needed / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free")


def anonymous_bytes() -> int:
    """The memory of this process that no file backs."""
    found = re.search(r"^RssAnon:\s*(\d+) kB", Path("/proc/self/status").read_text("utf-8"), re.MULTILINE)
    return 1024 * int(found[1]) if found else 0
