"""A training run from start to export: the loop, and what is reported and saved when."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType

from tqdm import tqdm

from anime_gan.datasets.dataset import Dataset
from anime_gan.exports.write import export_model
from anime_gan.runs.curves import draw_curves
from anime_gan.runs.reporter import Reporter
from anime_gan.runs.run_directory import RunDirectory
from anime_gan.runs.start import split_for
from anime_gan.training.batches import Batches
from anime_gan.training.config import TrainConfig, code_options
from anime_gan.training.trainer import Trainer

logger = logging.getLogger(__name__)


def run_training(trainer: Trainer, config: TrainConfig, dataset: Dataset, run: RunDirectory) -> int:
    """Trains from the run's newest checkpoint, or from what the trainer is, to `config.steps`, and exports.

    SIGTERM and Ctrl-C save a checkpoint and stop.

    Returns:
        The exit status: 0 when the run is complete, 128 + the signal's number when it was stopped.

    Raises:
        NonFiniteError: A loss became infinite or NaN; the last checkpoint is untouched.
    """
    first = run.restore_checkpoint(trainer.checkpoint)
    run.cut_stats(first)
    train = split_for(config, dataset).train
    batches = Batches(len(train), config.batch_size, config.seed)
    reporter = Reporter(trainer, config, dataset, run)
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
                logger.info("stopped by signal %d at step %d; state saved", caught[0], done)
                code = code_options(dataclasses.asdict(config))
                flags = "".join(f" --{name}={value}" for name, value in code.items())
                resume = f"python train.py --resume --run_dir={run.path}{flags}"
                progress.write(
                    f"Stopped at step {done}, checkpoint saved. To resume: {resume}", file=sys.stderr
                )
                return 128 + caught[0]

    stats = run.read_stats()
    version = run.path / "export" / str(config.steps)
    exported = export_model(trainer, dataset, config, version, _training_seconds(stats, config.batch_size))
    draw_curves(stats, run.path / "curves.png")
    logger.info("exported to %s", exported)
    print(f"model: {exported}\npictures: {run.path / 'samples'}\ndraw: python generate.py --model={run.path}")
    return 0


def _training_seconds(stats: Sequence[Mapping[str, float]], batch_size: int) -> float:
    """What the steps took that the lines of `stats.jsonl` report on."""
    steps = [0, *(int(line["step"]) for line in stats)]
    return sum(
        (step - before) * batch_size / line["images_per_second"]
        for before, step, line in zip(steps, steps[1:], stats, strict=False)
    )


@contextlib.contextmanager
def _caught_signals() -> Iterator[list[int]]:
    """Collects SIGTERM and Ctrl-C, so that the loop can save before it stops."""
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
        # A log file needs no line every tenth of a second.
        mininterval=0.5 if sys.stderr.isatty() else 30.0,
    )
