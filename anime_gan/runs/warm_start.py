"""Training that begins with the generator of an export instead of a random one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anime_gan.attributes.phrases import normalize
from anime_gan.attributes.schema import AMBIGUOUS_PHRASE, UNKNOWN_PHRASE, Schema
from anime_gan.exports.read import NAME_DIGITS, ModelError, find_export, read_record, read_schema
from anime_gan.training.config import ConfigError

if TYPE_CHECKING:
    from anime_gan.common.backend import keras

# Given by the export; its weights fit nothing else.
FIXED_OPTIONS = ("architecture", "resolution", "latent_dim")
# While the discriminator knows nothing, what it says would only harm a trained generator.
DISCRIMINATOR_STEPS = 100


class WarmStart:
    """A trained generator to begin with.

    Attributes:
        export: The exported model.
        schema: What it understands.
        record: Its `training.json`.
    """

    def __init__(self, directory: Path) -> None:
        """Reads what lies beside a model.

        Args:
            directory: As in `find_export`.

        Raises:
            ConfigError: There is no complete model.
        """
        try:
            self.export = find_export(directory).resolve()
        except ModelError as error:
            raise ConfigError(error.reason, "init_from", error.value) from error
        self.schema = read_schema(self.export)
        self.record = read_record(self.export)

    def options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The options of a run that begins so.

        Args:
            given: Those that the user gives.

        Returns:
            The same, and what follows from the export.

        Raises:
            ConfigError: One contradicts the export.
        """
        options = {name: self.record["config"][name] for name in FIXED_OPTIONS}
        for name, value in options.items():
            if given.get(name, value) != value:
                raise ConfigError(f"--{name}={given[name]}: the model of --init_from has {value}")
        return {"discriminator_steps": DISCRIMINATOR_STEPS, **given, **options, "init_from": str(self.export)}

    def check(self, schema: Schema) -> None:
        """Makes sure that the generator can be trained on data with this schema.

        Raises:
            ConfigError: It cannot.
        """
        if bool(self.schema.num_labels) != bool(schema.num_labels):
            which = ("the data have none", "the model has none")[bool(schema.num_labels)]
            raise ConfigError(
                f"--init_from={self.export}: model and data must both have attributes, and {which}"
            )

    @property
    def statement(self) -> str:
        """Whose model it is, for whatever is trained from it."""
        name = self.record["weights_sha256"][:NAME_DIGITS]
        return f"The generator began as model {name}. {self.record['statement']}"

    def describe(self, schema: Schema) -> str:
        """What it knows of the data's attributes, in a line."""
        columns = matching_columns(self.schema, schema)
        new = [name for name, column in zip(schema.columns, columns, strict=True) if column is None]
        known = f"it knows {len(columns) - len(new)} of {len(columns)} labels"
        return f"beginning with {self.export}: {known}" + (f", not {', '.join(new)}" if new else "")

    def fill(self, generator: keras.Model, schema: Schema) -> None:
        """Puts the trained weights into a generator for other labels.

        What the model does not know has no effect at first. What the data do not know stays at its mean.

        Args:
            generator: Of the same architecture and size.
            schema: What the generator is to understand.

        Raises:
            ConfigError: Its size is another.
        """
        # Here, since they import TensorFlow at their top.
        from anime_gan.common.backend import tf
        from anime_gan.exports.read import read_label_rows
        from anime_gan.exports.write import make_generator

        trained = make_generator(self.record["config"], self.schema)
        # Training normalizes by the batch, and what would undo that lies in the convolutions.
        if "packing" in self.record and trained.normalized_convolutions:
            raise ConfigError(
                f"--init_from={self.export}: is packed, its batch normalization folded away; use the model "
                "that was packed"
            )
        model = tf.saved_model.load(str(self.export))
        trained.set_weights([tf.cast(weight, tf.float32).numpy() for weight in model.weights])
        weights = trained.get_weights()
        if schema.num_labels:
            layer, first_row = trained.label_layer
            rows = read_label_rows(self.export)
            kernel, bias = layer.get_weights()
            translated, shift = translate_labels(
                kernel[first_row:],
                matching_columns(self.schema, schema),
                np.average(rows.rows, axis=0, weights=rows.counts),
            )
            places = {id(variable): place for place, variable in enumerate(trained.variables)}
            weights[places[id(layer.kernel)]] = np.concatenate([kernel[:first_row], translated])
            weights[places[id(layer.bias)]] = bias + shift
        if [value.shape for value in weights] != [tuple(v.shape) for v in generator.variables]:
            raise ConfigError(
                f"--init_from={self.export}: its generator has not the usual size of its architecture"
            )
        generator.set_weights(weights)


def matching_columns(source: Schema, target: Schema) -> list[int | None]:
    """For each label column of one schema, the one of another with the same meaning.

    That is the one of the same name, or else the one that is asked for in the same words.

    Returns:
        A column of `source`, or None where there is none; [target.num_labels].
    """
    columns: list[int | None] = []
    for name, term in zip(target.columns, target.terms, strict=True):
        if name in source.columns:
            columns.append(source.columns.index(name))
            continue
        codes = (source.phrase_codes.get(normalize(phrase), UNKNOWN_PHRASE) for phrase in term.phrases)
        # Even codes are those of "has it".
        found = (c // 2 for c in codes if c not in (UNKNOWN_PHRASE, AMBIGUOUS_PHRASE) and c % 2 == 0)
        columns.append(next(found, None))
    return columns


def translate_labels(
    kernel: np.ndarray, columns: list[int | None], mean_labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights for other labels that do the same as far as the labels mean the same.

    Args:
        kernel: [source labels, units].
        columns: For each target label its source label, or None.
        mean_labels: [source labels], what each is on average, -1 to 1.

    Returns:
        The kernel [target labels, units], with zeros for labels that are new, and what to add to the bias
        [units], for labels that are gone.
    """
    translated = np.zeros((len(columns), kernel.shape[1]), kernel.dtype)
    for row, column in enumerate(columns):
        if column is not None:
            translated[row] = kernel[column]
    gone = sorted(set(range(len(kernel))) - {column for column in columns if column is not None})
    return translated, (mean_labels[gone] @ kernel[gone]).astype(kernel.dtype)
