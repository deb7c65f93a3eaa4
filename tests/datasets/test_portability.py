"""Preparing datasets without Unix modules, which macOS and Windows lack in part."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

# With None in `sys.modules`, an import fails.
WITHOUT_UNIX = """
import os, sys
sys.modules["fcntl"] = sys.modules["resource"] = None
del os.sched_getaffinity
if __name__ == "__main__":
    from anime_gan.datasets.load import load_dataset
    for source in (sys.argv[1], "drawn"):
        for _ in range(2):
            print(load_dataset(source, 3, 16, 0).images.shape)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A file, because spawned worker processes import the main module again."""
    (tmp_path / "script.py").write_text(WITHOUT_UNIX)
    return tmp_path / "script.py"


def test_datasets_need_no_unix_module(tmp_path, script):
    (tmp_path / "pictures").mkdir()
    for i in range(4):
        Image.new("RGB", (20, 20), (60 * i, 9, 9)).save(tmp_path / "pictures" / f"{i}.png")
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "pictures")],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["(3, 16, 16, 3)"] * 4
