"""A run's directory: everything needed to understand, resume and use it.

config.json       the options            checkpoints/  full training state, the newest few
attributes.json   the schema             samples/      pictures over time
data.json         what it trained on     events/       for TensorBoard
data_report.json  what was left out      export/       the SavedModel, in numbered versions
stats.jsonl       the numbers over time  curves.png    the numbers as a chart
evaluation.jsonl  measured on the way    log.txt       what happened when
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anime_gan.common.errors import InputError
from anime_gan.common.files import PARTIAL_PATTERN, remove, write_text, written_whole
from anime_gan.datasets.dataset import Dataset
from anime_gan.training.config import TrainConfig

if TYPE_CHECKING:
    from anime_gan.common.backend import tf

STATE = "state"
STATS, EVALUATION = "stats.jsonl", "evaluation.jsonl"


class RunError(InputError):
    """A run directory cannot be used as asked; the message says why and what to do."""


class RunDirectory:
    """Reads and writes one run's directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, config: TrainConfig, dataset: Dataset) -> RunDirectory:
        """Starts a new run's directory.

        Raises:
            RunError: The directory has something in it already.
        """
        cls.check_is_free(path)
        path.mkdir(parents=True, exist_ok=True)
        run = cls(path)
        write_text(path / "attributes.json", dataset.schema.to_json())
        data = {"statement": dataset.statement, "images": len(dataset.images), "checksum": dataset.checksum}
        write_text(path / "data.json", json.dumps(data, ensure_ascii=False, indent=2))
        write_text(path / "data_report.json", dataset.report.to_json(used=len(dataset.images)))
        # Last: a directory with a configuration is one that can be resumed.
        run.save_config(config)
        return run

    @staticmethod
    def check_is_free(path: Path) -> None:
        """Refuses a place where a new run would overwrite something.

        Raises:
            RunError: There is something already.
        """
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RunError(f"--run_dir={path}: is not empty; use --resume to go on, or another directory")

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Opens an existing run's directory.

        Raises:
            RunError: There is no run.
        """
        if not (path / "config.json").is_file():
            raise RunError(f"--run_dir={path}: no run there to resume (it has no config.json)")
        for left_by_a_kill in path.rglob(PARTIAL_PATTERN):
            remove(left_by_a_kill)
        return cls(path)

    def save_config(self, config: TrainConfig) -> None:
        """Writes the configuration to `config.json`."""
        write_text(self.path / "config.json", config.to_json())

    def load_config(self) -> TrainConfig:
        """Returns the configuration in `config.json`."""
        return TrainConfig.from_json((self.path / "config.json").read_text("utf-8"))

    def check_data(self, dataset: Dataset) -> Dataset:
        """Makes sure that a resumed run sees the data it began with.

        Returns:
            The dataset, with the statement of the run's start.

        Raises:
            RunError: The data are others.
        """
        saved = json.loads((self.path / "data.json").read_text("utf-8"))
        if saved["checksum"] != dataset.checksum:
            raise RunError(f"--data: the images or labels have changed since the run in {self.path} began")
        return dataclasses.replace(dataset, statement=saved["statement"])

    def append_stats(self, values: dict[str, Any], file: str = STATS) -> None:
        """Adds a line to `stats.jsonl` or `evaluation.jsonl`."""
        with (self.path / file).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(values) + "\n")

    def read_stats(self, name: str = STATS) -> list[dict[str, Any]]:
        """The lines of such a file; one that a kill cut short is left out."""
        file = self.path / name
        lines = file.read_text("utf-8").splitlines() if file.is_file() else []
        stats = []
        for line in lines:
            try:
                stats.append(json.loads(line))
            except ValueError:
                break
        return stats

    def cut_stats(self, step: int) -> None:
        """Drops what was noted after `step`: a resumed run will note it again."""
        for name in (STATS, EVALUATION):
            kept = [line for line in self.read_stats(name) if line["step"] <= step]
            if (self.path / name).is_file():
                write_text(self.path / name, "".join(json.dumps(line) + "\n" for line in kept))

    def save_checkpoint(self, checkpoint: tf.train.Checkpoint, step: int, keep: int) -> None:
        """Writes the training state, then removes all but the newest `keep`."""
        target = self._checkpoint_path(step)
        if not target.is_dir():
            with written_whole(target) as partial:
                checkpoint.write(str(partial / STATE))
        for old in self._checkpoint_steps()[:-keep]:
            shutil.rmtree(self._checkpoint_path(old))

    def has_checkpoint(self) -> bool:
        """Whether there is anything to restore."""
        return bool(self._checkpoint_steps())

    def restore_checkpoint(self, checkpoint: tf.train.Checkpoint) -> int:
        """Reads the newest training state into existing variables.

        Returns:
            The step it was saved at; 0 if there is none yet.
        """
        steps = self._checkpoint_steps()
        if not steps:
            return 0
        status = checkpoint.read(str(self._checkpoint_path(steps[-1]) / STATE))
        # Without these, a variable that is missing on either side would keep its random start.
        status.assert_consumed()
        status.assert_existing_objects_matched()
        return steps[-1]

    def _checkpoint_path(self, step: int) -> Path:
        return self.path / "checkpoints" / f"step-{step:08d}"

    def _checkpoint_steps(self) -> list[int]:
        return sorted(int(path.name[5:]) for path in (self.path / "checkpoints").glob("step-*"))


def next_run_directory(parent: Path, label: str) -> Path:
    """A fresh numbered directory name, such as `runs/0003-drawn-published`."""
    taken = [int(path.name[:4]) for path in parent.glob("[0-9][0-9][0-9][0-9]-*")]
    return parent / f"{max(taken, default=0) + 1:04d}-{label}"


def newest_run_directory(parent: Path) -> Path:
    """The run that was started last.

    Raises:
        RunError: There is none.
    """
    runs = sorted(path.parent for path in parent.glob("[0-9][0-9][0-9][0-9]-*/config.json"))
    if not runs:
        raise RunError(f"no run in {parent}/ to resume; name it with --run_dir")
    return runs[-1]
