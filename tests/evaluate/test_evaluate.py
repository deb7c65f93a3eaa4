"""The evaluation of models whose every fault is known, and of an export that was hardly trained."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tqdm import tqdm

from anime_gan.attributes.schema import Schema
from anime_gan.commands import generate
from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.datasets.load import load_dataset
from anime_gan.evaluate import __main__ as command
from anime_gan.evaluate import measure_control as control
from anime_gan.evaluate import measure_pictures as pictures
from anime_gan.evaluate.bench import Bench, Options, Stream
from anime_gan.evaluate.evaluation import describe, evaluate
from anime_gan.evaluate.measure_pictures import CANDIDATES
from anime_gan.exports.write import export_model
from anime_gan.faces.generator import candidate_seed
from anime_gan.judges import critic as critics
from anime_gan.judges import load as loading
from anime_gan.judges.details import Details
from anime_gan.judges.load import Judges, Pair
from anime_gan.judges.tagger import Judgement
from anime_gan.metrics.texture import sliced_wasserstein
from anime_gan.training.config import resolve_config
from anime_gan.training.trainer import Trainer
from tests.evaluate.test_report import read_tables

SIDE = 64
LATENT_DIM = 8
NUM_IMAGES = 400
# Each label is a block of so many pixels at the top of a picture.
BLOCK = 4


def places(num_labels: int) -> list[tuple[int, int]]:
    """Top and left of each label's block: sixteen in a row."""
    return [(BLOCK * (column // 16), BLOCK * (column % 16)) for column in range(num_labels)]


def write_labels(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Pictures that show their labels: a white block for what they have, a black one for the rest."""
    for column, (top, left) in enumerate(places(labels.shape[1])):
        colors = np.where(labels[:, column] > 0, 255, 0)
        images[:, top : top + BLOCK, left : left + BLOCK] = colors[:, None, None, None]
    return images


def noise_images(seeds, low: int = 0) -> np.ndarray:
    """A picture for each seed; `low` bounds its pixels from below, which makes it brighter."""
    return np.stack(
        [np.random.default_rng(seed).integers(low, 256, (SIDE, SIDE, 3), np.uint8) for seed in seeds]
    )


class FakeModel:
    """Draws pictures that show the labels they were asked for, unless a test makes it err."""

    def __init__(self, schema: Schema, **config) -> None:
        self.schema = schema
        self.record = {
            "config": {"test_every": 10, "hold_out": "", **config},
            "steps": 7,
            "weights_sha256": "ab" * 32,
            "data_checksum": "cd" * 32,
        }
        self.background = None
        self.asked: list[tuple[str, int]] = []

    def inputs(self, attributes, seeds):
        self.asked += zip(attributes, seeds, strict=True)
        labels = [
            self._complete(self.schema.parse(text), seed)
            for text, seed in zip(attributes, seeds, strict=True)
        ]
        latents = [np.random.default_rng([seed, 1]).standard_normal(LATENT_DIM) for seed in seeds]
        return np.array(latents, np.float32), np.array(labels, np.float32).reshape(len(seeds), -1)

    def _complete(self, wanted, seed):
        random = np.random.default_rng([seed, 2])
        labels = wanted.copy()
        for slot in self.schema.slots:
            part = labels[slot.columns]
            if slot.is_group:
                # The last value is rare: it comes when it is asked for.
                allowed = np.flatnonzero(part[:-1] >= 0) if np.any(part[:-1] >= 0) else [slot.size - 1]
                chosen = np.flatnonzero(part > 0) if np.any(part > 0) else [random.choice(allowed)]
                part[:] = -1
                part[chosen] = 1
            elif part[0] == 0:
                part[0] = random.choice([1, -1])
        return labels

    def drawn(self, labels):
        """What is drawn instead of what is asked."""
        return labels

    def render(self, latents, labels):
        assert len(latents) <= 64
        images = noise_images(abs(int(1e6 * row[0])) for row in latents)
        return write_labels(images, self.drawn(labels.copy()))


class FakeTagger:
    """Reads the labels off the pictures, without ever erring; features are two numbers of the pixels."""

    checksum = "ef" * 32

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.accuracy = {slot.name: 1.0 for slot in schema.slots}
        self.column_accuracy = {name: float("nan") for name in schema.columns}
        self.hardest = []
        self._num_labels = schema.num_labels

    def judge(self, images):
        tops, lefts = np.array(places(self._num_labels)).T
        shown = images[:, tops + 1, lefts + BLOCK // 2, 0]
        return Judgement((shown / 255).astype(np.float32), images[:, 32:, :, :2].mean(axis=(1, 2)))

    def notes(self):
        return ["the tagger is a fake"]

    def save(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        (directory / "tagger.json").write_text("{}", "utf-8")


class FakeCritic:
    """Likes bright pictures: the score is the mean of a corner's pixels."""

    checksum = "9a" * 32
    floor = 130.0
    detection = {"dark": 1.0}

    def score(self, images):
        return images[:, -8:, -8:].mean(axis=(1, 2, 3)).astype(np.float32)

    def save(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        (directory / "critic.json").write_text("{}", "utf-8")


class FakeCrops(Details):
    """Shows judges of details a darker image, so that fewer pass the critic."""

    def __init__(self):
        super().__init__(32, ((0, 0),), (0, 0), np.ones((64, 64), bool))

    def mosaic(self, images):
        dark = images.copy()
        dark[:, -8:] //= 2
        return dark


def make_judges(schema: Schema) -> Judges:
    pairs = (Pair(FakeTagger(schema) if schema.num_labels else None, FakeCritic()) for _ in range(2))
    return Judges(*pairs, FakeCrops())


def make_dataset(schema: Schema, count: int = 1000, seed: int = 3) -> Dataset:
    model = FakeModel(schema)
    _, labels = model.inputs([""] * count, range(seed, seed + count))
    labels = labels.astype(np.int8)
    images = write_labels(noise_images(range(5000, 5000 + count)), labels)
    return Dataset("coded", images, labels, schema, "Made by a test.", checksum="cd" * 32)


@pytest.fixture(scope="module")
def dataset(schema) -> Dataset:
    return make_dataset(schema)


@pytest.fixture(scope="module", autouse=True)
def few_patches():
    """Texture by fewer patches and directions, which is all that takes long."""
    with pytest.MonkeyPatch.context() as patch:
        fast = functools.partial(sliced_wasserstein, patches_per_image=16, directions=32)
        patch.setattr(pictures, "sliced_wasserstein", fast)
        yield


def bench_of(model: FakeModel, dataset: Dataset, num_images: int = NUM_IMAGES, seed: int = 0) -> Bench:
    judges = make_judges(model.schema)
    return Bench(model, dataset, judges, Options(num_images, seed), tqdm(total=0, disable=True))


def whole_evaluation(model: FakeModel, dataset: Dataset, **options):
    bench = bench_of(model, dataset, **options)
    return evaluate(model, dataset, bench.judges, bench.options)


@pytest.fixture(scope="module")
def faultless(schema, dataset) -> dict:
    return whole_evaluation(FakeModel(schema), dataset).numbers


def test_a_model_that_does_what_it_is_asked(faultless):
    attributes = faultless["attributes"]
    assert attributes["model"] == attributes["real"] == attributes["share_of_real"] == 1.0
    leakage = faultless["leakage"]
    assert (leakage["flipped"], leakage["noise"], leakage["followed"]) == (0.0, 0.0, 1.0)
    assert leakage["pairs"] == 80 and leakage["compared"] == 80 * 4
    # Only the block that shows it changes, and there real pictures differ.
    assert leakage["attributes"]["smile"]["spill"] == leakage["attributes"]["glasses"]["spill"] == 0.0
    # Generated pictures are noise as the real ones are.
    assert faultless["variety"]["ratio"] == pytest.approx(1.0, abs=0.02)
    assert faultless["copies"]["model"] == pytest.approx(faultless["copies"]["real"], rel=0.02)
    for level in faultless["texture"]["levels"].values():
        assert level["model"] == pytest.approx(level["real"], rel=0.3)
    assert "combinations" not in faultless


def test_what_was_measured_with_what(faultless):
    assert faultless["data"] == {
        "name": "coded",
        "checksum": "cd" * 32,
        "is_training_data": True,
        "train": 900,
        "test": 100,
        "held_out": 0,
    }
    assert faultless["notes"] == ["the tagger is a fake"]
    assert faultless["tagger"]["checksum"] == "ef" * 32
    assert faultless["tagger"]["column_accuracy"]["smile"] is None
    assert faultless["critic"] == {"checksum": "9a" * 32, "floor": 130.0, "detection": {"dark": 1.0}}
    assert faultless["model"] == {"weights_sha256": "ab" * 32, "steps": 7}
    json.dumps(faultless, allow_nan=False)


def test_the_same_seed_gives_the_same_numbers(schema, dataset, faultless):
    assert whole_evaluation(FakeModel(schema), dataset).numbers == faultless
    first, other = (bench_of(FakeModel(schema), dataset, seed=seed) for seed in (0, 1))
    assert pictures.success(first, first.samples()) != pictures.success(other, other.samples())


def test_no_two_uses_share_a_face(schema, dataset):
    model = FakeModel(schema)
    whole_evaluation(model, dataset, num_images=100)
    # The candidates for one face are the only ones with equal requests.
    seeds = [seed for _, seed in model.asked]
    assert len(set(seeds)) == len(seeds)


def test_every_value_is_judged_on_enough_images(faultless):
    rows = {row["value"]: row for row in faultless["attributes"]["values"]}
    assert len(rows) == 12 + 2
    # Nothing asked never gives blonde hair, so all of it was drawn for its own sake.
    assert rows["hair_color=blonde"]["model_images"] == 20
    assert rows["hair_color=blonde"]["real_images"] == 0 and not rows["hair_color=blonde"]["averaged"]
    assert all(row["model_images"] >= 20 for row in rows.values())
    assert rows["smile"]["model_images"] + rows["smile=no"]["model_images"] == NUM_IMAGES


def test_a_value_that_the_model_cannot_draw_is_the_worst(schema, dataset):
    class RedIsBlack(FakeModel):
        def drawn(self, labels):
            red, black = schema.column("hair_color", "red"), schema.column("hair_color", "black")
            is_red = labels[:, red] > 0
            labels[is_red, red], labels[is_red, black] = -1, 1
            return labels

    bench = bench_of(RedIsBlack(schema), dataset)
    attributes = control.attribute_precision(bench, bench.samples())
    assert attributes["worst"] == {"value": "hair_color=red", "model": 0.0, "real": 1.0}
    # Of 12 columns 3 are the rare last value of a group, which no real picture has.
    assert attributes["model"] == pytest.approx(8 / 9)
    assert attributes["real"] == 1.0


class NoBlueOnBlue(FakeModel):
    """Draws green eyes under blue hair where blue ones are asked for."""

    def drawn(self, labels):
        hair, blue, green = (
            self.schema.column(*names)
            for names in (("hair_color", "blue"), ("eye_color", "blue"), ("eye_color", "green"))
        )
        both = (labels[:, hair] > 0) & (labels[:, blue] > 0)
        labels[both, blue], labels[both, green] = -1, 1
        return labels


def test_a_combination_that_was_never_learned(schema, dataset):
    bench = bench_of(NoBlueOnBlue(schema, hold_out="blue hair, blue eyes"), dataset)
    combinations, pictured = control.unseen_combinations(bench)
    (unseen,), (seen,) = (combinations[side]["combinations"] for side in ("unseen", "seen"))
    assert unseen == {
        "request": "blue hair, blue eyes",
        "joint": 0.0,
        "each": {"hair_color": 1.0, "eye_color": 0.0},
        "images": 20,
    }
    assert seen["joint"] == 1.0 and set(seen["each"]) == {"hair_color", "eye_color"}
    assert seen["request"] != "blue hair, blue eyes"
    assert (combinations["unseen"]["joint"], combinations["seen"]["joint"]) == (0.0, 1.0)
    assert combinations["difference"] == -1.0
    assert combinations["unseen"]["single"] == 0.5
    hair, eyes = schema.column("hair_color", "blue"), schema.column("eye_color", "blue")
    having = np.flatnonzero((dataset.labels[:, hair] > 0) & (dataset.labels[:, eyes] > 0))
    np.testing.assert_array_equal(bench.split.held_out, having)
    # Of these the tagger knows all but every tenth of the dataset.
    assert combinations["real"] == {"joint": 1.0, "images": int(np.sum(having % 10 == 9))}
    assert pictured["blue hair, blue eyes"].shape == (4, SIDE, SIDE, 3)


def test_held_out_combinations_are_a_part_of_the_whole(schema, dataset):
    model = NoBlueOnBlue(schema, hold_out="blue hair, blue eyes; red hair, smile")
    evaluation = whole_evaluation(model, dataset, num_images=100)
    assert evaluation.numbers["combinations"]["unseen"]["joint"] == 0.5
    assert list(evaluation.pictures.combinations) == ["blue hair, blue eyes", "red hair, smile"]


class SmilesWearGlasses(FakeModel):
    """Glasses are drawn on smiling faces, and on no others, whatever is asked."""

    def drawn(self, labels):
        labels[:, self.schema.column("glasses")] = labels[:, self.schema.column("smile")]
        return labels


def test_attributes_that_hang_together_leak(schema, dataset):
    bench = bench_of(SmilesWearGlasses(schema), dataset)
    leakage = control.leakage(bench, bench.samples())
    by_attribute = leakage["attributes"]
    # A smile that comes or goes takes the glasses with it: one of the four other attributes.
    flipped = {name: part["flipped"] for name, part in by_attribute.items()}
    assert flipped == {"hair_color": 0.0, "smile": 0.25, "eye_color": 0.0, "glasses": 0.0, "hair_style": 0.0}
    assert sum(part["pairs"] for part in by_attribute.values()) == 80
    assert leakage["flipped"] == by_attribute["smile"]["pairs"] / (80 * 4)
    # Only glasses do not follow, unless they happen to be what the smile wants.
    assert 1 - by_attribute["glasses"]["pairs"] / 80 < leakage["followed"] < 1


def test_a_change_that_moves_everything_spills(schema, dataset):
    class DarkSmiles(FakeModel):
        """A smile darkens all of the picture but the blocks."""

        def render(self, latents, labels):
            images = super().render(latents, labels)
            images[labels[:, self.schema.column("smile")] > 0] //= 2
            return write_labels(images, labels)

    bench = bench_of(DarkSmiles(schema), dataset)
    attributes = control.leakage(bench, bench.samples())["attributes"]
    # Real pictures are noise: half of it counts as where the attribute belongs, and it changes as the rest.
    assert attributes["smile"]["spill"] == pytest.approx(1.0, abs=0.05)
    assert attributes["glasses"]["spill"] == 0.0


def test_verdicts_that_change_when_a_face_moves_are_noise(schema, dataset):
    class EdgeTagger(FakeTagger):
        """Looks at the left edge of a block, where the block before comes to lie."""

        def judge(self, images):
            tops, lefts = np.array(places(self._num_labels)).T
            return Judgement(
                (images[:, tops + 1, lefts, 0] / 255).astype(np.float32), np.zeros((len(images), 2))
            )

    bench = bench_of(FakeModel(schema), dataset)
    bench.tagger = EdgeTagger(schema)
    leakage = control.leakage(bench, bench.samples())
    # The same faces again: a smile is then taken for black hair, the fourth and the fifth column.
    again = bench_of(FakeModel(schema), dataset)
    labels = again.draw(Stream.CHANGES, "", 80).labels
    moved = np.concatenate([labels[:, :1], labels[:, :-1]], axis=1)
    flips = 0
    for slot in schema.slots:
        if slot.is_group:
            flips += np.sum(labels[:, slot.columns].argmax(1) != moved[:, slot.columns].argmax(1))
        else:
            flips += np.sum(labels[:, slot.start] != moved[:, slot.start])
    assert leakage["noise"] == flips / (80 * 5) > 0
    assert leakage["flipped"] == 0.0


def test_a_model_that_draws_one_face_has_no_variety(schema, dataset):
    class OneFace(FakeModel):
        def render(self, latents, labels):
            return super().render(np.zeros_like(latents), labels)

    variety, candidates = pictures.variety(bench_of(OneFace(schema), dataset))
    assert variety["model"] == 0.0 and variety["ratio"] == 0.0 and variety["real"] > 0.01
    assert [part["variety"] for part in candidates] == [0.0, 0.0]


def test_variety_asks_for_the_labels_of_real_images(schema, dataset):
    model = FakeModel(schema)
    variety, _ = pictures.variety(bench_of(model, dataset))
    assert (variety["equal"], variety["pairs"]) == ("all attributes", 40)
    requests = [text for text, _ in model.asked]
    assert set(requests) <= {schema.describe(row) for row in dataset.labels}
    # Two faces of each, and their candidates.
    assert len(set(requests)) == 40 and len(requests) == 40 * 2 * CANDIDATES


def test_few_equal_rows_leave_the_tags_open():
    """With twelve tags hardly two rows are equal; their groups are."""
    styles = {"hair": tuple("abcdefg"), "eyes": tuple("hijklmn")}
    many = Schema.from_names({**styles, **dict.fromkeys(f"tag{number}" for number in range(12))})
    model = FakeModel(many)
    variety, _ = pictures.variety(bench_of(model, make_dataset(many, 300), num_images=300))
    assert variety["equal"] == "all but tags"
    # Six values of each group, since the last is rare, so 36 pairs of values, of which 30 were asked for.
    assert variety["pairs"] == 30
    assert len({text for text, _ in model.asked}) == 30
    assert all("tag" not in text for text, _ in model.asked)


def test_few_combinations_give_several_pairs_each():
    few = Schema.from_names({"hair": ("a", "b", "c"), "eyes": ("d", "e")})
    model = FakeModel(few)
    variety, _ = pictures.variety(bench_of(model, make_dataset(few, 300), num_images=300))
    # Two hair colors with one eye color, 15 pairs of each.
    assert (variety["equal"], variety["pairs"]) == ("all attributes", 30)
    asked = [text for text, seed in model.asked]
    assert sorted(asked.count(text) for text in set(asked)) == [15 * 2 * CANDIDATES] * 2


def test_the_best_of_several_candidates(schema, dataset):
    """Every face is drawn again here, with its candidates, and scored."""
    model = FakeModel(schema)
    _, candidates = pictures.variety(bench_of(model, dataset))
    again = FakeModel(schema)
    scores = []
    for text, seed in model.asked[:80]:
        labels = again.inputs([text], [seed])[1]
        latents = [again.inputs([text], [candidate_seed(seed, number)])[0] for number in range(CANDIDATES)]
        scores.append([FakeCritic().score(again.render(row, labels))[0] for row in latents])
    expected = np.mean(np.array(scores)[:, 0] >= 130), np.mean(np.max(scores, axis=1) >= 130)
    assert [part["candidates"] for part in candidates] == [1, CANDIDATES]
    assert [part["success"] for part in candidates] == list(expected)
    assert expected[1] > expected[0] > 0


def test_success_is_the_share_above_the_floor(schema, dataset):
    class HalfDark(FakeModel):
        """Half of the faces have a black corner, the others a bright one."""

        def render(self, latents, labels):
            images = super().render(latents, labels)
            images[:, -8:, -8:] = np.where(latents[:, 0] < 0, 0, 140)[:, None, None, None]
            return images

    bench = bench_of(HalfDark(schema), dataset)
    success = pictures.success(bench, bench.samples())
    latents, _ = FakeModel(schema).inputs([""] * NUM_IMAGES, range(NUM_IMAGES))
    assert success["model"] == np.mean(latents[:, 0] >= 0)
    corners = dataset.images[9::10, -8:, -8:].mean(axis=(1, 2, 3))
    assert success["real"] == pytest.approx(np.mean(corners >= 130))


def test_details_are_judged_apart(schema, dataset):
    """Mosaics have a darker corner here: faces between the floor and twice the floor fail there alone."""

    class Bright(FakeModel):
        """A third of the faces have a corner of 250, the others of 200."""

        def render(self, latents, labels):
            images = super().render(latents, labels)
            images[:, -8:, -8:] = np.where(latents[:, 0] < -0.43, 250, 200)[:, None, None, None]
            return images

    class Mosaics(FakeCrops):
        def mosaic(self, images):
            dark = images.copy()
            dark[:, -8:, -8:] //= 2
            dark[:, -8:, -8:] += 20
            return write_labels(dark, np.full((len(images), schema.num_labels), -1))

    judges = make_judges(schema)._replace(crops=Mosaics())
    numbers = evaluate(Bright(schema), dataset, judges, Options(NUM_IMAGES, 0)).numbers
    latents, _ = FakeModel(schema).inputs([""] * NUM_IMAGES, range(NUM_IMAGES))
    assert numbers["success"]["model"] == 1.0
    assert numbers["details"]["success"]["model"] == np.mean(latents[:, 0] < -0.43)
    assert numbers["attributes"]["model"] == 1.0
    # The mosaics show no attribute: of nine values, only the first of each of three groups is recognized.
    assert numbers["details"]["attributes"]["model"] == pytest.approx(3 / 9)
    # Of two groups of two corners: 250 / 2 + 20 passes the floor of 130, 200 / 2 + 20 does not.
    best = numbers["candidates"][1]
    assert best["success"] == 1.0 and 0.3 < best["details"] < 1.0


def test_details_of_equal_distributions(faultless):
    fid = faultless["details"]["fid"]
    assert fid["images"] == 100 and fid["model"] < 1 and fid["real"] < 1


def test_attributes_that_details_do_not_show_are_not_counted(schema, dataset):
    judges = make_judges(schema)
    judges.detail.tagger.accuracy["smile"] = 0.6
    numbers = evaluate(FakeModel(schema), dataset, judges, Options(100, 0)).numbers
    rows = {row["value"]: row for row in numbers["details"]["attributes"]["values"]}
    assert rows["smile"]["model_images"] == rows["smile"]["real_images"] == 0
    assert rows["glasses"]["model_images"] > 20


@pytest.mark.parametrize("flip", [False, True])
def test_copies_of_training_images_are_found(schema, dataset, flip):
    class Copier(FakeModel):
        """Half of its faces are pictures that were trained on; with `flip` mirrored."""

        def render(self, latents, labels):
            images = super().render(latents, labels)
            for image, row in zip(images, latents, strict=True):
                if row[0] > 0:
                    copied = dataset.images[10 * int(1e4 * row[0] % 90) + 4]
                    image[:] = copied[:, ::-1] if flip else copied
            return images

    bench = bench_of(Copier(schema, flip=flip), dataset)
    numbers, pairs = pictures.copies(bench, bench.samples())
    latents, _ = FakeModel(schema).inputs([""] * NUM_IMAGES, range(NUM_IMAGES))
    copied = np.mean(latents[:, 0] > 0)
    # All copies, and as many of the others as there would be by chance.
    assert copied <= numbers["model_near"] <= copied + 0.05
    assert numbers["real_near"] == 0.01
    assert len(pairs.generated) == 16
    np.testing.assert_array_equal(pairs.generated, pairs.nearest[:, :, ::-1] if flip else pairs.nearest)


def test_resemblance_of_another_distribution(schema, dataset, faultless):
    class Bright(FakeModel):
        def render(self, latents, labels):
            return write_labels(np.maximum(super().render(latents, labels), 128), labels)

    bench = bench_of(Bright(schema), dataset)
    numbers = pictures.resemblance(bench, bench.samples())
    same = faultless["resemblance"]
    assert numbers["reference_images"] == 400
    assert (numbers["all"]["images"], numbers["equal_numbers"]["images"]) == (400, 100)
    # The features are mean pixels of two colors: of noise 127.5, of max(noise, 128) 159.75.
    assert numbers["all"]["model"]["fid"] == pytest.approx(2 * 32.25**2, rel=0.02)
    assert numbers["all"]["model"]["precision"] == numbers["all"]["model"]["recall"] == 0.0
    for part in (same["all"]["model"], same["equal_numbers"]["model"], same["equal_numbers"]["real"]):
        assert part["fid"] < 1 and part["precision"] > 0.8
    assert numbers["equal_numbers"]["real"] == same["equal_numbers"]["real"]


def test_only_held_out_images_are_the_measure_of_real_ones(schema, dataset):
    """Every tenth picture shows the opposite of its tags: had others been looked at, some were right."""
    images, tags = dataset.images.copy(), [schema.column("smile"), schema.column("glasses")]
    shown = dataset.labels[9::10].copy()
    shown[:, tags] *= -1
    write_labels(images[9::10], shown)
    bench = bench_of(FakeModel(schema), Dataset("wrong", images, dataset.labels, schema, "", checksum=""))
    attributes = control.attribute_precision(bench, bench.samples())
    real = {row["value"]: row["real"] for row in attributes["values"]}
    assert real["smile"] == real["smile=no"] == real["glasses"] == 0.0
    assert real["hair_color=red"] == 1.0 and attributes["model"] == 1.0


@pytest.mark.parametrize(("test_every", "expected"), [(10, 100), (5, 100), (20, 50), (0, 100)])
def test_what_was_held_out_from_the_model_and_the_judges(schema, dataset, test_every, expected):
    bench = bench_of(FakeModel(schema, test_every=test_every), dataset)
    assert len(bench.split.test) == expected and np.all(bench.split.test % 10 == 9)
    assert bench.saw_test_images == (test_every == 0)
    assert len(bench.split.train) == {10: 900, 5: 800, 20: 950, 0: 900}[test_every]


def test_an_export_that_says_little_was_trained_on_everything(schema, dataset):
    model = FakeModel(schema)
    del (
        model.record["config"]["test_every"],
        model.record["config"]["hold_out"],
        model.record["data_checksum"],
    )
    numbers = describe(bench_of(model, dataset))
    assert numbers["data"]["is_training_data"] is None and numbers["data"]["test"] == 100
    assert any("also trained on the held-out images" in note for note in numbers["notes"])


def test_other_data_than_it_was_trained_on_is_noted(schema, dataset):
    model = FakeModel(schema)
    model.record["data_checksum"] = "other"
    numbers = describe(bench_of(model, dataset))
    assert numbers["data"]["is_training_data"] is False
    assert any("not the model's training data" in note for note in numbers["notes"])


def test_a_model_without_labels():
    nothing = Schema(())
    images = noise_images(range(300))
    dataset = Dataset("bare", images, np.zeros((300, 0), np.int8), nothing, "", checksum="cd" * 32)
    evaluation = whole_evaluation(FakeModel(nothing), dataset, num_images=100)
    numbers = evaluation.numbers
    assert not {"attributes", "combinations", "leakage", "resemblance", "tagger"} & set(numbers)
    assert {"success", "copies", "texture", "candidates"} <= set(numbers)
    assert numbers["variety"]["equal"] == "no attributes"
    assert numbers["variety"]["ratio"] == pytest.approx(1.0, abs=0.05)
    assert numbers["candidates"][1]["success"] >= numbers["candidates"][0]["success"]
    assert evaluation.pictures.combinations == {}


def test_data_with_other_attributes_is_refused(dataset):
    other = Schema.from_names({"hair_color": ("blue", "red"), "hat": None})
    with pytest.raises(DataError, match="coded: its attributes differ from the model's") as error:
        bench_of(FakeModel(other), dataset)
    assert "only in the data: eye_color=blue, " in str(error.value)
    assert "only in the model: hat" in str(error.value)


def test_too_little_data_is_refused(schema):
    with pytest.raises(DataError, match="has 81 training and 9 test images; at least 10 of each"):
        bench_of(FakeModel(schema), make_dataset(schema, 90))


# From here on: the command, on an export that has learned nothing.


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """An export as a run leaves it, of networks that have learned nothing."""
    config = resolve_config("published", {"num_images": 120, "batch_size": 8, "steps": 3})
    drawn = load_dataset("drawn", config.num_images, config.resolution, config.seed)
    directory = tmp_path_factory.mktemp("run")
    export_model(Trainer(config, drawn.schema, drawn.labels), drawn, config, directory / "export" / "3")
    return directory


@pytest.fixture(scope="module")
def fast_judges():
    """Fakes: real judges take minutes to train."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "load_judges", lambda dataset: make_judges(dataset.schema))
        patch.setattr(critics.Critic, "load", classmethod(lambda cls, directory: FakeCritic()))
        yield


@pytest.fixture(scope="module")
def evaluated(run, fast_judges) -> Path:
    assert command.main([f"--model={run}", "--num_images=100"]) == 0
    return run / "export" / "3"


def test_what_the_command_leaves_beside_the_model(evaluated):
    numbers = json.loads((evaluated / "evaluation.json").read_text("utf-8"))
    record = json.loads((evaluated / "training.json").read_text("utf-8"))
    assert numbers["model"]["weights_sha256"] == record["weights_sha256"]
    assert numbers["num_images"] == 100
    text = (evaluated / "EVALUATION.md").read_text("utf-8")
    table = next(table for table in read_tables(text) if table[0][-1] == "real images")
    for row, values in zip(table[1:], numbers["attributes"]["values"], strict=True):
        assert row[0] == f"`{values['value']}`" and int(row[3]) == values["model_images"]
        shown = None if row[1] == "–" else float(row[1].rstrip("%"))
        assert shown == (None if values["model"] is None else pytest.approx(100 * values["model"], abs=0.051))
    assert Image.open(evaluated / "evaluation.png").size[0] == 8 * 66 - 2
    card = (evaluated / "MODEL_CARD.md").read_text("utf-8")
    assert card.count("## Measured") == 1 and "No measured figures" not in card
    assert read_tables(card)[0] == read_tables(text)[0]


def test_measured_again_is_measured_once(evaluated, run, capsys):
    card = (evaluated / "MODEL_CARD.md").read_text("utf-8")
    assert command.main([f"--model={run}", "--num_images=100"]) == 0
    assert (evaluated / "MODEL_CARD.md").read_text("utf-8") == card
    assert read_tables(capsys.readouterr().out)[0] == read_tables(card)[0]


def test_another_folder_leaves_the_export_alone(evaluated, run, tmp_path, fast_judges):
    before = {path.name: path.stat().st_mtime_ns for path in evaluated.iterdir()}
    assert command.main([f"--model={run}", "--num_images=100", "--seed=5", f"--out={tmp_path / 'new'}"]) == 0
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "EVALUATION.md",
        "copies.png",
        "evaluation.json",
        "evaluation.png",
    ]
    assert {path.name: path.stat().st_mtime_ns for path in evaluated.iterdir()} == before
    numbers = [
        json.loads((path / "evaluation.json").read_text("utf-8")) for path in (evaluated, tmp_path / "new")
    ]
    assert numbers[0]["copies"] != numbers[1]["copies"]


def test_the_first_faces_are_those_of_generate(evaluated, run, tmp_path):
    assert generate.main([f"--model={run}", "--seeds=0-7", f"--out={tmp_path}/grid.png"]) == 0
    faces = np.asarray(Image.open(tmp_path / "grid.png"))
    sheet = np.asarray(Image.open(evaluated / "evaluation.png"))
    # The grid of eight has three columns, the sheet eight, below a title of 22 pixels.
    for seed in range(8):
        face = faces[66 * (seed // 3) :, 66 * (seed % 3) :][:64, :64].astype(int)
        assert np.abs(sheet[22 : 22 + 64, 66 * seed : 66 * seed + 64] - face).max() <= 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model=nowhere"], "--model=nowhere: no exported model found"),
        (["--num_images=99"], "--num_images=99"),
        (["--num_images=100", "--fast"], "--num_images cannot be combined with --fast"),
        (["--data=nowhere"], "--data=nowhere: no such folder"),
        (["--data=faces"], "its attributes differ from the model's"),
        (["--out=file"], "--out=file: is a file"),
        (["--modle=x"], "unknown option --modle; did you mean --model?"),
        (["runs"], "unexpected argument 'runs'"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(
    run, fast_judges, tmp_path, monkeypatch, capsys, arguments, said
):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    folder = tmp_path / "faces"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (64, 64), (90 * number, 0, 0)).save(folder / f"{number}.png")
    (folder / "labels.csv").write_text("filename,hat\n0.png,1\n1.png,0\n2.png,1\n")
    if arguments != ["--model=nowhere"]:
        arguments = [f"--model={run}", *arguments]
    assert command.main(arguments) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("anime_gan.evaluate: ") and said in error
