"""The output of `--dry_run`: a run's configuration, and its size and cost as measured in a few steps."""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path

import numpy as np

from anime_gan.common.markdown import duration_in_words
from anime_gan.datasets.dataset import Dataset
from anime_gan.datasets.splits import Split
from anime_gan.runs.start import make_trainer, training_indices
from anime_gan.training.batches import Batches
from anime_gan.training.config import TrainConfig
from anime_gan.training.precision import resolve_dtype

TRIAL_STEPS, MAX_TRIAL_STEPS = 5, 16
# The first two steps build the graphs: one with the gradient penalty, one without.
BUILDING_STEPS = 2


def describe_run(config: TrainConfig, dataset: Dataset, split: Split, directory: Path) -> str:
    """Builds a run, trains for a few steps, and describes the run: five lines of summary, then details.

    Args:
        config: The run's options.
        dataset: All images and labels.
        split: The split of the dataset.
        directory: The directory that the run would use.
    """
    # The initial steps without the generator are ignored, because they are few and cheap.
    train = training_indices(split.train, dataset.frequencies)
    trainer = make_trainer(dataclasses.replace(config, discriminator_steps=0), dataset, train)
    batches = Batches(len(train), config.batch_size, config.seed)
    # In whole penalty intervals, the share of steps with the penalty is the same as in the run.
    whole = -(-TRIAL_STEPS // config.penalty_interval) * config.penalty_interval
    seconds = []
    for step in range(BUILDING_STEPS + min(whole, MAX_TRIAL_STEPS)):
        chosen = train[batches.indices(step)]
        started = time.perf_counter()
        trainer.train_step(dataset.images[chosen], dataset.labels[chosen])
        seconds.append(time.perf_counter() - started)
    step_seconds = float(np.mean(seconds[BUILDING_STEPS:]))
    peak = _peak_memory()
    summaries: list[str] = []
    for network in (trainer.generator, trainer.discriminator):
        network.summary(print_fn=summaries.append, line_length=100)
    return "\n".join(
        [
            f"images: {len(split.train):,} for training, {len(dataset.images) - len(split.train):,} held out",
            f"steps: {config.steps:,} with a batch size of {config.batch_size}",
            f"time: about {duration_in_words(config.steps * step_seconds)} ({step_seconds:.3f} s per step, "
            f"{config.batch_size / step_seconds:.0f} images/s), without samples and checkpoints",
            f"memory: {'unknown on this system' if peak is None else f'about {peak / 2**30:.1f} GiB'}",
            f"output: {directory}",
            "",
            f"precision: {resolve_dtype(config.precision)}",
            f"dataset: {dataset.statement}",
            dataset.statistics(),
            config.to_json(),
            *summaries,
        ]
    )


def _peak_memory() -> int | None:
    """Returns the peak memory of this process, in bytes; None on Windows, which lacks `resource`."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, other systems kibibytes.
    return peak if sys.platform == "darwin" else peak * 1024
