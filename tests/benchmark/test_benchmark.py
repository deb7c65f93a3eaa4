"""The calculations, tables, and temporary files of `python -m anime_gan.benchmark`, not the speeds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from anime_gan.benchmark import drawing, folder, inputs, machine, measure, pipeline, step, synthetic, workers
from anime_gan.benchmark.__main__ import main
from anime_gan.benchmark.measure import Options, run_python, run_together, take_turns, timed
from anime_gan.datasets.prepared import prepare
from anime_gan.models import get_architecture


class FakeClock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


def test_variants_alternate_and_warm_ups_do_not_count():
    clock, order = FakeClock(), []
    durations = {"slow": iter([9.0, 3.0, 2.0, 4.0]), "fast": iter([8.0, 0.5, 0.25, 0.75])}

    def variant(name):
        def work():
            order.append(name)
            clock.wait(next(durations[name]))

        return timed(work, clock=clock)

    seconds = take_turns({name: variant(name) for name in durations}, repetitions=3, name="test")
    assert order == ["slow", "fast"] * 4
    assert seconds == {"slow": [3.0, 2.0, 4.0], "fast": [0.5, 0.25, 0.75]}


def test_several_calls_are_timed_as_one():
    clock = FakeClock()
    assert timed(lambda: clock.wait(2.0), times=5, clock=clock)() == 2.0
    assert clock.now == 110.0


def test_a_failed_process_says_why():
    assert run_python("-c", "print(7)") == "7\n"
    with pytest.raises(OSError, match="status 1: ValueError: no such thing"):
        run_python("-c", "raise ValueError('no such thing')")


def test_processes_that_wait_for_a_failed_one_are_ended():
    waits = ("-c", "import threading; threading.Event().wait()")
    assert run_together([("-c", "print(1)"), ("-c", "print(2)")]) == ["1\n", "2\n"]
    with pytest.raises(OSError, match="status 1: ValueError: no such thing"):
        run_together([waits, ("-c", "raise ValueError('no such thing')")])


def test_multiply_adds_are_those_counted_by_hand():
    """The shapes: 3x3 -> 9x9 -> 21x21 -> 64x64, and 64x64 -> 22x22 -> 8x8 -> 3x3."""
    published = get_architecture("published")
    generator = published.make_generator(num_labels=36)
    counted = step.multiply_adds(generator.layers, step.GENERATOR_START)
    embedding, fc = 36 * 64, 164 * 4608
    convolutions = [9 * 512 * 9 * 256, 81 * 256 * 25 * 128, 441 * 128 * 16 * 3]
    assert counted == embedding + fc + sum(convolutions)

    discriminator = published.make_discriminator(num_labels=36)
    counted = step.multiply_adds(discriminator.layers, step.DISCRIMINATOR_START)
    convolutions = [484 * 25 * 3 * 64, 64 * 25 * 64 * 128, 9 * 25 * 128 * 256]
    assert counted == sum(convolutions) + 2304 * (1 + 36) + 36 * 2304


def test_flops_of_a_step():
    assert step.step_flops(10, 1) == 2 * (3 * 10 + 12 * 1)
    assert step.step_flops(10, 1, generator_forwards=2) == 2 * (4 * 10 + 12 * 1)
    assert step.step_flops(10, 1, penalty_share=0.5) == 2 * (3 * 10 + 10 * 1)


def test_noise_can_resume_at_any_chunk(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    source = synthetic.NoiseFaces(2 * synthetic.CHUNK + 3)
    dataset = prepare(source, 8)
    assert dataset.schema == source.schema
    assert dataset.images.shape == (2 * synthetic.CHUNK + 3, 8, 8, 3)
    hair = dataset.labels[:, source.schema.slot("hair_color").columns]
    assert np.all(np.sum(hair > 0, axis=1) == 1)
    assert set(np.unique(dataset.labels)) == {-1, 1}
    later = next(source.chunks(synthetic.CHUNK, 8))
    np.testing.assert_array_equal(later.images, dataset.images[synthetic.CHUNK : 2 * synthetic.CHUNK])


def test_pipeline_stays_out_of_the_users_cache(tmp_path, monkeypatch):
    cache, scratch = tmp_path / "cache", tmp_path / "scratch"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setattr(pipeline, "SIZES", (100, 200))
    steps = [{"images_per_second": 10.0}, {"images_per_second": 20.0}]
    numbers = pipeline.measure(Options(1, scratch, False, {"step": {"steps": steps}}))
    assert [line["images"] for line in numbers["sizes"]] == [100, 200]
    for line in numbers["sizes"]:
        assert line["times_the_training_step"] == pytest.approx(line["images_per_second"] / 20.0)
    assert not cache.exists()
    assert os.environ["XDG_CACHE_HOME"] == str(cache)
    assert "| 200 " in pipeline.report(numbers)


def test_a_folder_is_opened_for_the_first_time_and_again(tmp_path, monkeypatch):
    cache, scratch = tmp_path / "cache", tmp_path / "scratch"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    # More than one subfolder, and fewer distinct pictures than files.
    monkeypatch.setattr(folder, "SIZES", (20, 30))
    monkeypatch.setattr(folder, "SUBFOLDER", 20)
    monkeypatch.setattr(folder, "DIFFERENT", 10)
    numbers = folder.measure(Options(2, scratch, False, {}))
    assert [line["images"] for line in numbers["sizes"]] == [20, 30]
    for line in numbers["sizes"]:
        assert len(line["later"]) == 2
        for run in (line["first"], *line["later"]):
            assert run["images"] == line["images"]
            assert run["seconds"] > 0
            if sys.platform == "linux":
                # TensorFlow would need a hundred MiB.
                assert 2**22 < run["anonymous_bytes"] < 2**26
    assert (scratch / "30-images/001/009.png").stat().st_nlink == 1 + 2 + 3
    assert not cache.exists()
    assert os.environ["XDG_CACHE_HOME"] == str(cache)


def test_a_row_for_each_folder():
    later = [{"seconds": seconds, "anonymous_bytes": 25 * 2**20} for seconds in (0.03, 0.01, 0.02)]
    sizes = [{"images": 1000, "first": {"seconds": 1.5}, "later": later}]
    assert folder.report({"sizes": sizes}).splitlines()[:3] == [
        "| folder | first time, s | later start, s | memory, MiB |",
        "|--------|--------------:|---------------:|------------:|",
        "| 1,000  |           1.5 |           0.02 |          25 |",
    ]


@pytest.mark.parametrize("part", [pipeline, folder])
def test_disk_space_is_checked_first(part, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(part, "SIZES", (10**12,))
    assert main([f"--parts={part.__name__.split('.')[-1]}"]) == 2
    assert re.search(r" needs 12\d{6}\.\d GB", capsys.readouterr().err)


def test_a_million_images_need_fourteen_gigabytes():
    for part in (pipeline, folder):
        assert 13.5e9 < part.needed_bytes(million=True) < 14e9
        assert part.needed_bytes(million=False) < 2e9


def test_from_the_flags_to_the_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(drawing, "EARLY_CHUNKS", 1)
    monkeypatch.setattr(drawing, "CHUNKS", 1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert main(["--parts=drawing", "--repetitions=1"]) == 0
    numbers = json.loads((tmp_path / "benchmark.json").read_text())
    assert set(numbers) == {"machine", "repetitions", "drawing"}
    assert numbers["machine"]["cores"] >= 1
    (seconds,) = numbers["drawing"]["seconds"]
    assert numbers["drawing"]["faces_per_second"] == pytest.approx(32 / seconds)
    # No temporary file is left.
    assert [path.name for path in tmp_path.iterdir()] == ["benchmark.json"]
    printed = capsys.readouterr().out
    assert printed.startswith("Machine: ")
    assert "| 64x64 " in printed


def test_an_interrupted_wait_ends_the_process(tmp_path, monkeypatch):
    started = tmp_path / "started"

    def interrupted(process):
        while not started.exists():
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    # Like a process that decodes pictures, it cleans up before it ends.
    program = f"""
import pathlib, signal, time
signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    pathlib.Path({str(started)!r}).touch()
    time.sleep(60)
finally:
    pathlib.Path({str(tmp_path / "ended")!r}).touch()
"""
    with pytest.raises(KeyboardInterrupt):
        run_python("-c", program)
    assert (tmp_path / "ended").exists()


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("--parts=step,pipelin", "--parts=pipelin: must be a list of parts .*did you mean 'pipeline'"),
        ("--parts=", r"--parts=: must be a list of parts \(step"),
        ("--repetitions=0", "repetitions"),
        ("--out=.", "is a folder"),
    ],
)
def test_an_error_is_one_line(argument, complaint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([argument]) == 2
    said = capsys.readouterr().err
    assert re.search(complaint, said)
    assert said.count("\n") == 1


def test_interrupted_leaves_nothing_behind(tmp_path, monkeypatch, capsys):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "take_turns", interrupted)
    monkeypatch.setattr(pipeline, "SIZES", (100,))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert main(["--parts=pipeline", "--out="]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_systems_without_linux_calls_are_measured_too(tmp_path, monkeypatch):
    """macOS has no /proc and no core affinity; Windows also has no load average and no `os.sync`."""
    for name in ("sched_getaffinity", "getloadavg", "sync"):
        monkeypatch.delattr(os, name, raising=False)
    is_file = Path.is_file
    monkeypatch.setattr(Path, "is_file", lambda path: is_file(path) and not str(path).startswith("/proc"))
    assert measure.anonymous_bytes() is None
    found = machine.describe_machine()
    assert found["cores"] >= 1
    assert machine.report(found).endswith(f"precision: {found['precision']}.")
    assert measure.memory_in_words([None]) == "–"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(pipeline, "SIZES", (100,))
    assert pipeline.measure(Options(1, tmp_path / "scratch", False, {}))["sizes"][0]["images"] == 100


def test_inputs_of_several_sizes(tmp_path, monkeypatch):
    monkeypatch.setattr(inputs, "SIZES", (100, 200))
    numbers = inputs.measure(Options(1, tmp_path, False, {"step": {"steps": [{"images_per_second": 10.0}]}}))
    assert [line["images"] for line in numbers["sizes"]] == [100, 200]
    for line in numbers["sizes"]:
        assert line["seconds_to_the_first_batch"][0] > 0
        assert line["times_the_training_step"] == pytest.approx(line["images_per_second"] / 10.0)
    assert "| 200 " in inputs.report(numbers)
    # Images of 8x8 pixels with three channels, and six labels in two files.
    assert inputs.needed_bytes(False) == 300 * (192 + 12)


def test_efficiency_of_workers_is_relative_to_one_process():
    seconds = {"1 process x 2 threads": [1.0, 0.5, 0.25], "2 workers x 1 thread": [1.0]}
    table = workers.report({"seconds_a_step": seconds})
    assert re.search(r"1 process x 2 threads\s+\|\s+64\s+\|\s+100%", table)
    assert re.search(r"2 workers x 1 thread\s+\|\s+32\s+\|\s+50%", table)
