"""The command without OpenCV."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from anime_gan.prepare.__main__ import main


def test_missing_opencv_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # With None in `sys.modules`, an import fails.
    monkeypatch.setitem(sys.modules, "cv2", None)

    assert main([str(tmp_path), str(tmp_path / "out")]) == 2
    assert capfd.readouterr().err == "anime_gan.prepare: OpenCV is missing: pip install '.[prepare]'\n"
