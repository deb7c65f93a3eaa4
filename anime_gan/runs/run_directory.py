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
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from anime_gan.common.command_line import print_lines
from anime_gan.common.files import PARTIAL_PATTERN, remove, write_text, written_whole
from anime_gan.common.json_files import JsonError, read_json
from anime_gan.common.plain_paths import is_text
from anime_gan.common.source_names import each_source
from anime_gan.datasets.dataset import Dataset
from anime_gan.exports.read import LABEL_ROWS
from anime_gan.runs.learning_rates import LearningRates
from anime_gan.runs.mirror import shown_place
from anime_gan.runs.run_lock import LOCK, RunError, locked, next_number
from anime_gan.runs.statistics import append_statistics, keep_statistics, read_statistics
from anime_gan.training.checkpoints import Checkpoints
from anime_gan.training.config import ConfigError, TrainConfig, resume_command
from anime_gan.training.run_files import (
    CHECKPOINTS,
    CONFIG,
    DATA,
    EVALUATION,
    EXPORTS,
    PROGRESS,
    REPORT,
    SCHEMA,
    STAGES,
    STATS,
)

if TYPE_CHECKING:
    from anime_gan.attributes.label_sampler import LabelRows
    from anime_gan.common.backend import tf

# The folder of new runs.
RUNS = Path("runs")
# Letters of a default name. A folder of data may have a name as long as names can be.
LONGEST_LABEL = 60


class Resumed(NamedTuple):
    """Where a run goes on.

    Attributes:
        step: The step of the checkpoint; 0 without one.
        rewritten: Records of the steps after it, up to this one, are written again or no longer count.
    """

    step: int
    rewritten: int


class RunData(msgspec.Struct):
    """The contents of `data.json` that are read again. Runs from before version 0.2.0 have 3 channels."""

    checksum: str
    statement: str
    channels: int = 3
    location: str = ""
    earlier_runs: list[dict[str, Any]] = []


class _Progress(msgspec.Struct):
    """The contents of `progress.json`."""

    step: int


class RunDirectory:
    """Reads and writes the directory of one run.

    Attributes:
        path: The directory.
        checkpoints: Its checkpoints.
    """

    def __init__(self, path: Path) -> None:
        """Stores a path without checking it; `create` and `open` check it."""
        self.path = path
        self.checkpoints = Checkpoints(path / CHECKPOINTS)

    @classmethod
    def create(
        cls,
        path: Path,
        config: TrainConfig,
        dataset: Dataset,
        earlier_runs: Sequence[Mapping[str, Any]] = (),
    ) -> RunDirectory:
        """Creates the directory of a new run.

        Args:
            path: The directory.
            config: The options of the run.
            dataset: All images and labels.
            earlier_runs: The runs whose networks it starts from (see `TrainedRun.earlier_runs`).

        Raises:
            RunError: The path is a file or a directory that is not empty.
        """
        cls.check_is_free(path)
        path.mkdir(parents=True, exist_ok=True)
        run = cls(path)
        write_text(path / SCHEMA, dataset.schema.to_json())
        data = {
            "statement": dataset.statement,
            "images": len(dataset.images),
            "channels": dataset.images.shape[3],
            "checksum": dataset.checksum,
            "location": located(config.data),
            "earlier_runs": list(earlier_runs),
        }
        write_text(path / DATA, json.dumps(data, ensure_ascii=False, indent=2))
        write_text(path / REPORT, dataset.report.to_json(used=len(dataset.images)))
        write_text(path / PROGRESS, json.dumps({"step": 0}))
        # The configuration comes last, because a directory that has one counts as a run that can be resumed.
        run.save_config(config)
        return run

    @staticmethod
    def check_is_free(path: Path) -> None:
        """Checks that a new run in a directory would overwrite nothing.

        Raises:
            RunError: The path is a file or a directory that is not empty, or TensorFlow cannot write there.
        """
        if not is_text(path):
            reason = "the name is not valid UTF-8, so TensorFlow cannot write there; choose another folder"
            raise RunError(reason, "run_dir", ascii(str(path)))
        if path.exists() and not path.is_dir():
            raise RunError("is a file; choose another directory", "run_dir", path)
        if path.is_dir() and any(inside.name != LOCK for inside in path.iterdir()):
            reason = "is not empty; choose another directory"
            if (path / CONFIG).is_file():
                reason += f", or resume the run in it: {RunDirectory(path).resume_command()}"
            raise RunError(reason, "run_dir", path)

    def remove_unfinished(self) -> None:
        """Removes what a start that was killed left in a directory that has no run yet.

        Raises:
            RunError: Another process is starting a run there.
        """
        if not self.path.is_dir():
            return
        left = [file for file in self.path.iterdir() if file.name != LOCK]
        written = {SCHEMA, DATA, REPORT, PROGRESS}
        if left and all(file.name in written or file.match(PARTIAL_PATTERN) for file in left):
            with locked(self.path):
                for file in left:
                    remove(file)

    @staticmethod
    def check_exists(path: Path) -> None:
        """Checks that a directory contains a run.

        Raises:
            RunError: It does not.
        """
        if not (path / CONFIG).is_file():
            raise RunError(f"no run to resume ({CONFIG} is missing)", "run_dir", path)

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Opens the directory of an existing run whose lock is held, and removes unfinished files.

        Raises:
            RunError: The directory does not contain a run.
        """
        cls.check_exists(path)
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

    def resume_command(self, steps: int | None = None, more: Sequence[str] = ()) -> str:
        """Returns the command that resumes the run, or all stages if the run is one of several.

        Args:
            steps: The new number of steps; None to keep it. With a number, only this run is resumed.
            more: Further options; with any, only this run is resumed.
        """
        folder, alone = self.path, bool(more) or steps is not None
        if steps is not None:
            more = [*more, f"--steps={steps}"]
        if not alone and (folder.parent / STAGES).is_file():
            folder = folder.parent
        return resume_command(shown_place(folder), self._options(), more)

    def draw_command(self) -> str:
        """Returns the command that draws faces with the newest model of the run."""
        return shlex.join(["python", "generate.py", f"--model={self.path}"])

    def export_path(self, steps: int) -> Path:
        """Returns the folder of the model that is exported after `steps` steps."""
        return self.path / EXPORTS / str(steps)

    def check_steps(self, steps: int, from_step: int | None = None) -> None:
        """Checks that there is a checkpoint from which `steps` steps can be reached.

        Args:
            steps: The number of steps to reach.
            from_step: The step of the checkpoint that the user chose; 0 to start again; None for the newest.

        Raises:
            RunError: There is none. The message says how to train further and how to export the run as it is.
        """
        kept = self.checkpoints.steps()
        if from_step is not None:
            if from_step and from_step not in kept:
                raise RunError(f"there is no such checkpoint; {self._kept_words()}", "from_step", from_step)
            if from_step > steps:
                raise RunError(f"must be at most {steps}, the number of steps", "from_step", from_step)
        elif kept and steps < kept[0]:
            raise RunError(
                f"the run is already at step {kept[-1]}, and {self._kept_words()}; pass a larger number, or "
                f"export the run as it is: {self.resume_command(kept[-1])}",
                "steps",
                steps,
            )

    def _kept_words(self) -> str:
        steps = self.checkpoints.steps()
        kept = ", ".join(map(str, steps))
        return (
            f"checkpoints are kept for step{'s' * (len(steps) > 1)} {kept}"
            if kept
            else "no checkpoints are kept"
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
                f"the images or labels have changed since the run in {self.path} started; restore them, "
                "start a new run, or add --data=FOLDER if they are elsewhere",
                "data",
            )
        return dataclasses.replace(dataset, statement=saved.statement)

    def read_data(self) -> RunData:
        """Returns the contents of `data.json`.

        Raises:
            RunError: The file is missing or damaged.
        """
        return read_json(self.path / DATA, RunData, RunError)

    def _options(self) -> dict[str, Any]:
        return read_json(self.path / CONFIG, dict[str, Any], RunError)

    def data_location(self, config: TrainConfig) -> str:
        """Returns where the data was when the run started, even if the command runs in another folder."""
        # Runs of version 0.1.0 do not store it.
        location = self.read_data().location
        return location if location and located(location) == location else config.data

    def save_data_location(self, data: str) -> None:
        """Stores where the data is now."""
        record = {**read_json(self.path / DATA, dict[str, Any], RunError), "location": located(data)}
        write_text(self.path / DATA, json.dumps(record, ensure_ascii=False, indent=2))

    def save_label_rows(self, rows: LabelRows, images: int) -> None:
        """Writes what an export of a checkpoint needs about the training images, unless it is there."""
        if not (self.path / LABEL_ROWS).is_file():
            with written_whole(self.path / LABEL_ROWS) as partial:
                np.savez_compressed(partial, rows=rows.rows, counts=rows.counts, images=images)

    def append_stats(self, values: dict[str, Any], file: str = STATS) -> None:
        """Appends a line to `stats.jsonl` or `evaluation.jsonl`."""
        append_statistics(self.path / file, values)

    def read_stats(self, name: str = STATS) -> list[dict[str, Any]]:
        """Returns the readable lines of `stats.jsonl` or `evaluation.jsonl`, in the order of their steps."""
        return read_statistics(self.path / name).lines

    def cut_stats(self, first: int, last: int) -> None:
        """Removes the lines after the step `first` and up to `last`, because a resumed run rewrites them."""
        for name in (STATS, EVALUATION):
            damaged = keep_statistics(self.path / name, lambda step: not first < step <= last)
            if damaged:
                print_lines([f"{name}: skipped {damaged} damaged line{'s' * (damaged > 1)}"])

    def save_checkpoint(self, checkpoint: tf.train.Checkpoint, step: int, keep: int) -> None:
        """Writes the training state, then removes old checkpoints."""
        self.checkpoints.save(checkpoint, step, keep)
        write_text(self.path / PROGRESS, json.dumps({"step": step}))

    @property
    def last_step(self) -> int:
        """The step of the newest checkpoint; 0 if there is none."""
        return self.checkpoints.newest()

    def restore_checkpoint(
        self, checkpoint: tf.train.Checkpoint, config: TrainConfig, from_step: int | None = None
    ) -> Resumed:
        """Restores existing variables from the newest checkpoint up to the number of steps.

        If the options change what the steps after it compute, later checkpoints no longer count.

        Args:
            checkpoint: The training state.
            config: The options of the run from now on.
            from_step: The step of the checkpoint that the user chose; 0 to start again; None for the newest.

        Returns:
            The step of the checkpoint, and the last step whose records no longer count.

        Raises:
            RunError: No checkpoint can be read, although the run has saved some; or not the chosen one.
        """
        found = self.checkpoints.restore(checkpoint, config.steps if from_step is None else from_step)
        if from_step is not None and found.step != from_step:
            raise RunError(
                f"the checkpoint is damaged; {self._kept_words()}; newest intact one before it: "
                f"{found.step or 'none'}",
                "from_step",
                from_step,
            )
        reached = self._reached(config)
        if not found.step and from_step is None and (found.damaged or reached):
            what = "are damaged" if found.damaged else "are gone"
            raise RunError(
                f"all checkpoints of this run {what}, although it has reached step "
                f"{max(reached, *found.damaged, 0)}; restore {self.path / CHECKPOINTS}, or start again: "
                f"{self.resume_command(more=('--from_step=0',))}",
                "run_dir",
                self.path,
            )
        for step, reason in found.damaged.items():
            print_lines(
                [f"the checkpoint of step {step} is damaged; resuming from step {found.step} ({reason})"]
            )
        rates, rewritten = LearningRates(self.path), config.steps
        if rates.changes_after(found.step, config):
            for aside in self.checkpoints.set_aside(found.step):
                print_lines([f"this later checkpoint is no longer used and was renamed: {aside}"])
            rates.change(found.step, config)
            rewritten = max(rewritten, self._last_record())
        self.save_config(config)
        return Resumed(found.step, rewritten)

    def _last_record(self) -> int:
        """Returns the last step that has statistics or an evaluation; 0 without any."""
        lines = [*self.read_stats(STATS), *self.read_stats(EVALUATION)]
        return max((line["step"] for line in lines), default=0)

    def _reached(self, config: TrainConfig) -> int:
        """Returns the step of a checkpoint that the run must have saved; 0 if there need not be one."""
        with contextlib.suppress(JsonError):
            return read_json(self.path / PROGRESS, _Progress).step
        # Runs of version 0.1.0 do not have the file. Statistics go on after a checkpoint.
        last = max((line["step"] for line in self.read_stats()), default=0)
        return last // config.checkpoint_interval * config.checkpoint_interval

    def checkpoint_path(self, step: int) -> Path:
        """Returns the folder of the checkpoint after `step` steps."""
        return self.checkpoints.path(step)


def located(data: str) -> str:
    """Returns data sources with the absolute paths of their folders; other sources as they are."""
    return each_source(_located, data)


def _located(data: str) -> str:
    kind, colon, where = data.partition(":")
    if colon and kind in ("sutemo", "sutemo-white", "pixel"):
        return f"{kind}:{Path(where).resolve().as_posix()}"
    return Path(data).resolve().as_posix() if data and Path(data).exists() else data


def run_label(name: str) -> str:
    """Returns a name that is safe in a path: TensorFlow takes `[` for a pattern, and Windows refuses `:`."""
    return re.sub(r"[^\w.]+", "-", name).strip("-.")[:LONGEST_LABEL]


def next_run_directory(parent: Path, label: str) -> Path:
    """Returns the directory that the next run would get, such as `runs/0003-drawn-published`."""
    return parent / f"{next_number(parent):04d}-{label}"


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
