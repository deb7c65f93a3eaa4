"""A whole run on two devices, with a constant learning rate: trained, killed, resumed, and exported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tensorflow as tf
from PIL import Image

from anime_gan.commands import generate, train
from anime_gan.runs import start
from anime_gan.training.trainer import Trainer
from tests.noise_pictures import write_pictures


class Killed(BaseException):
    """Ends the training at once, like a signal that cannot be caught."""


@pytest.fixture
def two_devices(two_replicas, monkeypatch) -> None:
    """Lets the command find two devices, as on a machine with two GPUs."""

    def strategy() -> tf.distribute.Strategy:
        tf.distribute.MirroredStrategy._collective_key_base += 100_000
        return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

    monkeypatch.setattr(start, "make_strategy", strategy)


def test_a_run_on_two_devices_is_trained_killed_resumed_and_exported(two_devices, tmp_path, monkeypatch):
    data, run = write_pictures(tmp_path / "faces", 8), tmp_path / "run"
    options = [
        f"--data={data}",
        f"--run_dir={run}",
        "--preset=published",
        "--batch_size=4",
        "--steps=4",
        "--penalty_interval=1",
        "--log_interval=1",
        "--sample_interval=100",
        "--checkpoint_interval=2",
        "--precision=float32",
        "--test_every=0",
    ]
    whole = Trainer.train_step

    def killed_after_three(self, images, labels):
        values = whole(self, images, labels)
        if int(self.step) == 3:
            raise Killed
        return values

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "train_step", killed_after_three)
        with pytest.raises(Killed):
            train.main(options)
    assert [path.name for path in (run / "checkpoints").glob("step-*")] == ["step-00000002"]

    assert train.main(["--resume", f"--run_dir={run}"]) == 0
    lines = [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert [line["learning_rate"] for line in lines] == pytest.approx([2e-4] * 4)
    picture = Path(tmp_path / "faces.png")
    assert generate.main([f"--model={run}", "--num=2", "--attrs=smile", f"--out={picture}"]) == 0
    assert Image.open(picture).size == (2 * 64 + 2, 64)
