"""Without OpenCV the command says what to install."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from anime_gan.prepare.__main__ import main


def test_missing_opencv_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # None in the place of a module is how Python notes that it cannot be imported.
    monkeypatch.setitem(sys.modules, "cv2", None)

    assert main([str(tmp_path), str(tmp_path / "out")]) == 2
    assert capfd.readouterr().err == "anime_gan.prepare: OpenCV is missing: pip install '.[prepare]'\n"
