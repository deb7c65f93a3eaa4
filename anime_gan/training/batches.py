"""Which images a step trains on: shuffled epochs as a pure function of (seed, step)."""

from __future__ import annotations

import numpy as np


class Batches:
    """Batches of an array, every element once an epoch, in an order that only (seed, epoch) decides.

    Because batch k can be asked for at any time, a resumed run goes on at the very element.
    """

    def __init__(self, num_examples: int, batch_size: int, seed: int) -> None:
        """Prepares the order.

        Args:
            num_examples: Length of the array.
            batch_size: Elements a batch; may exceed `num_examples`.
            seed: Decides the order.
        """
        self._num_examples = num_examples
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = -1
        self._order = np.empty(0, np.int64)

    def indices(self, step: int) -> np.ndarray:
        """The elements of batch `step`, counted from 0: int64 [batch_size]."""
        positions = np.arange(step * self._batch_size, (step + 1) * self._batch_size)
        epochs = positions // self._num_examples
        parts = [
            self._epoch_order(int(epoch))[positions[epochs == epoch] % self._num_examples]
            for epoch in np.unique(epochs)
        ]
        return np.concatenate(parts)

    def _epoch_order(self, epoch: int) -> np.ndarray:
        if epoch != self._epoch:
            self._epoch = epoch
            self._order = np.random.default_rng([self._seed, epoch]).permutation(self._num_examples)
        return self._order
