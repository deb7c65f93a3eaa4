"""`train.py`: trains a model and exports it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from absl import flags

from anime_gan.common.command_line import (
    INTERRUPTED,
    define_path,
    define_sources,
    given_flags,
    print_lines,
    run_command,
)
from anime_gan.common.errors import InputError
from anime_gan.common.files import write_text
from anime_gan.common.json_files import read_json
from anime_gan.common.quiet import import_tensorflow
from anime_gan.common.system_limits import system_limit
from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.datasets.load import load_dataset
from anime_gan.models import ARCHITECTURES
from anime_gan.runs.divergence import way_on
from anime_gan.runs.run_directory import (
    STAGES,
    RunDirectory,
    located,
    newest_run_directory,
    next_run_directory,
    run_label,
)
from anime_gan.runs.run_lock import RunError, locked, reserve_run_directory
from anime_gan.runs.trained_run import TrainedRun, find_checkpoint
from anime_gan.runs.warm_start import WarmStart
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
from anime_gan.training.run_files import CONFIG

if TYPE_CHECKING:
    from anime_gan.training.trainer import Trainer

SUMMARY = """Trains a face generator and exports it. Without options, it trains on faces that it draws itself.

The run directory contains sample images, statistics, checkpoints, and the exported model. To watch a run:
  tensorboard --logdir=runs"""

RUNS = Path("runs")
# A preset with several stages sets these options for each stage.
STAGE_OPTIONS = ("resolution", "steps", "architecture", "base_resolution")
FEW_IMAGES = 1_000
# The preset that cannot start from random weights.
NEEDS_START = "tune"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flag_values = flags.FlagValues()
    _define_flags(flag_values)
    arguments = sys.argv[1:] if argv is None else argv
    return run_command("train.py", _summary(), flag_values, lambda: _train(flag_values), arguments)


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
    define_path("run_dir", None, "folder of the run (default: a new one in runs/)", flag_values)
    flags.DEFINE_bool(
        "resume",
        False,
        "resume the run in --run_dir, or the newest run (true or false; default false)",
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


def _train(flag_values: flags.FlagValues) -> int:
    options = {field.name for field in dataclasses.fields(TrainConfig)}
    given = {name: value for name, value in given_flags(flag_values).items() if name in options}
    run_dir = Path(flag_values["run_dir"].value) if flag_values["run_dir"].value else None
    dry_run = bool(flag_values["dry_run"].value)
    preset = str(flag_values["preset"].value)
    if flag_values["resume"].value:
        if flag_values["preset"].present or dry_run:
            raise ConfigError("--resume cannot be combined with --preset or --dry_run")
        directory = run_dir or newest_run_directory(RUNS)
        from_step = flag_values["from_step"].value
        if (directory / STAGES).is_file():
            if from_step is not None:
                reason = f"a run of several stages: name the stage, such as --run_dir={directory / '64'}"
                raise ConfigError(reason, "from_step", from_step)
            return _resume_stages(directory, given)
        return _resume_run(directory, given, from_step)
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
        return _start_run(preset, given, run_dir, dry_run)
    for name in STAGE_OPTIONS:
        if name in given:
            raise ConfigError(f"--{name} cannot be combined with --preset={preset}, which has several stages")
    directory = run_dir or next_run_directory(RUNS, preset)
    RunDirectory.check_is_free(directory)
    given = {**given, **_data_option(given)}
    if dry_run:
        print(f"first of {len(stages)} stages ({', '.join(stages)}):")
        return _start_run(stages[0], given, directory / _stage_name(stages[0]), dry_run)
    if run_dir:
        return _train_stages(directory, stages, given)
    directory = reserve_run_directory(RUNS, preset)
    try:
        return _train_stages(directory, stages, given)
    finally:
        _remove_if_empty(directory)


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


def _resume_stages(directory: Path, given: Mapping[str, Any]) -> int:
    record = read_json(directory / STAGES, _Stages, RunError)
    options = record.options
    given = {**given, **_data_option(given)}
    for name, value in given.items():
        # The data may have moved; each stage compares its checksum.
        moved = name == "data" and not code_options(given) and not code_options({name: options.get(name, "")})
        if options.get(name) != value and not moved:
            raise ConfigError(f"--{name} cannot be combined with --resume of several stages")
    refuse_unnamed_code(options, given)
    return _train_stages(directory, record.stages, {**options, **given})


def _train_stages(directory: Path, stages: Sequence[str], given: Mapping[str, Any]) -> int:
    """Trains the unfinished stages, each from the stage before it; returns the exit status."""
    before: dict[str, Any] = {}
    for number, preset in enumerate(stages, 1):
        path = directory / _stage_name(preset)
        print(f"stage {number} of {len(stages)}: {preset}")
        if (path / CONFIG).is_file():
            status = _resume_run(path, {**code_options(given), **_data_option(given)})
        else:
            record = {"stages": list(stages), "options": dict(given)}
            status = _start_run(preset, {**given, **before}, path, stages=record)
        if status:
            return status
        before = {"init_from": str(path)}
    return 0


def _data_option(given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the given data with an absolute path, because stages may be resumed in another folder."""
    return {"data": located(str(given["data"]))} if "data" in given else {}


def _resume_run(directory: Path, given: dict[str, Any], from_step: int | None = None) -> int:
    RunDirectory.check_exists(directory)
    with locked(directory):
        return _resume_locked(RunDirectory.open(directory), given, from_step)


def _resume_locked(run: RunDirectory, given: dict[str, Any], from_step: int | None) -> int:
    # Options are checked before TensorFlow is loaded, so that errors appear at once.
    if given.get("init_from"):
        given["init_from"] = str(Path(str(given["init_from"])).resolve())
    saved = run.load_config(given)
    config = resume_config(saved, given)
    run.check_steps(config.steps, from_step)
    newest = run.checkpoints.newest(config.steps)
    same_rates = all(getattr(config, name) == getattr(saved, name) for name in LEARNING_RATES)
    exported = run.export_path(config.steps)
    if newest == config.steps and exported.is_dir() and from_step is None and same_rates:
        print(
            f"model: {exported}\nThe run is complete at step {config.steps}. To train further: "
            f"{run.resume_command(2 * config.steps)}"
        )
        return 0
    start = None
    if config.init_from and not newest:
        start = _start(Path(config.init_from), given)
        # Raises an error if the folder now contains another model.
        start.options(dataclasses.asdict(config))
    if "data" in given:
        dataset = run.check_data(_load(config, given))
        run.save_data_location(config.data)
    else:
        try:
            dataset = run.check_data(_load(config, given, run.data_location(config)))
        except DataError as error:
            if error.field != "data" or code_options({"data": config.data}):
                raise
            reason = f"{error.reason}; if the data has moved, add --data=PLACE"
            raise DataError(reason, "data", error.value) from error
    return _run(config, dataset, run, start, from_step=from_step)


def _start_run(
    preset: str,
    given: Mapping[str, Any],
    run_dir: Path | None,
    dry_run: bool = False,
    stages: Mapping[str, Any] | None = None,
) -> int:
    start = _start(Path(str(given["init_from"])), given) if given.get("init_from") else None
    if isinstance(start, TrainedRun) and preset in PRESETS:
        # The preset may also set the resolution to which the networks grow.
        given = {**{k: v for k, v in PRESETS[preset].options.items() if k == "resolution"}, **given}
    config = resolve_config(preset, start.options(given) if start else given)
    if run_dir is not None:
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
    return _run(config, dataset, run_dir or label, start, stages)


def _load(config: TrainConfig, given: Mapping[str, Any], place: str | None = None) -> Dataset:
    """Loads the data of a run, which may be elsewhere than the options say."""
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
    stages: Mapping[str, Any] | None = None,
    from_step: int | None = None,
) -> int:
    """Trains a run; returns the exit status.

    Args:
        config: The options of the run.
        dataset: All images and labels.
        run: An existing run, whose lock is held, or the folder of a new one, or the label of a new folder.
        start: The networks to start from; None for random weights.
        stages: The contents of `stages.json`, to be written for the first of several stages.
        from_step: The step of the checkpoint that the user chose.
    """
    import_tensorflow()
    from anime_gan.runs.start import load_initial_weights, make_trainer, split_for, training_indices

    if config.evaluation_interval and dataset.schema.num_labels:
        from anime_gan.judges.training import split_for_judges

        # Raises an error if the data is too small for the judge, before anything is written.
        split_for_judges(dataset)
    split = split_for(config, dataset)
    train = training_indices(split.train, dataset.frequencies)
    trainer = make_trainer(config, dataset, train)
    if start:
        load_initial_weights(start, trainer, dataset.schema)
    if isinstance(run, RunDirectory):
        return _train_locked(trainer, dataset, train, run, from_step)
    # Created last, so that bad options leave no directory behind.
    path = reserve_run_directory(RUNS, run) if isinstance(run, str) else run
    path.mkdir(parents=True, exist_ok=True)
    with locked(path):
        earlier = start.earlier_runs if isinstance(start, TrainedRun) else []
        created = RunDirectory.create(path, config, dataset, earlier)
        if stages:
            write_text(path.parent / STAGES, json.dumps(stages, ensure_ascii=False, indent=2))
        return _train_locked(trainer, dataset, train, created)


def _train_locked(
    trainer: Trainer, dataset: Dataset, train: np.ndarray, run: RunDirectory, from_step: int | None = None
) -> int:
    """Trains a run whose lock is held; returns the exit status."""
    from anime_gan.runs.loop import run_training
    from anime_gan.training.trainer import NonFiniteError

    run.save_label_rows(trainer.label_rows, len(np.unique(train)))
    _log_to(run.path / "log.txt")
    print(f"run: {run.path}")
    try:
        return run_training(trainer, dataset, train, run, from_step)
    except NonFiniteError as error:
        print(
            f"train.py: {error}: training diverged. {way_on(run, trainer.config, int(trainer.step))}",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        # Before the first step, or while judges are trained.
        print(f"train.py: interrupted. To resume: {run.resume_command()}", file=sys.stderr)
        return INTERRUPTED
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


def _log_to(file: Path) -> None:
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    package_logger = logging.getLogger("anime_gan")
    package_logger.setLevel(logging.INFO)
    package_logger.addHandler(handler)
    # Keeps the log off the console, which shows the progress bar and summary lines.
    package_logger.propagate = False


if __name__ == "__main__":
    sys.exit(main())
