"""A single drawing thread with a short queue."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
# A job yields items while it runs, and ends early when the event that it gets is set.
Job = Callable[[threading.Event], Iterator[Item]]


class BusyError(Exception):
    """The queue is full."""


class _End:
    """Marks the end of a job, and holds the error that ended it, if any."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error


class Worker(Generic[Item]):
    """Runs jobs for an event loop. Call its methods only in the thread of that loop."""

    def __init__(self, places: int) -> None:
        """Starts the thread.

        Args:
            places: Maximum number of jobs that are waiting or running.
        """
        self._places = places
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="drawing")
        self._stops: set[threading.Event] = set()

    @property
    def pending(self) -> int:
        """Number of jobs that are waiting or running."""
        return len(self._stops)

    def submit(self, job: Job[Item]) -> AsyncIterator[Item]:
        """Adds a job to the queue.

        Returns:
            An iterator over the items that the job yields. If the job fails, the iterator then raises its
            error. Closing the iterator stops the job.

        Raises:
            BusyError: The queue is full.
        """
        if self.pending >= self._places:
            raise BusyError
        loop = asyncio.get_running_loop()
        items: asyncio.Queue[Any] = asyncio.Queue()
        stop = threading.Event()
        self._stops.add(stop)

        def run() -> None:
            error = None
            try:
                for item in () if stop.is_set() else job(stop):
                    loop.call_soon_threadsafe(items.put_nowait, item)
            except Exception as raised:  # The reader of the items gets every error.
                error = raised
            # If the server has stopped, the loop is closed and nobody is waiting.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._stops.discard, stop)
                loop.call_soon_threadsafe(items.put_nowait, _End(error))

        self._pool.submit(run)
        return _read(items, stop)

    def stop(self) -> None:
        """Stops the running job early and cancels the others."""
        for stop in self._stops:
            stop.set()
        self._pool.shutdown(wait=False, cancel_futures=True)


async def _read(items: asyncio.Queue[Any], stop: threading.Event) -> AsyncIterator[Any]:
    try:
        while not isinstance(item := await items.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stop.set()
