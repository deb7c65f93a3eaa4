"""Fine-tuning: starts training from the generator of an export."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anime_gan.attributes.phrases import normalize
from anime_gan.attributes.schema import AMBIGUOUS_PHRASE, UNKNOWN_PHRASE, Schema
from anime_gan.common.alpha import transparency
from anime_gan.common.quiet import import_tensorflow
from anime_gan.common.user_code import is_reference
from anime_gan.exports.read import ModelError, read_export
from anime_gan.training.config import ConfigError

if TYPE_CHECKING:
    from anime_gan.common.backend import keras

# The export determines these options, because its weights fit no other values.
FIXED_OPTIONS = ("architecture", "resolution", "latent_dim")
# The discriminator first trains alone. Before it has learned, its gradients would harm a trained generator.
DISCRIMINATOR_STEPS = 100


class WarmStart:
    """A trained generator to start from.

    Attributes:
        export: The exported model.
    """

    def __init__(self, directory: Path) -> None:
        """Reads the files beside a SavedModel.

        Args:
            directory: A path, as in `find_export`.

        Raises:
            ModelError: There is no export, or a file is missing or damaged.
        """
        try:
            self.export = read_export(directory)
        except ModelError as error:
            raise error.about("init_from") from error
        self._path = self.export.directory.resolve()

    def refuse_folded(self) -> None:
        """Checks that packing has not folded the normalization away, before any other work.

        Raises:
            ConfigError: It has.
        """
        config = self.export.record["config"]
        # The command must name Python code of the user before it may be imported.
        if "packing" not in self.export.record or is_reference(config["architecture"]):
            return
        import_tensorflow()
        from anime_gan.exports.write import make_generator

        # The statistics are in the kernels now, so training would normalize a second time.
        if make_generator(config, self.export.schema).normalized_convolutions:
            raise self._error("is a packed model and cannot be trained further; pass the original export")

    def options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the options of a run that starts from the export.

        Args:
            given: The options that the user gave.

        Returns:
            The given options, and the options that the export determines.

        Raises:
            ConfigError: A given option contradicts the export.
        """
        config = self.export.record["config"]
        # Exports from before version 0.2.0 lack the base resolution.
        options = {name: config[name] for name in FIXED_OPTIONS}
        options["base_resolution"] = config.get("base_resolution", 0)
        options["transparent"] = transparency(self.export.channels)
        given = without_auto(given)
        refuse_contradictions(given, options, "the model to fine-tune")
        if is_reference(options["architecture"]) and "architecture" not in given:
            raise ConfigError(
                "Python code is imported only if the command names it: add "
                f"--architecture={options['architecture']}"
            )
        return {"discriminator_steps": DISCRIMINATOR_STEPS, **given, **options, "init_from": str(self._path)}

    def check(self, schema: Schema) -> None:
        """Checks that the generator can be trained on data with this schema.

        Raises:
            ConfigError: Either the model or the data has no labels.
        """
        if bool(self.export.schema.num_labels) != bool(schema.num_labels):
            which = ("but the data has none", "but the model has none")[bool(schema.num_labels)]
            raise self._error(f"fine-tuning needs labels in both model and data, {which}")

    def credit(self, statement: str) -> str:
        """Returns the origin and license of a dataset, followed by those of this model if they differ."""
        theirs = self.export.record["statement"].removeprefix(statement).strip()
        credit = f"{statement} The generator was fine-tuned from model {self.export.name}. {theirs}"
        return credit.rstrip()

    def describe(self, schema: Schema) -> str:
        """Returns a line that says which of the data's labels the model knows."""
        columns = matching_columns(self.export.schema, schema)
        new = [name for name, column in zip(schema.columns, columns, strict=True) if column is None]
        known = (
            f"fine-tuning {self._path} with a new discriminator: {len(columns) - len(new)} of {len(columns)} "
            "labels match"
        )
        return f"{known}; new labels start untrained: {', '.join(new)}" if new else known

    def fill(self, generator: keras.Model, schema: Schema) -> None:
        """Copies the trained weights into a generator, which may have other labels.

        Labels that the model does not know have no effect at first. Labels that the data lacks are fixed at
        their means.

        Args:
            generator: A generator of the same architecture and size.
            schema: The schema of its labels.

        Raises:
            ConfigError: Its layers do not have the standard sizes.
        """
        # Imported here, because these modules import TensorFlow.
        from anime_gan.common.backend import tf
        from anime_gan.exports.read import read_label_rows
        from anime_gan.exports.write import make_generator

        config = self.export.record["config"]
        trained = make_generator(config, self.export.schema)
        model = self.export.load()
        trained.set_weights([tf.cast(weight, tf.float32).numpy() for weight in model.weights])
        weights = trained.get_weights()
        if schema.num_labels:
            layer, first_row = trained.label_layer
            rows = read_label_rows(self.export.directory)
            kernel, bias = layer.get_weights()
            translated, shift = translate_labels(
                kernel[first_row:],
                matching_columns(self.export.schema, schema),
                np.average(self.export.schema.decode(rows.rows), axis=0, weights=rows.counts),
            )
            places = {id(variable): place for place, variable in enumerate(trained.variables)}
            weights[places[id(layer.kernel)]] = np.concatenate([kernel[:first_row], translated])
            weights[places[id(layer.bias)]] = bias + shift
        if [value.shape for value in weights] != [tuple(v.shape) for v in generator.variables]:
            raise self._error(
                "its generator does not have the standard layer sizes of architecture "
                f"{config['architecture']}, so it cannot be fine-tuned"
            )
        generator.set_weights(weights)

    def _error(self, reason: str) -> ConfigError:
        return ConfigError(reason, "init_from", self._path)


def without_auto(given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options without `transparent=auto`, so that the trained networks determine it."""
    return {name: value for name, value in given.items() if (name, value) != ("transparent", "auto")}


def refuse_contradictions(given: Mapping[str, Any], decided: Mapping[str, Any], whose: str) -> None:
    """Checks that the user's options do not contradict the options that trained weights determine.

    Raises:
        ConfigError: A value differs. The message begins with `whose`, such as "the model to fine-tune".
    """
    for name, value in decided.items():
        if given.get(name, value) != value:
            raise ConfigError(f"{whose} has {value}; omit this option", name, given[name])


def matching_columns(source: Schema, target: Schema) -> list[int | None]:
    """Finds the columns of one schema that correspond to the columns of another.

    Columns match if they have the same name. Otherwise, they match if the same phrase requests both.

    Returns:
        For each column of `target`, the matching column of `source`; None if there is none.
    """
    columns: list[int | None] = []
    for name, term in zip(target.columns, target.terms, strict=True):
        if name in source.columns:
            columns.append(source.columns.index(name))
            continue
        codes = (source.phrase_codes.get(normalize(phrase), UNKNOWN_PHRASE) for phrase in term.phrases)
        # Even codes mean that the attribute is present, odd codes that it is absent.
        found = (
            c // 2
            for c in codes
            if c not in (UNKNOWN_PHRASE, AMBIGUOUS_PHRASE) and c % 2 == 0 and c < 2 * source.num_labels
        )
        columns.append(next(found, None))
    return columns


def translate_labels(
    kernel: np.ndarray, columns: list[int | None], mean_labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Translates the weights of a label layer to another schema.

    Args:
        kernel: The trained kernel, [source labels, units].
        columns: For each target label, the source label or None.
        mean_labels: Mean of each source label, in -1..1; [source labels].

    Returns:
        The kernel [target labels, units], with zeros for new labels, and a correction of the bias [units].
        The correction fixes source labels without a target at their means.
    """
    translated = np.zeros((len(columns), kernel.shape[1]), kernel.dtype)
    for row, column in enumerate(columns):
        if column is not None:
            translated[row] = kernel[column]
    gone = sorted(set(range(len(kernel))) - {column for column in columns if column is not None})
    return translated, (mean_labels[gone] @ kernel[gone]).astype(kernel.dtype)
