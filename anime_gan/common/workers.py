"""Work for all cores, in order, with little of it in memory at a time."""

from __future__ import annotations

import collections
import concurrent.futures.process
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


def available_cores() -> int:
    """The number of processor cores that this process may use."""
    # macOS and Windows cannot tie a process to some of the cores.
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    # A process pool on Windows has at most 61 processes.
    return min(cores, 61) if os.name == "nt" else cores


def map_in_order(function: Callable[[Job], Result], jobs: Iterable[Job]) -> Iterator[Result]:
    """Applies a function to every job in one process a core; results come in the order of the jobs.

    Jobs are taken a few ahead of the results and no further, so that a million of them need no memory.

    Args:
        function: A function of a module, so that other processes can import it.
        jobs: Their arguments; must survive pickling.
    """
    cores = available_cores()
    # Spawned, not forked: a fork of a process in which TensorFlow runs can hang. Ctrl-C is the parent's.
    pool = concurrent.futures.ProcessPoolExecutor(
        cores,
        multiprocessing.get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    waiting: collections.deque[concurrent.futures.Future[Result]] = collections.deque()
    try:
        for job in jobs:
            waiting.append(pool.submit(function, job))
            if len(waiting) > cores + 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except concurrent.futures.process.BrokenProcessPool as error:
        raise OSError("a worker process was killed, perhaps for lack of memory: run again") from error
    finally:
        # What has not begun when an exception comes is dropped.
        pool.shutdown(cancel_futures=True)
