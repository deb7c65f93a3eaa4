"""The speed of an exported model."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from anime_gan.benchmark.measure import Numbers, Options, take_turns, timed
from anime_gan.benchmark.synthetic import untrained_export
from anime_gan.common.backend import tf
from anime_gan.common.markdown import in_words, markdown_table

# Batch size -> calls per run. A single face takes too little time to be measured alone.
BATCHES = {1: 20, 64: 1}


def measure(options: Options) -> Numbers:
    """Draws single faces and batches with the SavedModel, alternately."""
    # The model is kept until the end, because its signatures do not keep the weights alive.
    model = tf.saved_model.load(str(untrained_export(options.scratch)))
    runs = {str(batch): timed(_request(model, batch), calls) for batch, calls in BATCHES.items()}
    return {"seconds": take_turns(runs, options.repetitions, "served")}


def report(numbers: Numbers) -> str:
    """Returns the table and a note on what is measured."""
    single, many = BATCHES
    typical = {batch: median(numbers["seconds"][str(batch)]) for batch in BATCHES}
    rows = [["SavedModel, serving_default", in_words(1e3 * typical[single]), in_words(many / typical[many])]]
    columns = ["served", "one face, ms", f"batches of {many}, images/s"]
    return (
        f"{markdown_table(columns, rows)}\n\nThe SavedModel computes in float32. It parses the request, "
        "draws the latent vector and the open attributes from the seed, and converts the picture to uint8."
    )


def _request(model: tf.Module, batch: int) -> Callable[[], object]:
    serve = model.signatures["serving_default"]
    request = {
        "attributes": tf.fill([batch], "blue hair, smile"),
        "seed": tf.range(batch, dtype=tf.int64),
        "truncation": tf.ones([batch]),
    }
    return lambda: serve(**request)["images"].numpy()
