"""A training run from start to export: the loop, and what is reported and saved when."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import resource
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType

import numpy as np
import tensorflow as tf
from PIL import Image
from tqdm import tqdm

from anime_gan.attributes import Schema
from anime_gan.batches import Batches
from anime_gan.config import TrainConfig
from anime_gan.curves import draw_curves
from anime_gan.dashboard import Dashboard
from anime_gan.datasets import Dataset
from anime_gan.datasets.splits import Split, parse_combinations, split_dataset
from anime_gan.export import export_model
from anime_gan.files import written_whole
from anime_gan.metrics import running
from anime_gan.metrics.tagger import load_tagger
from anime_gan.precision import resolve_dtype
from anime_gan.run_directory import EVALUATION, RunDirectory
from anime_gan.sampling import FaceInputs, latents_from_seeds, to_uint8, uniforms_from_seeds
from anime_gan.showcase import attribute_blocks, captioned, grid, sheet_labels
from anime_gan.trainer import REPORTED, Trainer
from anime_gan.warm_start import WarmStart

GRID_FACES = 64
SHEET_FACES = 8
# In TensorBoard: so many of them, as large as its cards allow.
CARD_FACES, CARD_COLUMNS = 24, 6
BLOCK_FACES = 2
TRIAL_STEPS, MAX_TRIAL_STEPS = 5, 16
# The first steps build the graphs, with the penalty and without.
BUILDING_STEPS = 2

logger = logging.getLogger(__name__)


def make_trainer(
    config: TrainConfig, dataset: Dataset, strategy: tf.distribute.Strategy | None = None
) -> Trainer:
    """Builds the trainer for a dataset, on all GPUs if there are several."""
    if strategy is None and len(tf.config.list_physical_devices("GPU")) > 1:
        strategy = tf.distribute.MirroredStrategy()
    labels = dataset.labels[split_for(config, dataset).train]
    return Trainer(config, dataset.schema, labels, resolve_dtype(config.precision), strategy)


def begin_with(start: WarmStart, trainer: Trainer, schema: Schema) -> None:
    """Puts a trained generator into both of the trainer's.

    Raises:
        ConfigError: It does not fit.
    """
    start.fill(trainer.generator, schema)
    trainer.ema_generator.set_weights(trainer.generator.get_weights())


def split_for(config: TrainConfig, dataset: Dataset) -> Split:
    """What the run trains on, and what it keeps back.

    Raises:
        DataError: A combination to hold out cannot be read.
    """
    combinations = parse_combinations(config.hold_out, dataset.schema)
    return split_dataset(dataset.labels, combinations, config.test_every)


def run_training(trainer: Trainer, config: TrainConfig, dataset: Dataset, run: RunDirectory) -> int:
    """Trains from the run's newest checkpoint, or from what the trainer is, to `config.steps`, and exports.

    SIGTERM and Ctrl-C save a checkpoint and stop.

    Returns:
        The exit status: 0 when the run is complete, 128 + the signal's number when it was stopped.

    Raises:
        NonFiniteError: A loss became infinite or NaN; the last checkpoint is untouched.
    """
    first = run.restore_checkpoint(trainer.checkpoint)
    run.cut_stats(first)
    train = split_for(config, dataset).train
    batches = Batches(len(train), config.batch_size, config.seed)
    reporter = Reporter(trainer, config, dataset, run)
    logger.info("training from step %d to %d", first, config.steps)
    if first == 0:
        reporter.write_samples(0)

    with _caught_signals() as caught, _progress_bar(first, config) as progress:
        for step in range(first, config.steps):
            chosen = train[batches.indices(step)]
            started = time.perf_counter()
            trainer.train_step(dataset.images[chosen], dataset.labels[chosen])
            reporter.training_seconds += time.perf_counter() - started
            done = step + 1
            progress.update(config.batch_size)

            if done % config.log_interval == 0:
                reporter.write_stats(done)
            if done % config.sample_interval == 0 or done == config.steps:
                reporter.write_samples(done)
                progress.write(reporter.summary(), file=sys.stderr)
            if config.evaluation_interval and (
                done % config.evaluation_interval == 0 or done == config.steps
            ):
                reporter.write_evaluation(done)
            if done % config.checkpoint_interval == 0 or done == config.steps or caught:
                run.save_checkpoint(trainer.checkpoint, done, config.keep_checkpoints)
            if caught and done < config.steps:
                logger.info("stopped by signal %d at step %d; state saved", caught[0], done)
                progress.write(
                    f"stopped at step {done}; go on with: --resume --run_dir={run.path}", file=sys.stderr
                )
                return 128 + caught[0]

    stats = run.read_stats()
    version = run.path / "export" / str(config.steps)
    exported = export_model(trainer, dataset, config, version, _training_seconds(stats, config.batch_size))
    draw_curves(stats, run.path / "curves.png")
    logger.info("exported to %s", exported)
    print(f"model: {exported}\npictures: {run.path / 'samples'}\ndraw: generate.py --model={run.path}")
    return 0


def _training_seconds(stats: Sequence[Mapping[str, float]], batch_size: int) -> float:
    """What the steps took that the lines of `stats.jsonl` report on."""
    steps = [0, *(int(line["step"]) for line in stats)]
    return sum(
        (step - before) * batch_size / line["images_per_second"]
        for before, step, line in zip(steps, steps[1:], stats, strict=False)
    )


def describe_run(config: TrainConfig, dataset: Dataset) -> str:
    """What a run would do and cost, found out by building it and making a few steps.

    Memory is the process's peak after those steps; time leaves out pictures and checkpoints.
    """
    # Steps that leave the generator out come first, cost less, and are few.
    trainer = make_trainer(dataclasses.replace(config, discriminator_steps=0), dataset)
    train = split_for(config, dataset).train
    batches = Batches(len(train), config.batch_size, config.seed)
    # As many steps with the penalty among them as there are in the run.
    whole = -(-TRIAL_STEPS // config.penalty_interval) * config.penalty_interval
    seconds = []
    for step in range(BUILDING_STEPS + min(whole, MAX_TRIAL_STEPS)):
        chosen = train[batches.indices(step)]
        started = time.perf_counter()
        trainer.train_step(dataset.images[chosen], dataset.labels[chosen])
        seconds.append(time.perf_counter() - started)
    step_seconds = float(np.mean(seconds[BUILDING_STEPS:]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    summaries: list[str] = []
    for network in (trainer.generator, trainer.discriminator):
        network.summary(print_fn=summaries.append, line_length=100)
    return "\n".join(
        [
            config.to_json(),
            *summaries,
            f"dataset: {len(dataset.images)} images. {dataset.statement}",
            dataset.statistics(),
            f"precision: {resolve_dtype(config.precision)}",
            f"time: {step_seconds:.3f} s a step, {config.batch_size / step_seconds:.0f} images/s, "
            f"about {config.steps * step_seconds / 60:.0f} minutes for {config.steps} steps",
            f"memory: about {peak:.1f} GiB",
        ]
    )


class Reporter:
    """Writes a run's numbers and pictures: `stats.jsonl`, TensorBoard, `samples/`."""

    def __init__(self, trainer: Trainer, config: TrainConfig, dataset: Dataset, run: RunDirectory) -> None:
        """Chooses the faces that will be shown over time, and notes what the run is."""
        self.training_seconds = 0.0
        self._trainer = trainer
        self._config = config
        self._schema = dataset.schema
        self._run = run
        self._last_step = int(trainer.step)
        self._last_values: dict[str, float] = {}
        self._faces = self._pick_faces(GRID_FACES)
        self._evaluation = _make_evaluation(config, dataset)
        self._silent = _silent_values(config, dataset.schema)
        self._dashboard = Dashboard(run.path / "events")
        self._dashboard.write_about(vars(config), dataset, self._silent, self._last_step)

    def write_stats(self, step: int) -> None:
        """Notes the means since the last call, and says them in one line."""
        values = self._trainer.take_report()
        images = (step - self._last_step) * self._config.batch_size
        values["images_per_second"] = images / max(self.training_seconds, 1e-9)
        values["learning_rate"] = float(self._trainer.generator_optimizer.learning_rate)
        self._last_step, self.training_seconds = step, 0.0
        self._last_values = values
        self._run.append_stats({"step": step, **values})
        shown = {name: value for name, value in values.items() if name not in self._silent}
        self._dashboard.write_scalars(shown, step)
        logger.info("step %d: %s", step, ", ".join(f"{k} {v:.4g}" for k, v in values.items()))

    def write_samples(self, step: int) -> None:
        """Draws the same faces as always, and every attribute value on the first of them."""
        faces = to_uint8(self._trainer.generate(*self._faces)).numpy()
        self._save_sample("faces", grid(faces, columns=int(GRID_FACES**0.5)), step)
        blocks = {}
        if self._schema.num_labels:
            images, captions = self._varied_faces()
            picture = grid(images.reshape(-1, *images.shape[2:]), columns=SHEET_FACES)
            self._save_sample("attributes", captioned(picture, captions, images.shape[2]), step)
            blocks = attribute_blocks(images[:, :BLOCK_FACES], self._schema)
        # TensorBoard shows pictures small.
        self._dashboard.write_pictures(grid(faces[:CARD_FACES], CARD_COLUMNS), blocks, step)

    def write_evaluation(self, step: int) -> None:
        """Measures the moving average's faces; see `RunningEvaluation`."""
        if self._evaluation is None:
            return
        faces = self._pick_faces(running.NUM_IMAGES)
        images = [
            to_uint8(self._trainer.generate(*(part[start : start + GRID_FACES] for part in faces))).numpy()
            for start in range(0, running.NUM_IMAGES, GRID_FACES)
        ]
        values = self._evaluation.measure(np.concatenate(images), faces.labels.numpy())
        self._run.append_stats({"step": step, **values}, EVALUATION)
        self._dashboard.write_scalars(values, step)
        logger.info("evaluation at step %d: %s", step, ", ".join(f"{k} {v:.4g}" for k, v in values.items()))

    def summary(self) -> str:
        """The latest numbers in one line for the console."""
        if not self._last_values:
            return f"step {int(self._trainer.step)}"
        values = self._last_values
        parts = [f"logits real {values['logits/real']:+.2f} fake {values['logits/fake']:+.2f}"]
        if "attributes/accuracy_real" not in self._silent:
            real, fake = values["attributes/accuracy_real"], values["attributes/accuracy_fake"]
            parts.append(f"attributes right on real {real:.0%} on fake {fake:.0%}")
        parts.append(f"{values['images_per_second']:.0f} images/s")
        return f"step {self._last_step}: {', '.join(parts)}"

    def _pick_faces(self, count: int) -> FaceInputs:
        seeds = tf.range(count, dtype=tf.int64)
        latents = latents_from_seeds(seeds, self._config.latent_dim)
        nothing_asked = tf.zeros([count, self._schema.num_labels])
        sampler = self._trainer.label_sampler
        if sampler is None:
            return FaceInputs(latents, nothing_asked)
        uniforms = uniforms_from_seeds(seeds, 1 + sampler.num_slots)
        return FaceInputs(latents, sampler.complete(nothing_asked, uniforms))

    def _varied_faces(self) -> tuple[np.ndarray, list[str]]:
        """Every attribute value on the first faces: uint8 [values, faces, h, w, 3], and a caption a value."""
        latents, labels = (part[:SHEET_FACES].numpy() for part in self._faces)
        rows, captions = sheet_labels(labels, self._schema, self._schema.slots)
        images = [
            to_uint8(self._trainer.generate(latents, rows[start : start + SHEET_FACES])).numpy()
            for start in range(0, len(rows), SHEET_FACES)
        ]
        return np.stack(images), captions

    def _save_sample(self, name: str, picture: np.ndarray, step: int) -> None:
        with written_whole(self._run.path / "samples" / f"{name}-{step:08d}.png") as partial:
            Image.fromarray(picture).save(partial)


def _make_evaluation(config: TrainConfig, dataset: Dataset) -> running.RunningEvaluation | None:
    if not config.evaluation_interval:
        return None
    tagger = load_tagger(dataset) if dataset.schema.num_labels else None
    return running.RunningEvaluation(dataset, split_for(config, dataset).train, tagger)


def _silent_values(config: TrainConfig, schema: Schema) -> set[str]:
    """Values that this run leaves at zero: a flat line would only puzzle."""
    silent = set()
    if not config.evaluation_interval:
        silent |= set(running.MEASURED)
    if config.gradient_penalty == "none":
        silent.add("loss/gradient_penalty")
    if config.augment != "adaptive":
        silent.add("augment/probability")
    if not (schema.num_labels and config.attribute_head):
        silent |= {name for name in REPORTED if "attributes" in name}
    return silent


@contextlib.contextmanager
def _caught_signals() -> Iterator[list[int]]:
    """Collects SIGTERM and Ctrl-C, so that the loop can save before it stops."""
    caught: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        caught.append(number)

    previous = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield caught
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _progress_bar(first: int, config: TrainConfig) -> tqdm:
    return tqdm(
        total=config.steps * config.batch_size,
        initial=first * config.batch_size,
        unit="image",
        desc="training",
        unit_scale=True,
        # A log file needs no line every tenth of a second.
        mininterval=0.5 if sys.stderr.isatty() else 30.0,
    )
