"""What several tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from anime_gan.common.quiet import import_tensorflow

# Before a test imports TensorFlow or Keras: this settles Keras's backend.
import_tensorflow()

from anime_gan.attributes.schema import Schema  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def two_logical_cpus() -> None:
    """Two devices, for the tests of distribution strategies; must come before TensorFlow's first use."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


@pytest.fixture
def two_replicas() -> Any:
    """A strategy of two devices whose sums are its own."""
    import tensorflow as tf

    # Strategies of one process count their collective operations from the same number, and what two of them
    # count alike is mixed up if its shape differs. TensorFlow's own tests keep them apart like this.
    tf.distribute.MirroredStrategy._collective_key_base += 100_000
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Prepared datasets go into a folder of the tests' own, not into the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def schema() -> Schema:
    """Groups and tags in mixed order, so that a column is not its attribute's number."""
    return Schema.from_names(
        {
            "hair_color": ("blue", "red", "black", "blonde"),
            "smile": None,
            "eye_color": ("blue", "red", "green"),
            "glasses": None,
            "hair_style": ("short", "long", "twin_tails"),
        }
    )


@pytest.fixture(scope="session")
def labels(schema: Schema) -> np.ndarray:
    """500 label rows in which blonde never smiles, and eye color is sometimes unknown."""
    random = np.random.default_rng(5)
    rows = []
    for _ in range(500):
        hair = random.choice(["blue", "red", "blonde"], p=[0.5, 0.3, 0.2])
        rows.append(
            schema.encode(
                {
                    "hair_color": hair,
                    "smile": bool(random.random() < 0.6) and hair != "blonde",
                    "eye_color": None if random.random() < 0.2 else random.choice(["blue", "green"]),
                    "glasses": bool(random.random() < 0.25),
                    "hair_style": random.choice(["short", "long"]),
                }
            )
        )
    return np.stack(rows)
