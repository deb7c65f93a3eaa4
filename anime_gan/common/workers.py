"""Runs jobs in several processes, with results in order and bounded memory."""

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
    """Returns the number of processor cores that this process may use."""
    # macOS and Windows do not have this function.
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    # A process pool on Windows has at most 61 processes.
    return min(cores, 61) if os.name == "nt" else cores


def map_in_order(function: Callable[[Job], Result], jobs: Iterable[Job]) -> Iterator[Result]:
    """Applies a function to every job, with one process per core; yields results in the order of the jobs.

    Only a few jobs are taken ahead of the results, so memory does not grow with the number of jobs.

    Args:
        function: A module-level function, so that other processes can import it.
        jobs: The arguments, one per call; they are pickled.

    Raises:
        OSError: A worker process was killed.
    """
    cores = available_cores()
    # Workers are spawned, because a fork of a process that runs TensorFlow can hang. Only the parent handles
    # Ctrl-C.
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
        raise OSError(
            "a worker process was killed, perhaps for lack of memory; run the command again"
        ) from error
    finally:
        # After an exception, jobs that have not started are dropped.
        pool.shutdown(cancel_futures=True)
