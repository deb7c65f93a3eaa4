"""The training loop of a run, from the first step to the export."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import numpy as np
from tqdm import tqdm

from anime_gan.datasets.dataset import Dataset
from anime_gan.exports.write import export_model
from anime_gan.runs.cluster import Cluster
from anime_gan.runs.curves import draw_curves
from anime_gan.runs.event_files import keep_events
from anime_gan.runs.learning_rates import LearningRates
from anime_gan.runs.mirror import push_run
from anime_gan.runs.reporter import EVENTS, Reporter
from anime_gan.runs.run_directory import RunDirectory
from anime_gan.runs.snapshots import remove_old_snapshots
from anime_gan.runs.statistics import training_seconds
from anime_gan.training.batches import Batches
from anime_gan.training.config import TrainConfig
from anime_gan.training.trainer import Trainer

logger = logging.getLogger(__name__)


def run_training(
    trainer: Trainer,
    dataset: Dataset,
    train: np.ndarray,
    run: RunDirectory,
    from_step: int | None = None,
    cluster: Cluster | None = None,
) -> int:
    """Trains to the configured number of steps, starting from the newest checkpoint, and exports the model.

    Without a checkpoint, training starts from the trainer's current state. On SIGTERM or Ctrl-C, the loop
    saves a checkpoint and stops. In a cluster, the chief writes the run, and a signal to any worker stops all
    of them after the same step.

    Args:
        trainer: The networks and their state.
        dataset: All images and labels.
        train: int64 [n], indices of the training images.
        run: The directory of the run.
        from_step: The step of the checkpoint to start from; None for the newest one.
        cluster: The workers of the run; None for a process that trains alone.

    Returns:
        The exit status: 0 if the run is complete, or 128 + the number of the signal that stopped it.

    Raises:
        NonFiniteError: A reported value or a weight is infinite or NaN. All checkpoints are finite.
        RunError: The run has checkpoints, but none can be read; or its mirror cannot be written at the end.
    """
    config, cluster = trainer.config, cluster or Cluster()
    first = _restore(trainer, run, from_step, cluster)
    batches = Batches(len(train), config.batch_size, config.seed)
    records = _Records(trainer, dataset, train, run) if cluster.is_chief else None
    logger.info("training from step %d to %d", first, config.steps)

    with _caught_signals() as caught, _progress_bar(first, config, shown=cluster.is_chief) as progress:
        if records and first == 0:
            records.reporter.write_samples(0)
        for step in range(first, config.steps):
            chosen = train[batches.indices(step)[trainer.part]]
            trainer.received = next(iter(caught), 0)
            started = time.perf_counter()
            trainer.train_step(dataset.images[chosen], dataset.labels[chosen])
            seconds = time.perf_counter() - started
            done = step + 1
            progress.update()
            # Workers stop together, so a signal during a step counts in the next one.
            stop = trainer.stopped_by if cluster.has_others else next(iter(caught), 0)

            if records:
                records.write(done, seconds, progress)
            elif done % config.log_interval == 0:
                # The means start again on all workers.
                trainer.take_report()
            if done % config.checkpoint_interval == 0 or done == config.steps or stop:
                trainer.check_weights()
                if cluster.is_chief:
                    run.save_checkpoint(trainer.checkpoint, done, config.keep_checkpoints)
                else:
                    run.checkpoints.save_apart(trainer.checkpoint)
                if cluster.is_chief and not stop and done < config.steps:
                    push_run(run.path)
            if stop and done < config.steps:
                logger.info("stopped by signal %d at step %d; checkpoint saved", stop, done)
                _push_last(run, cluster)
                progress.write(
                    f"Stopped at step {done}, checkpoint saved. To draw faces: {run.draw_command()}\n"
                    f"To resume: {run.resume_command()}",
                    file=sys.stderr,
                )
                return 128 + stop

    if cluster.is_chief:
        exported = _export(trainer, dataset, run, config.steps)
        remove_old_snapshots(run, config)
        draw_curves(run.read_stats(), run.path / "curves.png")
        print(f"model: {exported}\nsamples: {run.path / 'samples'}\nto draw faces: {run.draw_command()}")
    _push_last(run, cluster)
    return 0


def _push_last(run: RunDirectory, cluster: Cluster) -> None:
    """Uploads a run that has a mirror; all workers wait, because one that ends earlier would look dead."""
    with cluster.agreed():
        if cluster.is_chief:
            push_run(run.path, is_last=True)


def _restore(trainer: Trainer, run: RunDirectory, from_step: int | None, cluster: Cluster) -> int:
    """Restores the checkpoint that the chief chooses; returns its step, or 0 without one."""
    resumed = None
    with cluster.agreed():
        if cluster.is_chief:
            resumed = run.restore_checkpoint(trainer.checkpoint, trainer.config, from_step)
    first = int(cluster.chief_says(str(resumed.step if resumed else 0)))
    with cluster.agreed():
        if resumed is None and first:
            run.checkpoints.restore_step(trainer.checkpoint, first)
        trainer.set_learning_rates()
        if resumed and resumed.step < resumed.rewritten:
            run.cut_stats(*resumed)
            keep_events(run.path / EVENTS, lambda tag, step: _stays(tag, step, *resumed))
    return first


class _Records:
    """What is written about a run during training, except its checkpoints.

    Attributes:
        reporter: Writes statistics, samples, and evaluations.
    """

    def __init__(self, trainer: Trainer, dataset: Dataset, train: np.ndarray, run: RunDirectory) -> None:
        self.reporter = Reporter(trainer, dataset, train, run)
        self._trainer, self._dataset, self._run = trainer, dataset, run

    def write(self, done: int, seconds: float, progress: tqdm) -> None:
        """Writes what is due after a step.

        Args:
            done: Number of completed steps.
            seconds: Duration of the last one.
            progress: The progress bar, which shows the latest values.
        """
        config, reporter = self._trainer.config, self.reporter
        reporter.training_seconds += seconds
        if done % config.log_interval == 0:
            reporter.write_stats(done)
            progress.set_postfix(reporter.shown(), refresh=False)
        if done % config.sample_interval == 0 or done == config.steps:
            reporter.write_samples(done)
            progress.write(reporter.summary(), file=sys.stderr)
        snapshot = bool(config.export_interval) and done % config.export_interval == 0
        if config.evaluation_interval and (
            done % config.evaluation_interval == 0 or done == config.steps or snapshot
        ):
            reporter.write_evaluation(done)
            progress.set_postfix(reporter.shown(), refresh=False)
        if snapshot and done < config.steps:
            _export(self._trainer, self._dataset, self._run, done)
            remove_old_snapshots(self._run, config)
            push_run(self._run.path)


def _export(trainer: Trainer, dataset: Dataset, run: RunDirectory, step: int) -> Path:
    """Exports the model as it is after a step."""
    stats = [line for line in run.read_stats() if line["step"] <= step]
    seconds = training_seconds(stats, trainer.config.batch_size)
    rates = LearningRates(run.path).entries_until(step)
    earlier = run.read_data().earlier_runs
    exported = export_model(trainer, dataset, trainer.config, run.export_path(step), seconds, rates, earlier)
    logger.info("exported to %s", exported)
    return exported


def _stays(tag: str, step: int, first: int, last: int) -> bool:
    """Returns whether an entry of TensorBoard stays when the steps after `first` are trained again."""
    # A run that starts again also draws its first samples again, and every start describes the run.
    again = step == first and (first == 0 or tag.startswith("about/"))
    return not (again or first < step <= last)


@contextlib.contextmanager
def _caught_signals() -> Iterator[list[int]]:
    """Collects the signals SIGTERM and SIGINT, so that the loop can save a checkpoint before it stops."""
    caught: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        caught.append(number)

    previous = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield caught
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _progress_bar(first: int, config: TrainConfig, shown: bool) -> tqdm:
    return tqdm(
        disable=not shown,
        total=config.steps,
        initial=first,
        unit="step",
        desc="training",
        # In a file, a line every half second would be too much.
        mininterval=0.5 if sys.stderr.isatty() else 30.0,
    )
