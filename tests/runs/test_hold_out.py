"""A run with held-out combinations of attributes."""

from __future__ import annotations

import numpy as np
import pytest

from anime_gan.datasets.dataset import DataError
from anime_gan.datasets.load import load_dataset
from anime_gan.runs import loop
from anime_gan.runs.run_directory import RunDirectory
from anime_gan.runs.start import make_trainer, split_for
from anime_gan.training.config import TrainConfig
from anime_gan.training.trainer import Trainer


def test_held_out_and_test_images_are_not_trained_on(tmp_path, monkeypatch):
    config = TrainConfig(
        num_images=60, batch_size=8, steps=16, hold_out="hair_color=blue; glasses", precision="float32"
    )
    dataset = load_dataset(config.data, config.num_images, config.resolution, config.seed)
    shown: list[bytes] = []

    def train_step(self, images, labels):
        shown.extend(image.tobytes() for image in images)
        self.step.assign_add(1)

    monkeypatch.setattr(Trainer, "train_step", train_step)
    monkeypatch.setattr(loop, "export_model", lambda *arguments: tmp_path)
    monkeypatch.setattr(loop.Reporter, "write_samples", lambda self, step: None)
    run = RunDirectory.create(tmp_path / "run", config, dataset)
    train = split_for(config, dataset).train
    trainer = make_trainer(config, dataset, train)
    assert loop.run_training(trainer, dataset, train, run) == 0

    columns = [dataset.schema.column("hair_color", "blue"), dataset.schema.column("glasses")]
    held_out = np.any(dataset.labels[:, columns] > 0, axis=1)
    left_out = held_out | (np.arange(60) % 10 == 9)
    number = {image.tobytes(): index for index, image in enumerate(dataset.images)}
    trained_on = {number[image] for image in shown}
    assert held_out.sum() >= 5
    # 16 batches of 8 images are more than two epochs.
    assert trained_on == set(np.flatnonzero(~left_out))
    # The generator does not get their label rows either.
    assert not np.any(trainer.label_rows.rows[:, columns] > 0)
    assert trainer.num_images == len(trained_on)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"test_every": 1}, "test_every=1: leaves 0 training images (60 test images, 0 held out)"),
        (
            {"hold_out": "smile; no smile"},
            "hold_out=smile; no smile: leaves 0 training images (0 test images",
        ),
    ],
)
def test_nothing_left_to_train_on(options, said):
    config = TrainConfig(num_images=60, batch_size=8, **options)
    dataset = load_dataset(config.data, config.num_images, config.resolution, config.seed)
    with pytest.raises(DataError) as error:
        split_for(config, dataset)
    assert str(error.value).startswith(said)
