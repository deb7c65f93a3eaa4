"""A single drawing thread with a short queue, in which small jobs go first."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, NamedTuple, TypeVar

Item = TypeVar("Item")
# A job yields items while it runs, and ends early when the event that it gets is set.
Job = Callable[[threading.Event], Iterator[Item]]


class BusyError(Exception):
    """The queue is full."""


class _End:
    """Marks the end of a job, and holds the error that ended it, if any."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error


class _Task(NamedTuple):
    """A job that has not ended; the smallest one runs next."""

    is_long: bool
    number: int
    items: Iterator[Any]
    send: Callable[[Any], None]


class Worker(Generic[Item]):
    """Runs jobs for an event loop. Call its methods only in the thread of that loop.

    A job runs until its next item. Then the next job gets its turn: a short one before all long ones, and the
    long ones in turn. So a short job waits for a single item of a long one.
    """

    def __init__(self, places: int) -> None:
        """Starts the thread.

        Args:
            places: Maximum number of jobs that are waiting or running.
        """
        self._places = places
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="drawing")
        self._stops: set[threading.Event] = set()
        # Tasks in the heap; as many turns are waiting in the pool.
        self._tasks: list[_Task] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    @property
    def pending(self) -> int:
        """Number of jobs that are waiting or running, without those that nobody waits for."""
        return sum(not stop.is_set() for stop in self._stops)

    def submit(self, job: Job[Item], is_long: bool = False) -> AsyncIterator[Item]:
        """Adds a job to the queue.

        Args:
            job: The job.
            is_long: Whether all short jobs go first.

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

        def started() -> Iterator[Item]:
            if not stop.is_set():
                yield from job(stop)

        def send(item: Any) -> None:
            # If the server has stopped, the loop is closed and nobody is waiting.
            with contextlib.suppress(RuntimeError):
                if isinstance(item, _End):
                    loop.call_soon_threadsafe(self._stops.discard, stop)
                loop.call_soon_threadsafe(items.put_nowait, item)

        self._add(_Task(is_long, next(self._numbers), started(), send))
        return _read(items, stop)

    def _add(self, task: _Task) -> None:
        with self._lock:
            heapq.heappush(self._tasks, task)
        try:
            self._pool.submit(self._turn)
        except RuntimeError:  # The server stops; this job ends early.
            self._turn()

    def _turn(self) -> None:
        """Runs the next job until its next item."""
        with self._lock:
            task = heapq.heappop(self._tasks)
        try:
            task.send(next(task.items))
        except StopIteration:
            task.send(_End(None))
        except Exception as error:  # The reader of the items gets every error.
            task.send(_End(error))
        else:
            self._add(task._replace(number=next(self._numbers)))

    def stop(self) -> None:
        """Stops the jobs early."""
        for stop in self._stops:
            stop.set()
        self._pool.shutdown(wait=False)


async def _read(items: asyncio.Queue[Any], stop: threading.Event) -> AsyncIterator[Any]:
    try:
        while not isinstance(item := await items.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stop.set()
