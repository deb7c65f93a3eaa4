"""What to do after training diverged."""

from __future__ import annotations

import dataclasses

from anime_gan.runs.run_directory import RunDirectory
from anime_gan.training.config import LEARNING_RATES, TrainConfig, command_line


def way_on(run: RunDirectory, config: TrainConfig, step: int) -> str:
    """Returns the command that trains on with half the learning rate: from a checkpoint, or as a new run.

    Args:
        run: The directory of the run.
        config: Its options.
        step: The step at which training diverged.
    """
    slower = {name: half for name in LEARNING_RATES if (half := getattr(config, name) / 2)}
    steps = run.checkpoints.steps(step)
    if not steps:
        again = command_line(dataclasses.asdict(config) | slower)
        return f"No checkpoint had been saved. To try again with half the learning rate: {again}"
    options = [f"--from_step={steps[-1]}", *(f"--{name}={value:g}" for name, value in slower.items())]
    command = run.resume_command(more=options)
    older = f" (or from an older one, --from_step={steps[-2]})" if steps[1:] else ""
    return (
        f"The checkpoint of step {steps[-1]} is intact. To resume from it{older} with half the learning "
        f"rate: {command}"
    )
