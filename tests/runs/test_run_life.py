"""A run that was stopped, damaged, moved, or sent back: the way on is short and nothing is lost."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from anime_gan.commands import generate, train
from anime_gan.training.trainer import Trainer
from tests.noise_pictures import write_pictures
from tests.runs.test_loop import state, train_until_signal

COMMON = ["--batch_size=4", "--log_interval=1", "--sample_interval=100", "--checkpoint_interval=2"]


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("data") / "faces", 20)


def options(faces: Path) -> list[str]:
    return [f"--data={faces}", "--preset=published", "--precision=float32", *COMMON]


@pytest.fixture(scope="module")
def stopped(faces, tmp_path_factory) -> Path:
    """A run of eight steps that was stopped after its fifth, with checkpoints of the steps 2, 4, and 5."""
    run = tmp_path_factory.mktemp("runs") / "stopped"
    arguments = [f"--run_dir={run}", *options(faces), "--steps=8", "--keep_checkpoints=9"]
    assert train_until_signal(*arguments, step=5, number=signal.SIGINT) == 128 + signal.SIGINT
    return run


@pytest.fixture
def run(stopped, tmp_path) -> Path:
    return shutil.copytree(stopped, tmp_path / "run")


def resume(run: Path, *arguments: str) -> int:
    return train.main(["--resume", f"--run_dir={run}", *arguments])


def steps(run: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (run / "stats.jsonl").read_text().splitlines()]


def checkpoints(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "checkpoints").iterdir())


def record(run: Path, step: int) -> dict:
    return json.loads((run / "export" / str(step) / "training.json").read_text())


def test_a_stopped_run_says_how_to_draw_and_to_resume_and_both_commands_work(faces, tmp_path, capsys):
    run = tmp_path / "a run"
    arguments = [f"--run_dir={run}", *options(faces), "--steps=2"]
    assert train_until_signal(*arguments, step=1, number=signal.SIGINT) == 128 + signal.SIGINT
    said = capsys.readouterr().err
    draw, resume = (said.split(words)[1].splitlines()[0] for words in ("To draw faces: ", "To resume: "))
    picture = tmp_path / "faces.png"
    assert generate.main([*shlex.split(draw)[2:], "--attrs=smile", "--num=2", f"--out={picture}"]) == 0
    assert Image.open(picture).size == (2 * 64 + 2, 64)
    assert record(run, 1)["steps"] == 1
    assert train.main(shlex.split(resume)[2:]) == 0
    assert record(run, 2)["steps"] == 2


def test_faces_are_drawn_from_the_newest_checkpoint_or_the_chosen_one(run, tmp_path, capsys):
    def drawn(model: Path) -> np.ndarray:
        picture = tmp_path / "face.png"
        assert generate.main([f"--model={model}", "--num=1", f"--out={picture}"]) == 0
        return np.asarray(Image.open(picture))

    newest = drawn(run)
    assert "step 5" in capsys.readouterr().err
    older = drawn(run / "checkpoints" / "step-00000002")
    assert not np.array_equal(newest, older)
    # The export of step 2 is there, but the newest state is still that of step 5.
    np.testing.assert_array_equal(drawn(run), newest)
    assert sorted(path.name for path in (run / "export").iterdir()) == ["2", "5"]
    # An export of the checkpoint is the export that the run itself makes at that step.
    weights = record(run, 2)["weights_sha256"]
    shutil.rmtree(run / "export")
    assert resume(run, "--steps=2") == 0
    made = record(run, 2)
    assert (made["weights_sha256"], made["steps"], made["images"]) == (weights, 2, 18)


def test_a_damaged_newest_checkpoint_costs_the_steps_since_the_one_before(stopped, run, capsys):
    for file in (run / "checkpoints" / "step-00000005").iterdir():
        data = bytearray(file.read_bytes())
        for place in range(0, len(data), 7):
            data[place] ^= 1
        file.write_bytes(data)
    (run / "checkpoints" / "step-of-mine").mkdir()
    (run / "checkpoints" / "notes.txt").write_text("mine")
    assert generate.main([f"--model={run}", "--num=1", f"--out={run}.png"]) == 0
    assert resume(run, "--steps=5") == 0
    assert "checkpoint of step 5 is damaged; resuming from step 4" in capsys.readouterr().err
    for name, value in state(stopped, 5).items():
        np.testing.assert_array_equal(state(run, 5)[name], value, err_msg=name)
    assert {"damaged-step-00000005", "notes.txt", "step-of-mine"} <= set(checkpoints(run))


@pytest.mark.parametrize("damage", ["gone", "empty"])
def test_without_any_checkpoint_a_run_does_not_start_again_silently(damage, run, capsys):
    for path in (run / "checkpoints").iterdir():
        if damage == "gone":
            shutil.rmtree(path)
        else:
            for file in path.iterdir():
                file.write_bytes(b"")
    before = (run / "stats.jsonl").read_bytes()
    assert resume(run) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "it has reached step 5" in error and "Traceback" not in error
    assert (run / "stats.jsonl").read_bytes() == before
    command = shlex.split(error.split("start again: ")[1])
    assert train.main([*command[2:], "--steps=1"]) == 0
    assert record(run, 1)["steps"] == 1


def test_going_back_trains_from_the_checkpoint_before(run, capsys):
    assert resume(run, "--steps=3") == 0
    assert (record(run, 3)["steps"], record(run, 3)["config"]["steps"]) == (3, 3)
    assert "--steps=3" in (run / "export" / "3" / "MODEL_CARD.md").read_text()
    # Nothing that was computed is lost.
    assert checkpoints(run) == [f"step-{step:08d}" for step in (2, 3, 4, 5)]
    assert sorted(steps(run)) == [1, 2, 3, 4, 5]
    capsys.readouterr()
    assert resume(run) == 0
    assert "complete at step 3" in capsys.readouterr().out
    assert resume(run, "--steps=1") == 2
    error = capsys.readouterr().err
    assert "checkpoints are kept for steps 2, 3, 4, 5" in error
    assert json.loads((run / "config.json").read_text())["steps"] == 3


def test_a_lower_learning_rate_applies_from_the_chosen_checkpoint(stopped, run, capsys):
    assert resume(run, "--learning_rate=0.1") == 2
    assert "--learning_rate=0.1: the run was started with 0.0002" in capsys.readouterr().err
    assert resume(run, "--from_step=3") == 2
    assert "--from_step=3: there is no such checkpoint" in capsys.readouterr().err
    assert resume(run, "--from_step=2", "--learning_rate=0.0001", "--steps=4") == 0
    rates = [json.loads(line)["learning_rate"] for line in (run / "stats.jsonl").read_text().splitlines()]
    assert rates == pytest.approx([2e-4, 2e-4, 1e-4, 1e-4])
    # Later checkpoints belong to the other learning rate.
    assert checkpoints(run) == [
        "replaced-step-00000004",
        "replaced-step-00000005",
        "step-00000002",
        "step-00000004",
    ]
    weight = next(name for name in state(run, 4) if "generator/" in name and "kernel" in name)
    assert not np.array_equal(state(run, 4)[weight], state(stopped, 4)[weight])
    card = " ".join((run / "export" / "4" / "MODEL_CARD.md").read_text().split())
    assert "--learning_rate=0.0002" in card.split("From step 2 on")[0]
    assert "--learning_rate=0.0001" in card.split("From step 2 on")[1]


@pytest.mark.parametrize("with_checkpoint", [True, False])
def test_the_way_on_after_divergence_is_true(with_checkpoint, run, faces, tmp_path, monkeypatch, capsys):
    from anime_gan.training import trainer

    def diverge(self, images, labels):
        raise trainer.NonFiniteError("loss/discriminator_real is nan at step 6")

    monkeypatch.setattr(Trainer, "train_step", diverge)
    if with_checkpoint:
        assert resume(run) == 1
    else:
        assert train.main([f"--run_dir={tmp_path / 'new'}", *options(faces), "--steps=3"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    command = shlex.split(error.partition("half the learning rate: ")[2])
    assert "--learning_rate=0.0001" in command
    monkeypatch.undo()
    if with_checkpoint:
        assert "The checkpoint of step 5 is intact" in error
        assert train.main([*command[2:], "--steps=6"]) == 0
    else:
        assert "No checkpoint had been saved" in error and "intact" not in error


def test_moved_data_is_found_by_its_checksum(run, faces, tmp_path, monkeypatch, capsys):
    # In another folder, even one that has a folder of the same name.
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "faces").mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    moved = shutil.copytree(faces, tmp_path / "moved" / "faces")
    record = json.loads((run / "data.json").read_text())
    (run / "data.json").write_text(json.dumps({**record, "location": str(tmp_path / "gone")}))
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, "data": str(tmp_path / "gone")}))
    assert resume(run, "--steps=6") == 2
    assert "if the data has moved, add --data=PLACE" in capsys.readouterr().err
    assert resume(run, f"--data={moved}", "--steps=6") == 0
    (moved / "00.png").write_bytes((moved / "01.png").read_bytes())
    assert resume(run, f"--data={moved}", "--steps=7") == 2
    assert "images or labels have changed" in capsys.readouterr().err


def test_two_processes_do_not_write_to_one_run(run, capsys):
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    with FileLock(run / ".lock"):
        assert resume(run) == 2
    assert f"--run_dir={run}: another process is training this run" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_tensorboard_has_each_step_once_after_a_crash(run):
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    # As if it had been killed at step 5, before the checkpoint.
    shutil.rmtree(run / "checkpoints" / "step-00000005")
    newest = max((run / "events").iterdir())
    newest.write_bytes(newest.read_bytes()[:-3])
    assert resume(run, "--steps=6") == 0
    seen = [
        (value.tag, event.step)
        for file in (run / "events").iterdir()
        for event in EventFileLoader(str(file)).Load()
        for value in event.summary.value
    ]
    assert len(seen) == len(set(seen))
    assert {step for tag, step in seen if tag == "logits/real"} == {1, 2, 3, 4, 5, 6}


def test_snapshots_are_exported_and_the_newest_are_kept(run):
    assert resume(run, "--export_interval=1", "--keep_exports=1") == 0
    assert sorted(path.name for path in (run / "export").iterdir()) == ["7", "8"]
    assert record(run, 7)["steps"] == 7
    assert "--steps=7" in (run / "export" / "7" / "MODEL_CARD.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--preset=tune"], "--preset=tune: fine-tunes a trained generator; add --init_from=MODEL"),
        (["--from_step=4"], "--from_step=4: needs --resume"),
        (
            ["--evaluation_interval=1", "--batch_size=4"],
            "has only 20 images; an evaluation needs at least 30",
        ),
    ],
)
def test_refusals_come_before_the_work(arguments, said, faces, tmp_path, capsys):
    run = tmp_path / "run"
    assert train.main([f"--data={faces}", f"--run_dir={run}", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not run.exists()
