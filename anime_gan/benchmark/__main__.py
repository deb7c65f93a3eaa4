"""`python -m anime_gan.benchmark`: prints how fast everything is, and writes the numbers."""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags

from anime_gan.benchmark import folder, pipeline
from anime_gan.benchmark.measure import Numbers, Options, check_space
from anime_gan.common.command_line import run_command
from anime_gan.common.files import write_text
from anime_gan.common.quiet import import_tensorflow
from anime_gan.common.suggestions import nearest

SUMMARY = """Measures how fast training, data and the exported model are on this machine, as medians of runs
that take turns. Leave the machine alone meanwhile. Every part prints a table as soon as it is done."""

# Modules of this package, in the order in which they run: the pipeline is compared with the step.
PARTS = ("step", "pipeline", "folder", "drawing", "served", "packed", "startup")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flag_values = flags.FlagValues()
    _define_flags(flag_values)
    arguments = sys.argv[1:] if argv is None else argv
    return run_command(
        "anime_gan.benchmark", SUMMARY, flag_values, lambda: _benchmark(flag_values), arguments
    )


def _define_flags(flag_values: flags.FlagValues) -> None:
    flags.DEFINE_list(
        "parts",
        list(PARTS),
        f"what to measure (some of {','.join(PARTS)}; default all)",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "repetitions",
        9,
        "runs of which the median is taken (1 and up; default 9)",
        1,
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "million",
        False,
        "the pipeline and a folder with a million images too, which takes half an hour more and 14 GB of "
        "disk for a while (true or false)",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "scratch",
        tempfile.gettempdir(),
        "where temporary files go while it runs (a folder; default: the system's)",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "out",
        "benchmark.json",
        "where all numbers are written (a file; empty = nowhere; default benchmark.json)",
        flag_values=flag_values,
    )


def _benchmark(flag_values: Any) -> int:
    parts = _chosen_parts(flag_values["parts"].value)
    scratch, million = Path(flag_values["scratch"].value), flag_values["million"].value
    out = Path(flag_values["out"].value) if flag_values["out"].value else None
    # What can go wrong is found out before the first measurement.
    if not scratch.is_dir():
        raise ValueError(f"--scratch={scratch}: no such folder")
    if out is not None and out.is_dir():
        raise ValueError(f"--out={out}: is a folder, must be a file")
    # Each part has its own scratch folder, one after the other.
    large = {"pipeline": pipeline.needed_bytes(million), "folder": folder.needed_bytes(million)}
    check_space(scratch, max(large.get(name, 0) for name in parts))

    import_tensorflow()
    from anime_gan.benchmark import machine

    repetitions = flag_values["repetitions"].value
    numbers: Numbers = {"machine": machine.describe_machine(), "repetitions": repetitions}
    print(f"{machine.report(numbers['machine'])} Medians of {repetitions} runs in turn.", flush=True)
    for name in parts:
        part = importlib.import_module(f"anime_gan.benchmark.{name}")
        # Removed at the end, also after an error, Ctrl-C or SIGTERM.
        with tempfile.TemporaryDirectory(prefix="anime_gan-benchmark-", dir=scratch) as empty:
            numbers[name] = part.measure(Options(repetitions, Path(empty), million), numbers)
        print(f"\n{part.report(numbers[name])}", flush=True)
        # After every part: what was measured survives an interruption.
        if out is not None:
            write_text(out, json.dumps(numbers, indent=1) + "\n")
    return 0


def _chosen_parts(names: Sequence[str]) -> list[str]:
    """The parts, in their own order.

    Raises:
        ValueError: There is none of a name, or no name at all.
    """
    if not names:
        raise ValueError(f"--parts=: some of {', '.join(PARTS)}")
    for name in names:
        if name not in PARTS:
            raise ValueError(f"--parts={name}: must be some of {', '.join(PARTS)}{nearest(name, PARTS)}")
    return [name for name in PARTS if name in names]


# Guarded: the processes that draw import this module again.
if __name__ == "__main__":
    sys.exit(main())
