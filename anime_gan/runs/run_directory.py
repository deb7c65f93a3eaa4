"""The directory of a training run, with everything needed to understand, resume, and use it.

config.json       options                checkpoints/  newest training states
attributes.json   schema                 samples/      sample images over time
data.json         training data          events/       TensorBoard files
data_report.json  skipped files          export/       exported models, numbered by step
stats.jsonl       training statistics    curves.png    chart of the statistics
evaluation.jsonl  evaluations            log.txt       log with timestamps
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from anime_gan.common.errors import InputError
from anime_gan.common.files import PARTIAL_PATTERN, remove, write_text, written_whole
from anime_gan.common.json_files import JsonError, parse_json, read_json
from anime_gan.datasets.dataset import Dataset
from anime_gan.training.config import ConfigError, TrainConfig, code_options

if TYPE_CHECKING:
    from anime_gan.common.backend import tf

CONFIG = "config.json"
CHECKPOINTS = "checkpoints"
# The parent folder of runs that grow from each other has this file. It contains their common options.
STAGES = "stages.json"
STATE = "state"
STATS, EVALUATION = "stats.jsonl", "evaluation.jsonl"


class RunError(InputError):
    """A run directory cannot be used. The message says why and what to do."""


class RunData(msgspec.Struct):
    """The contents of `data.json` that are read again. Runs from before version 0.2.0 have 3 channels."""

    checksum: str
    statement: str
    channels: int = 3


class _StatsLine(msgspec.Struct):
    step: int


class RunDirectory:
    """Reads and writes the directory of one run.

    Attributes:
        path: The directory.
    """

    def __init__(self, path: Path) -> None:
        """Stores a path without checking it; `create` and `open` check it."""
        self.path = path

    @classmethod
    def create(cls, path: Path, config: TrainConfig, dataset: Dataset) -> RunDirectory:
        """Creates the directory of a new run.

        Raises:
            RunError: The path is a file or a directory that is not empty.
        """
        cls.check_is_free(path)
        path.mkdir(parents=True, exist_ok=True)
        run = cls(path)
        write_text(path / "attributes.json", dataset.schema.to_json())
        data = {
            "statement": dataset.statement,
            "images": len(dataset.images),
            "channels": dataset.images.shape[3],
            "checksum": dataset.checksum,
        }
        write_text(path / "data.json", json.dumps(data, ensure_ascii=False, indent=2))
        write_text(path / "data_report.json", dataset.report.to_json(used=len(dataset.images)))
        # The configuration comes last, because a directory that has one counts as a run that can be resumed.
        run.save_config(config)
        return run

    @staticmethod
    def check_is_free(path: Path) -> None:
        """Checks that a new run in a directory would overwrite nothing.

        Raises:
            RunError: The path is a file or a directory that is not empty.
        """
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            reason = "is not empty; choose another directory"
            if (path / CONFIG).is_file():
                reason += f", or resume the run in it: {RunDirectory(path).resume_command()}"
            raise RunError(reason, "run_dir", path)

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Opens the directory of an existing run, and removes unfinished files.

        Raises:
            RunError: The directory does not contain a run.
        """
        if not (path / CONFIG).is_file():
            raise RunError(f"no run to resume ({CONFIG} is missing)", "run_dir", path)
        for left_by_a_kill in path.rglob(PARTIAL_PATTERN):
            remove(left_by_a_kill)
        return cls(path)

    def save_config(self, config: TrainConfig) -> None:
        """Writes the options of the run."""
        write_text(self.path / CONFIG, config.to_json())

    def load_config(self, given: Mapping[str, Any]) -> TrainConfig:
        """Reads the options of the run.

        Args:
            given: The options that the user gave. Only Python code that they name is imported.

        Raises:
            RunError: The file is damaged, an option is unknown, or its value is not allowed.
        """
        try:
            return TrainConfig.from_options(self._options(), given)
        except ConfigError as error:
            raise RunError(f"{self.path / CONFIG}: {error}") from error

    def resume_command(self, steps: int | None = None) -> str:
        """Returns the command that resumes the run, or all stages if the run is one of several.

        Args:
            steps: The new number of steps; None to keep it. With a number, only this run is resumed.
        """
        options = code_options(self._options())
        more = [f"--{name}={value}" for name, value in options.items()]
        folder = self.path
        if steps is not None:
            more.append(f"--steps={steps}")
        elif (folder.parent / STAGES).is_file():
            folder = folder.parent
        return shlex.join(["python", "train.py", "--resume", f"--run_dir={folder}", *more])

    def export_path(self, steps: int) -> Path:
        """Returns the folder of the model that is exported after `steps` steps."""
        return self.path / "export" / str(steps)

    def check_steps(self, steps: int) -> None:
        """Checks that the run has not been trained for more than `steps` steps.

        Raises:
            RunError: It has. The message says how to train further and how to export the run as it is.
        """
        if steps < (last := self.last_step):
            raise RunError(
                f"the run is already at step {last}, so there is nothing to train; pass a larger number, or "
                f"export the run as it is: {self.resume_command(last)}",
                "steps",
                steps,
            )

    def check_data(self, dataset: Dataset) -> Dataset:
        """Checks that a run is resumed with the data that it started with.

        Returns:
            The dataset with the statement that was saved when the run started.

        Raises:
            RunError: The images or the labels have changed.
        """
        saved = self.read_data()
        if saved.checksum != dataset.checksum:
            raise RunError(
                f"the images or labels have changed since the run in {self.path} started; restore them, or "
                "start a new run",
                "data",
            )
        return dataclasses.replace(dataset, statement=saved.statement)

    def read_data(self) -> RunData:
        """Returns the contents of `data.json`.

        Raises:
            RunError: The file is missing or damaged.
        """
        return read_json(self.path / "data.json", RunData, RunError)

    def _options(self) -> dict[str, Any]:
        return read_json(self.path / CONFIG, dict[str, Any], RunError)

    def append_stats(self, values: dict[str, Any], file: str = STATS) -> None:
        """Appends a line to `stats.jsonl` or `evaluation.jsonl`."""
        with (self.path / file).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(values) + "\n")

    def read_stats(self, name: str = STATS) -> list[dict[str, Any]]:
        """Returns the lines of `stats.jsonl` or `evaluation.jsonl`, without damaged ones."""
        file = self.path / name
        stats = []
        for line in file.read_bytes().splitlines() if file.is_file() else []:
            # The last line is incomplete if the run was killed while writing it.
            with contextlib.suppress(JsonError):
                parse_json(line, _StatsLine)
                stats.append(parse_json(line, dict[str, int | float]))
        return stats

    def cut_stats(self, step: int) -> None:
        """Removes the lines after a step, because a resumed run writes them again."""
        for name in (STATS, EVALUATION):
            kept = [line for line in self.read_stats(name) if line["step"] <= step]
            if (self.path / name).is_file():
                write_text(self.path / name, "".join(json.dumps(line) + "\n" for line in kept))

    def save_checkpoint(self, checkpoint: tf.train.Checkpoint, step: int, keep: int) -> None:
        """Writes the training state, then removes all but the newest `keep` checkpoints."""
        target = self.checkpoint_path(step)
        if not target.is_dir():
            with written_whole(target) as partial:
                checkpoint.write(str(partial / STATE))
        for old in self._checkpoint_steps()[:-keep]:
            shutil.rmtree(self.checkpoint_path(old))

    @property
    def last_step(self) -> int:
        """The step of the newest checkpoint; 0 if there is none."""
        return max(self._checkpoint_steps(), default=0)

    def restore_checkpoint(self, checkpoint: tf.train.Checkpoint) -> int:
        """Restores existing variables from the newest checkpoint, if there is one.

        Returns:
            The step of the checkpoint; 0 if there is none.
        """
        last = self.last_step
        if last:
            status = checkpoint.read(str(self.checkpoint_path(last) / STATE))
            # Without these checks, a variable that is missing in the checkpoint would silently stay random.
            status.assert_consumed()
            status.assert_existing_objects_matched()
        return last

    def checkpoint_path(self, step: int) -> Path:
        """Returns the folder of the checkpoint after `step` steps."""
        return self.path / CHECKPOINTS / f"step-{step:08d}"

    def _checkpoint_steps(self) -> list[int]:
        return sorted(int(path.name[5:]) for path in (self.path / CHECKPOINTS).glob("step-*"))


def next_run_directory(parent: Path, label: str) -> Path:
    """Returns the next numbered directory, such as `runs/0003-drawn-published`."""
    taken = [int(path.name[:4]) for path in parent.glob("[0-9][0-9][0-9][0-9]-*")]
    return parent / f"{max(taken, default=0) + 1:04d}-{label}"


def newest_run_directory(parent: Path) -> Path:
    """Returns the directory of the newest run, which may have several stages.

    Raises:
        RunError: There is no run.
    """
    names = (CONFIG, STAGES)
    runs = sorted(path.parent for name in names for path in parent.glob(f"[0-9][0-9][0-9][0-9]-*/{name}"))
    if not runs:
        command = "python train.py --resume --run_dir=DIRECTORY"
        raise RunError(f"no run in {parent}/ to resume; to resume a run elsewhere: {command}", "resume")
    return runs[-1]
