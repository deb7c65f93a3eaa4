"""Locks between processes, where the file system has them."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

# The errors of file systems without locks, such as some network file systems (37, 38, and 95 on Linux).
WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


@contextlib.contextmanager
def locked_if_possible(path: Path, timeout: float = -1) -> Iterator[None]:
    """Holds the lock of a file; on a file system without locks, it holds none.

    Args:
        path: The lock file.
        timeout: Seconds to wait for another process; -1 waits until it ends.

    Raises:
        filelock.Timeout: Another process still holds the lock.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=timeout)
    except NotImplementedError:
        pass
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
    try:
        yield
    finally:
        lock.release()
