"""The speed of taking batches from prepared images, for datasets of several sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from anime_gan.benchmark.measure import Numbers, Options, cache_in, flush_disk, take_turns, timed
from anime_gan.benchmark.synthetic import NoiseFaces
from anime_gan.common.markdown import in_words, markdown_table
from anime_gan.datasets.dataset import Dataset
from anime_gan.datasets.prepared import prepare
from anime_gan.training.batches import Batches

RESOLUTION = 64
BATCH = 64
# Batches per run.
BATCHES = 200
SIZES = (1_000, 10_000, 100_000)
MILLION = 1_000_000


def measure(options: Options) -> Numbers:
    """Prepares a dataset of noise for each size, then takes batches from all of them alternately."""
    sizes = _sizes(options.million)
    with cache_in(options.scratch):
        datasets = {size: prepare(NoiseFaces(size), RESOLUTION) for size in sizes}
        flush_disk()
        takers = {str(size): timed(taker(dataset), BATCHES) for size, dataset in datasets.items()}
        seconds = take_turns(takers, options.repetitions, "pipeline")
    return {"sizes": [speed(size, measured, options) for size, measured in seconds.items()]}


def speed(size: str, seconds: Sequence[float], options: Options) -> Numbers:
    """Returns the speed of taking batches, also relative to the fastest training step that was measured.

    Args:
        size: Number of images.
        seconds: Seconds that a batch took in each repetition.
        options: Their `earlier` numbers may contain the training steps.
    """
    rate = BATCH / median(seconds)
    steps = options.earlier.get("step", {}).get("steps", ())
    fastest = max((step["images_per_second"] for step in steps), default=None)
    return {
        "images": int(size),
        "seconds_a_batch": seconds,
        "images_per_second": rate,
        "times_the_training_step": rate / fastest if fastest else None,
    }


def report(numbers: Numbers) -> str:
    """Returns the table and a note on its columns."""
    rows = [
        [
            f"{size['images']:,}",
            in_words(size["images_per_second"]),
            in_words(size["times_the_training_step"]) if size["times_the_training_step"] else "",
        ]
        for size in numbers["sizes"]
    ]
    table = markdown_table(["images", "images/s", "times the step"], rows)
    return (
        f"{table}\n\nEach batch has {BATCH} shuffled images from prepared files in the page cache. Times the "
        "step: speed relative to the fastest training step above."
    )


def needed_bytes(million: bool) -> int:
    """Returns the disk space of the prepared datasets in bytes."""
    return sum(_sizes(million)) * RESOLUTION * RESOLUTION * 3


def _sizes(million: bool) -> tuple[int, ...]:
    return (*SIZES, MILLION) if million else SIZES


def taker(dataset: Dataset) -> Callable[[], object]:
    """Returns a function that takes the next batch, as `run_training` does."""
    batches = Batches(len(dataset.images), BATCH, seed=0)
    step = 0

    def take() -> object:
        nonlocal step
        chosen = batches.indices(step)
        step += 1
        return dataset.images[chosen], dataset.labels[chosen]

    return take
