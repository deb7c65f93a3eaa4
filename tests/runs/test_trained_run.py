"""A run that starts from both networks of another run."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from anime_gan.commands import train
from anime_gan.datasets.dataset import Dataset
from anime_gan.runs.run_directory import RunDirectory
from anime_gan.runs.trained_run import TrainedRun, find_checkpoint
from anime_gan.training.config import TrainConfig
from anime_gan.training.trainer import Trainer

CONFIG = TrainConfig(
    architecture="compact",
    base_resolution=0,
    gradient_penalty="r1",
    penalty_weight=0.5,
    batch_size=4,
    precision="float32",
)
NETWORKS = ("generator", "ema_generator", "discriminator")


def make_dataset(schema, labels, side: int = 64, channels: int = 4) -> Dataset:
    images = np.zeros((8, side, side, channels), np.uint8)
    return Dataset("plain", images, labels[:8], schema, "Nothing, in the public domain.", "0" * 8)


def make_trainer(config: TrainConfig, dataset: Dataset) -> Trainer:
    return Trainer(config, dataset.schema, dataset.labels, channels=dataset.images.shape[3])


@pytest.fixture(scope="module")
def trained(schema, labels, tmp_path_factory) -> tuple[RunDirectory, Trainer]:
    """A run whose three networks differ from each other and from any new ones."""
    dataset = make_dataset(schema, labels)
    trainer = make_trainer(CONFIG, dataset)
    random = np.random.default_rng(0)
    for name in NETWORKS:
        network = getattr(trainer, name)
        network.set_weights([random.normal(size=v.shape).astype(np.float32) * 0.1 for v in network.variables])
    run = RunDirectory.create(tmp_path_factory.mktemp("runs") / "0001-plain", CONFIG, dataset)
    run.save_checkpoint(trainer.checkpoint, 7, keep=1)
    return run, trainer


@pytest.fixture
def start(trained) -> TrainedRun:
    return TrainedRun(find_checkpoint(trained[0].path), {})


def test_a_run_of_the_same_size_starts_where_the_other_stopped(trained, start, schema, labels):
    dataset = make_dataset(schema, labels)
    assert start.fits(dataset)
    options = start.options({"steps": 3})
    config = TrainConfig(**options)
    assert (config.resolution, config.discriminator_steps, config.penalty_weight) == (64, 0, 0.5)
    assert config.gradient_penalty == "r1"
    # The weight of one penalty says nothing about that of another.
    assert "penalty_weight" not in start.options({"gradient_penalty": "dragan"})
    trainer = make_trainer(config, dataset)
    start.fill(trainer)
    for name in NETWORKS:
        for ours, theirs in zip(
            getattr(trainer, name).get_weights(), getattr(trained[1], name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)
    assert start.describe(64) == f"starting from both networks of {trained[0].path.resolve()} (step 7)"


def test_networks_grow_to_twice_the_size(trained, start, schema, labels):
    dataset = make_dataset(schema, labels, side=128)
    config = TrainConfig(**start.options({"resolution": 128}))
    assert (config.base_resolution, config.discriminator_steps) == (64, 0)
    # Four times: the same penalty for the same judgement of the reduced images.
    assert config.penalty_weight == 2.0
    grown = make_trainer(config, dataset)
    start.fill(grown)
    small = trained[1]
    random = np.random.default_rng(1)
    latents = random.normal(size=(2, CONFIG.latent_dim)).astype(np.float32)
    rows = np.sign(random.normal(size=(2, schema.num_labels))).astype(np.float32)
    for name in ("generator", "ema_generator"):
        below = np.arctanh(getattr(small, name)(latents, rows).numpy())
        above = np.arctanh(getattr(grown, name)(latents, rows).numpy())
        # Bilinear enlargement keeps the mean of the four pixels around a corner of the old ones.
        corners = (below[:, :-1, :-1] + below[:, 1:, :-1] + below[:, :-1, 1:] + below[:, 1:, 1:]) / 4
        inner = above[:, 1:-1, 1:-1]
        means = (inner[:, ::2, ::2] + inner[:, 1::2, ::2] + inner[:, ::2, 1::2] + inner[:, 1::2, 1::2]) / 4
        np.testing.assert_allclose(np.tanh(means), np.tanh(corners), atol=1e-4)
    images = random.uniform(-1, 1, (2, 128, 128, 4)).astype(np.float32)
    reduced = images.reshape(2, 64, 2, 64, 2, 4).mean(axis=(2, 4))
    for output, expected in small.discriminator(reduced, rows).items():
        np.testing.assert_allclose(grown.discriminator(images, rows)[output], expected, rtol=1e-3, atol=1e-4)


def test_a_grown_run_can_grow_again(start, schema, labels, tmp_path):
    config = TrainConfig(**start.options({"resolution": 128}))
    dataset = make_dataset(schema, labels, side=128)
    trainer = make_trainer(config, dataset)
    start.fill(trainer)
    run = RunDirectory.create(tmp_path / "0002-plain", config, dataset, start.earlier_runs)
    run.save_checkpoint(trainer.checkpoint, 3, keep=1)
    again = TrainedRun(find_checkpoint(run.path), {})
    history = [(entry["name"], entry["config"]["resolution"], entry["steps"]) for entry in again.earlier_runs]
    assert history == [("0001-plain", 64, 7), ("0002-plain", 128, 3)]
    larger = TrainConfig(**again.options({"resolution": 256}))
    assert (larger.resolution, larger.base_resolution) == (256, 64)
    grown = make_trainer(larger, make_dataset(schema, labels, side=256))
    again.fill(grown)
    np.testing.assert_array_equal(grown.generator.rgb128.bias.numpy(), trainer.generator.rgb128.bias.numpy())
    np.testing.assert_array_equal(grown.generator.rgb.kernel.numpy(), trainer.generator.rgb.kernel.numpy())


@pytest.mark.parametrize(("channels", "transparent"), [(3, "no"), (4, "yes")])
def test_automatic_transparency_is_what_the_run_has(channels, transparent, schema, labels, tmp_path):
    run = RunDirectory.create(tmp_path / "run", CONFIG, make_dataset(schema, labels, channels=channels))
    start = TrainedRun(run.checkpoint_path(7), {})
    assert start.options({"transparent": "auto"})["transparent"] == transparent


def test_the_same_pictures_are_credited_once(start, trained):
    theirs = trained[0].read_data().statement
    assert start.credit(theirs) == theirs
    # This run's own data, followed by an earlier model.
    assert start.credit(theirs.partition(" ")[0]) == theirs
    assert start.credit("Mine.") == f"Mine. The networks were first trained in run 0001-plain. {theirs}"


def test_other_labels_or_channels_do_not_fit(start, schema, labels):
    fewer = dataclasses.replace(schema, attributes=schema.attributes[:-1])
    without = labels[:, : fewer.num_labels]
    assert not start.fits(make_dataset(fewer, without))
    assert not start.fits(make_dataset(schema, labels, channels=3))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--resolution=256"],
            "--resolution=256: a run that starts from this one must have 64 or 128 pixels",
        ),
        (["--architecture=published"], "--architecture=published: the run to start from has compact"),
        (
            ["--resolution=128", "--num_images=40", "--batch_size=4"],
            "a run can grow only if labels and transparency stay the same; fine-tune it at 64 pixels first",
        ),
    ],
)
def test_what_does_not_fit_is_refused(trained, arguments, said, tmp_path, capsys):
    run = tmp_path / "run"
    assert train.main([f"--init_from={trained[0].path}", f"--run_dir={run}", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not run.exists()
