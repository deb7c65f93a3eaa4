"""`python -m anime_gan.datasets.build SOURCE DEST`: writes a data source as TFRecord shards."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from anime_gan.common.alpha import TRANSPARENT, TRANSPARENT_HELP
from anime_gan.common.command_line import Flags, print_lines, run_command
from anime_gan.common.labels_from import LABELS_FROM, LABELS_FROM_HELP
from anime_gan.datasets.dataset import DataError
from anime_gan.datasets.load import load_dataset
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
    flags.integer("resolution", 64, f"image side in pixels ({MIN_SIDE} to 1024; default 64)", MIN_SIDE, 1024)
    flags.integer("num_images", 0, "maximum number of images (0 = all, or 16,000 drawn ones)", 0)
    flags.integer("seed", 0, "random seed for drawn images (0 and up; default 0)", 0)
    flags.choice("transparent", list(TRANSPARENT), TRANSPARENT_HELP)
    flags.choice("labels_from", LABELS_FROM, LABELS_FROM_HELP)
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
        dataset = load_dataset(
            source,
            flags.num_images,
            flags.resolution,
            flags.seed,
            flags.transparent,
            labels_from=flags.labels_from,
            import_code=True,
        )
    except DataError as error:
        # Here, the source is a positional argument and not an option.
        raise DataError(f"{source}: {error.reason}" if error.field == "data" else str(error)) from error
    print_lines(dataset.report.lines())
    from anime_gan.datasets.records import write_records

    shards = write_records(dataset, destination.rstrip("/") if is_remote(destination) else destination)
    print(f"{len(dataset.images)} images in {shards} shards: {destination}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
