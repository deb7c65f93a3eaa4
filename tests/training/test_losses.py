"""The losses against closed forms in NumPy float64."""

import numpy as np
import pytest
import tensorflow as tf

from anime_gan.attributes.schema import Slot
from anime_gan.training.losses import ADVERSARIAL_LOSSES, attribute_accuracy, attribute_loss

REAL = np.array([[-3.0], [0.0], [0.5], [2.0]])
FAKE = np.array([[1.5], [-0.25], [-2.0], [0.0]])
# A group of three, two tags, a group of two.
SLOTS = [
    Slot("first", 0, 3, True),
    Slot("second", 3, 1, False),
    Slot("third", 4, 1, False),
    Slot("fourth", 5, 2, True),
]


def log_sigmoid(x):
    return -np.log(1.0 + np.exp(-x))


EXPECTED = {
    "non_saturating": (-log_sigmoid(REAL), -log_sigmoid(-FAKE), -log_sigmoid(FAKE)),
    "hinge": (np.maximum(0, 1 - REAL), np.maximum(0, 1 + FAKE), -FAKE),
    "wasserstein": (-REAL, FAKE, -FAKE),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_adversarial_loss(name):
    loss = ADVERSARIAL_LOSSES[name]
    terms = (
        *loss.discriminator(tf.constant(REAL, tf.float32), tf.constant(FAKE, tf.float32)),
        loss.generator(tf.constant(FAKE, tf.float32)),
    )
    for term, expected in zip(terms, EXPECTED[name], strict=True):
        assert term.dtype == tf.float32
        assert term.shape == (4,)
        np.testing.assert_allclose(term, expected[:, 0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", EXPECTED)
def test_adversarial_loss_of_bfloat16_is_computed_in_float32(name):
    loss = ADVERSARIAL_LOSSES[name]
    # All these values are exact in bfloat16, so only the arithmetic could lose digits.
    real, fake = tf.constant(REAL, tf.bfloat16), tf.constant(FAKE, tf.bfloat16)
    for term, expected in zip(
        (*loss.discriminator(real, fake), loss.generator(fake)), EXPECTED[name], strict=True
    ):
        assert term.dtype == tf.float32
        np.testing.assert_allclose(term, expected[:, 0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", EXPECTED)
def test_adversarial_loss_is_finite_for_extreme_logits(name):
    loss = ADVERSARIAL_LOSSES[name]
    logits = tf.constant([[-1e4], [1e4]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        terms = (*loss.discriminator(logits, logits), loss.generator(logits))
        total = tf.add_n(terms)
    assert np.all(np.isfinite(total))
    assert np.all(np.isfinite(tape.gradient(total, logits)))


def test_logits_of_another_shape_are_refused():
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        ADVERSARIAL_LOSSES["hinge"].generator(tf.zeros([4]))
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        ADVERSARIAL_LOSSES["hinge"].generator(tf.zeros([4, 8, 8]))


def reference_attribute_loss(logits, labels):
    """Loops over samples and slots; softmax and sigmoid written out."""
    sums, counts = np.zeros(len(logits)), np.zeros(len(logits))
    for row in range(len(logits)):
        for start, size, is_group in [(0, 3, True), (3, 1, False), (4, 1, False), (5, 2, True)]:
            label, logit = labels[row, start : start + size], logits[row, start : start + size]
            if is_group and 1 in label:
                probabilities = np.exp(logit) / np.exp(logit).sum()
                sums[row] -= np.log(probabilities[list(label).index(1)])
                counts[row] += 1
            elif not is_group and label[0] != 0:
                sums[row] -= log_sigmoid(label[0] * logit[0])
                counts[row] += 1
    return sums, counts


LABELS = np.array(
    [
        [1, -1, -1, 1, -1, -1, 1],  # everything known
        [-1, -1, 1, 0, 1, 0, 0],  # a tag and a group unknown
        [-1, -1, -1, -1, 0, 1, -1],  # a group without a +1: unknown
        [0, 0, 0, 0, 0, 0, 0],  # nothing known
        [0, 1, 0, 0, 0, 1, 0],  # +1 beside unknowns
    ],
    np.float32,
)
LOGITS = np.random.default_rng(0).normal(0, 3, LABELS.shape)


def test_attribute_loss():
    loss, known = attribute_loss(tf.constant(LOGITS, tf.float32), tf.constant(LABELS), SLOTS)
    expected_loss, expected_known = reference_attribute_loss(LOGITS, LABELS)
    assert loss.dtype == known.dtype == tf.float32
    assert loss.shape == known.shape == (5,)
    np.testing.assert_array_equal(expected_known, [4, 2, 2, 0, 2])
    np.testing.assert_array_equal(known, expected_known)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)


def test_attribute_loss_by_hand():
    logits = tf.math.log([[1.0, 2.0, 5.0, 3.0]])  # softmax of the group: 1/8, 2/8, 5/8
    loss, known = attribute_loss(logits, tf.constant([[-1.0, 1.0, -1.0, -1.0]]), SLOTS[:2])
    np.testing.assert_allclose(loss, [np.log(8 / 2) + np.log(4)], rtol=1e-6)
    np.testing.assert_array_equal(known, [2])


def test_attribute_loss_gradient_is_zero_for_unknowns():
    logits = tf.constant(LOGITS, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss, _ = attribute_loss(logits, tf.constant(LABELS), SLOTS)
    gradient = tape.gradient(loss, logits).numpy()
    known = np.array(
        [
            [1, 1, 1, 1, 1, 1, 1],
            [1, 1, 1, 0, 1, 0, 0],
            [0, 0, 0, 1, 0, 1, 1],
            [0, 0, 0, 0, 0, 0, 0],
            [1, 1, 1, 0, 0, 1, 1],
        ],
        bool,
    )
    assert np.all(gradient[known] != 0)
    np.testing.assert_array_equal(gradient[~known], 0)
    sigmoid = 1 / (1 + np.exp(-LOGITS[0, 3]))
    np.testing.assert_allclose(gradient[0, 3], sigmoid - 1, rtol=1e-4)
    softmax = np.exp(LOGITS[0, :3]) / np.exp(LOGITS[0, :3]).sum()
    np.testing.assert_allclose(gradient[0, :3], softmax - [1, 0, 0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_attribute_loss_is_finite_for_extreme_logits(scale):
    logits = tf.constant(scale * np.sign(LOGITS), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss, _ = attribute_loss(logits, tf.constant(LABELS), SLOTS)
    assert np.all(np.isfinite(loss))
    assert np.all(np.isfinite(tape.gradient(loss, logits)))
    assert loss[3] == 0


def test_attribute_loss_of_bfloat16_is_float32():
    logits = tf.cast(LOGITS, tf.bfloat16)
    loss, _ = attribute_loss(logits, tf.constant(LABELS), SLOTS)
    expected, _ = reference_attribute_loss(tf.cast(logits, tf.float64).numpy(), LABELS)
    assert loss.dtype == tf.float32
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_attribute_loss_without_slots_is_zero():
    loss, known = attribute_loss(tf.zeros([2, 3]), tf.zeros([2, 3]), [])
    np.testing.assert_array_equal(loss, [0, 0])
    np.testing.assert_array_equal(known, [0, 0])


def test_attribute_accuracy():
    logits = np.array(
        [
            [2, 1, 0, 0.5, -0.5, 3, 1],  # group, tag, and tag right; last group wrong
            [0, 0, 1, 9, -1, 0, 0],  # group right; tag wrong
            [5, 0, 0, 1, 1, 2, -2],  # tag wrong; last group right
            [1, 2, 3, 4, 5, 6, 7],  # nothing known
            [3, 1, 0, 1, 1, -1, -2],  # group wrong; last group right
        ],
        np.float32,
    )
    right, known = attribute_accuracy(tf.constant(logits), tf.constant(LABELS), SLOTS)
    np.testing.assert_array_equal(right, [3, 1, 1, 0, 1])
    np.testing.assert_array_equal(known, [4, 2, 2, 0, 2])


def test_a_known_scale_is_a_regression_and_an_unknown_one_does_not_count():
    slots = (Slot("smile", 0, 1, False), Slot("turn", 1, 1, False, True))
    logits = tf.Variable([[0.0, 0.75], [0.0, -0.4]])
    labels = tf.constant([[0.0, 0.25], [0.0, 0.0]])
    with tf.GradientTape() as tape:
        losses, known = attribute_loss(logits, labels, slots)
    # A difference of two standard deviations of 0.25: 2^2 / 2.
    np.testing.assert_allclose(losses, [2.0, 0.0])
    np.testing.assert_array_equal(known, [1.0, 0.0])
    np.testing.assert_allclose(tape.gradient(losses, logits), [[0.0, 8.0], [0.0, 0.0]])
    right, _ = attribute_accuracy(logits, labels, slots)
    np.testing.assert_array_equal(right, [0.0, 0.0])
