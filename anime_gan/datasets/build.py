"""`python -m anime_gan.datasets.build SOURCE DEST`: writes a data source as TFRecord shards."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from anime_gan.common.command_line import Flags, run_command
from anime_gan.datasets.data_flags import define_reading, load_flagged
from anime_gan.datasets.dataset import DataError
from anime_gan.datasets.reading.pictures import MIN_SIDE
from anime_gan.datasets.reading.storage import is_remote

SUMMARY = """Writes a data source as TFRecord shards, which train.py reads like any other source:
  python -m anime_gan.datasets.build SOURCE DEST
SOURCE is anything that train.py accepts as --data; DEST is a folder or a bucket (gs://bucket/faces).
To resume an interrupted build, run the same command again."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flags = Flags()
    # Smaller images could be written, but not read again.
    define_reading(flags, MIN_SIDE, 1024)
    return run_command(
        "anime_gan.datasets.build",
        SUMMARY,
        flags,
        lambda source, destination: _build(flags, source, destination),
        argv,
        positional=("SOURCE", "DEST"),
    )


def _build(flags: Flags, source: str, destination: str) -> int:
    try:
        dataset = load_flagged(flags, source)
    except DataError as error:
        # Here, the source is a positional argument and not an option.
        raise DataError(f"{source}: {error.reason}" if error.field == "data" else str(error)) from error
    from anime_gan.datasets.records import write_records

    shards = write_records(dataset, destination.rstrip("/") if is_remote(destination) else destination)
    print(f"{len(dataset.images)} images in {shards} shards: {destination}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
