"""The command without OpenCV."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_missing_opencv_is_one_line(tmp_path: Path) -> None:
    # With None in `sys.modules`, an import fails. A new process has not imported the command with OpenCV.
    code = (
        "import sys; sys.modules['cv2'] = None; from anime_gan.prepare.__main__ import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", code, str(tmp_path), str(tmp_path / "out")]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "anime_gan.prepare: OpenCV is missing: pip install 'anime_gan[prepare]'\n"
