"""Errors about limits of the system become one line with the file and the way out."""

from __future__ import annotations

import errno

import pytest
import tensorflow as tf

from anime_gan.common.system_limits import system_limit

SAVE = "{{function_node __wrapped__SaveV2_device_/CPU:0}} /runs/1/checkpoints/.partial-1/state; "


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            tf.errors.ResourceExhaustedError(None, None, f"{SAVE}No space left on device [Op:SaveV2]"),
            "No space left on device: /runs/1/checkpoints/.partial-1/state; free some disk space",
        ),
        (
            tf.errors.UnknownError(None, None, f"{SAVE}File too large [Op:SaveV2]"),
            "File too large: /runs/1/checkpoints/.partial-1/state; raise the limit on the size of files "
            "(ulimit -f)",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "/tmp/a.png"),
            "No space left on device: '/tmp/a.png'; free some disk space",
        ),
        (
            OSError(errno.EMFILE, "Too many open files"),
            "Too many open files; raise the limit on open files (ulimit -n)",
        ),
    ],
)
def test_the_file_and_the_way_out_are_named(error, line):
    assert system_limit(error) == line


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 9.3 TiB for an array"),
        ImportError("libtensorflow_cc.so.2: failed to map segment from shared object"),
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[9999]"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_memory(error):
    assert system_limit(error).startswith("not enough memory; ")


@pytest.mark.parametrize(
    "error",
    [
        KeyError("No space left on device"),
        OSError(errno.EACCES, "Permission denied"),
        tf.errors.NotFoundError(None, None, "no such file"),
        ValueError("File too large"),
    ],
)
def test_other_errors_are_left_alone(error):
    assert system_limit(error) is None
