"""An export in a C program on TensorFlow's library, which loads it as TF Serving does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BUILD = Path(__file__).with_name("build_server.sh")
SIGNATURES = ["serving_default", "png", "latents", "checked", "checked_png", "checked_latents"]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    if sys.platform != "linux" or shutil.which(os.environ.get("CC", "cc")) is None:
        pytest.skip("there is no C compiler")
    out = tmp_path_factory.mktemp("server") / "server"
    subprocess.run([str(BUILD), str(out)], check=True, env={**os.environ, "PYTHON": sys.executable})
    return out


def test_mixed_requests_from_several_threads(program, served_export):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [str(program), str(served_export), "3"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^warm_up (\w+) ", done.stdout, re.MULTILINE) == SIGNATURES
    assert "signatures 6\n" in done.stdout and "batches_of 1-64 wrong 0\n" in done.stdout
    requests, wrong = re.search(r"^requests (\d+) .* wrong (\d+) ", done.stdout, re.MULTILINE).groups()
    assert int(requests) > 0 and int(wrong) == 0
    start, end = (int(re.search(rf"memory_mib {when} (\d+)", done.stdout)[1]) for when in ("start", "end"))
    # The allocator keeps what large batches needed. A leak of their pictures would be larger.
    assert end - start < 500


def test_a_damaged_export_is_one_line(program, tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\xff")
    done = subprocess.run([str(program), str(tmp_path), "1"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "loading: " in done.stderr
