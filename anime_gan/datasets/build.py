"""`python -m anime_gan.datasets.build SOURCE DEST`: writes a data source as TFRecord shards."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from anime_gan.common.alpha import TRANSPARENT
from anime_gan.common.command_line import Flags, print_lines, run_command
from anime_gan.common.shards import Shard, parse_shard
from anime_gan.common.stores import is_remote
from anime_gan.datasets.data_flags import define_reading, load_flagged
from anime_gan.datasets.dataset import DataError, DataReport
from anime_gan.datasets.load import open_pictures
from anime_gan.datasets.reading.pictures import MIN_SIDE
from anime_gan.datasets.record_parts import RecordParts, has_parts

SUMMARY = """Writes a data source as TFRecord shards, which train.py reads like any other source:
  python -m anime_gan.datasets.build SOURCE DEST
SOURCE is anything that train.py accepts as --data. DEST is a folder, or a place in a bucket, such as
gs://bucket/faces or s3://bucket/faces.
To resume an interrupted build, run the same command again."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flags = Flags()
    # Smaller images could be written, but not read again.
    define_reading(flags, MIN_SIDE, 1024)
    flags.text(
        "shard",
        "",
        "part of the pictures of a folder to write, such as 3/64 for the fourth of 64 machines; afterwards, "
        "the same command without this option joins all parts",
    )
    return run_command(
        "anime_gan.datasets.build",
        SUMMARY,
        flags,
        lambda source, destination: _build(flags, source, destination),
        argv,
        positional=("SOURCE", "DEST"),
    )


def _build(flags: Flags, source: str, destination: str) -> int:
    shard = parse_shard(flags.shard)
    place = destination.rstrip("/") if is_remote(destination) else destination
    try:
        if shard or has_parts(place):
            return _build_parts(flags, source, place, shard)
        dataset = load_flagged(flags, source)
    except DataError as error:
        # Here, the source is a positional argument and not an option.
        raise DataError(f"{source}: {error.reason}" if error.field == "data" else str(error)) from error
    from anime_gan.datasets.records import write_records

    shards = write_records(dataset, place)
    print(f"{len(dataset.images)} images in {shards} shards: {destination}")
    return 0


def _build_parts(flags: Flags, source: str, destination: str, shard: Shard | None) -> int:
    """Writes a shard of the work, or what is left of it and the manifest."""
    folder = open_pictures(source, flags.num_images, TRANSPARENT[flags.transparent], flags.labels_from)
    try:
        parts = RecordParts(folder, destination, flags.resolution)
        written = parts.write(shard or Shard(0, 1))
        images = 0 if shard else parts.join()
    except OSError as error:
        raise DataError(f"{destination}: cannot be written: {error.strerror or error}") from error
    print_lines(DataReport(skipped=tuple(parts.skipped)).lines())
    if shard:
        print(f"shard {shard} is finished; when all are, run the command once without --shard to join them")
        return 0
    if written:
        print_lines([f"{written} blocks of pictures were missing and have been written"])
    print(f"{images} images: {destination}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
