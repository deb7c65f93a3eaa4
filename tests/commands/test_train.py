"""`train.py`: flags and messages; whole runs are in test_loop.py."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import shlex
from pathlib import Path

import pytest
from PIL import Image

from anime_gan.commands import train
from anime_gan.runs import launch
from anime_gan.training.config import TrainConfig
from anime_gan.training.presets import PRESETS


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--steps=0"], "--steps=0: must be 1 to 100,000,000"),
        (["--steps=many"], "--steps=many: must be an integer"),
        (["--step=3"], "unknown option --step; did you mean --steps"),
        (["--data=dranw"], "--data=dranw: no such folder; use drawn"),
        (["--architecture=publishd"], "did you mean 'published'"),
        (["--preset=defalt"], "--preset=defalt: must be one of default, published, hour, "),
        (
            ["--architecture=compact", "--resolution=48"],
            "--resolution=48: must be 32 or 64 or 128 or 256 or 512 for",
        ),
        (
            ["--architecture=published-exact"],
            "--gradient_penalty=r1: must be none for the discriminator of published-exact",
        ),
        (["--adversarial_loss=hing"], "must be one of non_saturating, hinge, wasserstein"),
        (["--resume"], "no run in runs/ to resume"),
        (["--resume", "--run_dir=nowhere"], "--run_dir=nowhere: no run to resume"),
        (["--run_dir=taken"], "--run_dir=taken: is not empty"),
        (["--run_dir=taken", "--dry_run"], "--run_dir=taken: is not empty"),
        (["--run_dir=taken/precious.txt"], "--run_dir=taken/precious.txt: is a file"),
        (["--resume", "--dry_run"], "--resume cannot be combined with --preset or --dry_run"),
        (["drawn"], "unexpected argument 'drawn'"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(tmp_path, capsys, arguments, said):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "precious.txt").write_text("mine")
    assert train.main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("train.py: ") and error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    assert (tmp_path / "taken" / "precious.txt").read_text() == "mine"


def test_help_shows_each_option_in_a_line_with_its_range(capsys):
    assert train.main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for field in dataclasses.fields(TrainConfig):
        (line,) = [line for line in lines if line.startswith(f"  --{field.name}:")]
        shown = line.rpartition("; default ")[2].removesuffix(")").replace(",", "")
        assert shown == (str(field.default).lower().removesuffix(".0") or "empty")
    for name, preset in PRESETS.items():
        assert f"  {name}: {preset.description}" in lines
    assert any(line.startswith("  srresnet: ") for line in lines)
    assert "2 to 4,096" in next(line for line in lines if line.startswith("  --batch_size:"))


def test_dry_run_describes_the_run_and_writes_nothing(capsys):
    arguments = ["--num_images=40", "--batch_size=8", "--steps=100", "--precision=float32"]
    # One graph instead of two.
    arguments.append("--penalty_interval=1")
    assert train.main(["--dry_run", *arguments]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    # Every tenth image is held out.
    assert lines[:2] == ["images: 36 for training, 4 held out", "steps: 100 with a batch size of 8"]
    assert lines[2].startswith("time: about ") and "s per step" in lines[2]
    memory = float(lines[3].removeprefix("memory: about ").removesuffix(" GiB"))
    # TensorFlow alone takes a third of one; this machine may have run other tests in the same process.
    assert 0.2 < memory < 64
    assert lines[4:6] == ["output: runs/0001-drawn-compact", ""]
    config = json.loads(out[out.index("\n{") : out.index("\n}") + 2])
    assert config["steps"] == 100 and config["batch_size"] == 8
    for part in ("level0_convolution0", "hair_color: ", "precision: float32"):
        assert part in out
    assert not Path("runs").exists()


def test_dry_run_times_whole_steps(monkeypatch, capsys):
    """The timed steps train the generator too, and every third one has the penalty, as in the run."""
    from anime_gan.runs import loop
    from anime_gan.training import trainer

    now = [0.0]
    monkeypatch.setattr(loop.time, "perf_counter", lambda: now[0])

    def slow_step(self, images, labels):
        with_penalty = int(self.step) % self.config.penalty_interval == 0
        with_generator = int(self.step) >= self.config.discriminator_steps
        now[0] += 1.0 + 3.0 * with_penalty + 10.0 * with_generator
        self.step.assign_add(1)

    monkeypatch.setattr(trainer.Trainer, "train_step", slow_step)
    arguments = ["--num_images=40", "--batch_size=8", "--steps=60", "--precision=float32"]
    assert train.main(["--dry_run", "--penalty_interval=3", "--discriminator_steps=50", *arguments]) == 0
    assert "time: about 12 minutes (12.000 s per step, 1 images/s)" in capsys.readouterr().out


@pytest.fixture
def pictures(tmp_path, tmp_path_factory, monkeypatch) -> Path:
    """Three pictures without labels and one that cannot be read."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    (tmp_path / "pictures").mkdir()
    for i in range(3):
        Image.new("RGB", (70, 70), (99 * i, 9, 9)).save(tmp_path / "pictures" / f"{i}.png")
    (tmp_path / "pictures" / "torn.png").write_bytes(b"broken")
    return tmp_path / "pictures"


def test_too_few_images_for_one_batch(pictures, capsys):
    assert train.main(["--data=pictures", "--batch_size=4"]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("train.py: ")]
    assert "--data=pictures: 3 images (1 skipped) are fewer than one batch of 4" in line
    assert not Path("runs").exists()


def test_a_folder_without_labels_says_so_and_lists_skipped_files(pictures, capsys):
    assert train.main(["--data=pictures", "--steps=1", "--batch_size=2", "--precision=float32"]) == 0
    error = capsys.readouterr().err
    notes = [line for line in error.splitlines() if line.startswith("note: ")]
    assert "note: skipped 1 file: not a picture of a known format (1)" in notes
    assert any("trained without labels" in note for note in notes)
    assert any("only 3 training images" in note for note in notes)
    (run,) = Path("runs").iterdir()
    report = json.loads((run / "data_report.json").read_text("utf-8"))
    assert (report["found"], report["used"]) == (4, 3)
    assert report["skipped"] == [{"name": "torn.png", "reason": "not a picture of a known format"}]
    assert list((run / "export").iterdir())


def test_a_diverged_run_prints_a_command_with_half_the_learning_rates(monkeypatch, capsys):
    from anime_gan.training import trainer

    def diverge(self, images, labels):
        raise trainer.NonFiniteError("loss/discriminator_real is nan at step 3")

    monkeypatch.setattr(trainer.Trainer, "train_step", diverge)
    options = ["--num_images=40", "--batch_size=8", "--precision=float32", "--learning_rate=0.004"]
    assert train.main([*options, "--generator_learning_rate=0.002", "--steps=9"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("train.py: loss/discriminator_real is nan at step 3: training diverged")
    command = shlex.split(error.partition("half the learning rate: ")[2])
    changed = {"--learning_rate=0.002", "--generator_learning_rate=0.001", "--steps=9"}
    assert command[:2] == ["python", "train.py"] and set(command[2:]) == {*options[:3], *changed}


def test_commands_do_not_share_flags(capsys):
    """Two commands in one process, and one command twice."""
    from anime_gan.commands import generate

    for main in (train.main, generate.main, train.main):
        assert main(["--help"]) == 0


def test_missing_tensorflow_is_said_before_the_data_is_prepared(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(launch, "load_dataset", pytest.fail)
    assert train.main(["--data=drawn"]) == 2
    assert "pip install tensorflow" in capsys.readouterr().err
