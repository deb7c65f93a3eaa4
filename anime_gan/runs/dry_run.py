"""What `--dry_run` prints: a run's configuration, cost and memory, measured on a few steps."""

from __future__ import annotations

import dataclasses
import resource
import time

import numpy as np

from anime_gan.datasets.dataset import Dataset
from anime_gan.runs.start import make_trainer, split_for
from anime_gan.training.batches import Batches
from anime_gan.training.config import TrainConfig
from anime_gan.training.precision import resolve_dtype

TRIAL_STEPS, MAX_TRIAL_STEPS = 5, 16
# The first steps build the graphs, with the penalty and without.
BUILDING_STEPS = 2


def describe_run(config: TrainConfig, dataset: Dataset) -> str:
    """What a run would do and cost, found out by building it and making a few steps.

    Memory is the process's peak after those steps; time leaves out pictures and checkpoints.
    """
    # Steps that leave the generator out come first, cost less, and are few.
    trainer = make_trainer(dataclasses.replace(config, discriminator_steps=0), dataset)
    train = split_for(config, dataset).train
    batches = Batches(len(train), config.batch_size, config.seed)
    # As many steps with the penalty among them as there are in the run.
    whole = -(-TRIAL_STEPS // config.penalty_interval) * config.penalty_interval
    seconds = []
    for step in range(BUILDING_STEPS + min(whole, MAX_TRIAL_STEPS)):
        chosen = train[batches.indices(step)]
        started = time.perf_counter()
        trainer.train_step(dataset.images[chosen], dataset.labels[chosen])
        seconds.append(time.perf_counter() - started)
    step_seconds = float(np.mean(seconds[BUILDING_STEPS:]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    summaries: list[str] = []
    for network in (trainer.generator, trainer.discriminator):
        network.summary(print_fn=summaries.append, line_length=100)
    return "\n".join(
        [
            config.to_json(),
            *summaries,
            f"dataset: {len(dataset.images)} images. {dataset.statement}",
            dataset.statistics(),
            f"precision: {resolve_dtype(config.precision)}",
            f"time: {step_seconds:.3f} s a step, {config.batch_size / step_seconds:.0f} images/s, "
            f"about {config.steps * step_seconds / 60:.0f} minutes for {config.steps} steps",
            f"memory: about {peak:.1f} GiB",
        ]
    )
