"""The tests of the JavaScript package pass, if Node is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1] / "js"


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
@pytest.mark.parametrize("name", ["package", "free_phrases"])
def test_javascript(name):
    done = subprocess.run(
        ["node", "--test", str(TESTS / f"{name}.test.js")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
