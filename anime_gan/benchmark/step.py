"""The speed of a training step, compared with the plain loop and with the machine's convolution rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.benchmark.measure import Numbers, Options, take_turns, timed
from anime_gan.common.backend import keras, tf
from anime_gan.common.markdown import in_words, markdown_table
from anime_gan.datasets.drawn.faces import DrawnFaces
from anime_gan.training.config import TrainConfig, resolve_config
from anime_gan.training.plain_loop import PlainLoop
from anime_gan.training.precision import resolve_dtype
from anime_gan.training.trainer import Trainer

# Images that the runs of the published networks train on.
IMAGES = 64
LABEL_ROWS = 640
# Input shapes of the first convolution of each network.
GENERATOR_START = (None, 3, 3, 512)
DISCRIMINATOR_START = (None, 64, 64, 3)


class Variant(NamedTuple):
    """A way of training on some images.

    Attributes:
        name: Name in the table.
        precision: "float32" or "bfloat16".
        batch: Batch size.
        images: Number of images.
        flops: Floating-point operations per image; None if they are not counted.
        run: Trains on all images and waits for the result.
    """

    name: str
    precision: str
    batch: int
    images: int
    flops: float | None
    run: Callable[[], object]


def measure(options: Options) -> Numbers:
    """Times training steps and convolutions alternately."""
    steps = _variants()
    precisions = list(dict.fromkeys(step.precision for step in steps))
    # The first run of each variant builds its graph.
    runs = {step.name: timed(step.run) for step in steps}
    runs |= {precision: timed(convolution(precision)) for precision in precisions}
    seconds = take_turns(runs, options.repetitions, "step", warm_ups=2)
    rates = {precision: CONVOLUTION_FLOPS / median(seconds[precision]) for precision in precisions}
    plain = median(seconds[steps[0].name]) / steps[0].images
    numbers: Numbers = {"convolution_flops_per_second": rates, "steps": []}
    for step in steps:
        typical = median(seconds[step.name]) / step.images
        rate = step.flops / typical if step.flops else None
        numbers["steps"].append(
            {
                "name": step.name,
                "precision": step.precision,
                "batch": step.batch,
                "images": step.images,
                "seconds": seconds[step.name],
                "images_per_second": 1.0 / typical,
                "times_the_plain_loop": plain / typical,
                "flops_per_image": step.flops,
                "flops_per_second": rate,
                "share_of_convolution_rate": rate / rates[step.precision] if rate else None,
            }
        )
    return numbers


def report(numbers: Numbers) -> str:
    """Returns the table and a note on its columns."""
    rows = [
        [
            step["name"],
            step["precision"],
            str(step["batch"]),
            in_words(step["images_per_second"]),
            in_words(step["times_the_plain_loop"]),
            in_words(step["flops_per_second"] / 1e12) if step["flops_per_second"] else "–",
            f"{step['share_of_convolution_rate']:.0%}" if step["flops_per_second"] else "–",
        ]
        for step in numbers["steps"]
    ]
    columns = ["step", "precision", "batch", "images/s", "times plain", "TFLOP/s", "of convolution"]
    rates = numbers["convolution_flops_per_second"]
    lines = [
        markdown_table(columns, rows),
        "",
        "The plain loop receives its noise and labels as arguments; the Trainer draws them itself. Of "
        "convolution: share of the rate of a 3x3 convolution with 128 channels in the same precision. That "
        "rate is "
        + " and ".join(f"{rate / 1e12:.3g} TFLOP/s in {precision}" for precision, rate in rates.items())
        + ".",
    ]
    if "bfloat16" not in rates:
        lines.append("This hardware does not support bfloat16, so there are no rows for it.")
    return "\n".join(lines)


def multiply_adds(layers: Iterable[keras.Layer], shape: tuple[Any, ...]) -> int:
    """Counts the multiply-adds of dense and convolution layers for one image.

    Other layers are not counted. Multiplications with the padding of a convolution are counted.

    Args:
        layers: The layers, with convolutions in the order of the data flow.
        shape: Input shape of the first convolution, `[batch, height, width, channels]`.
    """
    total = 0
    for layer in layers:
        if isinstance(layer, keras.layers.Dense):
            total += math.prod(layer.kernel.shape)
        elif isinstance(layer, keras.layers.Conv2DTranspose):
            # Each input pixel is multiplied by the whole kernel.
            total += math.prod(shape[1:3]) * math.prod(layer.kernel.shape)
            shape = layer.compute_output_shape(shape)
        elif isinstance(layer, keras.layers.Conv2D):
            shape = layer.compute_output_shape(shape)
            total += math.prod(shape[1:3]) * math.prod(layer.kernel.shape)
    return total


def step_flops(
    generator: int, discriminator: int, penalty_share: float = 1.0, generator_forwards: int = 1
) -> float:
    """Returns the floating-point operations of a training step per image, counting two per multiply-add.

    The unit is one forward pass of a network. The generator's update takes its forward passes and two units
    for the backward pass, which computes two products per layer. The discriminator takes three units each for
    real and fake images, two for the generator's update (forward, and back to the image), and four for the
    gradient penalty. The penalty needs a forward pass, the gradient with respect to the image, and two
    products per layer to differentiate that gradient. The result is approximate: except for the penalty, the
    first layer needs no gradient with respect to its input.

    Args:
        generator: Multiply-adds of the generator's forward pass for one image.
        discriminator: Multiply-adds of the discriminator's forward pass for one image.
        penalty_share: Share of the steps with a gradient penalty, 0 to 1.
        generator_forwards: Forward passes of the generator per step.
    """
    generator_passes = generator_forwards + 2
    discriminator_passes = 2 * 3 + 2 + 4 * penalty_share
    return 2.0 * (generator * generator_passes + discriminator * discriminator_passes)


CONVOLUTION_FLOPS = 2 * 64 * 32 * 32 * 9 * 128 * 128


def convolution(precision: str) -> Callable[[], object]:
    """Returns a function that convolves 64 images of 32x32 pixels and 128 channels with a 3x3 kernel."""
    dtype = tf.dtypes.as_dtype(precision)
    images = tf.cast(tf.random.stateless_normal([64, 32, 32, 128], (0, 0)), dtype)
    kernel = tf.cast(tf.random.stateless_normal([3, 3, 128, 128], (0, 1)), dtype)

    @tf.function(autograph=False)
    def convolve(images: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        # Fetching one number waits for the whole result.
        return tf.cast(tf.nn.conv2d(images, kernel, strides=1, padding="SAME")[0, 0, 0, 0], tf.float32)

    return lambda: convolve(images, kernel).numpy()


def _variants() -> list[Variant]:
    """Returns all variants; the first is the plain loop."""
    faces = DrawnFaces()
    schema = Schema.from_names(faces.attributes)
    rows = np.stack([schema.encode(faces.describe(index).labels) for index in range(LABEL_ROWS)])
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, 64, 64, 3), np.uint8)

    def trainer(dtype: str, batch: int, penalty_interval: int) -> Trainer:
        options = {"batch_size": batch, "penalty_interval": penalty_interval}
        return Trainer(resolve_config("published", options), schema, rows, dtype)

    def train(trainer: Trainer, count: int = IMAGES) -> Callable[[], object]:
        batch = trainer.config.batch_size
        starts = [start % IMAGES for start in range(0, count, batch)]
        return lambda: [trainer.train_step(images[i : i + batch], rows[i : i + batch]) for i in starts]

    same = trainer("float32", IMAGES, 1)
    generator = multiply_adds(same.generator.layers, GENERATOR_START)
    discriminator = multiply_adds(same.discriminator.layers, DISCRIMINATOR_START)
    flops = step_flops(generator, discriminator)
    found = [
        Variant(
            "plain loop",
            "float32",
            IMAGES,
            IMAGES,
            step_flops(generator, discriminator, generator_forwards=2),
            _plain_run(schema, images, rows),
        ),
        Variant("Trainer, same losses", "float32", IMAGES, IMAGES, flops, train(same)),
    ]
    dtype = resolve_dtype("auto")
    precision = dtype.removeprefix("mixed_")
    if precision == "bfloat16":
        reduced = train(trainer(dtype, IMAGES, 1))
        found.append(Variant("Trainer, same losses, bfloat16", precision, IMAGES, IMAGES, flops, reduced))
    usual = resolve_config("published", {})
    sparse = step_flops(generator, discriminator, penalty_share=1 / usual.penalty_interval)
    # Two steps of 32 images: one with the penalty and one without.
    pair = train(trainer(dtype, usual.batch_size, usual.penalty_interval))
    found.append(Variant("preset published", precision, usual.batch_size, IMAGES, sparse, pair))
    default = resolve_config("default", {})
    # As many steps as from one penalty to the next.
    count = default.penalty_interval * default.batch_size
    run = train(Trainer(default, schema, rows, dtype), count)
    found.append(Variant("default run", precision, default.batch_size, count, None, run))
    return found


def _plain_run(schema: Schema, images: np.ndarray, rows: np.ndarray) -> Callable[[], object]:
    config = TrainConfig()
    plain = PlainLoop(schema.slots, config.latent_dim, 64, IMAGES)
    real = tf.cast(images, tf.float32) / 127.5 - 1.0
    real_labels, fake_labels = (tf.cast(rows[i : i + IMAGES], tf.float32) for i in (0, IMAGES))
    latents = tf.unstack(tf.random.stateless_normal([2, IMAGES, config.latent_dim], (0, 0)))
    noise = tf.random.stateless_uniform(real.shape, (0, 1))

    def run() -> object:
        return plain.step(real, real_labels, (latents[0], latents[1]), fake_labels, noise)[0].numpy()

    return run
