"""Selects the images of each training step, as a pure function of (seed, step)."""

from __future__ import annotations

import numpy as np


class Batches:
    """Batches of indices from shuffled epochs.

    Each epoch has every index once, in an order that depends only on (seed, epoch). Any batch can be computed
    at any time, so a resumed run continues with the next image.
    """

    def __init__(self, num_examples: int, batch_size: int, seed: int) -> None:
        """Stores the arguments; the order of an epoch is computed when it is needed.

        Args:
            num_examples: Size of the dataset.
            batch_size: Number of indices per batch; may exceed `num_examples`.
            seed: Random seed of the order.
        """
        self._num_examples = num_examples
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = -1
        self._order = np.empty(0, np.int64)

    def indices(self, step: int) -> np.ndarray:
        """Returns the indices of a step's batch, int64 [batch_size]. Steps are counted from 0."""
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
