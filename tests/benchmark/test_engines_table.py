"""The table of the engines: that of the documentation has the same columns and rows."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from anime_gan.benchmark import engines
from anime_gan.exports.read import SMALLEST, read_export

# All bundled models.
MODELS = ("sutemo-64", "sutemo-128", "sutemo-256")
PAGE = Path(__file__).parents[2] / "docs" / "portable.md"


def cells(lines: list[str]) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "---" not in line]


def test_the_page_shows_the_table_of_the_benchmark():
    run = {"start": 2.0, "one": 0.018, "all": 0.7, "first_peak_bytes": 110e6, "peak_bytes": 140e6}
    names = [f"{engine}, {model}" for model in MODELS for engine in engines.ENGINES]
    numbers = {name: {"bytes": 5_500_000, "runs": [run] * 3, "difference": 1} for name in names}
    printed = cells(engines.report(numbers).splitlines())
    shown = cells([line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")])
    shown = [row for row in shown if row[0].startswith(tuple(f"`{engine}`, " for engine in engines.ENGINES))]
    assert printed[1][1:] == ["5.5 MB", "2 s", "18 ms", "0.7 s", "110 MB", "140 MB", "1"]
    assert [row[0] for row in shown] == [row[0] for row in printed[1:]]
    heads = [row for row in cells(PAGE.read_text("utf-8").splitlines()) if row[0] == "engine, model"]
    assert heads == [printed[0]]
    assert all(len(row) == len(printed[0]) for row in shown)


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux does")
def test_the_memory_is_that_of_the_engine_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "FACES", 1)
    held = np.ones(60_000_000)
    run = engines._run("onnx", read_export(SMALLEST).directory, tmp_path / "faces.npy")
    assert held.nbytes > 400e6
    assert 40e6 < run["first_peak_bytes"] <= run["peak_bytes"] < 300e6
