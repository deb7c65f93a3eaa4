"""`stats.jsonl`: a damaged line costs only itself."""

from __future__ import annotations

import json

import pytest

from anime_gan.runs.statistics import append_statistics, keep_statistics, read_statistics, training_seconds

LINES = [{"step": step, "loss": step / 4, "images_per_second": 2.0} for step in (10, 20, 30, 40)]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "stats.jsonl"
    for line in LINES:
        append_statistics(path, line)
    return path


def test_lines_are_read_as_they_were_written(file):
    assert read_statistics(file) == (LINES, 0)
    assert file.read_text() == "".join(json.dumps(line) + "\n" for line in LINES)
    assert training_seconds(LINES, batch_size=4) == 80


def test_any_flipped_bit_costs_at_most_its_line(file):
    data = file.read_bytes()
    second = len(json.dumps(LINES[0])) + 1
    end = second + len(json.dumps(LINES[1]))
    for place in range(second, end + 1):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            file.write_bytes(changed)
            lines, damaged = read_statistics(file)
            assert [line for line in lines if line in LINES[2:]] == LINES[2:], (place, bit)
            assert LINES[0] in lines and len(lines) <= 4 and damaged <= 1


@pytest.mark.parametrize(
    "torn", ["", '{"step": 50, "lo', "null\n", "[1]\n", '{"step": true}\n', '{"step": 1']
)
def test_a_torn_end_does_not_spoil_the_next_line(file, torn):
    with file.open("a") as stream:
        stream.write(torn)
    append_statistics(file, {"step": 60, "loss": 1.0})
    lines, damaged = read_statistics(file)
    assert [line["step"] for line in lines] == [10, 20, 30, 40, 60]
    assert damaged == bool(torn)


def test_lines_that_are_written_again_are_removed(file):
    assert keep_statistics(file, lambda step: not 10 < step <= 30) == 0
    assert [line["step"] for line in read_statistics(file).lines] == [10, 40]
