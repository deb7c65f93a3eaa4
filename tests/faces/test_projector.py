"""GAN inversion of a model that is simple enough to know the answer."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from anime_gan.attributes.schema import Schema
from anime_gan.common.alpha import on_background
from anime_gan.evaluate.projection import pairs_picture, right_attributes
from anime_gan.faces import projector as projection
from anime_gan.faces.generator import DrawnFace
from anime_gan.faces.likeness import OPAQUE_CRITIC, Comparison, CriticFeatures
from anime_gan.faces.projector import Adam, Projector, definite_labels, neighbors, relaxed_labels
from anime_gan.faces.request import FaceRequest
from anime_gan.models.pixels import to_float

SIDE = 64
LATENT_DIM = 3


class ToyGenerator:
    """Draws a block for each label on a background whose RGB values are the latent vector."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        # No critic there, so the critic of the bundled model is used.
        self.directory = Path("nowhere")

    def inputs(self, request: FaceRequest):
        if request.latent is not None:
            latents = np.array([request.latent], np.float32)
            return latents, self.schema.parse(request.attributes)[np.newaxis].astype(np.float32)
        latents, labels = [], []
        for seed in request.seeds:
            random = np.random.default_rng(seed)
            latents.append(random.standard_normal(LATENT_DIM))
            labels.append(
                definite_labels(random.standard_normal((1, self.schema.num_labels)), self.schema)[0]
            )
        return np.array(latents, np.float32), np.array(labels, np.float32)

    def images(self, latents, labels):
        background = tf.tanh(tf.convert_to_tensor(latents) / 2.0)[:, tf.newaxis, tf.newaxis, :]
        masks = np.zeros((self.schema.num_labels, SIDE, SIDE), np.float32)
        for column in range(len(masks)):
            top, left = 16 * (column // 4), 16 * (column % 4)
            masks[column, top + 2 : top + 14, left + 2 : left + 14] = 1
        shown = tf.einsum("na,ahw->nhw", tf.convert_to_tensor(labels), masks)[..., tf.newaxis]
        return background * (1.0 - tf.reduce_sum(masks, axis=0)[..., tf.newaxis]) + 0.9 * shown

    def faces(self, request: FaceRequest):
        latents, labels = self.inputs(request)
        for latent, label in zip(latents, labels, strict=True):
            image = self.images(latent[np.newaxis], label[np.newaxis])[0].numpy()
            yield DrawnFace(request, np.rint(image * 127.5 + 127.5).astype(np.uint8), label)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(projection, "CANDIDATES", 32)
    monkeypatch.setattr(projection, "ROUNDS", ((4, 20), (2, 20)))
    monkeypatch.setattr(projection, "FREE_STEPS", 40)
    monkeypatch.setattr(projection, "FIXED_STEPS", 40)


@pytest.mark.usefixtures("quick")
def test_a_drawn_face_is_found_again(schema):
    generator = ToyGenerator(schema)
    projector = Projector(generator)
    for seed in (3, 4):
        request = FaceRequest(seeds=(seed,))
        (face,) = generator.faces(request)
        steps = []
        found = projector.project(face.image, lambda steps=steps: steps.append(1))
        assert found.request.attributes == schema.describe(face.labels)
        np.testing.assert_allclose(found.request.latent, generator.inputs(request)[0][0], atol=0.15)
        assert found.pixel_error < 3 and found.feature_distance < 0.2 * found.typical_distance
        assert len(steps) == 80
        # The request draws this picture, and a second search finds the same face.
        np.testing.assert_array_equal(next(generator.faces(found.request)).image, found.image)
        again = projector.project(face.image)
        assert again.request == found.request


@pytest.mark.usefixtures("quick")
def test_wrong_attributes_are_set_right_one_after_the_other(schema):
    generator = ToyGenerator(schema)
    latents, labels = generator.inputs(FaceRequest(seeds=(6,)))
    target = projection.Target(generator.images(latents, labels), tf.fill([3], -1.0))
    wrong = labels[0].copy()
    for name in ("smile", "hair_style"):
        columns = schema.slot(name).columns
        wrong[columns] = np.roll(wrong[columns], 1) if name == "hair_style" else -wrong[columns]
    found = Projector(generator)._best_labels(latents[0], wrong, target)
    np.testing.assert_array_equal(found, labels[0])


@pytest.mark.usefixtures("quick")
def test_a_model_without_attributes():
    generator = ToyGenerator(Schema(()))
    (face,) = generator.faces(FaceRequest(seeds=(5,)))
    found = Projector(generator).project(face.image)
    assert found.request.attributes == "" and found.pixel_error < 3


class ToyOfTransparentFaces(ToyGenerator):
    """Its faces end 8 pixels from the border."""

    def images(self, latents, labels):
        alpha = np.zeros((SIDE, SIDE, 1), np.float32)
        alpha[8:-8, 8:-8] = 1
        colors = super().images(latents, labels)
        alphas = 0.0 * colors[..., :1] + (2.0 * alpha - 1.0)
        return tf.concat([(colors + 1.0) * alpha - 1.0, alphas], axis=-1)


@pytest.mark.usefixtures("quick")
def test_an_opaque_picture_is_compared_with_faces_on_the_color_of_its_border(schema):
    generator = ToyOfTransparentFaces(schema)
    (face,) = generator.faces(FaceRequest(seeds=(4,)))
    color = (200, 60, 90)
    opaque = np.dstack([on_background(face.image, color), np.full((SIDE, SIDE), 255, np.uint8)])
    found = Projector(generator).project(opaque)
    assert found.request.attributes == schema.describe(face.labels)
    # A transparent border differs from the color by a third of the range in a seventh of the values and more.
    assert found.pixel_error < 3 and found.feature_distance < 0.2 * found.typical_distance


def test_the_backdrop_is_laid_under_premultiplied_faces():
    """Compared with `on_background`, which composites pictures of files."""
    random = np.random.default_rng(8)
    face = random.integers(0, 256, (6, 5, 4), dtype=np.uint8)
    picture = np.tile(np.array([12, 130, 250, 255], np.uint8), (6, 5, 1))
    on_color = projection.make_target(picture).compared(to_float(face[np.newaxis]))[0].numpy()
    expected = on_background(face, (12, 130, 250))
    np.testing.assert_allclose(on_color[..., :3] * 127.5 + 127.5, expected, atol=0.51)
    np.testing.assert_allclose(on_color[..., 3], 1, atol=1e-6)
    picture[0, 0, 3] = 0
    unchanged = projection.make_target(picture).compared(to_float(face[np.newaxis]))
    np.testing.assert_array_equal(unchanged, to_float(face[np.newaxis]))


@pytest.mark.usefixtures("quick")
def test_places_that_attributes_change_count_more(schema):
    weights = Projector(ToyGenerator(schema))._place_weights().numpy()
    assert weights.mean() == pytest.approx(1, abs=1e-4)
    # A tag changes one block only, and a color one of four: both count more than the background.
    smile, background = weights[2 + 16 : 14 + 16, 2:14], weights[:, :2]
    assert smile.min() > 3 * background.max()
    assert background.min() == pytest.approx(projection.EVEN_SHARE, abs=1e-4)


def test_adam_moves_as_that_of_keras():
    random = np.random.default_rng(6)
    start = random.standard_normal((2, 4)).astype(np.float32)
    # Of 1,000 steps, the first ten use the full rate.
    ours, own = start, Adam(0.05, 1000)
    variable = keras.Variable(start)
    optimizer = keras.optimizers.Adam(0.05, beta_2=0.99, epsilon=1e-8)
    for _ in range(10):
        slope = random.standard_normal((2, 4)).astype(np.float32)
        ours = own.moved(ours, slope)
        optimizer.apply([tf.constant(slope)], [variable])
    np.testing.assert_allclose(ours, variable.numpy(), atol=1e-5)


def test_adam_forgets_rows_that_are_dropped():
    slopes = np.random.default_rng(7).standard_normal((6, 3, 2)).astype(np.float32)
    whole, part = Adam(0.1, 100), Adam(0.1, 100)
    values = others = np.zeros((3, 2), np.float32)
    for slope in slopes[:3]:
        values, others = whole.moved(values, slope), part.moved(others, slope)
    others = part.select(others, np.array([2, 0]))
    for slope in slopes[3:]:
        values, others = whole.moved(values, slope), part.moved(others, slope[[2, 0]])
    np.testing.assert_array_equal(others, values[[2, 0]])


def test_labels_in_between_and_definite(schema):
    logits = np.random.default_rng(8).standard_normal((5, schema.num_labels)).astype(np.float32)
    relaxed = relaxed_labels(tf.constant(logits), schema).numpy()
    definite = definite_labels(relaxed, schema)
    for slot in schema.slots:
        part, sure = relaxed[:, slot.columns], definite[:, slot.columns]
        if slot.is_group:
            # As probabilities (1 + x) / 2 they sum to one.
            np.testing.assert_allclose(np.sum((1 + part) / 2, axis=1), 1, rtol=1e-5)
            np.testing.assert_array_equal(np.argmax(part, axis=1), np.argmax(sure, axis=1))
            np.testing.assert_array_equal(sure.sum(axis=1), 2 - slot.size)
        else:
            np.testing.assert_array_equal(sure, np.sign(logits[:, slot.columns]))


def test_neighbors_differ_in_one_attribute(schema):
    row = schema.encode(
        {"hair_color": "red", "smile": True, "eye_color": "blue", "glasses": False, "hair_style": "long"}
    ).astype(np.float32)
    rows = neighbors(row, schema)
    np.testing.assert_array_equal(rows[0], row)
    # 3 other hair colors, smile, 2 eye colors, glasses, 2 styles.
    assert len(rows) == 1 + 3 + 1 + 2 + 1 + 2 == len(np.unique(rows, axis=0))
    for other in rows[1:]:
        assert schema.describe(other)
        assert sum(np.any(other[s.columns] != row[s.columns]) for s in schema.slots) == 1


def test_features_grow_apart_with_damage():
    features = CriticFeatures(OPAQUE_CRITIC)
    random = np.random.default_rng(9)
    sample = tf.constant(random.uniform(-1, 1, (4, 8, 8, 3)).repeat(8, 1).repeat(8, 2), tf.float32)
    comparison = Comparison(features, sample, tf.ones([SIDE, SIDE]))
    target = sample[:1]
    noise = random.standard_normal(target.shape)
    others = tf.concat([target + tf.constant(scale * noise, tf.float32) for scale in (0, 0.05, 0.3)], axis=0)
    for measure in (comparison.feature_distance, comparison.loss):
        values = measure(others, target).numpy()
        assert values[0] == pytest.approx(0, abs=1e-5) and 0 < values[1] < values[2]
    # Larger pictures are reduced first; these are the same pictures enlarged.
    large = tf.repeat(tf.repeat(sample, 2, axis=1), 2, axis=2)
    for small, big in zip(features(sample), features(large), strict=True):
        assert small.shape == big.shape
        assert np.abs(small - big).mean() < 0.35 * np.abs(small).mean()


def test_attributes_count_where_they_can_be_told(schema):
    truth = np.stack([schema.encode({"hair_color": "red", "smile": True}), schema.encode({"smile": False})])
    found = np.stack([schema.encode({"hair_color": "blue", "smile": True, "glasses": True})] * 2)
    right = right_attributes(found, truth, schema)
    expected = np.full((2, 5), np.nan)
    expected[:, 1] = (1, 0)
    expected[0, 0] = 0
    np.testing.assert_array_equal(right, expected)


def test_pairs_stand_below_each_other():
    one, two = np.full((3, 4, 4, 3), 10, np.uint8), np.full((2, 4, 4, 3), 20, np.uint8)
    picture = pairs_picture([one, one + 1, two, two + 1])
    assert picture.shape == (4 * 6 - 2, 3 * 6 - 2, 3)
    assert [picture[top, 0, 0] for top in (0, 6, 12, 18)] == [10, 11, 20, 21]
    assert picture[12, -1, 0] == 255
