"""Runs long work in slices, so that other jobs of the drawing thread have their turns in between."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

Result = TypeVar("Result")
# Seconds that a turn waits for work which goes on beside it.
TURN = 0.05


class StoppedError(Exception):
    """The user stopped the work."""


def in_steps(
    work: Callable[[Callable[[], None]], Result], stop: threading.Event
) -> Generator[int, None, Result]:
    """Runs a function that reports its progress as a generator that yields after each report.

    The function runs in a thread of its own, but only while the generator is asked for its next item. So
    other jobs of the same worker have their turns in between.

    Raises:
        StoppedError: The event was set.
    """
    turn = threading.Semaphore(0)
    reports: queue.Queue[tuple[bool, Result | Exception | None]] = queue.Queue()

    def progress() -> None:
        reports.put((False, None))
        turn.acquire()
        if stop.is_set():
            raise StoppedError

    def run() -> None:
        turn.acquire()
        try:
            reports.put((True, work(progress)))
        except Exception as error:
            reports.put((True, error))

    threading.Thread(target=run, daemon=True).start()
    steps = 0
    while True:
        turn.release()
        is_end, result = reports.get()
        if isinstance(result, Exception):
            raise result
        if is_end:
            assert result is not None
            return result
        steps += 1
        yield steps


def beside(work: Callable[[], Result], stop: threading.Event) -> Generator[None, None, Result]:
    """Runs a function that needs no model in a thread of its own, and yields until it has finished.

    Raises:
        StoppedError: The event was set. The function still runs to its end.
    """
    pool = ThreadPoolExecutor(1)
    found = pool.submit(work)
    pool.shutdown(wait=False)
    while not found.done():
        yield
        wait([found], TURN)
        if stop.is_set():
            raise StoppedError
    return found.result()
