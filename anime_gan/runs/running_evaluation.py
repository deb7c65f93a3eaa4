"""A quick evaluation that is repeated during training."""

from __future__ import annotations

import numpy as np

from anime_gan.attributes.scales import TOLERANCE
from anime_gan.datasets.dataset import Dataset
from anime_gan.judges.tagger import Tagger, decide, visible
from anime_gan.metrics.distances import frechet_distance
from anime_gan.metrics.texture import sliced_wasserstein

NUM_IMAGES = 2_000
# The keys of the values that `measure` returns. The last two need a tagger.
MEASURED = ("evaluation/texture", "evaluation/fid", "evaluation/attributes_confirmed")


class RunningEvaluation:
    """Compares generated faces with a fixed sample of the training images."""

    def __init__(self, dataset: Dataset, train: np.ndarray, tagger: Tagger | None) -> None:
        """Selects the training images and judges them once.

        Args:
            dataset: The training data.
            train: int64 [n], indices of the training images.
            tagger: A tagger that the model was not trained with; None for a dataset without labels.
        """
        self._schema = dataset.schema
        self._tagger = tagger
        chosen = np.random.default_rng(0).choice(train, min(NUM_IMAGES, len(train)), replace=False)
        self._real = dataset.images[np.sort(chosen)]
        self._real_features = tagger.judge(self._real).features if tagger else None

    def measure(self, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """Measures generated faces.

        Args:
            images: uint8 [n, height, width, channels].
            labels: [n, num_labels] of +1 and -1, and values of scales; the requested labels.

        Returns:
            `evaluation/texture`: sliced Wasserstein distance at the finest scale, times 1,000.
            `evaluation/fid`: FID on the tagger's features; only with a tagger.
            `evaluation/attributes_confirmed`: share of the requested visible attributes that the tagger
            finds; only with a tagger.
        """
        texture = sliced_wasserstein(self._real, images, seed=0)
        values = {"evaluation/texture": texture[max(texture)]}
        if self._tagger is not None and self._real_features is not None:
            judged = self._tagger.judge(images)
            values["evaluation/fid"] = frechet_distance(self._real_features, judged.features)
            verdicts = decide(judged.probabilities, self._schema)
            agrees = np.abs(verdicts - labels) <= TOLERANCE
            asked = visible(labels, self._schema)
            confirmed = [
                agrees[asked[:, slot.start], slot.columns].all(axis=1) for slot in self._schema.slots
            ]
            values["evaluation/attributes_confirmed"] = float(np.mean(np.concatenate(confirmed)))
        return values
