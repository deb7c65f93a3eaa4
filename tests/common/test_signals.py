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
command = lambda: os.kill(os.getpid(), signal.{name}) or 0
sys.exit(run_command("x", "", Flags(), command, []))
"""


@pytest.mark.skipif(os.name == "nt", reason="needs signals of POSIX")
@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_the_status_names_the_signal(name, status):
    done = subprocess.run([sys.executable, "-c", COMMAND.format(name=name)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (status, "x: interrupted\n")
