"""`train.py`: trains a model and exports it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from absl import flags

from anime_gan.common.command_line import (
    define_path,
    define_sources,
    given_flags,
    interrupted_status,
    print_lines,
    run_command,
)
from anime_gan.common.errors import InputError
from anime_gan.common.files import write_text
from anime_gan.common.json_files import read_json
from anime_gan.common.quiet import import_tensorflow, require_tensorflow
from anime_gan.common.stores import store_url
from anime_gan.common.system_limits import system_limit
from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.datasets.load import load_dataset
from anime_gan.models import ARCHITECTURES
from anime_gan.runs.cluster import START_AGAIN, Cluster
from anime_gan.runs.divergence import way_on
from anime_gan.runs.mirror import Mirror, push_run
from anime_gan.runs.run_directory import (
    RunDirectory,
    located,
    newest_run_directory,
    next_run_directory,
    run_label,
)
from anime_gan.runs.run_lock import RunError, locked, reserve_run_directory
from anime_gan.runs.trained_run import TrainedRun, find_checkpoint
from anime_gan.runs.warm_start import WarmStart
from anime_gan.runs.worker_place import find_worker
from anime_gan.training.config import (
    LEARNING_RATES,
    ConfigError,
    TrainConfig,
    code_options,
    describe_range,
    refuse_unnamed_code,
    resolve_config,
    resume_config,
)
from anime_gan.training.presets import PRESETS, stages_of
from anime_gan.training.run_files import CONFIG, STAGES

if TYPE_CHECKING:
    from anime_gan.training.trainer import Trainer

SUMMARY = """Trains a face generator and exports it. Without options, it trains on faces that it draws itself.

The run directory contains sample images, statistics, checkpoints, and the exported model. To watch a run:
  tensorboard --logdir=runs"""

RUNS = Path("runs")
# A preset with several stages sets these options for each stage.
STAGE_OPTIONS = ("resolution", "steps", "architecture", "base_resolution")
FEW_IMAGES = 1_000
# Seconds between two looks into a bucket, while a worker waits for the chief.
LOOK_SECONDS = 10.0
# The preset that cannot start from random weights.
NEEDS_START = "tune"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flag_values = flags.FlagValues()
    _define_flags(flag_values)
    arguments = sys.argv[1:] if argv is None else argv
    joined: list[Cluster] = []
    command = functools.partial(_train_on_workers, flag_values, joined)
    status = run_command("train.py", _summary(), flag_values, command, arguments)
    return joined[0].leave(status) if joined else status


def _summary() -> str:
    """Returns what `--help` shows above the options: the command, the presets, and the architectures."""
    presets = [f"  {name}: {preset.description}" for name, preset in PRESETS.items()]
    architectures = [f"  {name}: {description}" for name, description in ARCHITECTURES.items()]
    return "\n".join(
        [SUMMARY, "", "Presets:", *presets, "", "Architectures:", *architectures, "", "Options:"]
    )


def _define_flags(flag_values: flags.FlagValues) -> None:
    define: dict[type, Callable[..., Any]] = {
        str: flags.DEFINE_string,
        int: flags.DEFINE_integer,
        float: flags.DEFINE_float,
        bool: flags.DEFINE_bool,
    }
    for field in dataclasses.fields(TrainConfig):
        number = {int: ",", float: ",g"}.get(type(field.default))
        default = format(field.default, number) if number else str(field.default).lower() or "empty"
        text = f"{field.metadata['help']} ({describe_range(field)}; default {default})"
        if field.name == "data":
            define_sources(field.name, None, text, flag_values)
        elif field.metadata.get("path"):
            define_path(field.name, None, text, flag_values)
        else:
            define[type(field.default)](field.name, None, text, flag_values=flag_values)
    names = ", ".join(PRESETS)
    flags.DEFINE_string(
        "preset",
        "default",
        f"named set of option values (one of {names}; default default)",
        flag_values=flag_values,
    )
    define_path(
        "run_dir",
        None,
        "folder of the run, or a place in a bucket to mirror it, such as s3://bucket/run (default: a new "
        "folder in runs/)",
        flag_values,
    )
    flags.DEFINE_bool(
        "resume",
        False,
        "resume the run in --run_dir, or the newest run (true or false; default false)",
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "start_or_resume",
        False,
        "start the run in --run_dir, or resume it if it has started; for supervisors (true or false; "
        "default false)",
        flag_values=flag_values,
    )
    flags.DEFINE_list(
        "workers",
        [],
        "HOST:PORT of each worker that trains the run, the chief first; each is one process with the same "
        "options (default: those of TF_CONFIG, or this process alone)",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "worker",
        None,
        "which of --workers this process is, from 0",
        lower_bound=0,
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "from_step",
        None,
        "step of the checkpoint to resume from (default: the newest one; 0 starts again)",
        lower_bound=0,
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "dry_run",
        False,
        "print the configuration, networks, data, and cost, then exit (true or false; default false)",
        flag_values=flag_values,
    )


def _train_on_workers(flag_values: flags.FlagValues, joined: list[Cluster]) -> int:
    """Joins the other workers of the run, if there are any, and trains.

    Args:
        flag_values: The flags.
        joined: Gets the cluster once it is joined.

    Returns:
        The exit status.
    """
    cluster = Cluster(
        find_worker(flag_values["workers"].value or (), flag_values["worker"].value, os.environ)
    )
    if flag_values["dry_run"].value and cluster.has_others:
        raise ConfigError("--dry_run needs one process alone: remove --workers, or unset TF_CONFIG")
    given, run_dir = _given_options(flag_values), _given_run_dir(flag_values)
    resumes = bool(flag_values["resume"].value or flag_values["start_or_resume"].value)
    mirror = Mirror.of(run_dir) if run_dir else None

    looked = time.monotonic()

    def finished() -> bool:
        nonlocal looked
        if not resumes or run_dir is None or flag_values["from_step"].present:
            return False
        if mirror and not cluster.is_chief and time.monotonic() - looked > LOOK_SECONDS:
            # The chief may upload the end of the run only now. A bucket that fails is tried again.
            with contextlib.suppress(RunError):
                mirror.pull()
            looked = time.monotonic()
        return _is_finished(run_dir, given)

    try:
        if cluster.has_others:
            joined.append(cluster)
            if mirror and resumes:
                # A chief that has completed the run no longer comes.
                mirror.pull()
            if not cluster.join(finished):
                if mirror and cluster.is_chief:
                    # A kill may have come between the end of the run and its upload.
                    mirror.push()
                print(f"The run in {run_dir} is complete.")
                return 0
        if mirror and not flag_values["dry_run"].value:
            _bring_up_to_date(mirror, resumes, bool(flag_values["start_or_resume"].value), cluster)
        return _train(flag_values, cluster)
    except Exception as error:
        if not (lost := cluster.lost(error)):
            raise
        print(f"train.py: {lost}", file=sys.stderr)
        return START_AGAIN


def _given_options(flag_values: flags.FlagValues) -> dict[str, Any]:
    options = {field.name for field in dataclasses.fields(TrainConfig)}
    return {name: value for name, value in given_flags(flag_values).items() if name in options}


def _given_run_dir(flag_values: flags.FlagValues) -> Path | None:
    """Returns the folder of the run; for a place in a bucket, its local copy."""
    place = flag_values["run_dir"].value
    if not place:
        return None
    url = store_url(place)
    return Mirror.at(url).copy if url else Path(place)


def _bring_up_to_date(mirror: Mirror, resumes: bool, may_start: bool, cluster: Cluster) -> None:
    """Brings the local copies of all workers, and the mirror, to the newest state.

    Args:
        mirror: The mirror of the run.
        resumes: Whether the run may be resumed.
        may_start: Whether it is started if there is none to resume.
        cluster: The workers of the run.

    Raises:
        RunError: The bucket cannot be used, or has no run to resume, or has one that would be overwritten.
    """
    with cluster.agreed():
        if cluster.is_chief:
            if resumes and (mirror.pull() or mirror.has_run()):
                mirror.push()
            elif resumes and not may_start:
                raise RunError("no run to resume (mirror.json is missing)", "run_dir", mirror.url)
            else:
                mirror.check_is_free()
    with cluster.agreed():
        if resumes and not cluster.is_chief:
            mirror.pull()


def _is_finished(directory: Path, given: dict[str, Any]) -> bool:
    """Returns whether the run in a directory, or its last stage, needs no more training."""
    with contextlib.suppress(InputError, OSError):
        if (directory / STAGES).is_file():
            directory /= _stage_name(read_json(directory / STAGES, _Stages, RunError).stages[-1])
        run = RunDirectory(directory)
        saved = run.load_config(given)
        return _is_complete(run, resume_config(saved, given), saved)
    return False


def _is_complete(run: RunDirectory, config: TrainConfig, saved: TrainConfig) -> bool:
    """Returns whether a run has been trained and exported with these options."""
    same_rates = all(getattr(config, name) == getattr(saved, name) for name in LEARNING_RATES)
    newest = run.checkpoints.newest(config.steps)
    return newest == config.steps and run.export_path(config.steps).is_dir() and same_rates


def _train(flag_values: flags.FlagValues, cluster: Cluster) -> int:
    given, run_dir = _given_options(flag_values), _given_run_dir(flag_values)
    dry_run = bool(flag_values["dry_run"].value)
    preset = str(flag_values["preset"].value)
    resume = bool(flag_values["resume"].value)
    if flag_values["start_or_resume"].value:
        if resume or dry_run or run_dir is None:
            raise ConfigError("--start_or_resume needs --run_dir, and no --resume or --dry_run")
        resume = _has_started(run_dir, cluster)
    elif resume and (flag_values["preset"].present or dry_run):
        raise ConfigError("--resume cannot be combined with --preset or --dry_run")
    if resume:
        with cluster.agreed():
            directory = run_dir or (newest_run_directory(RUNS) if cluster.is_chief else RUNS)
        directory = run_dir or Path(cluster.chief_says(str(directory)))
        from_step = flag_values["from_step"].value
        if cluster.chief_says(str((directory / STAGES).is_file())) == "True":
            if from_step is not None:
                reason = f"a run of several stages: name the stage, such as --run_dir={directory / '64'}"
                raise ConfigError(reason, "from_step", from_step)
            return _resume_stages(directory, given, cluster)
        return _resume_run(directory, given, cluster, from_step)
    if flag_values["from_step"].present:
        raise ConfigError("needs --resume", "from_step", flag_values["from_step"].value)
    if preset == NEEDS_START and not given.get("init_from"):
        raise ConfigError(
            "fine-tunes a trained generator; add --init_from=MODEL, such as --init_from=sutemo-128",
            "preset",
            preset,
        )
    stages = stages_of(preset)
    if len(stages) == 1 or "init_from" in given:
        return _start_run(preset, given, run_dir, cluster, dry_run)
    for name in STAGE_OPTIONS:
        if name in given:
            raise ConfigError(f"--{name} cannot be combined with --preset={preset}, which has several stages")
    directory = run_dir or next_run_directory(RUNS, preset)
    with cluster.agreed():
        if cluster.is_chief:
            RunDirectory.check_is_free(directory)
    given = {**given, **_data_option(given)}
    if dry_run:
        print(f"first of {len(stages)} stages ({', '.join(stages)}):")
        return _start_run(stages[0], given, directory / _stage_name(stages[0]), cluster, dry_run)
    if run_dir:
        return _train_stages(directory, stages, given, cluster)
    with cluster.agreed():
        if cluster.is_chief:
            directory = reserve_run_directory(RUNS, preset)
    directory = Path(cluster.chief_says(str(directory)))
    try:
        return _train_stages(directory, stages, given, cluster)
    finally:
        _remove_if_empty(directory)


def _has_started(directory: Path, cluster: Cluster) -> bool:
    """Returns whether there is a run to resume in a directory; removes what an interrupted start left."""
    started = any((directory / name).is_file() for name in (CONFIG, STAGES))
    with cluster.agreed():
        if cluster.is_chief:
            for folder in (directory, *directory.glob("[0-9]*")):
                RunDirectory(folder).remove_unfinished()
    return cluster.chief_says(str(started)) == "True"


def _remove_if_empty(directory: Path) -> None:
    """Removes a new directory and its parent if bad options left them empty."""
    with contextlib.suppress(OSError):
        directory.rmdir()
        directory.parent.rmdir()


def _stage_name(preset: str) -> str:
    """Returns the name of a stage's folder: its resolution."""
    return str(resolve_config(preset, {}).resolution)


class _Stages(msgspec.Struct):
    """The contents of `stages.json`: the presets, and the options of all stages."""

    stages: list[str]
    options: dict[str, Any]


def _resume_stages(directory: Path, given: Mapping[str, Any], cluster: Cluster) -> int:
    record = read_json(directory / STAGES, _Stages, RunError)
    options = record.options
    given = {**given, **_data_option(given)}
    for name, value in given.items():
        # The data may have moved; each stage compares its checksum.
        moved = name == "data" and not code_options(given) and not code_options({name: options.get(name, "")})
        if options.get(name) != value and not moved:
            raise ConfigError(f"--{name} cannot be combined with --resume of several stages")
    refuse_unnamed_code(options, given)
    return _train_stages(directory, record.stages, {**options, **given}, cluster)


def _train_stages(directory: Path, stages: Sequence[str], given: Mapping[str, Any], cluster: Cluster) -> int:
    """Trains the unfinished stages, each from the stage before it; returns the exit status."""
    before: dict[str, Any] = {}
    for number, preset in enumerate(stages, 1):
        path = directory / _stage_name(preset)
        print(f"stage {number} of {len(stages)}: {preset}")
        if cluster.chief_says(str((path / CONFIG).is_file())) == "True":
            status = _resume_run(path, {**code_options(given), **_data_option(given)}, cluster)
        else:
            record = {"stages": list(stages), "options": dict(given)}
            status = _start_run(preset, {**given, **before}, path, cluster, stages=record)
        if status:
            return status
        before = {"init_from": str(path)}
    return 0


def _data_option(given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the given data with an absolute path, because stages may be resumed in another folder."""
    return {"data": located(str(given["data"]))} if "data" in given else {}


def _resume_run(
    directory: Path, given: dict[str, Any], cluster: Cluster, from_step: int | None = None
) -> int:
    with contextlib.ExitStack() as held:
        with cluster.agreed():
            RunDirectory.check_exists(directory)
            run = RunDirectory(directory)
            if cluster.is_chief:
                held.enter_context(locked(directory))
                run = RunDirectory.open(directory)
        _check_shared(directory, cluster)
        return _resume_locked(run, given, cluster, from_step)


def _check_shared(directory: Path, cluster: Cluster) -> None:
    """Checks that all workers see the folder of the run, unless each has a local copy of its mirror."""
    if Mirror.of(directory) is None:
        cluster.check_shared(directory)


def _resume_locked(run: RunDirectory, given: dict[str, Any], cluster: Cluster, from_step: int | None) -> int:
    # Options are checked before TensorFlow is loaded, so that errors appear at once.
    with cluster.agreed():
        if given.get("init_from") and not store_url(str(given["init_from"])):
            given["init_from"] = str(Path(str(given["init_from"])).resolve())
        saved = run.load_config(given)
        config = resume_config(saved, given)
        run.check_steps(config.steps, from_step)
        complete = from_step is None and _is_complete(run, config, saved)
    if cluster.chief_says(str(complete)) == "True":
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


def _start_run(
    preset: str,
    given: Mapping[str, Any],
    run_dir: Path | None,
    cluster: Cluster,
    dry_run: bool = False,
    stages: Mapping[str, Any] | None = None,
) -> int:
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
    """Writes a sheet with similar persons in every style, if the data has several."""
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


def _start(path: Path, given: Mapping[str, Any]) -> TrainedRun | WarmStart:
    """Returns what `--init_from` names: both networks of a run, or the generator of an export."""
    checkpoint = find_checkpoint(path)
    if checkpoint is not None:
        return TrainedRun(checkpoint, given)
    start = WarmStart(path)
    start.refuse_folded()
    return start


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


if __name__ == "__main__":
    sys.exit(main())
