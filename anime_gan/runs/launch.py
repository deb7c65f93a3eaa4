"""Starts a run, or resumes one: checks its options, loads its data, and trains it under its lock.

Errors of the user are raised before TensorFlow is loaded, where possible, and before a folder is created.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anime_gan.common.command_line import interrupted_status, print_lines
from anime_gan.common.errors import InputError
from anime_gan.common.files import write_text
from anime_gan.common.quiet import import_tensorflow, require_tensorflow
from anime_gan.common.stores import store_url
from anime_gan.common.system_limits import system_limit
from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.datasets.load import load_dataset
from anime_gan.runs.cluster import Cluster
from anime_gan.runs.divergence import way_on
from anime_gan.runs.mirror import Mirror, push_run
from anime_gan.runs.run_directory import RUNS, RunDirectory, next_run_directory, run_label
from anime_gan.runs.run_lock import locked, reserve_run_directory
from anime_gan.runs.trained_run import TrainedRun, find_checkpoint
from anime_gan.runs.warm_start import WarmStart
from anime_gan.training.config import LEARNING_RATES, TrainConfig, code_options, resolve_config, resume_config
from anime_gan.training.presets import PRESETS
from anime_gan.training.run_files import STAGES

if TYPE_CHECKING:
    from anime_gan.training.trainer import Trainer

FEW_IMAGES = 1_000


def start_run(
    preset: str,
    given: Mapping[str, Any],
    run_dir: Path | None,
    cluster: Cluster,
    dry_run: bool = False,
    stages: Mapping[str, Any] | None = None,
) -> int:
    """Starts a run and trains it.

    Args:
        preset: The preset.
        given: The options that the user gave.
        run_dir: The folder of the run; None for a new one in `RUNS`.
        cluster: The workers of the run.
        dry_run: Only describes the run, and writes nothing.
        stages: The contents of `stages.json`, to be written for the first of several stages.

    Returns:
        The exit status.

    Raises:
        InputError: The options, the data, or the networks to start from cannot be used.
    """
    with cluster.agreed():
        start = _start(Path(str(given["init_from"])), given) if given.get("init_from") else None
        if isinstance(start, TrainedRun) and preset in PRESETS:
            # The preset may also set the resolution to which the networks grow.
            given = {**{k: v for k, v in PRESETS[preset].options.items() if k == "resolution"}, **given}
        config = resolve_config(preset, start.options(given) if start else given)
        if run_dir is not None and cluster.is_chief:
            RunDirectory.check_is_free(run_dir)
        dataset = _load(config, given)
        if start:
            if isinstance(start, TrainedRun) and not start.fits(dataset):
                start = start.generator_alone(config.resolution)
                config = resolve_config(preset, start.options(given))
            if isinstance(start, WarmStart):
                start.check(dataset.schema)
                print(start.describe(dataset.schema))
            else:
                print(start.describe(config.resolution))
            dataset = dataclasses.replace(dataset, statement=start.credit(dataset.statement))
    label = run_label(f"{dataset.name}-{config.architecture}")
    if dry_run:
        directory = run_dir or next_run_directory(RUNS, label)
        import_tensorflow()
        from anime_gan.runs.dry_run import describe_run
        from anime_gan.runs.start import split_for

        print(describe_run(config, dataset, split_for(config, dataset), directory))
        return 0
    return _run(config, dataset, run_dir or label, start, cluster, stages)


def resume_run(directory: Path, given: dict[str, Any], cluster: Cluster, from_step: int | None = None) -> int:
    """Resumes a run and trains it to its last step.

    Args:
        directory: The folder of the run.
        given: The options that the user gave, some of which may differ from those of the run.
        cluster: The workers of the run.
        from_step: The step of the checkpoint to resume from; None for the newest one.

    Returns:
        The exit status.

    Raises:
        InputError: The folder contains no run, or an option or the data must not change.
    """
    with contextlib.ExitStack() as held:
        with cluster.agreed():
            RunDirectory.check_exists(directory)
            run = RunDirectory(directory)
            if cluster.is_chief:
                held.enter_context(locked(directory))
                run = RunDirectory.open(directory)
        _check_shared(directory, cluster)
        return _resume_locked(run, given, cluster, from_step)


def is_complete(run: RunDirectory, config: TrainConfig, saved: TrainConfig) -> bool:
    """Returns whether a run has been trained and exported with these options."""
    same_rates = all(getattr(config, name) == getattr(saved, name) for name in LEARNING_RATES)
    newest = run.checkpoints.newest(config.steps)
    return newest == config.steps and run.export_path(config.steps).is_dir() and same_rates


def _resume_locked(run: RunDirectory, given: dict[str, Any], cluster: Cluster, from_step: int | None) -> int:
    # Options are checked before TensorFlow is loaded, so that errors appear at once.
    with cluster.agreed():
        if given.get("init_from") and not store_url(str(given["init_from"])):
            given["init_from"] = str(Path(str(given["init_from"])).resolve())
        saved = run.load_config(given)
        config = resume_config(saved, given)
        run.check_steps(config.steps, from_step)
        complete = from_step is None and is_complete(run, config, saved)
    if cluster.chief_finds(complete):
        print(
            f"model: {run.export_path(config.steps)}\nThe run is complete at step {config.steps}. To train "
            f"further: {run.resume_command(2 * config.steps)}"
        )
        return 0
    start = None
    with cluster.agreed():
        if config.init_from and not run.checkpoints.newest(config.steps):
            start = _start(Path(config.init_from), given)
            # Raises an error if the folder now contains another model.
            start.options(dataclasses.asdict(config))
        dataset = _load_again(run, config, given, cluster)
    return _run(config, dataset, run, start, cluster, from_step=from_step)


def _load_again(
    run: RunDirectory, config: TrainConfig, given: Mapping[str, Any], cluster: Cluster
) -> Dataset:
    """Loads the data of a run that is resumed, which may have moved."""
    if "data" in given:
        dataset = run.check_data(_load(config, given))
        if cluster.is_chief:
            run.save_data_location(config.data)
        return dataset
    try:
        return run.check_data(_load(config, given, run.data_location(config)))
    except DataError as error:
        if error.field != "data" or code_options({"data": config.data}):
            raise
        reason = f"{error.reason}; if the data has moved, add --data=PLACE"
        raise DataError(reason, "data", error.value) from error


def _check_shared(directory: Path, cluster: Cluster) -> None:
    """Checks that all workers see the folder of the run, unless each has a local copy of its mirror."""
    if Mirror.of(directory) is None:
        cluster.check_shared(directory)


def _start(path: Path, given: Mapping[str, Any]) -> TrainedRun | WarmStart:
    """Returns what `--init_from` names: both networks of a run, or the generator of an export."""
    checkpoint = find_checkpoint(path)
    if checkpoint is not None:
        return TrainedRun(checkpoint, given)
    start = WarmStart(path)
    start.refuse_folded()
    return start


def _load(config: TrainConfig, given: Mapping[str, Any], place: str | None = None) -> Dataset:
    """Loads the data of a run, which may be elsewhere than the options say."""
    # Preparing the data may take minutes.
    require_tensorflow()
    dataset = load_dataset(
        place or config.data,
        config.num_images,
        config.resolution,
        config.seed,
        config.transparent,
        labels_from=config.labels_from,
        import_code="data" in given,
        shares=config.data_shares,
    )
    print_lines(dataset.report.lines())
    _check_size(dataset, config)
    return dataset


def _check_size(dataset: Dataset, config: TrainConfig) -> None:
    """Warns about a small dataset.

    Raises:
        DataError: There are fewer images than in one batch.
    """
    count = len(dataset.images)
    if count < config.batch_size:
        skipped = f" ({len(dataset.report.skipped)} skipped)" if dataset.report.skipped else ""
        raise DataError(
            f"{count} images{skipped} are fewer than one batch of {config.batch_size}; add images or lower "
            "--batch_size",
            "data",
            config.data,
        )
    if count < FEW_IMAGES:
        print_lines(
            [
                f"only {count} training images: the model will probably memorize them and draw broken faces. "
                "1,000 or more are recommended; --augment=adaptive helps"
            ]
        )


def _run(
    config: TrainConfig,
    dataset: Dataset,
    run: RunDirectory | Path | str,
    start: TrainedRun | WarmStart | None,
    cluster: Cluster,
    stages: Mapping[str, Any] | None = None,
    from_step: int | None = None,
) -> int:
    """Trains a run; returns the exit status.

    Args:
        config: The options of the run.
        dataset: All images and labels.
        run: An existing run, whose lock is held, or the folder of a new one, or the label of a new folder.
        start: The networks to start from; None for random weights.
        cluster: The workers of the run.
        stages: The contents of `stages.json`, to be written for the first of several stages.
        from_step: The step of the checkpoint that the user chose.
    """
    import_tensorflow()
    from anime_gan.runs.start import load_initial_weights, make_trainer, split_for, training_indices

    with cluster.agreed():
        if config.evaluation_interval and dataset.schema.num_labels:
            from anime_gan.judges.training import split_for_judges

            # Raises an error if the data is too small for the judge, before anything is written.
            split_for_judges(dataset)
        split = split_for(config, dataset)
        train = training_indices(split.train, dataset.frequencies)
    # The data may lie elsewhere on each machine.
    cluster.check_same("options", json.dumps({**dataclasses.asdict(config), "data": ""}))
    cluster.check_same("data", dataset.checksum)
    trainer = make_trainer(config, dataset, train, cluster.strategy)
    if start:
        load_initial_weights(start, trainer, dataset.schema)
    if isinstance(run, RunDirectory):
        return _train_locked(trainer, dataset, train, run, cluster, from_step)
    with contextlib.ExitStack() as held:
        # Created last, so that bad options leave no directory behind.
        with cluster.agreed():
            path = Path(run)
            if cluster.is_chief:
                path = reserve_run_directory(RUNS, run) if isinstance(run, str) else run
                path.mkdir(parents=True, exist_ok=True)
                held.enter_context(locked(path))
        path = run if isinstance(run, Path) else Path(cluster.chief_says(str(path)))
        _check_shared(path, cluster)
        with cluster.agreed():
            if cluster.is_chief:
                earlier = start.earlier_runs if isinstance(start, TrainedRun) else []
                RunDirectory.create(path, config, dataset, earlier)
                _write_style_sheet(path / "styles.png", dataset)
                if stages:
                    write_text(path.parent / STAGES, json.dumps(stages, ensure_ascii=False, indent=2))
                # A bucket that cannot be written to is noticed before training.
                push_run(path, is_last=True)
        return _train_locked(trainer, dataset, train, RunDirectory(path), cluster)


def _write_style_sheet(path: Path, dataset: Dataset) -> None:
    """Writes a sheet with similar people in every style, if the data has several."""
    from anime_gan.datasets.mixture.sheet import style_sheet
    from anime_gan.faces.picture_files import save_png

    sheet = style_sheet(dataset)
    if sheet is not None:
        save_png(path, sheet, {})
        print(f"the same attributes in every style: {path}")


def _train_locked(
    trainer: Trainer,
    dataset: Dataset,
    train: np.ndarray,
    run: RunDirectory,
    cluster: Cluster,
    from_step: int | None = None,
) -> int:
    """Trains a run whose lock is held; returns the exit status."""
    from anime_gan.runs.loop import run_training
    from anime_gan.training.trainer import NonFiniteError

    if cluster.is_chief:
        run.save_label_rows(trainer.label_rows, len(set(train.tolist())))
    mirror = Mirror.of(run.path)
    print(f"run: {run.path}{f', mirrored to {mirror.url}' if mirror else ''}")
    try:
        with _logging_to(run.path / "log.txt") if cluster.is_chief else contextlib.nullcontext():
            return run_training(trainer, dataset, train, run, from_step, cluster)
    except NonFiniteError as error:
        print(
            f"train.py: {error}: training diverged. {way_on(run, trainer.config, int(trainer.step))}",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt as error:
        # Before the first step, or while judges are trained.
        print(f"train.py: interrupted. To resume: {run.resume_command()}", file=sys.stderr)
        return interrupted_status(error)
    except Exception as error:
        if (limit := system_limit(error)) is None:
            raise
        raise InputError(f"{limit}, then resume: {run.resume_command()}") from error


@contextlib.contextmanager
def _logging_to(file: Path) -> Iterator[None]:
    """Writes the package's log to a file while the context is open."""
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    package_logger = logging.getLogger("anime_gan")
    package_logger.setLevel(logging.INFO)
    package_logger.addHandler(handler)
    # Keeps the log off the console, which shows the progress bar and summary lines.
    package_logger.propagate = False
    try:
        yield
    finally:
        package_logger.removeHandler(handler)
        handler.close()
