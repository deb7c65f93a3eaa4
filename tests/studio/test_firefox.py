"""The page in Firefox, driven by puppeteer-core in the folder that ANIME_GAN_PUPPETEER names."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
PUPPETEER = os.environ.get("ANIME_GAN_PUPPETEER")


@pytest.mark.skipif(
    not (FIREFOX and PUPPETEER and shutil.which("node")),
    reason="needs Firefox, Node, and ANIME_GAN_PUPPETEER",
)
def test_clicks_in_firefox(served):
    script = Path(__file__).with_name("firefox.mjs")
    command = ["node", str(script), str(PUPPETEER), str(FIREFOX), served.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
