"""The training loop of a run, from the first step to the export."""

from __future__ import annotations

import contextlib
import logging
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType

import numpy as np
from tqdm import tqdm

from anime_gan.datasets.dataset import Dataset
from anime_gan.exports.write import export_model
from anime_gan.runs.curves import draw_curves
from anime_gan.runs.reporter import Reporter
from anime_gan.runs.run_directory import RunDirectory
from anime_gan.training.batches import Batches
from anime_gan.training.config import TrainConfig
from anime_gan.training.trainer import Trainer

logger = logging.getLogger(__name__)


def run_training(trainer: Trainer, dataset: Dataset, train: np.ndarray, run: RunDirectory) -> int:
    """Trains to the configured number of steps, starting from the newest checkpoint, and exports the model.

    Without a checkpoint, training starts from the trainer's current state. On SIGTERM or Ctrl-C, the loop
    saves a checkpoint and stops.

    Args:
        trainer: The networks and their state.
        dataset: All images and labels.
        train: int64 [n], indices of the training images.
        run: The directory of the run.

    Returns:
        The exit status: 0 if the run is complete, or 128 + the number of the signal that stopped it.

    Raises:
        NonFiniteError: A reported value is infinite or NaN. The last checkpoint is intact.
    """
    config = trainer.config
    first = run.restore_checkpoint(trainer.checkpoint)
    run.cut_stats(first)
    batches = Batches(len(train), config.batch_size, config.seed)
    reporter = Reporter(trainer, dataset, train, run)
    logger.info("training from step %d to %d", first, config.steps)
    if first == 0:
        reporter.write_samples(0)

    with _caught_signals() as caught, _progress_bar(first, config) as progress:
        for step in range(first, config.steps):
            chosen = train[batches.indices(step)]
            started = time.perf_counter()
            trainer.train_step(dataset.images[chosen], dataset.labels[chosen])
            reporter.training_seconds += time.perf_counter() - started
            done = step + 1
            progress.update(config.batch_size)

            if done % config.log_interval == 0:
                reporter.write_stats(done)
            if done % config.sample_interval == 0 or done == config.steps:
                reporter.write_samples(done)
                progress.write(reporter.summary(), file=sys.stderr)
            if config.evaluation_interval and (
                done % config.evaluation_interval == 0 or done == config.steps
            ):
                reporter.write_evaluation(done)
            if done % config.checkpoint_interval == 0 or done == config.steps or caught:
                run.save_checkpoint(trainer.checkpoint, done, config.keep_checkpoints)
            if caught and done < config.steps:
                logger.info("stopped by signal %d at step %d; checkpoint saved", caught[0], done)
                resume = run.resume_command()
                progress.write(
                    f"Stopped at step {done}, checkpoint saved. To resume: {resume}", file=sys.stderr
                )
                return 128 + caught[0]

    stats = run.read_stats()
    seconds = _training_seconds(stats, config.batch_size)
    exported = export_model(trainer, dataset, config, run.export_path(config.steps), seconds)
    draw_curves(stats, run.path / "curves.png")
    logger.info("exported to %s", exported)
    draw = shlex.join(["python", "generate.py", f"--model={run.path}"])
    print(f"model: {exported}\nsamples: {run.path / 'samples'}\nto draw faces: {draw}")
    return 0


def _training_seconds(stats: Sequence[Mapping[str, float]], batch_size: int) -> float:
    """Returns the total duration of the steps that `stats.jsonl` covers, in seconds."""
    steps = [0, *(int(line["step"]) for line in stats)]
    return sum(
        (step - before) * batch_size / line["images_per_second"]
        for before, step, line in zip(steps, steps[1:], stats, strict=False)
    )


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


def _progress_bar(first: int, config: TrainConfig) -> tqdm:
    return tqdm(
        total=config.steps * config.batch_size,
        initial=first * config.batch_size,
        unit="image",
        desc="training",
        unit_scale=True,
        # In a file, a line every half second would be too much.
        mininterval=0.5 if sys.stderr.isatty() else 30.0,
    )
