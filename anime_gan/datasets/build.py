"""`python -m anime_gan.datasets.build SOURCE DEST`: writes any data source as TFRecord shards."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from absl import flags

from anime_gan.common.command_line import print_lines, run_command
from anime_gan.datasets.load import load_dataset
from anime_gan.datasets.reading.pictures import MIN_SIDE
from anime_gan.datasets.reading.storage import is_remote

SUMMARY = """Writes a data source as TFRecord shards, which train.py reads like any other source:
  python -m anime_gan.datasets.build SOURCE DEST
SOURCE is what train.py takes as --data; DEST is a folder, or anything that tf.io.gfile opens.
Stopped, it goes on where it was when it is called again."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flag_values = flags.FlagValues()
    # Smaller ones could be written, but not be read again.
    flags.DEFINE_integer(
        "resolution",
        64,
        f"pixels along a side ({MIN_SIDE} to 1024)",
        MIN_SIDE,
        1024,
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "num_images", 0, "at most this many (0 = all, or 16,000 drawn ones)", 0, flag_values=flag_values
    )
    flags.DEFINE_integer("seed", 0, "decides what is drawn (0 and up)", 0, flag_values=flag_values)
    arguments = sys.argv[1:] if argv is None else argv
    return run_command(
        "anime_gan.datasets.build",
        SUMMARY,
        flag_values,
        lambda source, destination: _build(flag_values, source, destination),
        arguments,
        positional=("SOURCE", "DEST"),
    )


def _build(flag_values: Any, source: str, destination: str) -> int:
    num_images, resolution, seed = (flag_values[name].value for name in ("num_images", "resolution", "seed"))
    dataset = load_dataset(source, num_images, resolution, seed)
    print_lines(dataset.report.lines())
    from anime_gan.datasets.records import write_records

    shards = write_records(dataset, destination.rstrip("/") if is_remote(destination) else destination)
    print(f"{len(dataset.images)} images in {shards} shards: {destination}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
