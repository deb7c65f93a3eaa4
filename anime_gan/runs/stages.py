"""Trains the stages of a preset, each from the one before, in folders such as `RUN/64` and `RUN/128`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from anime_gan.common.json_files import read_json
from anime_gan.runs.cluster import Cluster
from anime_gan.runs.launch import resume_run, start_run
from anime_gan.runs.run_directory import RUNS, RunDirectory, located, next_run_directory
from anime_gan.runs.run_lock import RunError, reserve_run_directory
from anime_gan.training.config import ConfigError, code_options, refuse_unnamed_code, resolve_config
from anime_gan.training.presets import stages_of
from anime_gan.training.run_files import CONFIG, STAGES

# A preset with several stages sets these options for each stage.
STAGE_OPTIONS = ("resolution", "steps", "architecture", "base_resolution")


class _Stages(msgspec.Struct):
    """The contents of `stages.json`: the presets, and the options of all stages."""

    stages: list[str]
    options: dict[str, Any]


def start_stages(
    preset: str, given: Mapping[str, Any], directory: Path | None, cluster: Cluster, dry_run: bool = False
) -> int:
    """Trains all stages of a preset.

    Args:
        preset: The preset of the last stage.
        given: The options that the user gave.
        directory: The folder of the stages; None for a new one.
        cluster: The workers of the run.
        dry_run: Only describes the first stage.

    Returns:
        The exit status.

    Raises:
        ConfigError: An option is given that each stage sets for itself.
        RunError: The folder is not free.
    """
    for name in STAGE_OPTIONS:
        if name in given:
            raise ConfigError(f"--{name} cannot be combined with --preset={preset}, which has several stages")
    stages = stages_of(preset)
    path = directory or next_run_directory(RUNS, preset)
    with cluster.agreed():
        if cluster.is_chief:
            RunDirectory.check_is_free(path)
    given = {**given, **_data_option(given)}
    if dry_run:
        print(f"first of {len(stages)} stages ({', '.join(stages)}):")
        return start_run(stages[0], given, path / _stage_name(stages[0]), cluster, dry_run)
    if directory:
        return _train_stages(path, stages, given, cluster)
    with cluster.agreed():
        if cluster.is_chief:
            path = reserve_run_directory(RUNS, preset)
    path = Path(cluster.chief_says(str(path)))
    try:
        return _train_stages(path, stages, given, cluster)
    finally:
        _remove_if_empty(path)


def resume_stages(directory: Path, given: Mapping[str, Any], cluster: Cluster) -> int:
    """Trains the stages that are not complete; returns the exit status.

    Raises:
        ConfigError: An option differs from the one that the stages were started with.
        RunError: `stages.json` is damaged.
    """
    record = read_json(directory / STAGES, _Stages, RunError)
    options = record.options
    given = {**given, **_data_option(given)}
    for name, value in given.items():
        # The data may have moved; each stage compares its checksum.
        moved = name == "data" and not code_options(given) and not code_options({name: options.get(name, "")})
        if options.get(name) != value and not moved:
            raise ConfigError(f"--{name} cannot be combined with --resume of several stages; omit it")
    refuse_unnamed_code(options, given)
    return _train_stages(directory, record.stages, {**options, **given}, cluster)


def last_stage(directory: Path) -> Path:
    """Returns the folder of the last stage.

    Raises:
        RunError: `stages.json` is damaged.
    """
    return directory / _stage_name(read_json(directory / STAGES, _Stages, RunError).stages[-1])


def _train_stages(directory: Path, stages: Sequence[str], given: Mapping[str, Any], cluster: Cluster) -> int:
    """Trains the unfinished stages, each from the stage before it; returns the exit status."""
    before: dict[str, Any] = {}
    for number, preset in enumerate(stages, 1):
        path = directory / _stage_name(preset)
        print(f"stage {number} of {len(stages)}: {preset}")
        if cluster.chief_finds((path / CONFIG).is_file()):
            status = resume_run(path, {**code_options(given), **_data_option(given)}, cluster)
        else:
            record = {"stages": list(stages), "options": dict(given)}
            status = start_run(preset, {**given, **before}, path, cluster, stages=record)
        if status:
            return status
        before = {"init_from": str(path)}
    return 0


def _stage_name(preset: str) -> str:
    """Returns the name of a stage's folder: its resolution."""
    return str(resolve_config(preset, {}).resolution)


def _data_option(given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the given data with an absolute path, because stages may be resumed in another folder."""
    return {"data": located(str(given["data"]))} if "data" in given else {}


def _remove_if_empty(directory: Path) -> None:
    """Removes a new directory and its parent if bad options left them empty."""
    with contextlib.suppress(OSError):
        directory.rmdir()
        directory.parent.rmdir()
