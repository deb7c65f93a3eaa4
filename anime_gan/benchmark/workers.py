"""The speed of two workers with one thread each, compared with one process with two threads."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median

from anime_gan.benchmark.measure import Numbers, Options, run_together, take_turns
from anime_gan.benchmark.synthetic import NoiseFaces
from anime_gan.common.markdown import in_words, markdown_table
from anime_gan.common.quiet import import_tensorflow
from anime_gan.runs.worker_place import WorkerPlace, free_addresses

ARCHITECTURE, BATCH = "published", 32
# Steps that are timed, two of them with the gradient penalty, after those that build both graphs.
STEPS, WARM_UPS = 16, 3
# Each run starts processes, and has a median of its own.
MOST_REPETITIONS = 3
# Name in the table -> number of workers, and threads of each.
FORMS = {"1 process x 2 threads": (1, 2), "2 workers x 1 thread": (2, 1)}


def measure(options: Options) -> Numbers:
    """Trains in both forms alternately, in new processes."""
    runs = {name: _trainer(*form) for name, form in FORMS.items()}
    repetitions = min(options.repetitions, MOST_REPETITIONS)
    return {"seconds_a_step": take_turns(runs, repetitions, "workers", warm_ups=0)}


def report(numbers: Numbers) -> str:
    """Returns the table and a note on its columns."""
    rates = {name: BATCH / median(seconds) for name, seconds in numbers["seconds_a_step"].items()}
    alone = next(iter(rates.values()))
    rows = [[name, in_words(rate), f"{rate / alone:.0%}"] for name, rate in rates.items()]
    return (
        f"{markdown_table(['form', 'images/s', 'efficiency'], rows)}\n\nThe {ARCHITECTURE} networks, {BATCH} "
        "images per step over all workers, which exchange their gradients on this machine. Efficiency: speed "
        "relative to one process with as many threads."
    )


def _trainer(workers: int, threads: int) -> Callable[[], float]:
    """Returns a run: it starts the workers, and returns the median seconds of a step of the first one."""

    def run() -> float:
        addresses = ",".join(free_addresses(workers))
        module = ("-m", "anime_gan.benchmark.workers")
        printed = run_together([(*module, addresses, str(number), str(threads)) for number in range(workers)])
        return float(median(json.loads(printed[0])))

    return run


def main(argv: Sequence[str]) -> None:
    """Trains as one of the workers, and prints the seconds of each step as JSON.

    Args:
        argv: The addresses of all workers, the number of this one, and its number of threads.
    """
    tf = import_tensorflow()
    from anime_gan.runs.cluster import Cluster
    from anime_gan.training.config import TrainConfig
    from anime_gan.training.trainer import Trainer

    addresses, number, threads = tuple(argv[0].split(",")), int(argv[1]), int(argv[2])
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    cluster = Cluster(WorkerPlace(addresses, number) if len(addresses) > 1 else None)
    cluster.join(lambda: False)
    chunk = next(NoiseFaces(BATCH).chunks(0, 64))
    config = TrainConfig(architecture=ARCHITECTURE, batch_size=BATCH)
    trainer = Trainer(config, NoiseFaces.schema, chunk.labels, "float32", cluster.strategy)
    seconds = []
    for _ in range(WARM_UPS + STEPS):
        started = time.perf_counter()
        trainer.train_step(chunk.images[trainer.part], chunk.labels[trainer.part])
        seconds.append(time.perf_counter() - started)
    print(json.dumps(seconds[WARM_UPS:]))
    cluster.wait()
    cluster.leave(0)


if __name__ == "__main__":
    main(sys.argv[1:])
