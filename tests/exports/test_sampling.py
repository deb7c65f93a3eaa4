"""Requests parsed inside a graph, and the drawing of open attributes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf

from anime_gan.attributes.label_sampler import LabelRows, LabelSampler
from anime_gan.attributes.schema import AttributeRequestError, Schema
from anime_gan.exports.sampling import (
    FaceInputs,
    FaceSampler,
    RequestReader,
    check_inputs,
    latents_from_seeds,
    refuse_errors,
    uniforms_from_seeds,
)


@pytest.fixture(scope="module")
def read(schema):
    reader = RequestReader(schema)
    spec = tf.TensorSpec([None], tf.string)
    return tf.function(reader.__call__, input_signature=[spec], autograph=False)


@pytest.fixture(scope="module")
def sampler(schema, labels):
    return LabelSampler(schema, LabelRows.from_labels(labels))


def random_request(random: np.random.Generator, phrases: list[str]) -> str:
    """A request in unusual spelling; some contradict themselves or contain nonsense."""
    words = [str(random.choice(phrases)) for _ in range(random.integers(0, 4))]
    if random.random() < 0.15:
        words.append("".join(chr(c) for c in random.integers(33, 0x3050, 5)))
    text = str(random.choice([",", " , ", "，", "、", ",,"])).join(words)
    text = text.replace(" ", str(random.choice([" ", "_", "-", "  ", "\t", "\u3000"])))
    text = text.replace("=", str(random.choice(["=", " = ", "＝"])))
    return text.upper() if random.random() < 0.3 and text.isascii() else text


def test_graph_and_python_read_1000_random_requests_alike(schema, read):
    random = np.random.default_rng(11)
    phrases = sorted(schema.phrase_codes)
    texts = [random_request(random, phrases) for _ in range(1000)]
    values, errors = read(tf.constant(texts))
    outcomes = {"read": 0, "refused": 0}
    for text, row, error in zip(texts, values, errors.numpy(), strict=True):
        try:
            expected = schema.parse(text)
        except AttributeRequestError:
            assert error, text
            outcomes["refused"] += 1
        else:
            assert not error, text
            np.testing.assert_array_equal(row, expected)
            outcomes["read"] += 1
    assert min(outcomes.values()) > 150, outcomes


ADVICE = "; see attributes.json beside the model"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("smile, blu hair, gren eyes", f"unknown attribute 'blu hair'{ADVICE}"),
        ("blue", f"ambiguous attribute 'blue'{ADVICE}"),
        ("smile,no smile", f"contradiction in 'smile,no smile'{ADVICE}"),
        # One error is enough: the first of a kind, and unknown words first.
        ("blue, xyz", f"unknown attribute 'xyz'{ADVICE}"),
    ],
)
def test_the_error_quotes_the_word_of_its_own_row(read, text, error):
    errors = read(tf.constant(["glasses", text, ""])).errors.numpy()
    assert [row.decode() for row in errors] == ["", error, ""]


def test_a_batch_is_read_row_by_row(schema, read):
    texts = ["", "smile", "blue eyes, no glasses"]
    np.testing.assert_array_equal(read(tf.constant(texts)).values, [schema.parse(text) for text in texts])


@pytest.fixture(scope="module")
def face_sampler(schema, sampler):
    return FaceSampler(schema, sampler, latent_dim=5)


def sample(face_sampler, attributes, seeds, truncation):
    return face_sampler(
        tf.constant(attributes, tf.string), tf.constant(seeds, tf.int64), tf.constant(truncation, tf.float32)
    )


def test_a_wrong_row_leaves_the_others_alone(face_sampler):
    nan, infinity = float("nan"), float("inf")
    texts = ["smile", "smil", "smile", "smile", "smile", "smile", "smile", "smile"]
    truncation = [0.5, 1.0, nan, 0.0, -1.0, 1.5, infinity, 1.0]
    seeds = [7, 7, 7, 7, 7, 7, 7, -7]
    drawn, errors = sample(face_sampler, texts, seeds, truncation)
    begun = [row.decode().split(";")[0] for row in errors.numpy()]
    of_truncation = "the truncation must be a number above 0 and at most 1"
    assert begun == ["", "unknown attribute 'smil'", *[of_truncation] * 5, "the seed must be 0 or more"]
    alone, error = sample(face_sampler, ["smile"], [7], [0.5])
    assert error.numpy() == [b""]
    np.testing.assert_array_equal(drawn.latents[0], alone.latents[0])
    np.testing.assert_array_equal(drawn.labels[0], alone.labels[0])
    # Wrong rows have usable inputs, because all rows go through the generator.
    assert np.all(np.isfinite(drawn.latents)) and set(np.unique(drawn.labels)) == {-1.0, 1.0}


def test_different_numbers_of_rows_are_an_error_in_each_row(face_sampler):
    drawn, errors = sample(face_sampler, ["", ""], [1], [1.0, 1.0, 1.0])
    message = b"the inputs have different numbers of rows, attributes 2, seed 1, truncation 3"
    assert errors.numpy().tolist() == [message] * 3
    assert drawn.latents.shape == (3, 5)
    drawn, errors = sample(face_sampler, [], [], [])
    assert drawn.latents.shape == (0, 5) and errors.shape == (0,)


def test_latents_must_be_finite_and_labels_in_range():
    nan, infinity = float("nan"), float("inf")
    latents = tf.constant([[0.0, 9.0], [nan, 0.0], [0.0, infinity], [1.0, 1.0], [1.0, 1.0]])
    labels = tf.constant([[1.0, -0.5], [1.0, 1.0], [1.0, 1.0], [1.0, 1.01], [nan, 1.0]])
    values, errors = check_inputs(latents, labels)
    of_latents = b"the latent vector must contain finite numbers"
    of_labels = b"the labels must be numbers from -1 to 1"
    assert errors.numpy().tolist() == [b"", of_latents, of_latents, of_labels, of_labels]
    np.testing.assert_array_equal(values.latents, [[0, 9], [0, 0], [0, 0], [0, 0], [0, 0]])
    np.testing.assert_array_equal(values.labels, [[1, -0.5], [0, 0], [0, 0], [0, 0], [0, 0]])
    _, errors = check_inputs(latents[:2], labels[:1])
    assert errors.numpy().tolist() == [b"the inputs have different numbers of rows, latents 2, labels 1"] * 2


def test_a_strict_caller_gets_the_first_error(face_sampler):
    good = sample(face_sampler, ["smile"], [1], [1.0])
    assert isinstance(refuse_errors(good), FaceInputs)
    with pytest.raises(tf.errors.InvalidArgumentError, match="the seed must be 0 or more"):
        refuse_errors(sample(face_sampler, ["smile", "", "xyz"], [1, -1, 1], [1.0, 1.0, 1.0]))


def draw(sampler, wanted: np.ndarray, count: int) -> np.ndarray:
    uniforms = np.random.default_rng(3).random((count, 1 + sampler.num_slots))
    rows = np.tile(wanted.astype(np.float32), (count, 1))
    return sampler.complete(tf.constant(rows), tf.constant(uniforms)).numpy()


def assert_complete(schema, drawn: np.ndarray) -> None:
    assert set(np.unique(drawn)) == {-1.0, 1.0}
    for group in (slot for slot in schema.slots if slot.is_group):
        assert (np.sum(drawn[:, group.columns] > 0, axis=1) == 1).all()


def test_open_attributes_follow_the_joint_distribution(schema, labels, sampler):
    """Red-haired faces smile as often as in the rows; blonde faces, which never smile there, never do."""
    smile = schema.column("smile")
    drawn = draw(sampler, schema.parse("red hair"), 4000)
    assert_complete(schema, drawn)
    red = labels[labels[:, schema.column("hair_color", "red")] > 0]
    expected = np.mean(red[:, smile] > 0)
    # Four standard errors of 4,000 draws.
    assert abs(np.mean(drawn[:, smile] > 0) - expected) < 4 * np.sqrt(expected * (1 - expected) / 4000)
    assert not (draw(sampler, schema.parse("blonde hair"), 500)[:, smile] > 0).any()
    hair = draw(sampler, schema.parse("smile"), 1000)
    assert not (hair[:, schema.column("hair_color", "blonde")] > 0).any()


def test_requested_attributes_are_always_present(schema, sampler):
    for text in ("black hair", "blonde hair, smile", "red eyes, twin tails", "no blue hair, no red hair"):
        wanted = schema.parse(text)
        drawn = draw(sampler, wanted, 300)
        assert_complete(schema, drawn)
        np.testing.assert_array_equal(drawn[:, wanted != 0], np.tile(wanted[wanted != 0], (300, 1)))


def test_a_combination_that_no_row_has_follows_the_nearest_rows(schema, labels, sampler):
    """No row is both blonde and smiling, so the nearest rows supply the open attributes."""
    wanted = schema.parse("blonde hair, smile, glasses")
    rows = draw(sampler, wanted, 4_000)
    assert np.all(rows[:, wanted != 0] == wanted[wanted != 0])
    # A wrong hair color differs in two columns, so blonde rows with glasses are nearest.
    blonde, glasses = schema.column("hair_color", "blonde"), schema.column("glasses")
    near = labels[(labels[:, blonde] > 0) & (labels[:, glasses] > 0)]
    column = schema.column("hair_style", "short")
    expected = np.mean(near[:, column] > 0)
    assert abs(np.mean(rows[:, column] > 0) - expected) < 4 * (0.25 / 4_000) ** 0.5


def test_a_request_for_an_eye_color_opens_the_eyes():
    """The eye color of rows with closed eyes is unknown, which must not count as a match."""
    schema = Schema.from_names(
        {"hair_color": ("blue", "red"), "eye_color": ("green", "red"), "closed_eyes": None}
    )
    rows = np.stack(
        [
            schema.encode({"hair_color": "blue", "eye_color": "red", "closed_eyes": False}),
            schema.encode({"hair_color": "blue", "eye_color": None, "closed_eyes": True}),
            schema.encode({"hair_color": "red", "eye_color": "green", "closed_eyes": False}),
        ]
    )
    sampler = LabelSampler(schema, LabelRows.from_labels(rows))
    closed = schema.column("closed_eyes")
    assert np.all(draw(sampler, schema.parse("blue hair, green eyes"), 200)[:, closed] == -1)
    # Eyes stay closed if both are requested, or if the request names nothing that closed eyes hide.
    assert np.all(draw(sampler, schema.parse("green eyes, closed eyes"), 20)[:, closed] == 1)
    assert 0.3 < np.mean(draw(sampler, schema.parse("blue hair"), 200)[:, closed] == 1) < 0.7


def test_rows_with_an_unknown_value_match_if_no_other_row_does(schema):
    """Rows with an unknown eye color match a request for one if no other row does."""
    rows = np.stack(
        [
            schema.encode({"hair_color": "red", "smile": True, "eye_color": None, "glasses": True}),
            schema.encode({"hair_color": "blue", "smile": False, "eye_color": "green", "glasses": False}),
        ]
    )
    sampler = LabelSampler(schema, LabelRows.from_labels(rows))
    drawn = draw(sampler, schema.parse("red eyes, smile"), 200)
    assert_complete(schema, drawn)
    assert (drawn[:, schema.column("hair_color", "red")] > 0).all()
    assert (drawn[:, schema.column("glasses")] > 0).all()


def test_independent_draws_break_correlations_but_keep_frequencies(schema, labels, sampler):
    nothing = tf.zeros([4000, schema.num_labels])
    uniforms = tf.constant(np.random.default_rng(4).random((4000, sampler.num_slots)))
    drawn = sampler.independent(nothing, uniforms).numpy()
    assert_complete(schema, drawn)
    blonde, smile = schema.column("hair_color", "blonde"), schema.column("smile")
    for column in (blonde, smile):
        expected = np.mean(labels[:, column] > 0)
        assert abs(np.mean(drawn[:, column] > 0) - expected) < 4 * np.sqrt(expected * (1 - expected) / 4000)
    assert ((drawn[:, blonde] > 0) & (drawn[:, smile] > 0)).sum() > 50


def test_the_most_frequent_rows_are_kept(labels):
    everything = LabelRows.from_labels(labels)
    few = LabelRows.from_labels(labels, limit=7)
    assert everything.counts.sum() == len(labels)
    assert len(few.rows) == 7
    assert sorted(few.counts) == sorted(everything.counts)[-7:]


def test_rows_of_equal_frequency_are_kept_without_favoring_an_attribute():
    """All 1,024 combinations of ten tags, one of them twice; a quarter is kept."""
    rows = np.array(list(itertools.product((-1, 1), repeat=10)), np.int8)
    kept = LabelRows.from_labels(np.concatenate([rows, rows[700:701]]), limit=256)
    assert len(np.unique(kept.rows, axis=0)) == 256
    np.testing.assert_array_equal(kept.rows[kept.counts == 2], rows[700:701])
    # Each tag is on in half of the rows; four standard deviations of a draw without replacement.
    allowed = 4 * np.sqrt(0.25 / 256 * (1024 - 256) / 1023)
    np.testing.assert_allclose(np.mean(kept.rows > 0, axis=0), 0.5, atol=allowed)


def test_a_row_depends_on_its_seed_only():
    together = latents_from_seeds(tf.constant([3, 99, 2**62], tf.int64), 50).numpy()
    alone = latents_from_seeds(tf.constant([99], tf.int64), 50).numpy()
    np.testing.assert_array_equal(together[1], alone[0])
    assert len(np.unique(together)) == together.size
    uniforms = uniforms_from_seeds(tf.constant([99, 3], tf.int64), 5).numpy()
    np.testing.assert_array_equal(uniforms[0], uniforms_from_seeds(tf.constant([99], tf.int64), 5)[0])


def test_latents_are_standard_normal():
    latents = latents_from_seeds(tf.range(100, dtype=tf.int64), 1000).numpy()
    assert abs(latents.mean()) < 4 / np.sqrt(latents.size)
    assert abs(latents.var() - 1) < 4 * np.sqrt(2 / latents.size)
