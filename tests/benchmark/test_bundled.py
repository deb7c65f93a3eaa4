"""The bundled models' part of the benchmark: its table and when it stops adding threads."""

from __future__ import annotations

import pytest

from anime_gan.benchmark import bundled
from anime_gan.benchmark.measure import Options
from anime_gan.benchmark.synthetic import untrained_export


def test_threads_are_doubled_until_this_stops_paying():
    rates = {1: 100.0, 2: 180.0, 4: 200.0, 8: 205.0, 16: 400.0}

    def run(draw, threads):
        return threads * bundled.CALLS / rates[threads]

    found = bundled.faces_per_second(lambda: None, run)
    assert found == pytest.approx({"1": 100.0, "2": 180.0, "4": 200.0})


def test_every_bundled_model_has_a_row_for_each_way(tmp_path, monkeypatch):
    pretrained = tmp_path / "pretrained"
    untrained_export(pretrained / "tiny", "compact")
    monkeypatch.setattr(bundled, "PRETRAINED", pretrained)
    monkeypatch.setattr(bundled, "BATCHES", {1: 1, 2: 1})
    monkeypatch.setattr(bundled, "CALLS", 1)
    # Starting TensorFlow in new processes is slow, and tested in test_a_start.
    monkeypatch.setattr(
        bundled, "_start", lambda path: {"load_seconds": 0.5, "first_seconds": 2.0, "bytes": 600 * 2**20}
    )
    numbers = bundled.measure(Options(1, tmp_path, False, {}))
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in bundled.report(numbers).splitlines()[2:6]
    ]
    assert [row[:2] for row in rows] == [
        ["tiny", way] for way in ("Keras, eager", "SavedModel", "packed, float32", "packed, bfloat16")
    ]
    assert rows[0][4:] == ["–"] * 5
    assert rows[1][4:7] == ["0.5", "2", "600"]
    assert float(rows[1][2]) > 0 and float(rows[1][3].replace(",", "")) > 0


def test_a_start(tmp_path):
    found = bundled._start(untrained_export(tmp_path, "compact"))
    assert found["load_seconds"] > 0 and found["first_seconds"] > 0
    assert found["bytes"] is None or found["bytes"] > 2**27
