"""The speed of an exported model, compared with its generator alone."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from anime_gan.benchmark.measure import Numbers, Options, take_turns, timed
from anime_gan.benchmark.synthetic import NoiseFaces, untrained_export
from anime_gan.common.backend import tf
from anime_gan.common.markdown import in_words, markdown_table
from anime_gan.models import get_architecture
from anime_gan.training.config import TrainConfig

# Batch size -> calls per run. A single face takes too little time to be measured alone.
BATCHES = {1: 20, 64: 1}
# Names in the table.
SERVED, ALONE = "SavedModel, serving_default", "generator, given latents and labels"


def measure(options: Options) -> Numbers:
    """Draws the same number of faces with the SavedModel and with the generator, alternately."""
    # Kept until the end: the signatures do not keep the weights alive.
    model = tf.saved_model.load(str(untrained_export(options.scratch)))
    generate = _generator()
    runs: dict[str, Callable[[], float]] = {}
    for batch, calls in BATCHES.items():
        runs[f"{SERVED} {batch}"] = timed(_request(model, batch), calls)
        runs[f"{ALONE} {batch}"] = timed(_generation(generate, batch), calls)
    seconds = take_turns(runs, options.repetitions, "served")
    return {
        "batches": [
            {
                "batch": batch,
                "seconds_served": seconds[f"{SERVED} {batch}"],
                "seconds_alone": seconds[f"{ALONE} {batch}"],
                "ratio": median(seconds[f"{SERVED} {batch}"]) / median(seconds[f"{ALONE} {batch}"]),
            }
            for batch in BATCHES
        ]
    }


def report(numbers: Numbers) -> str:
    """Returns the table and a note on its rows."""
    single, many = numbers["batches"]

    def row(name: str, key: str) -> list[str]:
        return [name, in_words(1e3 * median(single[key])), in_words(many["batch"] / median(many[key]))]

    rows = [
        row(SERVED, "seconds_served"),
        row(ALONE, "seconds_alone"),
        ["ratio of the times", in_words(single["ratio"]), in_words(many["ratio"])],
    ]
    columns = ["served", "one face, ms", f"batches of {many['batch']}, images/s"]
    return (
        f"{markdown_table(columns, rows)}\n\nBoth in float32. The SavedModel also parses the request, draws "
        "the latent vector and the open attributes from the seed, and converts the picture to uint8."
    )


def _request(model: tf.Module, batch: int) -> Callable[[], object]:
    serve = model.signatures["serving_default"]
    request = {
        "attributes": tf.fill([batch], "blue hair, smile"),
        "seed": tf.range(batch, dtype=tf.int64),
        "truncation": tf.ones([batch]),
    }
    return lambda: serve(**request)["images"].numpy()


def _generator() -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """The published generator, compiled to one graph."""
    generator = get_architecture("published").make_generator(
        NoiseFaces.schema.num_labels, TrainConfig().latent_dim, dtype="float32"
    )

    @tf.function(autograph=False)
    def generate(latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        return generator(latents, labels, training=False)

    return generate


def _generation(generate: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], batch: int) -> Callable[[], object]:
    latents = tf.random.stateless_normal([batch, TrainConfig().latent_dim], (0, 0))
    labels = tf.ones([batch, NoiseFaces.schema.num_labels])
    return lambda: generate(latents, labels).numpy()
