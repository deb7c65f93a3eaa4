"""Checks of a run directory before it is used."""

from __future__ import annotations

import concurrent.futures
import dataclasses

import numpy as np
import pytest

from anime_gan.attributes.schema import Schema
from anime_gan.datasets.dataset import Dataset
from anime_gan.runs.run_directory import RunDirectory, RunError, newest_run_directory, next_run_directory
from anime_gan.runs.run_lock import reserve_run_directory
from anime_gan.training.config import TrainConfig

DATASET = Dataset(
    "faces", np.zeros((2, 8, 8, 3), np.uint8), np.zeros((2, 0), np.int8), Schema(()), "Mine.", "1f"
)


def test_a_resumed_run_gets_the_data_and_the_statement_it_started_with(tmp_path):
    run = RunDirectory.create(tmp_path / "run", TrainConfig(), DATASET)
    reworded = dataclasses.replace(DATASET, statement="New words.")
    assert run.check_data(reworded).statement == "Mine."
    with pytest.raises(RunError, match="images or labels have changed") as caught:
        run.check_data(dataclasses.replace(DATASET, checksum="2e"))
    assert caught.value.field == "data"


def test_a_run_is_not_overwritten_and_the_error_says_how_to_resume_it(tmp_path):
    RunDirectory.create(tmp_path / "my run", TrainConfig(), DATASET)
    with pytest.raises(RunError) as caught:
        RunDirectory.create(tmp_path / "my run", TrainConfig(), DATASET)
    assert caught.value.as_flag() == (
        f"--run_dir={tmp_path}/my run: is not empty; choose another directory, or resume the run in it: "
        f"python train.py --resume '--run_dir={tmp_path}/my run'"
    )


def test_runs_are_numbered_and_the_newest_is_resumed(tmp_path):
    assert next_run_directory(tmp_path, "faces").name == "0001-faces"
    for name in ("0009-faces", "0010-drawn"):
        RunDirectory.create(tmp_path / name, TrainConfig(), DATASET)
    # A directory without a configuration is no run.
    (tmp_path / "0011-faces").mkdir()
    assert newest_run_directory(tmp_path).name == "0010-drawn"
    assert next_run_directory(tmp_path, "faces").name == "0012-faces"


def test_no_two_processes_get_the_same_number(tmp_path):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: reserve_run_directory(tmp_path, f"run{number % 2}"), range(40)))
    assert len({path.name[:4] for path in made}) == 40
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in made)
