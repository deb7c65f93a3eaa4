"""Trains tiny networks as one of several workers, and prints what each step reported, as JSON.

    python train_as_worker.py 127.0.0.1:7000,127.0.0.1:7001 NUMBER REPLICAS

The last worker receives a signal before the last step. With one address, the process trains alone.
"""

from __future__ import annotations

import json
import signal
import sys

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.common.quiet import import_tensorflow
from anime_gan.training.config import TrainConfig

tf = import_tensorflow()

from anime_gan.training.trainer import Trainer  # noqa: E402

BATCH_SIZE, STEPS = 4, 10
SCHEMA = Schema.from_names({"smile": None, "hair": ("red", "blue")})


def make_trainer(strategy: tf.distribute.Strategy | None) -> Trainer:
    """Returns a trainer of the published networks, with statistics of batches, a penalty, and labels.

    The learning rate is low, because Adam makes rounding errors grow with it.
    """
    labels = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), (16, 3))
    labels[:, 2] = -labels[:, 1]
    config = TrainConfig(
        architecture="published",
        batch_size=BATCH_SIZE,
        steps=STEPS,
        penalty_interval=2,
        learning_rate=2e-5,
        augment="always",
    )
    return Trainer(config, SCHEMA, labels, "float32", strategy)


def train(trainer: Trainer, received: int) -> list[dict[str, float]]:
    """Trains on noise, of which each worker sees its part; returns what the steps reported."""
    random = np.random.default_rng(1)
    reported = []
    for step in range(STEPS):
        images = random.integers(0, 256, (BATCH_SIZE, 64, 64, 3), np.uint8)
        labels = np.asarray(trainer.labels)[step : step + BATCH_SIZE]
        trainer.received = received if step == STEPS - 1 else 0
        reported.append(trainer.train_step(images[trainer.part], labels[trainer.part]))
    return reported


def main() -> None:
    """Joins the other workers and trains with them."""
    from anime_gan.runs.cluster import Cluster
    from anime_gan.runs.worker_place import WorkerPlace

    addresses, number, replicas = tuple(sys.argv[1].split(",")), int(sys.argv[2]), int(sys.argv[3])
    if replicas > 1:
        allow_replicas(replicas)
    cluster = Cluster(WorkerPlace(addresses, number) if len(addresses) > 1 else None)
    cluster.join(lambda: False)
    strategy = cluster.strategy
    if strategy is None and replicas > 1:
        strategy = tf.distribute.MirroredStrategy([f"CPU:{device}" for device in range(replicas)])
    said = cluster.chief_says(f"worker {number}")
    trainer = make_trainer(strategy)
    reported = train(trainer, signal.SIGTERM if number == len(addresses) - 1 else 0)
    result = {"reported": reported, "stopped_by": trainer.stopped_by, "said": said}
    print(json.dumps(result))
    cluster.wait()
    cluster.leave(0)


def allow_replicas(count: int) -> None:
    """Lets a worker have several replicas on one processor, which TensorFlow does not."""
    from tensorflow.python.distribute import collective_all_reduce_strategy as module

    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * count)

    def local_devices(self: object, resolver: object, worker: str) -> tuple[tuple[str, ...], str]:
        return tuple(f"{worker}/device:CPU:{number}" for number in range(count)), "CPU"

    module.CollectiveAllReduceExtended._initialize_local_devices = local_devices


if __name__ == "__main__":
    main()
