"""Training and drawing without the Unix modules that Windows and macOS lack in part."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from PIL import Image

# With None in `sys.modules`, an import fails.
WITHOUT_UNIX = """
import os, sys
sys.modules["fcntl"] = sys.modules["resource"] = None
del os.sched_getaffinity
if __name__ == "__main__":
    from anime_gan.commands import generate, train
    options = ["--data=faces", "--run_dir=run", "--batch_size=2", "--penalty_interval=1"]
    commands = [
        lambda: train.main([*options, "--dry_run"]),
        lambda: train.main([*options, "--steps=2"]),
        lambda: generate.main(["--model=run", "--num=2", "--out=drawn.png"]),
    ]
    for command in commands:
        if status := command():
            sys.exit(status)
"""


def test_training_and_drawing_need_no_unix_module(tmp_path: Path):
    (tmp_path / "faces").mkdir()
    for i in range(4):
        Image.new("RGB", (64, 64), (60 * i, 9, 9)).save(tmp_path / "faces" / f"{i}.png")
    # A file, because spawned worker processes import the main module again.
    (tmp_path / "script.py").write_text(WITHOUT_UNIX)
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "memory: unknown on this system\n" in done.stdout
    assert Image.open(tmp_path / "drawn.png").size == (2 * 64 + 2, 64)
