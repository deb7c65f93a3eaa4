"""`python -m anime_gan.benchmark`: measures speeds, prints tables, and writes the numbers to a file."""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from anime_gan.benchmark import folder, inputs, pipeline
from anime_gan.benchmark.measure import Numbers, Options, check_space
from anime_gan.common.command_line import Flags, run_command
from anime_gan.common.errors import InputError
from anime_gan.common.files import write_text
from anime_gan.common.quiet import import_tensorflow
from anime_gan.common.suggestions import nearest

SUMMARY = """Measures the speed of training, data loading, and exported models on this machine. Variants run
alternately, and medians are reported. Run it on an otherwise idle machine. Each part prints its table when it
is done."""

# Modules of this package in the order in which they run: `pipeline` and `inputs` use the result of `step`.
PARTS = (
    *("step", "pipeline", "inputs", "folder", "workers"),
    *("drawing", "served", "packed", "bundled", "engines", "startup"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flags = Flags()
    flags.texts("parts", PARTS, f"parts to measure, separated by commas ({', '.join(PARTS)}; default all)")
    flags.integer("repetitions", 9, "runs of each variant; the median is reported (1 and up; default 9)", 1)
    flags.switch(
        "million",
        False,
        "also measure pipeline and folder with a million images, and inputs with ten million; this takes "
        "half an hour longer and needs 14 GB of temporary disk space (true or false; default false)",
    )
    flags.path(
        "out",
        "benchmark.json",
        "JSON file for all numbers (empty = no file; default benchmark.json)",
    )
    return run_command("anime_gan.benchmark", SUMMARY, flags, lambda: _benchmark(flags), argv)


def _benchmark(flags: Flags) -> int:
    parts = _chosen_parts(flags.parts)
    out = Path(flags.out) if flags.out else None
    # The path is checked before the first measurement.
    if out is not None and out.is_dir():
        raise InputError("is a folder; give the name of a file", "out", out)
    # Parts run one at a time, and each removes its files before the next one starts.
    large = {"pipeline": pipeline, "inputs": inputs, "folder": folder}
    check_space(max(large[name].needed_bytes(flags.million) if name in large else 0 for name in parts))

    import_tensorflow()
    from anime_gan.benchmark import machine

    numbers: Numbers = {"machine": machine.describe_machine(), "repetitions": flags.repetitions}
    print(
        f"{machine.report(numbers['machine'])} Medians of {flags.repetitions} alternating runs.", flush=True
    )
    for name in parts:
        part = importlib.import_module(f"anime_gan.benchmark.{name}")
        # The folder is removed at the end, also after an error or Ctrl-C.
        with tempfile.TemporaryDirectory(prefix="anime_gan-benchmark-") as empty:
            numbers[name] = part.measure(Options(flags.repetitions, Path(empty), flags.million, numbers))
        print(f"\n{part.report(numbers[name])}", flush=True)
        # The file is written after every part, so that an interruption loses only one part.
        if out is not None:
            write_text(out, json.dumps(numbers, indent=1) + "\n")
    return 0


def _chosen_parts(names: Sequence[str]) -> list[str]:
    """Returns the chosen parts in the order of `PARTS`.

    Raises:
        InputError: No name is given, or a name is unknown.
    """
    for name in names or [""]:
        if name not in PARTS:
            raise InputError(
                f"must be a list of parts ({', '.join(PARTS)}){nearest(name, PARTS)}", "parts", name
            )
    return [name for name in PARTS if name in names]


# This is guarded, because worker processes import this module again.
if __name__ == "__main__":
    sys.exit(main())
