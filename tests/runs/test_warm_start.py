"""Fine-tuning: training that starts from the generator of an export."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from anime_gan.attributes.schema import Schema
from anime_gan.benchmark.synthetic import untrained_export
from anime_gan.commands import train
from anime_gan.exports.pack import pack
from anime_gan.faces.generator import FaceGenerator
from anime_gan.models import get_architecture
from anime_gan.runs.warm_start import WarmStart, matching_columns, translate_labels
from anime_gan.training.trainer import Trainer
from tests.training.test_trainer import CONFIG

# The schema of the export has hair_color (blue, red, black, blonde), smile, and glasses.
OTHER = Schema.from_names({"smile": None, "hat": None, "hair_color": ("red", "green", "blue")})


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    return untrained_export(tmp_path_factory.mktemp("run") / "export")


def test_labels_match_by_name_or_by_words():
    source = Schema.from_names(
        {"long_hair": None, "eye_color": ("red", "blue"), "hair_color": ("blue", "red"), "smile": None}
    )
    target = Schema.from_names(
        {"hair_color": ("red", "blue", "pink"), "hair_style": ("long", "short"), "smile": None}
    )
    # "long hair" requests a tag of the source and a value of the target.
    assert matching_columns(source, target) == [4, 3, None, 0, None, 5]


def test_translated_labels_by_hand():
    kernel = np.array([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]], np.float32)
    translated, shift = translate_labels(kernel, [2, None, 0], np.array([0.5, -0.8, 0.25]))
    assert translated.tolist() == [[100, 200], [0, 0], [1, 2]]
    np.testing.assert_allclose(shift, [-8, -16], rtol=1e-6)


@pytest.mark.parametrize("architecture", ["published", "compact", "srresnet"])
def test_the_same_labels_draw_the_same_face(architecture, tmp_path):
    export = untrained_export(tmp_path, architecture)
    start = WarmStart(export)
    ours = get_architecture(architecture).make_generator(
        OTHER.num_labels,
        base_resolution=start.export.record["config"]["base_resolution"],
        seed=9,
        dtype="float32",
    )
    start.fill(ours, OTHER)
    latents = np.random.default_rng(0).normal(size=(2, 100)).astype(np.float32)
    # The new label, a hat, has no effect; glasses, black and blonde hair are gone and stay at their means.
    labels = np.array([[1, 1, -1, -1, 1], [-1, -1, 1, -1, -1]], np.float32)
    with np.load(export / "label_rows.npz") as trained_on:
        mean = trained_on["counts"] @ trained_on["rows"] / trained_on["counts"].sum()
    black, blonde, glasses = mean[[2, 3, 5]]
    theirs = np.array([[1, -1, black, blonde, 1, glasses], [-1, 1, black, blonde, -1, glasses]], np.float32)
    images = tf.saved_model.load(str(export)).signatures["latents"](
        latents=tf.constant(latents), labels=tf.constant(theirs)
    )["images"]
    np.testing.assert_allclose(ours(latents, labels), images, atol=1e-4)
    assert np.abs(images[0] - images[1]).max() > 0.01
    known = f"fine-tuning {export} with a new discriminator: 3 of 5 labels match"
    expected = f"{known}; new labels start untrained: hat, hair_color=green"
    assert start.describe(OTHER) == expected


def test_the_discriminator_first_learns_alone(schema, labels):
    images = np.random.default_rng(1).integers(0, 256, (8, 64, 64, 3), np.uint8)
    trainer = Trainer(dataclasses.replace(CONFIG, discriminator_steps=2), schema, labels)
    weights = []
    for _ in range(3):
        weights.append([[v.numpy() for v in n.trainable_variables] for n in networks(trainer)])
        values = trainer.train_step(images, labels[:8])
        assert (values["gradient_norm/generator"] > 0) == (int(trainer.step) == 3)
        assert values["gradient_norm/discriminator"] > 0
    weights.append([[v.numpy() for v in n.trainable_variables] for n in networks(trainer)])
    moved = [
        [any(np.any(a != b) for a, b in zip(*parts, strict=True)) for parts in zip(one, two, strict=True)]
        for one, two in zip(weights, weights[1:], strict=False)
    ]
    assert moved == [[False, True], [False, True], [True, True]]


def networks(trainer):
    return trainer.generator, trainer.discriminator


def assert_nothing_is_learned(first, start):
    """Asserts that the model of a run has the weights that it started from."""
    expected = get_architecture("published").make_generator(first.schema.num_labels, dtype="float32")
    start.fill(expected, first.schema)
    found = tf.saved_model.load(str(first.directory)).weights
    for variable, weight in zip(expected.variables, found, strict=True):
        # The running means of batch normalization follow the images for the discriminator.
        if variable.trainable:
            np.testing.assert_array_equal(weight.numpy(), variable.numpy())


def test_a_run_starts_from_the_export(export, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = ["--num_images=40", "--batch_size=4", "--checkpoint_interval=1", "--precision=float32"]
    assert train.main([f"--init_from={export.parent.parent}", "--run_dir=run", "--steps=1", *options]) == 0
    assert "fine-tuning" in capsys.readouterr().out
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["discriminator_steps"] == 100 and config["init_from"] == str(export.resolve())
    first, start = FaceGenerator(tmp_path / "run"), WarmStart(export)
    assert_nothing_is_learned(first, start)
    card = (first.directory / "MODEL_CARD.md").read_text()
    weights = json.loads((export / "training.json").read_text())["weights_sha256"]
    assert f"The generator was fine-tuned from model {weights[:16]}. Color noise." in card
    # A run can be resumed without the export, and still credits it.
    export.rename(tmp_path / "gone")
    try:
        assert train.main(["--resume", "--run_dir=run", "--steps=2"]) == 0
    finally:
        (tmp_path / "gone").rename(export)
    assert "Color noise." in (tmp_path / "run" / "export" / "2" / "MODEL_CARD.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--architecture=compact"], "--architecture=compact: the model to fine-tune has published"),
        (["--latent_dim=99"], "--latent_dim=99: the model to fine-tune has 100"),
    ],
)
def test_options_that_contradict_the_export_are_refused(export, arguments, complaint, tmp_path, capsys):
    run = tmp_path / "run"
    assert train.main([f"--init_from={export}", f"--run_dir={run}", *arguments]) == 2
    assert complaint in capsys.readouterr().err
    assert not run.exists()


def test_a_packed_generator_is_refused(export, tmp_path, capsys):
    """Trained further, a packed generator would be normalized a second time and draw other faces."""
    packed, run = tmp_path / "packed", tmp_path / "run"
    pack(export, packed)
    assert train.main([f"--init_from={packed}", f"--run_dir={run}", "--num_images=40", "--batch_size=4"]) == 2
    assert f"--init_from={packed}: is a packed model" in capsys.readouterr().err
    assert not run.exists()


def test_a_run_killed_before_its_first_checkpoint_starts_from_the_export_again(export, tmp_path):
    options = [f"--run_dir={tmp_path / 'run'}", "--num_images=40", "--batch_size=4", "--precision=float32"]
    assert train.main([f"--init_from={export}", "--steps=1", *options]) == 0
    # As if it had been killed earlier.
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    (tmp_path / "run" / "progress.json").unlink()
    shutil.rmtree(tmp_path / "run" / "export")
    assert train.main(["--resume", f"--run_dir={tmp_path / 'run'}"]) == 0
    assert_nothing_is_learned(FaceGenerator(tmp_path / "run"), WarmStart(export))


def test_a_missing_export_and_unlabeled_data_are_refused(export, tmp_path, capsys):
    assert train.main([f"--init_from={tmp_path}"]) == 2
    assert f"--init_from={tmp_path}: no exported model found" in capsys.readouterr().err
    with pytest.raises(ValueError, match="needs labels in both model and data, but the data has none"):
        WarmStart(export).check(Schema(()))
