"""Exit statuses of commands that are interrupted; supervisors tell Ctrl-C and SIGTERM apart."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

COMMAND = """
import os, signal, sys
from anime_gan.common.command_line import Flags, run_command
# Processes in the background of a shell ignore SIGINT.
signal.signal(signal.SIGINT, signal.default_int_handler)
def raise_it():
    os.kill(os.getpid(), signal.{name})
{command}
sys.exit(run_command("x", "", Flags(), command, []))
"""
AT_ONCE = """
def command():
    raise_it()
    return 0
"""
IN_A_FINALIZER = """
import time
class Finalized:
    def __del__(self):
        raise_it()
def command():
    end = time.monotonic() + 20
    Finalized()
    while time.monotonic() < end:
        pass
    return 0
"""


@pytest.mark.skipif(os.name == "nt", reason="needs signals of POSIX")
@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
@pytest.mark.parametrize("command", [AT_ONCE, IN_A_FINALIZER], ids=["at once", "in a finalizer"])
def test_the_status_names_the_signal(name, status, command):
    """Python drops exceptions of finalizers, so the signal must be raised again after them."""
    code = COMMAND.format(name=name, command=command)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (status, "x: interrupted\n")
