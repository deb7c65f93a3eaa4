"""What all measurements share: the model, the data, the judges, and the options."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from tqdm import tqdm

from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.datasets.splits import TEST_EVERY, Split, parse_combinations, split_dataset
from anime_gan.evaluate.exported_model import BATCH, ExportedModel, check_schema
from anime_gan.judges.tagger import Judgement, decide

if TYPE_CHECKING:
    from anime_gan.judges.critic import Critic
    from anime_gan.judges.load import Judges

# Minimum number of held-out images.
MIN_TEST_IMAGES = 10
JUDGE_BATCH = 256


@dataclasses.dataclass(frozen=True)
class Options:
    """Number of faces and random seed.

    Attributes:
        num_images: Number of faces drawn without a request, and maximum number of real images.
        seed: Random seed; with 0 the faces are those of `generate.py --seeds=0-...`.
    """

    num_images: int = 10_000
    seed: int = 0

    @property
    def images_per_request(self) -> int:
        """Minimum number of images per attribute value, and number of images per combination."""
        return max(1, min(200, self.num_images // 20))

    @property
    def pairs(self) -> int:
        """Number of faces with a single-attribute edit, and of faces with candidates."""
        return max(2, min(1000, self.num_images // 5))

    @property
    def copies(self) -> int:
        """Number of generated and of held-out images whose nearest training image is searched."""
        return min(2000, self.num_images)


class Stream(enum.IntEnum):
    """Uses of seeds: no two uses share a face."""

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
        labels: float32 [n, num_labels] of +1 and -1, and values of scales.
    """

    seeds: np.ndarray
    latents: np.ndarray
    labels: np.ndarray


class Sample(NamedTuple):
    """Judged images.

    Attributes:
        images: uint8 [n, h, w, channels].
        labels: [n, num_labels], the requested or true labels.
        verdicts: int8 [n, num_labels], or float32 with scales: the tagger's labels; None without a tagger.
        features: float [n, d], the tagger's features; None without a tagger.
    """

    images: np.ndarray
    labels: np.ndarray
    verdicts: np.ndarray | None
    features: np.ndarray | None


class Samples(NamedTuple):
    """The images that most measures compare.

    Attributes:
        faces: Drawn without a request, so attributes follow the training distribution.
        reference: Training images.
        test: Held-out real images.
    """

    faces: Sample
    reference: Sample
    test: Sample


class Bench:
    """Draws and judges faces, with a progress bar.

    Attributes:
        model, dataset, judges, options: As given; without judges, only images can be drawn.
        tagger: The tagger of whole images; None without judges or labels.
        schema: The model's.
        hold_out: Value of the run's `--hold_out`; empty if no combinations were held out.
        combinations: int8 [k, num_labels], the held-out combinations.
        split: Images for training, for testing, and with held-out combinations.
        saw_test_images: Whether the model was also trained on the test images.
    """

    def __init__(
        self,
        model: ExportedModel,
        dataset: Dataset,
        judges: Judges | None,
        options: Options,
        progress: tqdm,
    ) -> None:
        """Splits the dataset as the training run did.

        Raises:
            DataError: The attributes of the data differ from the model's, or there are too few images.
        """
        check_schema(model, dataset)
        self.model, self.dataset, self.options = model, dataset, options
        self._judges = judges
        self.tagger = judges.whole.tagger if judges else None
        self.schema = model.schema
        self._progress = progress
        self._used = dict.fromkeys(Stream, 0)
        config = model.record["config"]
        # An export without these options was trained on all images.
        self.hold_out = str(config.get("hold_out", ""))
        self.saw_test_images = int(config.get("test_every", 0)) == 0
        self.combinations = parse_combinations(self.hold_out, self.schema)
        self.split = evaluation_split(model, dataset)

    @property
    def judges(self) -> Judges:
        """All judges; must not be used if none were given."""
        assert self._judges is not None
        return self._judges

    @property
    def critic(self) -> Critic:
        """The critic of whole images."""
        return self.judges.whole.critic

    def announce(self, images: int) -> None:
        """Adds a number of images to the total of the progress bar; an image counts once per use."""
        self._progress.total += images

    def stage(self, name: str) -> None:
        """Names the current stage in the progress bar."""
        self._progress.set_description(name)

    def draw(self, stream: Stream, attributes: str | Sequence[str], count: int) -> Faces:
        """Returns the inputs of the stream's next faces; open attributes follow the training distribution."""
        first = (self.options.seed << 32) + (stream << 24) + self._used[stream]
        self._used[stream] += count
        seeds = np.arange(first, first + count, dtype=np.int64)
        texts = [attributes] * count if isinstance(attributes, str) else attributes
        return Faces(seeds, *self.model.inputs(texts, seeds.tolist()))

    def render(self, latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Draws faces in batches: uint8 [n, h, w, channels]."""
        return self.in_batches(BATCH, self.model.render, latents, labels)

    def verdicts(self, images: np.ndarray) -> np.ndarray:
        """Returns the tagger's labels: [n, num_labels] of +1 and -1, and values of scales."""
        return decide(self._judge(images).probabilities, self.schema)

    def scores(self, images: np.ndarray) -> np.ndarray:
        """Returns the critic's scores: float32 [n]."""
        return self.in_batches(JUDGE_BATCH, self.critic.score, images)

    def margins(self, images: np.ndarray) -> np.ndarray:
        """Returns the margins by which candidates are selected: float32 [n]; see `Selector.margins`."""
        return self.in_batches(JUDGE_BATCH, self.judges.selector.margins, images)

    def detail_scores(self, images: np.ndarray) -> np.ndarray:
        """Returns the scores that the critic of details gives: float32 [n]."""
        crops, critic = self.judges.crops, self.judges.detail.critic
        return self.in_batches(JUDGE_BATCH, lambda part: critic.score(crops.mosaic(part)), images)

    def samples(self) -> Samples:
        """Draws faces, selects real images, and labels all of them with the tagger."""
        count = self.options.num_images
        self.stage("faces")
        drawn = self.draw(Stream.FACES, "", count)
        faces = self.judged(self.render(drawn.latents, drawn.labels), drawn.labels)
        self.stage("real images")
        return Samples(faces, self.real(self.split.train, count), self.real(self.split.test, count))

    def judged(self, images: np.ndarray, labels: np.ndarray) -> Sample:
        """Labels images with the tagger, if there is one."""
        if self.tagger is None:
            return Sample(images, labels, None, None)
        judgement = self._judge(images)
        return Sample(images, labels, decide(judgement.probabilities, self.schema), judgement.features)

    def real(self, indices: np.ndarray, count: int) -> Sample:
        """Returns at most `count` random images of the dataset, in random order, labeled by the tagger."""
        random = np.random.default_rng(self.options.seed)
        chosen = np.sort(random.permutation(indices)[:count])
        # Read in order from the disk, then shuffled, so that any part is a random sample.
        order = random.permutation(len(chosen))
        return self.judged(np.asarray(self.dataset.images[chosen])[order], self._decoded(chosen)[order])

    def _decoded(self, chosen: np.ndarray) -> np.ndarray:
        labels: np.ndarray = self.dataset.labels[chosen]
        return self.schema.decode(labels) if self.schema.scales else labels

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


def evaluation_split(model: ExportedModel, dataset: Dataset) -> Split:
    """Splits the dataset as the training run did; images that trained a judge are no test images.

    Raises:
        DataError: There are too few images.
    """
    config = model.record["config"]
    # An export without these options was trained on all images.
    combinations = parse_combinations(str(config.get("hold_out", "")), model.schema)
    split = split_dataset(dataset.labels, combinations, int(config.get("test_every", 0)) or TEST_EVERY)
    # The judges were trained on all images but these.
    kept_from_judges = split.test[split.test % TEST_EVERY == TEST_EVERY - 1]
    if len(kept_from_judges) < MIN_TEST_IMAGES or len(split.train) < MIN_TEST_IMAGES:
        raise DataError(
            f"{dataset.name}: has {len(split.train)} training and {len(kept_from_judges)} test images; at "
            f"least {MIN_TEST_IMAGES} of each are needed"
        )
    return Split(split.train, kept_from_judges, split.held_out)
