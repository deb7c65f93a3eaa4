"""The speed, start, and memory of the bundled models, as they are and packed, compared with eager Keras."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from anime_gan.benchmark.measure import (
    Numbers,
    Options,
    memory_in_words,
    run_python,
    take_turns,
    timed,
)
from anime_gan.common.backend import tf
from anime_gan.common.markdown import in_words, markdown_table
from anime_gan.exports.pack import PRECISIONS, pack
from anime_gan.exports.read import PRETRAINED, Export, find_export, read_export
from anime_gan.exports.write import make_generator

# Batch size -> calls per run. A single face takes too little time to be measured alone.
BATCHES = {1: 20, 64: 1}
EAGER, EXPORTED, PACKED = "Keras, eager", "SavedModel", "packed, {}"
# Requests for one face that each thread sends in a run.
CALLS = 20
# More threads are tried while they increase the throughput by this factor.
WORTHWHILE, MAX_THREADS = 1.05, 64

# Loads a model, draws its first face, and prints what this took. Only TensorFlow is needed.
START = """
import json, re, sys, time
import tensorflow as tf
started = time.perf_counter()
model = tf.saved_model.load(sys.argv[1])
loaded = time.perf_counter()
model.signatures["serving_default"](
    attributes=tf.constant([""]), seed=tf.constant([0], tf.int64), truncation=tf.constant([1.0])
)["images"].numpy()
drawn = time.perf_counter()
try:
    memory = 1024 * int(re.search(r"^VmRSS:\\s*(\\d+) kB", open("/proc/self/status").read(), re.MULTILINE)[1])
except OSError:
    memory = None
print(json.dumps({"load_seconds": loaded - started, "first_seconds": drawn - loaded, "bytes": memory}))
"""


def measure(options: Options) -> Numbers:
    """Measures all bundled models alternately: eager Keras, the SavedModel, and its packed copies."""
    names = sorted(path.name for path in PRETRAINED.iterdir() if path.is_dir())
    return {
        "models": [
            {"name": name, "ways": _measure_model(name, find_export(PRETRAINED / name), options)}
            for name in names
        ]
    }


def _measure_model(name: str, folder: Path, options: Options) -> list[Numbers]:
    """Returns the numbers of each way to draw with a model."""
    folders = {EXPORTED: folder}
    for precision in PRECISIONS:
        folders[PACKED.format(precision)] = packed = options.scratch / name / precision
        pack(folder, packed, precision)
    # The models are kept until the end, because their signatures do not keep the weights alive.
    models = {way: tf.saved_model.load(str(path)) for way, path in folders.items()}
    draws = {EAGER: _eager(read_export(folder), models[EXPORTED])}
    draws |= {way: functools.partial(_serve, model) for way, model in models.items()}
    runs = {
        f"{way} {batch}": timed(functools.partial(draw, batch), calls)
        for batch, calls in BATCHES.items()
        for way, draw in draws.items()
    }
    seconds = take_turns(runs, options.repetitions, name)
    # A new process each time, so that nothing is loaded or cached.
    starts = take_turns(
        {way: functools.partial(_start, path) for way, path in folders.items()},
        options.repetitions,
        f"the start of {name}",
    )
    return [
        {
            "name": way,
            "seconds": {str(batch): seconds[f"{way} {batch}"] for batch in BATCHES},
            "starts": starts.get(way, []),
            "threads": faces_per_second(functools.partial(_serve, models[way], 1)) if way in models else {},
        }
        for way in draws
    ]


def report(numbers: Numbers) -> str:
    """Returns the table and a note on its columns."""
    rows = [_row(model["name"], way) for model in numbers["models"] for way in model["ways"]]
    columns = ["model", "way to draw", "one face, ms", "batches of 64, faces/s", "load, s", "first face, s"]
    columns += ["memory, MiB", "threads", "single faces/s"]
    return (
        f"{markdown_table(columns, rows)}\n\nThe SavedModel also parses the request and draws the latent "
        "vector and the open attributes from the seed; eager Keras receives them as inputs. Threads: number "
        "of concurrent callers, each of which asks for one face at a time; it is doubled as long as that "
        f"adds at least {WORTHWHILE - 1:.0%}."
    )


def _row(model: str, way: Numbers) -> list[str]:
    single, many = (median(way["seconds"][str(batch)]) for batch in BATCHES)
    row = [model, way["name"], in_words(1e3 * single), in_words(max(BATCHES) / many)]
    if not way["starts"]:
        return [*row, *["–"] * 5]
    threads = list(way["threads"])[-1]
    return [
        *row,
        in_words(median(start["load_seconds"] for start in way["starts"])),
        in_words(median(start["first_seconds"] for start in way["starts"])),
        memory_in_words([start["bytes"] for start in way["starts"]]),
        threads,
        in_words(way["threads"][threads]),
    ]


def faces_per_second(
    draw: Callable[[], object], run: Callable[[Callable[[], object], int], float] | None = None
) -> dict[str, float]:
    """Doubles the number of calling threads until this stops paying.

    Args:
        draw: Draws one face.
        run: `(draw, threads) -> seconds` that `CALLS` calls of each thread take.

    Returns:
        Number of threads -> faces per second; the last number is the largest that paid.
    """
    measured: dict[str, float] = {}
    threads, best = 1, 0.0
    while threads <= MAX_THREADS:
        rate = threads * CALLS / (run or _run_threads)(draw, threads)
        if rate < WORTHWHILE * best:
            break
        measured[str(threads)] = best = rate
        threads *= 2
    return measured


def _run_threads(draw: Callable[[], object], threads: int) -> float:
    with ThreadPoolExecutor(threads) as pool:

        def work() -> None:
            list(pool.map(lambda _: draw(), range(threads * CALLS)))

        return timed(work)()


def _start(export: Path) -> Numbers:
    numbers: Numbers = json.loads(run_python("-c", START, str(export)))
    return numbers


def _serve(model: tf.Module, batch: int) -> object:
    return model.signatures["serving_default"](
        attributes=tf.fill([batch], ""),
        seed=tf.range(batch, dtype=tf.int64),
        truncation=tf.ones([batch]),
    )["images"].numpy()


def _eager(export: Export, model: Any) -> Callable[[int], object]:
    """Returns a function that draws with the Keras model, one layer after another."""
    config = export.record["config"]
    generator = make_generator(config, export.schema)
    generator.set_weights([weight.numpy() for weight in model.weights])
    inputs = {
        batch: (
            tf.random.stateless_normal([batch, config["latent_dim"]], (0, 0)),
            tf.fill([batch, export.schema.num_labels], -1.0),
        )
        for batch in BATCHES
    }
    return lambda batch: generator(*inputs[batch], training=False).numpy()
