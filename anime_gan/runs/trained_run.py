"""Starts training from both networks of another run, at the same or at twice the resolution."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anime_gan.attributes.schema import Schema
from anime_gan.common.alpha import transparency
from anime_gan.common.plain_paths import readable
from anime_gan.common.user_code import is_reference
from anime_gan.datasets.dataset import Dataset
from anime_gan.models import get_architecture
from anime_gan.runs.run_directory import RunDirectory
from anime_gan.runs.run_lock import RunError
from anime_gan.runs.warm_start import WarmStart, refuse_contradictions, without_auto
from anime_gan.training.checkpoints import STATE, checkpoint_step
from anime_gan.training.config import ConfigError
from anime_gan.training.run_files import CHECKPOINTS, CONFIG, SCHEMA

if TYPE_CHECKING:
    from anime_gan.common.backend import keras
    from anime_gan.training.trainer import Trainer

# The other run determines these options, because its weights fit no other values.
FIXED_OPTIONS = ("architecture", "discriminator", "latent_dim", "attribute_head", "projection")


class TrainedRun:
    """A checkpoint of another run.

    Attributes:
        run: The directory of the run.
        config: The options of the run.
    """

    def __init__(self, checkpoint: Path, given: Mapping[str, Any]) -> None:
        """Reads the options and the schema of a run.

        Args:
            checkpoint: A folder from `find_checkpoint`.
            given: The options that the user gave. Only Python code that they name is imported.

        Raises:
            RunError: A file of the run is damaged, an option is unknown, or its value is not allowed.
        """
        self.run = RunDirectory(checkpoint.parent.parent)
        self.config = self.run.load_config(given)
        self._checkpoint = checkpoint
        self._schema = Schema.read(self.run.path / SCHEMA, RunError)
        data = self.run.read_data()
        self._statement, self._channels = data.statement, data.channels
        self._before = data.earlier_runs

    def options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the options of a run that starts from this one.

        Args:
            given: The options that the user gave.

        Returns:
            The given options, and the options that this run determines.

        Raises:
            ConfigError: A given option contradicts this run.
        """
        config = self.config
        side = given.get("resolution", config.resolution)
        doubled = side == 2 * config.resolution and get_architecture(config.architecture).grows
        if side != config.resolution and not doubled:
            sizes = f"{config.resolution}"
            if get_architecture(config.architecture).grows:
                sizes += f" or {2 * config.resolution}"
            raise ConfigError(
                f"a run that starts from this one must have {sizes} pixels per side", "resolution", side
            )
        options = {name: getattr(config, name) for name in FIXED_OPTIONS}
        options["resolution"] = side
        options["base_resolution"] = config.base_resolution
        suggested: dict[str, Any] = {"discriminator_steps": 0, "transparent": transparency(self._channels)}
        given = without_auto(given)
        if doubled:
            options["base_resolution"] = config.base_resolution or config.resolution
        penalty = config.gradient_penalty
        # Code of the user is imported only if the command names it.
        if given.get("gradient_penalty", penalty) == penalty and not is_reference(penalty):
            suggested["gradient_penalty"] = penalty
            # After growing, the gradient is spread over four times as many pixels, so its squared norm is a
            # quarter.
            suggested["penalty_weight"] = (4.0 if doubled else 1.0) * self._penalty_weight()
        refuse_contradictions(given, options, "the run to start from")
        return {**suggested, **given, **options, "init_from": str(self._checkpoint)}

    def _penalty_weight(self) -> float:
        # Here, because it imports TensorFlow at its top.
        from anime_gan.training.penalties import get_gradient_penalty

        return get_gradient_penalty(self.config.gradient_penalty).weight(self.config.penalty_weight)

    def fits(self, dataset: Dataset) -> bool:
        """Returns whether the data has this run's labels and channels, which the discriminator needs."""
        same_labels = dataset.schema.to_json() == self._schema.to_json()
        return same_labels and dataset.images.shape[3] == self._channels

    def generator_alone(self, resolution: int) -> WarmStart:
        """Returns this run's exported generator, for data that the discriminator does not fit.

        Raises:
            ConfigError: The new run has another resolution.
            ModelError: The checkpoint cannot be exported.
        """
        if resolution != self.config.resolution:
            raise ConfigError(
                "a run can grow only if labels and transparency stay the same; fine-tune it at "
                f"{self.config.resolution} pixels first",
                "init_from",
                self.run.path,
            )
        return WarmStart(self._checkpoint)

    @property
    def earlier_runs(self) -> list[dict[str, Any]]:
        """Name, options, and step of this run and of those that it started from, the first one first."""
        options = dataclasses.asdict(self.config)
        return [*self._before, {"name": self.run.path.name, "config": options, "steps": self._step}]

    def credit(self, statement: str) -> str:
        """Returns the origin and license of a dataset, with those of this run's data if they differ."""
        if f"{self._statement} ".startswith(f"{statement} "):
            return self._statement
        return f"{statement} The networks were first trained in run {self.run.path.name}. {self._statement}"

    def describe(self, resolution: int) -> str:
        """Returns a line that says how a run of this resolution starts."""
        name = f"{self.run.path} (step {self._step})"
        if resolution == self.config.resolution:
            return f"starting from both networks of {name}"
        return f"growing both networks of {name} from {self.config.resolution} to {resolution} pixels"

    def fill(self, trainer: Trainer) -> None:
        """Copies all networks into a trainer. The outputs of a new level start at zero."""
        from anime_gan.common.backend import tf
        from anime_gan.training.networks import build_networks

        with trainer.strategy.scope():
            networks = build_networks(
                self.config, self._schema.num_labels, self._channels, "float32", synchronized=False
            )._asdict()
            checkpoint = tf.train.Checkpoint(**networks)
            with readable(self._checkpoint) as folder:
                status = checkpoint.read(str(folder / STATE)).expect_partial()
            status.assert_existing_objects_matched()
            for name, network in networks.items():
                copy_common(network, getattr(trainer, name))

    @property
    def _step(self) -> int:
        return checkpoint_step(self._checkpoint)


def find_checkpoint(path: Path) -> Path | None:
    """Returns the newest checkpoint of a run, or the path itself if it is a checkpoint; else None."""
    if path.parent.name == CHECKPOINTS and (path.parent.parent / CONFIG).is_file() and path.is_dir():
        return path.resolve()
    run = RunDirectory(path)
    if not (path / CONFIG).is_file() or not run.last_step:
        return None
    return run.checkpoint_path(run.last_step).resolve()


def copy_common(source: keras.Model, target: keras.Model) -> None:
    """Copies all variables of a network into one of the same architecture and equal or larger size.

    Raises:
        ValueError: The larger network lacks a variable, or the variable has another shape.
    """
    # The first part of a path is ignored. It is the network's name, which Keras numbers.
    places = {variable.path.partition("/")[2]: variable for variable in target.variables}
    for variable in source.variables:
        place = places.get(variable.path.partition("/")[2])
        if place is None or place.shape != variable.shape:
            raise ValueError(f"{target.name} has no variable {variable.path} of shape {variable.shape}")
        place.assign(variable)
