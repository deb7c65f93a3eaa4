"""All judges of a dataset: two for whole images, two for details at full resolution."""

from __future__ import annotations

from typing import NamedTuple

from anime_gan.datasets.dataset import Dataset
from anime_gan.judges.critic import Critic, load_critic
from anime_gan.judges.details import Details, find_details
from anime_gan.judges.selection import Selector
from anime_gan.judges.tagger import MAX_SIDE, Tagger, load_tagger


class Pair(NamedTuple):
    """The two judges of one kind of image; the tagger is None for data without labels."""

    tagger: Tagger | None
    critic: Critic


class Judges(NamedTuple):
    """All judges of a dataset.

    Attributes:
        whole: They look at whole images, reduced if these are large.
        detail: They look at mosaics of details at full resolution.
        crops: Makes these mosaics.
    """

    whole: Pair
    detail: Pair
    crops: Details

    @property
    def selector(self) -> Selector:
        """Selects among candidates with both critics."""
        return Selector(self.whole.critic, self.detail.critic, self.crops)


def load_judges(dataset: Dataset) -> Judges:
    """Loads the judges of a dataset from the cache, or trains them, which takes a few minutes each.

    Raises:
        DataError: The dataset has too few images.
        JudgeError: A cached judge is damaged.
    """
    crops = find_details(dataset)
    mosaics = crops.of(dataset)
    return Judges(_load_pair(dataset, MAX_SIDE), _load_pair(mosaics, mosaics.images.shape[1]), crops)


def _load_pair(dataset: Dataset, max_side: int) -> Pair:
    critic = load_critic(dataset)
    return Pair(load_tagger(dataset, max_side) if dataset.schema.num_labels else None, critic)
