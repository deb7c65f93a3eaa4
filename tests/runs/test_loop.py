"""Whole runs that are stopped, killed, resumed, and exported."""

from __future__ import annotations

import functools
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from anime_gan.commands import generate, train
from anime_gan.training.checkpoints import STATE
from anime_gan.training.trainer import Trainer

# Runs the command with one function replaced, so that the run is killed at a known point.
KILLED = """
import os, signal, sys
from anime_gan.common.quiet import import_tensorflow
import_tensorflow()
from anime_gan.runs import run_directory
from anime_gan.training import trainer
from anime_gan.commands.train import main

when = int(sys.argv[1])
if sys.argv[2] == "step":
    whole = trainer.Trainer.train_step
    def hit(self, images, labels):
        values = whole(self, images, labels)
        if int(self.step) == when:
            os.kill(os.getpid(), signal.SIGKILL)
        return values
    trainer.Trainer.train_step = hit
else:
    # While a checkpoint is saved: its files are written, but not renamed yet.
    whole = os.replace
    def hit(source, target):
        if str(target).endswith(f"step-{when:08d}"):
            os.kill(os.getpid(), signal.SIGKILL)
        whole(source, target)
    os.replace = hit
sys.exit(main(sys.argv[3:]))
"""

# Together they have every kind of state that a checkpoint saves.
KINDS = {
    "published": ("--preset=published", "--precision=float32"),
    "compact": (
        "--precision=bfloat16",
        "--architecture=compact",
        "--gradient_penalty=r1",
        "--penalty_interval=1",
        "--augment=adaptive",
    ),
}


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> Path:
    """A folder of images with few attributes, because sample images have a row of faces for every value."""
    folder = tmp_path_factory.mktemp("faces")
    random = np.random.default_rng(0)
    lines = ["filename,hair_color,smile"]
    for number in range(40):
        pixels = random.integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
        lines.append(f"{number:02}.png,{('red', 'blue')[number % 2]},{number % 3 // 2}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


def options(run: Path, faces: Path, kind: str = "published") -> list[str]:
    return [
        f"--run_dir={run}",
        f"--data={faces}",
        "--batch_size=4",
        "--steps=7",
        "--log_interval=2",
        "--sample_interval=100",
        "--checkpoint_interval=3",
        *KINDS[kind],
    ]


def train_in_a_process(*arguments: str, killed: tuple[str, str] | None = None) -> subprocess.CompletedProcess:
    start = ["-c", KILLED, *killed] if killed else ["-m", "anime_gan.commands.train"]
    return subprocess.run([sys.executable, *start, *arguments], capture_output=True, text=True)


def train_until_signal(*arguments: str, step: int, number: signal.Signals) -> int:
    """Trains, sends itself a signal after a step, and returns the exit status."""
    whole = Trainer.train_step

    def hit(self, images, labels):
        values = whole(self, images, labels)
        if int(self.step) == step:
            os.kill(os.getpid(), number)
        return values

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "train_step", hit)
        return train.main(arguments)


def state(run: Path, step: int) -> dict[str, np.ndarray]:
    """Returns all variables of a checkpoint by name."""
    reader = tf.train.load_checkpoint(str(run / "checkpoints" / f"step-{step:08d}" / STATE))
    names = [n for n in reader.get_variable_to_shape_map() if not n.startswith("_CHECKPOINTABLE")]
    return {name: reader.get_tensor(name) for name in names if "save_counter" not in name}


def stats(run: Path) -> list[dict]:
    lines = [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]
    # Only the speed may differ between two equal runs.
    return [{k: v for k, v in line.items() if k != "images_per_second"} for line in lines]


def assert_same_run(one: Path, other: Path) -> None:
    expected, got = state(one, 7), state(other, 7)
    assert len(expected) > 40
    assert expected.keys() == got.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(got[name], value, err_msg=name)
    assert stats(one) == stats(other)


@pytest.fixture(scope="module")
def uninterrupted(faces, tmp_path_factory) -> Callable[[str], Path]:
    """Returns a function that trains the run of a kind on its first call."""

    @functools.cache
    def whole(kind: str) -> Path:
        run = tmp_path_factory.mktemp(kind) / "run"
        assert train.main(options(run, faces, kind)) == 0
        return run

    return whole


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_killed_between_checkpoints_and_resumed_is_the_same(kind, uninterrupted, faces, tmp_path):
    run = tmp_path / "run"
    killed = train_in_a_process(*options(run, faces, kind), killed=("5", "step"))
    assert killed.returncode == -signal.SIGKILL
    assert len(stats(run)) == 2
    resumed = train_in_a_process("--resume", f"--run_dir={run}")
    assert resumed.returncode == 0, resumed.stderr
    assert_same_run(uninterrupted(kind), run)
    assert "training: 100%" in resumed.stderr
    for noise in ("oneDNN", "cuda", "CUDA", "WARNING", "tensorflow"):
        assert noise not in killed.stderr + resumed.stderr + resumed.stdout


def test_a_run_killed_while_saving_and_resumed_is_the_same(uninterrupted, faces, tmp_path):
    run = tmp_path / "run"
    killed = train_in_a_process(*options(run, faces), killed=("6", "save"))
    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in (run / "checkpoints").glob("step-*")] == ["step-00000003"]
    assert train.main(["--resume", f"--run_dir={run}"]) == 0
    assert_same_run(uninterrupted("published"), run)
    assert not list(run.rglob(".partial-*"))


def test_a_run_stopped_by_signals_and_resumed_is_the_same(uninterrupted, faces, tmp_path, capsys):
    run = tmp_path / "run"
    again = ["--resume", f"--run_dir={run}"]
    started = [*options(run, faces), "--steps=6"]
    assert train_until_signal(*started, step=1, number=signal.SIGTERM) == 128 + signal.SIGTERM
    assert " ".join(again) in capsys.readouterr().err
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["step-00000001"]
    further = [*again, "--steps=7"]
    assert train_until_signal(*further, step=5, number=signal.SIGINT) == 128 + signal.SIGINT
    assert " ".join(again) in capsys.readouterr().err
    assert (run / "checkpoints" / "step-00000005").is_dir()
    assert train.main(again) == 0
    assert_same_run(uninterrupted("published"), run)
    assert (run / "export" / "7" / "saved_model.pb").is_file()


def test_resuming_cannot_change_what_a_run_computes(uninterrupted, capsys):
    run = uninterrupted("published")
    capsys.readouterr()
    assert train.main(["--resume", f"--run_dir={run}", "--learning_rate=0.1"]) == 2
    error = capsys.readouterr().err
    assert "--learning_rate" in error and "0.0002" in error


def test_a_run_beyond_the_requested_steps_is_left_alone(uninterrupted, tmp_path, capsys):
    run = shutil.copytree(uninterrupted("published"), tmp_path / "a run")
    capsys.readouterr()
    assert train.main(["--resume", f"--run_dir={run}", "--steps=3"]) == 2
    error = capsys.readouterr().err
    assert "--steps=3: the run is already at step 7" in error
    assert json.loads((run / "config.json").read_text())["steps"] == 7
    # The command in the message exports the run as it is.
    shutil.rmtree(run / "export")
    python, script, *arguments = shlex.split(error.split("as it is: ")[1])
    assert [python, script] == ["python", "train.py"]
    assert train.main(arguments) == 0
    assert [path.name for path in (run / "export").iterdir()] == ["7"]


def test_resuming_a_complete_run_keeps_its_export(uninterrupted, tmp_path, capsys):
    run = shutil.copytree(uninterrupted("published"), tmp_path / "run")
    # An evaluation adds files like this one to the export.
    report = run / "export" / "7" / "EVALUATION.md"
    report.write_text("measured")
    capsys.readouterr()
    assert train.main(["--resume", f"--run_dir={run}"]) == 0
    assert f"train.py --resume --run_dir={run} --steps=14" in capsys.readouterr().out
    assert report.read_text() == "measured"


def test_a_process_ends_with_the_status_of_its_command():
    assert train_in_a_process("--steps=0").returncode == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_directory_explains_itself(kind, uninterrupted):
    run = uninterrupted(kind)
    names = {path.name for path in run.iterdir()}
    expected = {"config.json", "attributes.json", "data.json", "log.txt", "stats.jsonl", "events"}
    assert expected | {"samples", "checkpoints", "export"} <= names
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["step-00000006", "step-00000007"]
    assert [path.name for path in (run / "export").iterdir()] == ["7"]
    assert (run / "samples" / "attributes-00000007.png").is_file()
    assert json.loads((run / "config.json").read_text())["steps"] == 7
    lines = [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]
    # Each line covers two steps of four images.
    seconds = sum(8 / line["images_per_second"] for line in lines)
    record = json.loads((run / "export" / "7" / "training.json").read_text())
    assert record["seconds"] == pytest.approx(seconds, abs=0.06)


@pytest.mark.parametrize("kind", KINDS)
def test_a_finished_run_draws_faces(kind, uninterrupted, tmp_path):
    picture = tmp_path / "faces.png"
    asked = [f"--model={uninterrupted(kind)}", "--attrs=red hair", "--num=2", f"--out={picture}"]
    assert generate.main(asked) == 0
    assert Image.open(picture).size == (2 * 64 + 2, 64)


@pytest.mark.parametrize("kind", KINDS)
def test_tensorboard_shows_scalars_images_and_texts(kind, uninterrupted):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = uninterrupted(kind)
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
        assert f"| {tag} " in explained or tag.startswith("attributes/"), tag
    assert [event.step for event in events.Tensors("loss_discriminator/penalty")] == [2, 4, 6]
    shown = tf.make_ndarray(events.Tensors("loss_discriminator/penalty")[0].tensor_proto)
    assert shown == pytest.approx(stats(run)[0]["loss/gradient_penalty"])


def test_a_non_finite_loss_stops_the_run_and_keeps_the_checkpoint(faces, tmp_path, capsys):
    run = tmp_path / "run"
    exploding = ["--learning_rate=1", "--penalty_weight=10000", "--steps=400"]
    assert train.main([*options(run, faces), *exploding]) == 1
    error = capsys.readouterr().err
    assert "is nan at step" in error or "is inf at step" in error
    assert "Traceback" not in error
    newest = max(int(path.name[5:]) for path in (run / "checkpoints").iterdir())
    for name, value in state(run, newest).items():
        assert np.isfinite(value).all() if value.dtype.kind == "f" else True, name
