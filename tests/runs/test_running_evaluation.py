"""Evaluations during training, with a tagger that reads labels and features from the pixels."""

from __future__ import annotations

import numpy as np
import pytest

from anime_gan.attributes.schema import Schema
from anime_gan.datasets.dataset import Dataset
from anime_gan.judges.tagger import Judgement
from anime_gan.metrics.texture import sliced_wasserstein
from anime_gan.runs.running_evaluation import RunningEvaluation

SCHEMA = Schema.from_names({"eye_color": ("red", "blue"), "closed_eyes": None, "smile": None})


class ReadingTagger:
    """Reads the labels of an image from its first numbers, and its features from the next ones."""

    def judge(self, images: np.ndarray) -> Judgement:
        flat = images.reshape(len(images), -1)
        return Judgement((flat[:, :4] > 127).astype(np.float32), flat[:, 4:6].astype(np.float32) / 10)


def pictures(labels: np.ndarray, features: np.ndarray, seed: int) -> np.ndarray:
    images = np.random.default_rng(seed).integers(0, 256, (len(labels), 64, 64, 3), np.uint8)
    flat = images.reshape(len(labels), -1)
    flat[:, :4] = np.where(labels > 0, 255, 0)
    flat[:, 4:6] = features
    return images


@pytest.fixture
def evaluation():
    labels = np.tile(np.array([1, -1, -1, 1], np.int8), (200, 1))
    features = np.stack([np.tile([40, 60], 100), np.repeat([40, 60], 100)], axis=1)
    dataset = Dataset("written", pictures(labels, features, 0), labels, SCHEMA, "", checksum="")
    return RunningEvaluation(dataset, np.arange(200), ReadingTagger())


def test_fid_of_a_shift(evaluation):
    """With equal covariances, the FID is the squared shift of the means, here 3 and 4."""
    labels = np.tile(np.array([1, -1, -1, 1], np.int8), (200, 1))
    features = np.stack([np.tile([70, 90], 100), np.repeat([80, 100], 100)], axis=1)
    values = evaluation.measure(pictures(labels, features, 1), labels)
    assert values["evaluation/fid"] == pytest.approx(3**2 + 4**2, rel=1e-6)


def test_share_of_confirmed_attributes_leaves_out_hidden_ones(evaluation):
    asked = np.array([[1, -1, -1, 1], [1, -1, 1, 1], [-1, 1, -1, -1], [-1, 1, -1, 1]], np.int8)
    shown = np.array([[1, -1, -1, 1], [-1, 1, 1, 1], [1, -1, -1, -1], [-1, 1, -1, -1]], np.int8)
    asked, shown = np.repeat(asked, 20, axis=0), np.repeat(shown, 20, axis=0)
    values = evaluation.measure(pictures(shown, np.full((80, 2), 50), 2), asked)
    # Of 12 attributes, one is hidden (the second face closes its eyes), and two are wrong: the eye color of
    # the third face and the smile of the fourth.
    assert values["evaluation/attributes_confirmed"] == pytest.approx(9 / 11)


def test_texture_tells_flat_images_from_noise_like_the_real_images(evaluation):
    labels = np.tile(np.array([1, -1, -1, 1], np.int8), (200, 1))
    noise = pictures(labels, np.full((200, 2), 50), 3)
    flat = (noise // 2 + 64).astype(np.uint8)
    flat[:, 8:] = flat[:, 8:].mean(axis=(1, 2), keepdims=True).astype(np.uint8)
    near, far = (evaluation.measure(images, labels)["evaluation/texture"] for images in (noise, flat))
    assert far > 5 * near


def test_texture_is_of_the_finest_level(evaluation):
    """Removing one-pixel grain changes the finest level most."""
    labels = np.tile(np.array([1, -1, -1, 1], np.int8), (200, 1))
    noise = pictures(labels, np.full((200, 2), 50), 3).astype(np.float32)
    means = noise.reshape(200, 32, 2, 32, 2, 3).mean(axis=(2, 4), keepdims=True)
    smooth = np.broadcast_to(means, (200, 32, 2, 32, 2, 3)).reshape(noise.shape).astype(np.uint8)
    levels = sliced_wasserstein(evaluation._real, smooth, seed=0)
    assert levels[64] > 2 * levels[16]
    assert evaluation.measure(smooth, labels)["evaluation/texture"] == pytest.approx(levels[64])


def test_without_a_tagger_only_texture_is_measured(evaluation):
    images = np.random.default_rng(0).integers(0, 256, (50, 64, 64, 3), np.uint8)
    nothing = Schema(())
    dataset = Dataset("plain", images, np.zeros((50, 0), np.int8), nothing, "", checksum="")
    values = RunningEvaluation(dataset, np.arange(50), None).measure(images, np.zeros((50, 0)))
    assert values == {"evaluation/texture": pytest.approx(0, abs=1e-6)}
