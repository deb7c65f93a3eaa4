"""Which changes of the code invalidate cached results, tested on a copy of the package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import anime_gan

PACKAGE = Path(anime_gan.__file__).parent
DATASETS = """
import sys
from anime_gan.datasets.drawn.faces import DrawnFaces
from anime_gan.datasets.folder.source import ImageFolder
from anime_gan.datasets.illustrated import IllustratedFaces
print("drawn", IllustratedFaces(DrawnFaces(0), 3).fingerprint())
print("folder", ImageFolder(sys.argv[1], ["face.png"], (), 0).fingerprint())
"""
JUDGES = """
from types import SimpleNamespace
from anime_gan.judges.store import judge_folder
print("judges", judge_folder(SimpleNamespace(checksum="0" * 64), "tagger"))
"""
MODULE = """
from anime_gan.common.fingerprint import code_fingerprint
print("module", code_fingerprint(("anime_gan.toy.outer",)))
"""
OUTER = '''"""A module."""
from __future__ import annotations

from typing import TYPE_CHECKING

from anime_gan.toy.inner import double

if TYPE_CHECKING:
    from anime_gan.toy.typing_only import Number


def quadruple(value: Number) -> Number:
    from anime_gan.toy import late

    # Twice.
    return late.double(double(value))
'''
INNER = "def double(value):\n    return 2 * value\n"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package's code, with one more folder, that a test may change."""
    ignored = shutil.ignore_patterns("pretrained", "page", "__pycache__")
    package = Path(shutil.copytree(PACKAGE, tmp_path / "anime_gan", ignore=ignored))
    (package / "toy").mkdir()
    files = {"__init__": "", "outer": OUTER, "inner": INNER, "late": INNER, "typing_only": "Number = int\n"}
    for name, text in files.items():
        (package / "toy" / f"{name}.py").write_text(text)
    (package / "toy" / "words.json").write_text("{}")
    return package


def stale_after(package: Path, script: str, file: str, change: Callable[[str], str]) -> list[str]:
    """Runs a script before and after a change of a file; returns the names of changed fingerprints."""

    def printed() -> list[str]:
        command = [sys.executable, "-c", script, str(package)]
        environment = {**os.environ, "PYTHONPATH": str(package.parent)}
        done = subprocess.run(
            command, cwd=package.parent, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()

    before = printed()
    text = (package / file).read_text("utf-8")
    assert change(text) != text
    (package / file).write_text(change(text), "utf-8")
    return [old.split()[0] for old, new in zip(before, printed(), strict=True) if old != new]


def busier(text: str) -> str:
    """Changes the body of the first function with a return statement."""
    return re.sub("^( +)return ", r"\1assert True\n\1return ", text, count=1, flags=re.MULTILINE)


def inside_of_a_docstring(text: str) -> str:
    return text.replace('"""', '"""Quickly: ', 1)


@pytest.mark.parametrize(
    ("file", "change", "stale"),
    [
        ("datasets/drawn/hair.py", busier, ["drawn"]),
        ("datasets/folder/tags.py", busier, ["folder"]),
        ("datasets/reading/pictures.py", busier, ["folder"]),
        ("datasets/folder/danbooru.json", lambda text: text + " ", ["folder"]),
        ("attributes/vocabulary.json", lambda text: text + " ", ["drawn", "folder"]),
        ("datasets/prepared.py", busier, ["drawn", "folder"]),
        ("datasets/drawn/hair.py", inside_of_a_docstring, []),
        ("datasets/folder/tags.py", inside_of_a_docstring, []),
        # The way files are written does not change their content.
        ("common/files.py", lambda text: text.replace("\n    try:", "\n    print()\n    try:"), []),
        # Measuring and training come later.
        ("metrics/distances.py", busier, []),
        ("training/losses.py", busier, []),
    ],
)
def test_a_dataset_is_prepared_again_only_after_changes_of_its_own_code(package, file, change, stale):
    assert stale_after(package, DATASETS, file, change) == stale


@pytest.mark.parametrize(
    ("file", "stale"), [("training/losses.py", ["judges"]), ("datasets/folder/tags.py", [])]
)
def test_judges_are_trained_again_after_changes_of_what_they_import(package, file, stale):
    assert stale_after(package, JUDGES, file, busier) == stale


@pytest.mark.parametrize(
    ("file", "old", "new", "is_stale"),
    [
        ("outer.py", "return late", "return 1 * late", True),
        ("inner.py", "2 * value", "3 * value", True),
        ("late.py", "2 * value", "3 * value", True),
        ("words.json", "{}", '{"a": 1}', True),
        ("outer.py", "# Twice.", "# Two times.", False),
        ("outer.py", '"""A module."""', '"""Another text."""', False),
        ("outer.py", '"""A module."""', "", False),
        ("inner.py", "    return", '    """Twice the value."""\n    return', False),
        ("inner.py", "2 * value", "(2 * value)", False),
        ("typing_only.py", "int", "float", False),
        # Nothing imports it.
        ("__init__.py", "", "x = 1\n", False),
    ],
)
def test_what_counts_as_a_change(package, file, old, new, is_stale):
    changed = stale_after(package, MODULE, f"toy/{file}", lambda text: text.replace(old, new, 1))
    assert changed == ["module"] * is_stale
