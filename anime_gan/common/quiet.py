"""Imports TensorFlow without its startup messages.

`TF_CPP_MIN_LOG_LEVEL` alone does not silence the messages about oneDNN and CUDA, because the C++ library
writes them to standard error before its logging is set up.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from types import ModuleType
from typing import IO

from anime_gan.common.errors import InputError

MISSING = 'this needs the package "tensorflow", which is not installed: pip install tensorflow'


def require_tensorflow() -> None:
    """Checks, without importing it, that TensorFlow is installed.

    Raises:
        InputError: It is not.
    """
    if importlib.util.find_spec("tensorflow") is None:
        raise InputError(MISSING)


def import_tensorflow() -> ModuleType:
    """Imports TensorFlow and lists its devices; prints nothing unless this fails.

    Raises:
        InputError: TensorFlow is not installed.
    """
    require_tensorflow()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _held_back_stderr():
        from anime_gan.common.backend import tf

        # Without CUDA, the first listing of devices prints warnings.
        tf.config.list_physical_devices()
    module: ModuleType = tf
    return module


@contextlib.contextmanager
def _held_back_stderr() -> Iterator[None]:
    """Captures standard error, including output of C++ code, and prints it only after an exception."""
    sys.stderr.flush()
    saved = os.dup(2)
    with _temporary_file() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def _temporary_file() -> IO[bytes]:
    """Opens a temporary file; without a folder to put it in, what is written to it is lost."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return open(os.devnull, "w+b")
