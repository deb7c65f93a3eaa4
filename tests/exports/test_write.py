"""The SavedModel, as a server or another process sees it."""

from __future__ import annotations

import dataclasses
import json
import shlex
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from anime_gan.attributes.schema import Schema
from anime_gan.datasets.dataset import Dataset
from anime_gan.exports.model_card import model_card
from anime_gan.exports.write import export_model, make_record
from anime_gan.training.trainer import Trainer
from tests.training.test_trainer import CONFIG


@pytest.fixture(scope="module")
def dataset(schema, labels) -> Dataset:
    images = np.random.default_rng(1).integers(0, 256, (len(labels), 64, 64, 3), np.uint8)
    return Dataset("noise", images, labels, schema, "Random pixels, made by a test.", checksum="")


@pytest.fixture(scope="module")
def trainer(schema, dataset) -> Trainer:
    """A trainer after three steps, whose EMA generator differs from the generator and from its start."""
    trainer = Trainer(CONFIG, schema, dataset.labels)
    random = np.random.default_rng(3)
    for variable in trainer.ema_generator.variables:
        variable.assign(variable * random.uniform(0.5, 1.5, variable.shape))
    trainer.step.assign(3)
    return trainer


@pytest.fixture(scope="module")
def export(trainer, dataset, tmp_path_factory) -> Path:
    return export_model(trainer, dataset, CONFIG, tmp_path_factory.mktemp("export") / "3")


@pytest.fixture(scope="module")
def signatures(export):
    return tf.saved_model.load(str(export)).signatures


def serve(signature, attributes, seeds, truncation=1.0):
    count = len(seeds)
    return signature(
        attributes=tf.constant(attributes),
        seed=tf.constant(seeds, tf.int64),
        truncation=tf.fill([count], tf.constant(truncation, tf.float32)),
    )


def test_six_signatures_with_stable_names_and_types(signatures):
    described = {
        name: (
            {key: (s.dtype.name, s.shape.as_list()) for key, s in f.structured_input_signature[1].items()},
            {key: (s.dtype.name, s.shape.as_list()) for key, s in f.structured_outputs.items()},
        )
        for name, f in signatures.items()
    }
    request = {"attributes": ("string", [None]), "seed": ("int64", [None]), "truncation": ("float32", [None])}
    inputs = {"latents": ("float32", [None, 100]), "labels": ("float32", [None, 12])}
    pixels, png = {"images": ("uint8", [None, 64, 64, 3])}, {"png_bytes": ("string", [None])}
    image, error = {"images": ("float32", [None, 64, 64, 3])}, {"error": ("string", [None])}
    assert described == {
        "serving_default": (request, pixels),
        "png": (request, png),
        "latents": (inputs, image),
        "checked": (request, pixels | error),
        "checked_png": (request, png | error),
        "checked_latents": (inputs, image | error),
    }


def test_attributes_and_truncation_may_be_left_out_over_grpc(export):
    model = saved_model_pb2.SavedModel.FromString((export / "saved_model.pb").read_bytes())
    for name, signature in model.meta_graphs[0].signature_def.items():
        defaults = {key: tf.make_ndarray(value).tolist() for key, value in signature.defaults.items()}
        of_request = {"attributes": [b""], "truncation": [1.0]}
        assert defaults == ({} if "latents" in name or name.startswith("__") else of_request)


def test_a_wrong_row_has_an_error_and_a_blank_picture(signatures):
    texts, seeds = ["red hair", "blu hair", ""], [4, 5, 6]
    good = serve(signatures["serving_default"], ["red hair", ""], [4, 6])["images"].numpy().astype(int)
    checked = serve(signatures["checked"], texts, seeds)
    images = checked["images"].numpy().astype(int)
    assert [bool(error) for error in checked["error"].numpy()] == [False, True, False]
    assert np.abs(images[[0, 2]] - good).max() <= 1 and images[1].max() == 0
    files = serve(signatures["checked_png"], texts, seeds)
    decoded = np.stack([tf.io.decode_png(file) for file in files["png_bytes"].numpy()])
    np.testing.assert_array_equal(decoded, images)
    np.testing.assert_array_equal(files["error"], checked["error"])


def test_wrong_latents_have_an_error_and_a_blank_picture(signatures):
    latents = np.random.default_rng(2).standard_normal((3, 100)).astype(np.float32)
    labels = np.ones((3, 12), np.float32)
    good = signatures["latents"](latents=tf.constant(latents), labels=tf.constant(labels))["images"].numpy()
    latents[1, 50] = np.inf
    checked = signatures["checked_latents"](latents=tf.constant(latents), labels=tf.constant(labels))
    assert checked["error"].numpy().tolist() == [b"", b"the latent vector must contain finite numbers", b""]
    np.testing.assert_allclose(checked["images"].numpy()[[0, 2]], good[[0, 2]], atol=1e-5)
    assert np.all(checked["images"].numpy()[1] == -1.0)


@pytest.mark.parametrize("name", ["serving_default", "png", "checked", "checked_png"])
def test_an_empty_batch_has_an_empty_answer(signatures, name):
    answer = signatures[name](
        attributes=tf.constant([], tf.string), seed=tf.constant([], tf.int64), truncation=tf.constant([])
    )
    shapes = {"images": (0, 64, 64, 3), "png_bytes": (0,), "error": (0,)}
    assert {key: tuple(value.shape) for key, value in answer.items()} == {key: shapes[key] for key in answer}


@pytest.mark.parametrize(
    ("attributes", "seeds", "truncation", "said"),
    [
        (["smile", ""], [1], [1.0, 1.0], "attributes 2, seed 1, truncation 2"),
        (["smile"], [1], [50.0], "truncation must be"),
        (["smile"], [1], [float("nan")], "truncation must be"),
    ],
)
def test_wrong_numbers_are_refused(signatures, attributes, seeds, truncation, said):
    with pytest.raises(tf.errors.InvalidArgumentError, match=said):
        signatures["serving_default"](
            attributes=tf.constant(attributes),
            seed=tf.constant(seeds, tf.int64),
            truncation=tf.constant(truncation),
        )


def test_keras_loads_it_as_a_layer(export, signatures):
    layer = keras.layers.TFSMLayer(str(export), call_endpoint="serving_default")
    request = {
        "attributes": tf.constant(["blue hair", ""]),
        "seed": tf.constant([1, 2], tf.int64),
        "truncation": tf.constant([1.0, 0.5]),
    }
    np.testing.assert_array_equal(
        layer(request)["images"], signatures["serving_default"](**request)["images"]
    )


def test_latents_signature_is_the_averaged_generator(signatures, trainer):
    random = np.random.default_rng(2)
    latents = random.standard_normal((5, 100)).astype(np.float32)
    labels = np.sign(random.standard_normal((5, 12))).astype(np.float32)
    images = signatures["latents"](latents=tf.constant(latents), labels=tf.constant(labels))["images"]
    np.testing.assert_allclose(images, trainer.generate(latents, labels), atol=1e-5)


def test_a_seed_is_the_same_face_alone_and_in_a_batch(signatures):
    signature = signatures["serving_default"]
    together = serve(signature, ["red hair", "", "smile"], [4, 5, 6])["images"].numpy().astype(int)
    alone = serve(signature, [""], [5])["images"].numpy().astype(int)
    assert np.abs(together[1] - alone[0]).max() <= 1
    assert np.abs(together[1] - together[0]).max() > 1


def test_png_signature_holds_the_same_pictures(signatures):
    pictures = serve(signatures["png"], ["smile", ""], [1, 2])["png_bytes"].numpy()
    images = serve(signatures["serving_default"], ["smile", ""], [1, 2])["images"].numpy()
    np.testing.assert_array_equal([tf.io.decode_png(picture) for picture in pictures], images)


def test_truncation_scales_the_latents(export):
    model = tf.saved_model.load(str(export))
    arguments = tf.constant([""] * 3), tf.constant([1, 2, 3], tf.int64)
    whole = model.draw_inputs(*arguments, tf.fill([3], 1.0))
    half = model.draw_inputs(*arguments, tf.fill([3], 0.5))
    np.testing.assert_allclose(half["latents"], 0.5 * whole["latents"], rtol=1e-6)
    np.testing.assert_array_equal(half["labels"], whole["labels"])


def test_what_is_asked_reaches_the_labels(export, schema):
    model = tf.saved_model.load(str(export))
    texts = ["blue hair, no glasses", "black hair, smile"]
    drawn = model.draw_inputs(tf.constant(texts), tf.constant([1, 2], tf.int64), tf.fill([2], 1.0))["labels"]
    for row, text in zip(drawn.numpy(), texts, strict=True):
        wanted = schema.parse(text)
        np.testing.assert_array_equal(row[wanted != 0], wanted[wanted != 0])
        assert set(row) == {-1.0, 1.0}


def test_an_unknown_word_is_named(signatures):
    with pytest.raises(tf.errors.InvalidArgumentError, match="blu hair"):
        serve(signatures["serving_default"], ["blu hair"], [1])


ELSEWHERE = """
import sys
sys.modules["anime_gan"] = None  # any import of it fails
sys.modules["keras"] = None
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
out = model.signatures["serving_default"](
    attributes=tf.constant(["blue hair, \\u5fae\\u7b11"]), seed=tf.constant([7], tf.int64),
    truncation=tf.constant([1.0]))
out["images"].numpy().tofile(sys.argv[2])
"""


def test_it_answers_in_a_process_that_has_neither_this_package_nor_keras(export, signatures, tmp_path):
    file = tmp_path / "pixels"
    subprocess.run([sys.executable, "-c", ELSEWHERE, str(export), str(file)], check=True, cwd=tmp_path)
    expected = serve(signatures["serving_default"], ["blue hair, smile"], [7])["images"].numpy()
    elsewhere = np.fromfile(file, np.uint8).reshape(expected.shape)
    assert np.abs(elsewhere.astype(int) - expected).max() <= 1


def test_beside_the_graph(export, schema):
    assert Schema.from_json((export / "attributes.json").read_text("utf-8")) == schema
    record = json.loads((export / "training.json").read_text("utf-8"))
    assert record["steps"] == 3 and record["statement"] == "Random pixels, made by a test."
    card = (export / "MODEL_CARD.md").read_text("utf-8")
    assert "Random pixels, made by a test." in card and record["weights_sha256"] in card
    for phrase in ("blue hair", "twin tails", "glasses"):
        assert phrase in card


def test_written_whole_or_not_at_all(trainer, dataset, tmp_path, monkeypatch):
    whole = tf.saved_model.save

    def fail_at_the_end(*arguments, **options):
        whole(*arguments, **options)
        raise OSError("disk full")

    monkeypatch.setattr(tf.saved_model, "save", fail_at_the_end)
    with pytest.raises(OSError, match="disk full"):
        export_model(trainer, dataset, CONFIG, tmp_path / "export" / "3")
    assert list((tmp_path / "export").iterdir()) == []


def test_a_model_without_labels_takes_an_empty_request(tmp_path):
    nothing = Schema(())
    images = np.zeros((8, 64, 64, 3), np.uint8)
    dataset = Dataset("black", images, np.zeros((8, 0), np.int8), nothing, "Black.", checksum="")
    trainer = Trainer(CONFIG, nothing, dataset.labels)
    export = export_model(trainer, dataset, CONFIG, tmp_path / "1")
    signature = tf.saved_model.load(str(export)).signatures["serving_default"]
    assert serve(signature, ["", ""], [1, 2])["images"].shape == (2, 64, 64, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="smile"):
        serve(signature, ["smile"], [1])


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(18.4, "(18 seconds)"), (3_888.0, "(65 minutes)"), (7_902.9, "(2.2 hours)"), (0.0, "of 8.\n")],
)
def test_the_card_gives_the_training_time_in_words(schema, seconds, words):
    record = {
        "config": dataclasses.asdict(CONFIG) | {"batch_size": 8},
        "steps": 3,
        "seconds": seconds,
        "images": 500,
        "statement": "Noise.",
        "weights_sha256": "",
    }
    assert words in model_card(record, schema)


def test_the_card_of_a_grown_model_lists_all_commands_without_paths(trainer, schema):
    """They can be run one after the other in an empty folder."""
    small = {**dataclasses.asdict(CONFIG), "data": "/home/me/faces", "steps": 9}
    large = {**small, "init_from": "/home/me/runs/first/checkpoints/step-00000007", "resolution": 128}
    record = make_record(
        {**large, "steps": 3},
        trainer.ema_generator,
        steps=3,
        seconds=0.0,
        learning_rates=(),
        earlier_runs=[{"name": "first", "config": small, "steps": 7}],
        images=500,
        statement="Noise.",
    )
    card = model_card(record, schema)
    assert "of 8, after run first (7 steps)." in card and "/home" not in card
    commands = [
        shlex.split(line)[2:] for line in card.splitlines() if line.startswith("    python train.py ")
    ]
    assert {"--data=faces", "--steps=7", "--run_dir=first"} <= set(commands[0])
    assert {"--data=faces", "--steps=3", "--init_from=first", "--resolution=128"} <= set(commands[1])
