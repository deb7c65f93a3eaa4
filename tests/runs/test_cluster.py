"""Two workers on this machine train what one process trains; a signal to one of them stops both."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from anime_gan.commands import train
from anime_gan.common.errors import InputError
from anime_gan.runs.cluster import Cluster
from anime_gan.runs.run_directory import RunDirectory
from anime_gan.runs.run_lock import RunError
from anime_gan.runs.worker_place import WorkerPlace, free_addresses

ROOT = Path(__file__).parents[2]
STEPS, SIGNAL_STEP = 12, 10


@pytest.fixture
def options(tmp_path) -> list[str]:
    """The options of a small training at a low learning rate, at which rounding errors stay small."""
    data = tmp_path / "faces"
    data.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(data / f"{number}.png")
    rows = "".join(f"{number}.png,{'yes' if number % 3 else 'no'}\n" for number in range(8))
    (data / "labels.csv").write_text(f"filename,smile\n{rows}")
    return [
        f"--data={data}",
        "--preset=published",
        "--learning_rate=2e-5",
        "--batch_size=2",
        f"--steps={STEPS}",
        "--penalty_interval=1",
        "--log_interval=1",
        "--sample_interval=100",
        "--checkpoint_interval=100",
        "--precision=float32",
        "--test_every=0",
    ]


def statistics(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]


def largest_difference(line: dict[str, float], other: dict[str, float]) -> float:
    return max(abs(line[name] - other[name]) for name in line if name.startswith("loss/"))


def test_two_workers_train_what_one_does_and_stop_together(options, tmp_path):
    alone, together = tmp_path / "alone", tmp_path / "together"
    addresses = ",".join(free_addresses(2))
    script = Path(__file__).with_name("run_as_worker.py")
    processes = [
        subprocess.Popen(
            [
                *(sys.executable, str(script), str(SIGNAL_STEP if worker else 0), *options),
                *(f"--run_dir={together}", f"--workers={addresses}", f"--worker={worker}"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for worker in range(2)
    ]
    assert train.main([*options, f"--run_dir={alone}"]) == 0
    outputs = [process.communicate() for process in processes]
    # The second worker got the signal; the first one heard of it in the next step.
    assert [process.returncode for process in processes] == [128 + signal.SIGTERM] * 2, outputs
    assert all(f"Stopped at step {SIGNAL_STEP + 1}" in error for _, error in outputs)

    # The chief alone has written, and each step is there once.
    assert [path.name for path in (together / "checkpoints").iterdir()] == [f"step-{SIGNAL_STEP + 1:08d}"]
    lines, others = statistics(alone), statistics(together)
    assert [line["step"] for line in others] == list(range(1, SIGNAL_STEP + 2))
    assert largest_difference(lines[0], others[0]) < 1e-5
    assert max(map(largest_difference, lines, others)) < 1e-3

    # One process goes on where two stopped.
    assert train.main(["--start_or_resume", f"--run_dir={together}"]) == 0
    others = statistics(together)
    assert [line["step"] for line in others] == list(range(1, STEPS + 1))
    assert largest_difference(lines[-1], others[-1]) < 1e-3
    assert sorted(path.name for path in together.iterdir()) == sorted(path.name for path in alone.iterdir())


def test_a_process_alone_waits_for_nobody(tmp_path):
    cluster = Cluster()
    assert cluster.is_chief and not cluster.has_others
    assert cluster.join(lambda: False)
    assert cluster.chief_says("runs/0001-faces") == "runs/0001-faces"
    cluster.check_same("options", "a")
    cluster.check_shared(tmp_path / "missing")
    cluster.wait()
    with pytest.raises(InputError, match="wrong"), cluster.agreed():
        raise InputError("wrong")
    assert cluster.leave(7) == 7
    assert cluster.lost(tf.errors.UnavailableError(None, None, "task:1")) == ""


def test_only_lost_workers_ask_for_a_new_start():
    cluster = Cluster(WorkerPlace(("a:1", "b:2"), 0))
    said = cluster.lost(tf.errors.UnavailableError(None, None, "/job:worker/replica:0/task:1 is gone"))
    assert said.startswith("worker 1 (b:2) is gone; start all workers again")
    assert cluster.lost(tf.errors.AbortedError(None, None, "aborted")).startswith("another worker is gone")
    assert cluster.lost(tf.errors.ResourceExhaustedError(None, None, "no memory")) == ""
    assert cluster.lost(ValueError("task:1")) == ""


def test_a_worker_does_not_wait_for_the_chief_of_a_finished_run():
    cluster = Cluster(WorkerPlace(free_addresses(2), 1))
    answers = iter([False, True])
    assert not cluster.join(lambda: next(answers))


@pytest.mark.skipif(os.name == "nt", reason="needs signals of POSIX")
def test_a_waiting_worker_ends_although_tensorflow_has_a_handler():
    code = """
import ctypes, signal, threading
from anime_gan.runs.cluster import _signals_end_the_process
with _signals_end_the_process():
    # Like TensorFlow, which sets a handler in C that lets it wait on.
    ctypes.CDLL(None).signal(signal.SIGTERM, ctypes.c_void_p(1))
    print("waits", flush=True)
    threading.Event().wait()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"waits\n"
        for _ in range(100):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.2)
                break
        process.kill()
    assert process.returncode == -signal.SIGTERM


def test_a_port_in_use_is_named():
    with socket.socket() as used:
        used.bind(("", 0))
        used.listen()
        port = used.getsockname()[1]
        cluster = Cluster(WorkerPlace((f"127.0.0.1:{port}", "127.0.0.1:1"), 0))
        with pytest.raises(RunError, match=f"port {port} cannot be used"):
            cluster.join(lambda: False)


def test_what_a_killed_start_left_is_removed_but_nothing_else(tmp_path):
    run = RunDirectory(tmp_path)
    for name in ("attributes.json", "data.json", ".partial-data_report.json"):
        (tmp_path / name).touch()
    run.remove_unfinished()
    assert [path.name for path in tmp_path.iterdir() if path.name != ".lock"] == []
    for name in ("attributes.json", "notes.txt"):
        (tmp_path / name).touch()
    run.remove_unfinished()
    assert (tmp_path / "attributes.json").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--worker=1"], "--worker=1: needs --workers"),
        (["--workers=a:1,b:2"], "needs --worker"),
        (["--workers=a:1,b:2", "--worker=0", "--dry_run"], "runs in a single process"),
        (["--start_or_resume"], "needs --run_dir"),
        (["--start_or_resume", "--resume", "--run_dir=x"], "cannot be combined with --resume"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_one_line(options, words, capsys):
    assert train.main(options) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
