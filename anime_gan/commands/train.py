"""`train.py`: trains a model and exports it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from absl import flags

from anime_gan.common.command_line import define_path, define_sources, given_flags, run_command
from anime_gan.common.errors import InputError
from anime_gan.common.stores import store_url
from anime_gan.models import ARCHITECTURES
from anime_gan.runs.cluster import START_AGAIN, Cluster
from anime_gan.runs.launch import is_complete, resume_run, start_run
from anime_gan.runs.mirror import Mirror
from anime_gan.runs.run_directory import RUNS, RunDirectory, newest_run_directory
from anime_gan.runs.run_lock import RunError
from anime_gan.runs.stages import last_stage, resume_stages, start_stages
from anime_gan.runs.worker_place import find_worker
from anime_gan.training.config import ConfigError, TrainConfig, describe_range, resume_config
from anime_gan.training.presets import PRESETS, stages_of
from anime_gan.training.run_files import CONFIG, STAGES

SUMMARY = """Trains a face generator and exports it. Without options, it trains on faces that it draws itself.

The run directory contains sample images, statistics, checkpoints, and the exported model. To watch a run:
  tensorboard --logdir=runs"""

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
        "index of this process in --workers, from 0",
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
        raise ConfigError("--dry_run runs in a single process: remove --workers, or unset TF_CONFIG")
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
        return _train(flag_values, given, run_dir, cluster)
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
            directory = last_stage(directory)
        run = RunDirectory(directory)
        saved = run.load_config(given)
        return is_complete(run, resume_config(saved, given), saved)
    return False


def _train(
    flag_values: flags.FlagValues, given: dict[str, Any], run_dir: Path | None, cluster: Cluster
) -> int:
    dry_run = bool(flag_values["dry_run"].value)
    preset = str(flag_values["preset"].value)
    resume = bool(flag_values["resume"].value)
    if flag_values["start_or_resume"].value:
        if resume or dry_run or run_dir is None:
            raise ConfigError(
                "--start_or_resume needs --run_dir and cannot be combined with --resume or --dry_run"
            )
        resume = _has_started(run_dir, cluster)
    elif resume and (flag_values["preset"].present or dry_run):
        raise ConfigError("--resume cannot be combined with --preset or --dry_run")
    if resume:
        with cluster.agreed():
            directory = run_dir or (newest_run_directory(RUNS) if cluster.is_chief else RUNS)
        directory = run_dir or Path(cluster.chief_says(str(directory)))
        from_step = flag_values["from_step"].value
        if cluster.chief_finds((directory / STAGES).is_file()):
            if from_step is not None:
                reason = f"a run of several stages: name the stage, such as --run_dir={directory / '64'}"
                raise ConfigError(reason, "from_step", from_step)
            return resume_stages(directory, given, cluster)
        return resume_run(directory, given, cluster, from_step)
    if flag_values["from_step"].present:
        raise ConfigError("needs --resume", "from_step", flag_values["from_step"].value)
    if preset == NEEDS_START and not given.get("init_from"):
        raise ConfigError(
            "fine-tunes a trained generator; add --init_from=MODEL, such as --init_from=sutemo-128",
            "preset",
            preset,
        )
    if len(stages_of(preset)) == 1 or "init_from" in given:
        return start_run(preset, given, run_dir, cluster, dry_run)
    return start_stages(preset, given, run_dir, cluster, dry_run)


def _has_started(directory: Path, cluster: Cluster) -> bool:
    """Returns whether there is a run to resume in a directory; removes what an interrupted start left."""
    started = any((directory / name).is_file() for name in (CONFIG, STAGES))
    with cluster.agreed():
        if cluster.is_chief:
            for folder in (directory, *directory.glob("[0-9]*")):
                RunDirectory(folder).remove_unfinished()
    return cluster.chief_finds(started)


if __name__ == "__main__":
    sys.exit(main())
