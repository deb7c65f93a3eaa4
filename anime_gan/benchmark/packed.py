"""The speed of the paper's generator, exported and packed, compared with plain Keras layers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from statistics import median
from typing import TypeAlias

import numpy as np

from anime_gan.benchmark.measure import Numbers, Options, take_turns, timed
from anime_gan.benchmark.synthetic import NoiseFaces, untrained_export
from anime_gan.common.backend import keras, tf
from anime_gan.common.markdown import in_words, markdown_table
from anime_gan.exports.pack import PRECISIONS, pack
from anime_gan.models import get_architecture
from anime_gan.models.srresnet import START, Generator

Draw: TypeAlias = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
ARCHITECTURE, LATENT_DIM = "srresnet", 128
# Batch size -> calls per run. A single face takes too little time to be measured alone.
BATCHES = {1: 10, 64: 1}
PLAIN, EXPORTED, PACKED = "Keras's layers, float32", "exported, float32", "packed, {}"


def measure(options: Options) -> Numbers:
    """Measures all ways to draw with the same weights, alternately."""
    export = untrained_export(options.scratch, ARCHITECTURE, LATENT_DIM)
    folders = {EXPORTED: export}
    for precision in PRECISIONS:
        folders[PACKED.format(precision)] = options.scratch / precision
        pack(export, options.scratch / precision, precision)
    # The models are kept until the end, because their signatures do not keep the weights alive.
    models = {name: tf.saved_model.load(str(folder)) for name, folder in folders.items()}
    ways = {PLAIN: _plain_way()} | {name: _exported_way(model) for name, model in models.items()}
    runs: dict[str, Callable[[], float]] = {}
    for batch, calls in BATCHES.items():
        latents = tf.random.stateless_normal([batch, LATENT_DIM], (0, 0))
        labels = tf.ones([batch, NoiseFaces.schema.num_labels])
        for name, draw in ways.items():
            runs[f"{name} {batch}"] = timed(functools.partial(_wait, draw, latents, labels), calls)
    seconds = take_turns(runs, options.repetitions, "packed")
    return {
        "ways": [
            {
                "name": name,
                "seconds": {str(batch): seconds[f"{name} {batch}"] for batch in BATCHES},
                "times_as_fast": {
                    str(batch): median(seconds[f"{PLAIN} {batch}"]) / median(seconds[f"{name} {batch}"])
                    for batch in BATCHES
                },
            }
            for name in ways
        ]
    }


def report(numbers: Numbers) -> str:
    """Returns the table and a note on its columns."""
    single, many = BATCHES
    rows = [
        [
            way["name"],
            in_words(1e3 * median(way["seconds"][str(single)])),
            in_words(way["times_as_fast"][str(single)]),
            in_words(many / median(way["seconds"][str(many)])),
            in_words(way["times_as_fast"][str(many)]),
        ]
        for way in numbers["ways"]
    ]
    columns = ["way to draw", "one face, ms", "ratio", f"batches of {many}, images/s", "ratio"]
    return (
        f"{markdown_table(columns, rows)}\n\nMeasured with the generator of `{ARCHITECTURE}` at 128x128 "
        "pixels. Ratio: speed relative to the first row."
    )


def _wait(draw: Draw, latents: tf.Tensor, labels: tf.Tensor) -> np.ndarray:
    return draw(latents, labels).numpy()


def _exported_way(model: tf.Module) -> Draw:
    render = model.signatures["latents"]
    return lambda latents, labels: render(latents=latents, labels=labels)["images"]


def _plain_way() -> Draw:
    """Returns a function that computes the generator in plain Keras layers, compiled to one graph."""
    generator: Generator = get_architecture(ARCHITECTURE).make_generator(
        NoiseFaces.schema.num_labels, LATENT_DIM, dtype="float32"
    )

    @tf.function(autograph=False)
    def draw(latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        return plain_call(generator, latents, labels)

    return draw


def plain_call(generator: Generator, latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Computes `Generator.call` for inference, one Keras layer after another."""
    x = generator.fc(tf.concat([latents, labels], axis=-1))
    x = tf.nn.relu(generator.fc_bn(x[:, tf.newaxis, tf.newaxis, :]))
    x = tf.transpose(tf.reshape(x, [-1, generator.filters, START, START]), [0, 2, 3, 1])
    for block in generator.blocks:
        x = block(x)
    x = tf.nn.relu(generator.bn(generator.conv(x)))
    for convolution, normalization in generator.stages:
        x = tf.nn.relu(normalization(tf.nn.depth_to_space(convolution(x), 2)))
    return tf.tanh(keras.layers.Conv2D.call(generator.rgb, x))
