"""What all measures work with: the model, the data, the judges, and how much of each."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from tqdm import tqdm

from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.datasets.splits import TEST_EVERY, Split, parse_combinations, split_dataset
from anime_gan.evaluate.exported_model import BATCH, ExportedModel
from anime_gan.judges.tagger import Judgement, Tagger, decide

if TYPE_CHECKING:
    from anime_gan.judges.critic import Critic

# Fewer held-out images tell nothing.
MIN_TEST_IMAGES = 10
JUDGE_BATCH = 256


@dataclasses.dataclass(frozen=True)
class Options:
    """How much is drawn.

    Attributes:
        num_images: Faces drawn with nothing asked; also how many real ones they are compared with at most.
        seed: Decides everything drawn; with 0 the faces are those of `generate.py --seeds=0-...`.
    """

    num_images: int = 10_000
    seed: int = 0

    @property
    def images_per_request(self) -> int:
        """Images on which each attribute value is judged, and each combination."""
        return max(1, min(200, self.num_images // 20))

    @property
    def pairs(self) -> int:
        """Faces of which one attribute is changed; also faces for which candidates are drawn."""
        return max(2, min(1000, self.num_images // 5))

    @property
    def copies(self) -> int:
        """Generated faces whose nearest training image is looked for, and held-out ones."""
        return min(2000, self.num_images)


class Stream(enum.IntEnum):
    """What seeds are for: no two uses share a face."""

    FACES = 0
    VALUES = 1
    COMBINATIONS = 2
    CHANGES = 3
    VARIETY = 4


class Faces(NamedTuple):
    """The inputs of n faces.

    Attributes:
        seeds: int64 [n].
        latents: float32 [n, z].
        labels: float32 [n, num_labels] of +1 and -1.
    """

    seeds: np.ndarray
    latents: np.ndarray
    labels: np.ndarray


class Sample(NamedTuple):
    """Judged images.

    Attributes:
        images: uint8 [n, h, w, 3].
        labels: [n, num_labels], what they were asked to be, or are.
        verdicts: int8 [n, num_labels], the tagger's; None without a tagger.
        features: float [n, d], the tagger's; None without a tagger.
    """

    images: np.ndarray
    labels: np.ndarray
    verdicts: np.ndarray | None
    features: np.ndarray | None


class Samples(NamedTuple):
    """What most measures compare.

    Attributes:
        faces: Drawn with nothing asked, so that attributes come as in the training set.
        reference: Real images that were trained on.
        test: Real images that were held out.
    """

    faces: Sample
    reference: Sample
    test: Sample


class Bench:
    """Draws faces and lets them be judged, with a progress bar.

    Attributes:
        model, dataset, tagger, critic, options: As given.
        schema: The model's.
        hold_out: The text of the run's `--hold_out`; empty if nothing was held out.
        combinations: int8 [k, num_labels], what was held out.
        split: What the model was trained on, what is for testing, what was held out.
        saw_test_images: Whether the model was trained on the test images too.
    """

    def __init__(
        self,
        model: ExportedModel,
        dataset: Dataset,
        tagger: Tagger | None,
        critic: Critic | None,
        options: Options,
        progress: tqdm,
    ) -> None:
        """Splits the dataset as the run did.

        Raises:
            DataError: The data has other attributes than the model, or too few images.
        """
        check_schema(model, dataset)
        self.model, self.dataset, self.options = model, dataset, options
        self.tagger, self._critic = tagger, critic
        self.schema = model.schema
        self._progress = progress
        self._used = dict.fromkeys(Stream, 0)
        config = model.record["config"]
        # An export that says nothing of them was trained on all images.
        self.hold_out = str(config.get("hold_out", ""))
        test_every = int(config.get("test_every", 0))
        self.saw_test_images = test_every == 0
        self.combinations = parse_combinations(self.hold_out, self.schema)
        split = split_dataset(dataset.labels, self.combinations, test_every or TEST_EVERY)
        # The judges learned from all other images than these.
        kept_from_judges = split.test[split.test % TEST_EVERY == TEST_EVERY - 1]
        self.split = Split(split.train, kept_from_judges, split.held_out)
        if len(self.split.test) < MIN_TEST_IMAGES or len(self.split.train) < MIN_TEST_IMAGES:
            raise DataError(
                f"{dataset.name}: {len(self.split.train)} images to train on and {len(self.split.test)} to "
                f"test with: at least {MIN_TEST_IMAGES} of each are needed"
            )

    @property
    def critic(self) -> Critic:
        """The critic; only measures that need none may do without one."""
        assert self._critic is not None
        return self._critic

    def announce(self, images: int) -> None:
        """Says how many images more will be drawn or judged; an image counts each time."""
        self._progress.total += images

    def stage(self, name: str) -> None:
        """Says what comes next."""
        self._progress.set_description(name)

    def draw(self, stream: Stream, attributes: str | Sequence[str], count: int) -> Faces:
        """The inputs of the stream's next faces; what is not asked follows the training set."""
        first = (self.options.seed << 32) + (stream << 24) + self._used[stream]
        self._used[stream] += count
        seeds = np.arange(first, first + count, dtype=np.int64)
        texts = [attributes] * count if isinstance(attributes, str) else attributes
        return Faces(seeds, *self.model.inputs(texts, seeds.tolist()))

    def render(self, latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Draws faces in batches: uint8 [n, h, w, 3]."""
        return self.in_batches(BATCH, self.model.render, latents, labels)

    def verdicts(self, images: np.ndarray) -> np.ndarray:
        """What the tagger sees: int8 [n, num_labels] of +1 and -1."""
        return decide(self._judge(images).probabilities, self.schema)

    def scores(self, images: np.ndarray) -> np.ndarray:
        """What the critic thinks of each image: float32 [n]."""
        return self.in_batches(JUDGE_BATCH, self.critic.score, images)

    def samples(self) -> Samples:
        """Draws faces, takes real images beside them, and lets the tagger judge all of them."""
        count = self.options.num_images
        self.stage("faces")
        drawn = self.draw(Stream.FACES, "", count)
        faces = self.judged(self.render(drawn.latents, drawn.labels), drawn.labels)
        self.stage("real images")
        return Samples(faces, self.real(self.split.train, count), self.real(self.split.test, count))

    def judged(self, images: np.ndarray, labels: np.ndarray) -> Sample:
        """Lets the tagger judge images, if there is one."""
        if self.tagger is None:
            return Sample(images, labels, None, None)
        judgement = self._judge(images)
        return Sample(images, labels, decide(judgement.probabilities, self.schema), judgement.features)

    def real(self, indices: np.ndarray, count: int) -> Sample:
        """At most so many of the dataset's images, drawn by chance, in random order, and judged."""
        random = np.random.default_rng(self.options.seed)
        chosen = np.sort(random.permutation(indices)[:count])
        # Sorted while reading, since the images are on disk; then shuffled: any part is a fair sample.
        order = random.permutation(len(chosen))
        return self.judged(np.asarray(self.dataset.images[chosen])[order], self.dataset.labels[chosen][order])

    def _judge(self, images: np.ndarray) -> Judgement:
        assert self.tagger is not None
        parts = []
        for start in range(0, len(images), JUDGE_BATCH):
            parts.append(self.tagger.judge(images[start : start + JUDGE_BATCH]))
            self._progress.update(len(parts[-1].features))
        return Judgement(
            np.concatenate([part.probabilities for part in parts]),
            np.concatenate([part.features for part in parts]),
        )

    def in_batches(self, size: int, function: Callable[..., np.ndarray], *arrays: np.ndarray) -> np.ndarray:
        """Calls a function with `size` rows of the arrays at a time and concatenates the results."""
        parts = []
        for start in range(0, len(arrays[0]), size):
            parts.append(function(*(array[start : start + size] for array in arrays)))
            self._progress.update(len(parts[-1]))
        return np.concatenate(parts)


def check_schema(model: ExportedModel, dataset: Dataset) -> None:
    """Makes sure that the labels of the data mean what the model's do.

    Raises:
        DataError: They do not; the message names what is on one side only.
    """
    ours, theirs = model.schema.columns, dataset.schema.columns
    if ours == theirs:
        return
    sides = {"only in the data": set(theirs) - set(ours), "only in the model": set(ours) - set(theirs)}
    parts = [f"{side}: {', '.join(sorted(names)[:5])}" for side, names in sides.items() if names]
    raise DataError(
        f"{dataset.name}: has other attributes than the model ({'; '.join(parts) or 'in another order'}); "
        "give the data it was trained on"
    )
