"""The page in Firefox, driven by puppeteer-core, which `npm install --global puppeteer-core@24` installs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")


@pytest.fixture(scope="module")
def puppeteer() -> str:
    """Returns the folder whose `node_modules` has puppeteer-core; skips if something is missing."""
    if not (FIREFOX and shutil.which("node") and shutil.which("npm")):
        pytest.skip("needs Firefox and Node")
    where = subprocess.run(["npm", "root", "--global"], capture_output=True, text=True, check=True)
    folders = (os.environ.get("ANIME_GAN_PUPPETEER", ""), Path(where.stdout.strip()).parent, Path.cwd())
    for folder in map(Path, folders):
        if (folder / "node_modules" / "puppeteer-core").is_dir():
            return str(folder)
    pytest.skip("needs puppeteer-core, installed globally or in the folder that ANIME_GAN_PUPPETEER names")


def test_clicks_in_firefox(puppeteer, served):
    script = Path(__file__).with_name("firefox.mjs")
    command = ["node", str(script), puppeteer, str(FIREFOX), served.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
