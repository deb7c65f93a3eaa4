"""One thread that draws, one job after the other, and a short queue before it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
# Yields what is to be told while it goes on; looks at the event now and then, and ends early if it is set.
Job = Callable[[threading.Event], Iterator[Item]]


class BusyError(Exception):
    """The queue is full."""


class _End:
    """Behind the last item of a job: why it ended."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error


class Worker(Generic[Item]):
    """Runs jobs for an event loop, from whose thread alone its methods are called."""

    def __init__(self, places: int) -> None:
        """Starts the thread.

        Args:
            places: Jobs that may wait or run at the same time.
        """
        self._places = places
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="drawing")
        self._stops: set[threading.Event] = set()

    @property
    def pending(self) -> int:
        """Jobs that wait or run."""
        return len(self._stops)

    def submit(self, job: Job[Item]) -> AsyncIterator[Item]:
        """Puts a job into the queue.

        Returns:
            What the job yields, as soon as it does, and then what it raised. To stop reading stops the job.

        Raises:
            BusyError: All places are taken.
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
            except Exception as raised:  # Whatever it is: whoever waits for the job has to hear of it.
                error = raised
            # The loop is closed if the server was stopped meanwhile; then nobody waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._stops.discard, stop)
                loop.call_soon_threadsafe(items.put_nowait, _End(error))

        self._pool.submit(run)
        return _read(items, stop)

    def stop(self) -> None:
        """Lets the running job end early and the others not begin."""
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
