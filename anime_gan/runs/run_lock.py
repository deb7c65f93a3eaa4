"""Keeps two processes from writing to one run directory, and from choosing the same number for two runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import Timeout

from anime_gan.common.errors import InputError
from anime_gan.common.locks import locked_if_possible

LOCK = ".lock"


class RunError(InputError):
    """A run directory cannot be used. The message says why and what to do."""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock of a run directory. A file system without locks is used without one.

    Raises:
        RunError: Another process holds it.
    """
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locked_if_possible(path / LOCK, timeout=0))
        except Timeout as error:
            reason = "another process is training this run; wait for it or stop it first"
            raise RunError(reason, "run_dir", path) from error
        yield


def reserve_run_directory(parent: Path, label: str) -> Path:
    """Creates the next numbered directory, such as `runs/0003-drawn-published`.

    Two processes never get the same number.
    """
    parent.mkdir(parents=True, exist_ok=True)
    number = next_number(parent)
    while True:
        # An exclusive file instead of a lock, because it works on every file system.
        reservation = parent / f".reserved-{number:04d}"
        try:
            reservation.touch(exist_ok=False)
        except FileExistsError:
            number += 1
            continue
        try:
            # Another process may have created the directory and removed its reservation.
            if number >= next_number(parent):
                path = parent / f"{number:04d}-{label}"
                path.mkdir()
                return path
        finally:
            reservation.unlink(missing_ok=True)
        number = next_number(parent)


def next_number(parent: Path) -> int:
    """Returns the number after that of the newest run in a folder."""
    numbers = (path.name.partition("-")[0] for path in parent.glob("[0-9][0-9][0-9][0-9]*-*"))
    return max((int(number) for number in numbers if number.isdecimal()), default=0) + 1
