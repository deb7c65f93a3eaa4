"""Helpers for all parts: alternating runs, timing, new processes, and memory."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, TypeVar

from tqdm import tqdm

import anime_gan
from anime_gan.common.errors import InputError
from anime_gan.common.markdown import in_words

Result = TypeVar("Result")
# The results of a part, in the form that is written to JSON.
Numbers = dict[str, Any]


class Options(NamedTuple):
    """The arguments of a part.

    Attributes:
        repetitions: Measured runs of each variant.
        scratch: An empty folder, removed when the part is done.
        million: Whether to measure a million images too.
        earlier: Part name -> results, for the parts measured before.
    """

    repetitions: int
    scratch: Path
    million: bool
    earlier: Numbers


def take_turns(
    variants: Mapping[str, Callable[[], Result]], repetitions: int, name: str, warm_ups: int = 1
) -> dict[str, list[Result]]:
    """Runs the variants alternately, so that changes in the machine's speed affect all of them equally.

    Args:
        variants: Name -> function that makes one run and returns its result (see `timed`).
        repetitions: Measured runs of each variant.
        name: Name of the measurement in the progress bar.
        warm_ups: Number of initial runs of each variant whose results are discarded. They build graphs and
            read files.

    Returns:
        Name -> results, in order.
    """
    results: dict[str, list[Result]] = {variant: [] for variant in variants}
    total = (warm_ups + repetitions) * len(variants)
    with tqdm(total=total, desc=f"measuring {name}", unit="run", file=sys.stderr, leave=False) as progress:
        for repetition in range(-warm_ups, repetitions):
            for variant, run in variants.items():
                result = run()
                if repetition >= 0:
                    results[variant].append(result)
                progress.update()
    return results


def timed(
    function: Callable[[], object], times: int = 1, clock: Callable[[], float] = time.perf_counter
) -> Callable[[], float]:
    """Returns a run for `take_turns`: it calls a function `times` times and returns the seconds per call."""

    def run() -> float:
        started = clock()
        for _ in range(times):
            function()
        return (clock() - started) / times

    return run


def run_python(*arguments: str) -> str:
    """Runs Python in a new process and returns its standard output.

    Raises:
        OSError: The process failed. The message ends with the last line of its standard error.
    """
    return run_together([arguments])[0]


def run_together(commands: Sequence[Sequence[str]]) -> list[str]:
    """Runs Python in several new processes at once.

    Args:
        commands: The arguments of each process.

    Returns:
        The standard output of each.

    Raises:
        OSError: A process failed, and the others were terminated. The message is as in `run_python`.
    """
    # The package may not be installed.
    paths = [str(Path(anime_gan.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    processes: list[subprocess.Popen[str]] = []
    failures: list[str] = []

    def terminate() -> None:
        # Not killed, so that they can end their own worker processes.
        for process in processes:
            process.terminate()

    def finish(arguments: Sequence[str], process: subprocess.Popen[str]) -> str:
        printed, complaints = process.communicate()
        if process.returncode:
            complaint = complaints.strip().splitlines()[-1:] or ["no error message"]
            status = f"status {process.returncode}: {complaint[0]}"
            failures.append(f"python {' '.join(arguments)} failed with {status}")
            terminate()
        return printed

    with concurrent.futures.ThreadPoolExecutor(len(commands)) as pool:
        try:
            for arguments in commands:
                processes.append(
                    subprocess.Popen(
                        [sys.executable, *arguments],
                        env=environment,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE,
                        text=True,
                    )
                )
            printed = list(pool.map(finish, commands, processes))
        except BaseException:
            terminate()
            for process in processes:
                process.wait()
            raise
    if failures:
        raise OSError(failures[0])
    return printed


@contextlib.contextmanager
def cache_in(folder: Path) -> Iterator[None]:
    """Stores prepared images in a folder instead of the user's cache."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["XDG_CACHE_HOME"]
        else:
            os.environ["XDG_CACHE_HOME"] = before


def check_space(needed: int) -> None:
    """Checks that there is enough free disk space for temporary files, with a reserve of 5%.

    Raises:
        InputError: There is not enough disk space.
    """
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < 1.05 * needed:
        raise InputError(
            f"{folder} needs {needed / 1e9:.1f} GB of free space, but has {free / 1e9:.1f} GB; set TMPDIR to "
            "use another folder"
        )


def flush_disk() -> None:
    """Writes buffered files to disk, so that this does not slow down the next measurement."""
    # Windows has no such call.
    if hasattr(os, "sync"):
        os.sync()


def anonymous_bytes() -> int | None:
    """Returns the memory of this process that is not backed by a file; None if the system is not Linux."""
    status = Path("/proc/self/status")
    text = status.read_text("utf-8") if status.is_file() else ""
    found = re.search(r"^RssAnon:\s*(\d+) kB", text, re.MULTILINE)
    return 1024 * int(found[1]) if found else None


def memory_in_words(measured: Sequence[int | None]) -> str:
    """Returns the median of `anonymous_bytes` results in MiB, or a dash if they are unknown."""
    known = [value for value in measured if value is not None]
    return in_words(median(known) / 2**20) if known else "–"
