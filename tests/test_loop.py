"""Whole runs: interrupted, resumed, exported."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from anime_gan.run_directory import STATE

# Runs the command with one method of one class replaced, so that the run is hit at a known place.
HIT = """
import os, signal, sys
from anime_gan.quiet import import_tensorflow
import_tensorflow()
from anime_gan import run_directory, trainer
from anime_gan.commands.train import main

when, number = int(sys.argv[1]), signal.Signals[sys.argv[2]]
if sys.argv[3] == "step":
    whole = trainer.Trainer.train_step
    def hit(self, images, labels):
        values = whole(self, images, labels)
        if int(self.step) == when:
            os.kill(os.getpid(), number)
        return values
    trainer.Trainer.train_step = hit
else:
    # While a checkpoint is written: the files are there, the final name is not.
    whole = os.replace
    def hit(source, target):
        if str(target).endswith(f"step-{when:08d}"):
            os.kill(os.getpid(), number)
        whole(source, target)
    os.replace = hit
sys.exit(main(sys.argv[4:]))
"""


FLOAT32 = ("--precision=float32",)
COMPACT = ("--precision=bfloat16", "--architecture=compact", "--gradient_penalty=r1", "--augment=adaptive")


def options(run: Path, kind: tuple[str, ...] = FLOAT32) -> list[str]:
    return [
        f"--run_dir={run}",
        "--num_images=40",
        "--batch_size=4",
        "--steps=7",
        "--log_interval=2",
        "--sample_interval=100",
        "--checkpoint_interval=3",
        *kind,
    ]


def train(*arguments: str, hit: tuple[int, str, str] | None = None) -> subprocess.CompletedProcess:
    start = ["-c", HIT, *map(str, hit)] if hit else ["-m", "anime_gan.commands.train"]
    return subprocess.run([sys.executable, *start, *arguments], capture_output=True, text=True)


def state(run: Path, step: int) -> dict[str, np.ndarray]:
    """Everything in a checkpoint, by name."""
    reader = tf.train.load_checkpoint(str(run / "checkpoints" / f"step-{step:08d}" / STATE))
    names = [n for n in reader.get_variable_to_shape_map() if not n.startswith("_CHECKPOINTABLE")]
    return {name: reader.get_tensor(name) for name in names if "save_counter" not in name}


def stats(run: Path) -> list[dict]:
    lines = [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]
    # How fast the machine was is the one thing that may differ.
    return [{k: v for k, v in line.items() if k != "images_per_second"} for line in lines]


def assert_same_run(one: Path, other: Path) -> None:
    expected, got = state(one, 7), state(other, 7)
    assert len(expected) > 40
    assert expected.keys() == got.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(got[name], value, err_msg=name)
    assert stats(one) == stats(other)


@pytest.fixture(scope="module", params=[FLOAT32, COMPACT], ids=["published-float32", "compact-bfloat16"])
def uninterrupted(request, tmp_path_factory) -> tuple[Path, tuple[str, ...]]:
    run = tmp_path_factory.mktemp("uninterrupted") / "run"
    result = train(*options(run, request.param))
    assert result.returncode == 0, result.stderr
    return run, request.param


def test_killed_between_checkpoints_and_resumed_is_the_same_run(uninterrupted, tmp_path):
    whole, kind = uninterrupted
    run = tmp_path / "run"
    assert train(*options(run, kind), hit=(5, "SIGKILL", "step")).returncode == -signal.SIGKILL
    assert len(stats(run)) == 2
    assert train("--resume", f"--run_dir={run}").returncode == 0
    assert_same_run(whole, run)


def test_killed_while_saving_and_resumed_is_the_same_run(uninterrupted, tmp_path):
    whole, kind = uninterrupted
    run = tmp_path / "run"
    assert train(*options(run, kind), hit=(6, "SIGKILL", "save")).returncode == -signal.SIGKILL
    assert [path.name for path in (run / "checkpoints").glob("step-*")] == ["step-00000003"]
    assert train("--resume", f"--run_dir={run}").returncode == 0
    assert_same_run(whole, run)
    assert not list(run.rglob(".partial-*"))


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_stopped_by_a_signal_saves_first(uninterrupted, tmp_path, number):
    whole, kind = uninterrupted
    run = tmp_path / "run"
    stopped = train(*options(run, kind), hit=(5, number, "step"))
    assert stopped.returncode == 128 + signal.Signals[number]
    assert f"--resume --run_dir={run}" in stopped.stderr
    assert (run / "checkpoints" / "step-00000005").is_dir()
    assert train("--resume", f"--run_dir={run}").returncode == 0
    assert_same_run(whole, run)


def test_console_shows_progress_and_nothing_of_tensorflow(tmp_path):
    result = train(*options(tmp_path / "run"))
    assert "training: 100%" in result.stderr
    for noise in ("oneDNN", "cuda", "CUDA", "WARNING", "tensorflow"):
        assert noise not in result.stderr + result.stdout


def test_a_run_directory_explains_itself(uninterrupted):
    run, _ = uninterrupted
    names = {path.name for path in run.iterdir()}
    expected = {"config.json", "attributes.json", "data.json", "log.txt", "stats.jsonl", "events"}
    assert expected | {"samples", "checkpoints", "export"} <= names
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["step-00000006", "step-00000007"]
    assert [path.name for path in (run / "export").iterdir()] == ["7"]
    assert (run / "samples" / "attributes-00000007.png").is_file()
    assert json.loads((run / "config.json").read_text())["steps"] == 7
    lines = [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]
    # Two steps a line, four images each.
    seconds = sum(8 / line["images_per_second"] for line in lines)
    record = json.loads((run / "export" / "7" / "training.json").read_text())
    assert record["seconds"] == pytest.approx(seconds, abs=0.06)


def test_tensorboard_holds_scalars_pictures_and_text(uninterrupted):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run, _ = uninterrupted
    events = EventAccumulator(str(run / "events"), size_guidance={"tensors": 0})
    events.Reload()
    tags = set(events.Tags()["tensors"])
    for tag in (
        "loss_discriminator/penalty",
        "loss_discriminator/real",
        "loss_generator/attributes",
        "logits/real",
        "logits/fake",
        "norm_of_gradient/generator",
        "speed/images_per_second",
        "speed/learning_rate",
        "faces/same_seeds",
        "attributes/hair_color",
        "attributes/yes_or_no",
        "about/configuration",
        "about/dataset",
    ):
        assert tag in tags
    explained = events.Tensors("about/charts")[0].tensor_proto.string_val[0].decode()
    for tag in tags - {"about/charts", "about/configuration", "about/dataset"}:
        assert f"| {tag} |" in explained or tag.startswith("attributes/"), tag
    assert [event.step for event in events.Tensors("loss_discriminator/penalty")] == [2, 4, 6]
    shown = tf.make_ndarray(events.Tensors("loss_discriminator/penalty")[0].tensor_proto)
    assert shown == pytest.approx(stats(run)[0]["loss/gradient_penalty"])


def test_resume_may_go_further_but_not_change_the_run(uninterrupted, tmp_path):
    run, kind = uninterrupted
    longer = tmp_path / "run"
    assert train(*options(longer, kind), hit=(4, "SIGTERM", "step")).returncode == 143
    refused = train("--resume", f"--run_dir={longer}", "--learning_rate=0.1")
    assert refused.returncode == 2
    assert "--learning_rate" in refused.stderr and "0.0002" in refused.stderr
    assert train("--resume", f"--run_dir={longer}", "--steps=8").returncode == 0
    assert (longer / "export" / "8" / "saved_model.pb").is_file()


def test_a_non_finite_loss_stops_the_run_and_keeps_the_checkpoint(tmp_path):
    run = tmp_path / "run"
    result = train(*options(run), "--learning_rate=1", "--penalty_weight=10000", "--steps=400")
    assert result.returncode == 1
    assert "is nan at step" in result.stderr or "is inf at step" in result.stderr
    assert "Traceback" not in result.stderr
    newest = max(int(path.name[5:]) for path in (run / "checkpoints").iterdir())
    for name, value in state(run, newest).items():
        assert np.isfinite(value).all() if value.dtype.kind == "f" else True, name


def test_everything_is_seeded_and_the_seed_matters(uninterrupted, tmp_path):
    whole, kind = uninterrupted
    other = tmp_path / "run"
    assert train(*options(other, kind), "--seed=1").returncode == 0
    mine, theirs = state(whole, 7), state(other, 7)
    kernels = [name for name in mine if "ema_generator" in name and mine[name].ndim == 4]
    assert kernels
    for name in kernels:
        assert not np.array_equal(mine[name], theirs[name])
