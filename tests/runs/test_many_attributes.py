"""Reports of a run with very many attributes stay small, and say what they leave out."""

from __future__ import annotations

import numpy as np
from PIL import Image

from anime_gan.attributes.schema import Schema
from anime_gan.datasets.dataset import Dataset
from anime_gan.faces.sheets import leading_attributes
from anime_gan.runs.reporter import MAX_SHEET_COLUMNS, SHEET_FACES, Reporter
from anime_gan.runs.run_directory import RunDirectory
from anime_gan.training.config import TrainConfig


class FakeTrainer:
    """Draws gray faces and counts them."""

    step = 0
    label_sampler = None

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.drawn = 0

    def generate(self, latents, labels):
        self.drawn += len(latents)
        return np.zeros((len(latents), 64, 64, 3), np.float32)


def test_sheets_show_the_first_attributes(tmp_path, capsys):
    schema = Schema.from_names({f"tag{i}": None for i in range(1500)})
    config = TrainConfig(batch_size=2)
    labels = np.where(np.arange(3000).reshape(2, 1500) % 2, 1, -1).astype(np.int8)
    dataset = Dataset("many", np.zeros((2, 64, 64, 3), np.uint8), labels, schema, "", "0")
    trainer = FakeTrainer(config)
    run = RunDirectory.create(tmp_path / "run", config, dataset)
    reporter = Reporter(trainer, dataset, np.arange(2), run)
    reporter.write_samples(0)

    assert "sheets of samples show 120 attributes and leave out 1380" in capsys.readouterr().err
    # The grid, and each shown tag on and off.
    assert trainer.drawn == 64 + 2 * MAX_SHEET_COLUMNS * SHEET_FACES
    (sheet,) = (run.path / "samples").glob("attributes-*.png")
    assert Image.open(sheet).height < 2 * MAX_SHEET_COLUMNS * 80
    assert dataset.statistics().splitlines()[-1] == "and 1400 more attributes"


def test_leading_attributes():
    schema = Schema.from_names({"a": ("x", "y", "z"), "b": None, "c": ("p", "q")})
    assert [a.name for a in leading_attributes(schema, 5).attributes] == ["a", "b"]
    assert [a.name for a in leading_attributes(schema, 6).attributes] == ["a", "b", "c"]
    assert [a.name for a in leading_attributes(schema, 2).attributes] == ["a"]
    assert leading_attributes(Schema(()), 5) == Schema(())
