"""`python -m anime_gan.prepare SOURCE DEST`: makes a dataset of labeled faces."""

from __future__ import annotations

import functools
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anime_gan.common.command_line import Flags, print_lines, run_command
from anime_gan.common.errors import InputError
from anime_gan.common.shards import parse_shard
from anime_gan.prepare.cascade import find_cascade
from anime_gan.prepare.opencv import require_opencv

SUMMARY = """Detects, crops, filters, and labels the faces in a folder or zip archive of pictures:
  python -m anime_gan.prepare SOURCE DEST
DEST can be passed to train.py --data=DEST. SOURCE is not changed. To resume after an interruption, run the
same command again. Needs OpenCV: pip install 'anime_gan[prepare]'"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flags = Flags()
    flags.path("cascade", "", "path to the face detector's file (default: downloaded once and cached)")
    flags.number("margin", 1.5, "side of the crop, relative to the face (1 to 4; default 1.5)", 1.0, 4.0)
    flags.number(
        "lift",
        0.08,
        "upward shift of the crop, as a share of its side (-0.5 to 0.5; default 0.08)",
        -0.5,
        0.5,
    )
    flags.integer("size", 256, "side of the saved crops, in pixels (16 to 1024; default 256)", 16, 1024)
    flags.integer(
        "min_size", 64, "minimum side of a crop, in pixels of the source picture (16 or more; default 64)", 16
    )
    flags.number(
        "max_outside",
        0.25,
        "maximum share of a crop outside the picture, filled by mirroring (0 to 1; default 0.25)",
        0.0,
        1.0,
    )
    flags.switch(
        "transparent", True, "keep the alpha channel of transparent pictures (true or false; default true)"
    )
    flags.switch(
        "colors",
        True,
        "measure the hair and eye colors that tag files and the tagger leave unknown (true or false; default "
        "true)",
    )
    flags.number(
        "color_confidence", 0.5, "minimum confidence of measured colors (0 to 1; default 0.5)", 0.0, 1.0
    )
    flags.path(
        "tagger",
        "",
        "tagger for the crops: FILE.onnx, or data to train a tagger on, as in train.py --data",
    )
    flags.path("tagger_tags", "", "tag list of the ONNX tagger (default: selected_tags.csv beside it)")
    flags.number(
        "threshold", 0.5, "minimum probability for a tag to count as present (0 to 1; default 0.5)", 0.0, 1.0
    )
    flags.texts("thresholds", (), "thresholds for individual tags, e.g. smile=0.4,blue_hair=0.6")
    flags.text(
        "shard",
        "",
        "part of the pictures to process on this machine, such as 0/4 to 3/4 on four machines; without this "
        "option, the next run joins all parts (default: all pictures)",
    )
    flags.switch(
        "review", False, "write web pages for reviewing crops and labels (true or false; default false)"
    )
    command = functools.partial(_prepare, flags)
    return run_command("anime_gan.prepare", SUMMARY, flags, command, argv, positional=("SOURCE", "DEST"))


def _prepare(flags: Flags, source: str, destination: str) -> int:
    root, dest = Path(source), Path(destination)
    # Most of this folder imports OpenCV.
    require_opencv()
    _check_folders(root, dest)
    thresholds = _parse_thresholds(flags.thresholds)
    shard = parse_shard(flags.shard)
    from anime_gan.datasets.folder.labels import TAG_TABLE, read_text
    from anime_gan.datasets.folder.tags import TagTable
    from anime_gan.datasets.reading.storage import stamp_of
    from anime_gan.prepare.corrections import CORRECTIONS, read_corrections
    from anime_gan.prepare.detection import CascadeDetector
    from anime_gan.prepare.extraction import FaceExtraction
    from anime_gan.prepare.labeling import join_attributes
    from anime_gan.prepare.per_picture import Options
    from anime_gan.prepare.results import REPORT, deleted_crops, write_results
    from anime_gan.prepare.review import FOLDER, write_review

    # Check all options before the first picture is read.
    corrections = read_corrections(dest / CORRECTIONS)
    cascade = find_cascade(flags.cascade)
    detector = CascadeDetector(cascade)
    extension = read_text(source, TAG_TABLE) if stamp_of(source, TAG_TABLE) else None
    table = TagTable.load(extension)
    tagger, attributes = None, dict(table.attributes)
    if flags.tagger:
        tagger = _open_tagger(flags, table, thresholds)
        attributes = join_attributes(attributes, tagger.attributes)
        print_lines(getattr(tagger, "notes", []))
    names = ("margin", "lift", "size", "min_size", "max_outside", "colors", "transparent")
    options = Options(**{name: getattr(flags, name) for name in names})
    identity = {
        "cascade": _digest(cascade.read_bytes()),
        # Pictures from another source would replace the existing ones.
        "SOURCE": str(root.resolve()),
        "tags.json": extension or "",
        # The attributes depend on the package's version and on the tagger's training data.
        "attributes": _digest(json.dumps(attributes).encode()),
        "tagger": tagger.checksum if tagger else "",
        **{name: flags[name].value for name in ("threshold", "thresholds")},
    }
    color_confidence = flags.color_confidence
    extraction = FaceExtraction(
        source, dest, options, detector, table, attributes, tagger, color_confidence, identity, shard
    )
    left_out = extraction.run()
    print_lines(extraction.notes.lines())
    if shard:
        print(f"shard {shard} is finished; when all are, run the command once without --shard to join them")
        return 0
    corrections = corrections._replace(deleted=deleted_crops(dest, extraction.journal))
    summary = write_results(root, dest, extraction.journal, corrections, attributes, left_out)
    rejected = ", ".join(f"{reason} ({count})" for reason, count in summary.reasons.items())
    print(
        f"{summary.faces} faces from {summary.pictures} pictures in {dest}"
        + (f"; rejected: {rejected}" * bool(rejected))
    )
    print_lines(summary.notes)
    if flags.review and summary.faces:
        write_review(dest, extraction.journal, corrections)
        print(f"review: {dest / FOLDER / 'page-1.html'}")
    print(f"report: {dest / REPORT}")
    return 0


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _check_folders(source: Path, destination: Path) -> None:
    from anime_gan.datasets.reading.storage import is_folder
    from anime_gan.prepare.extraction import JOURNAL

    if not is_folder(str(source)):
        what = "neither a folder nor a zip archive" if source.exists() else "no such folder"
        raise ValueError(f"{source}: {what}")
    if destination.is_file():
        raise ValueError(f"{destination}: must be a folder, not a file")
    inside = destination.resolve().is_relative_to(source.resolve())
    if inside or source.resolve().is_relative_to(destination.resolve()):
        raise ValueError(f"{destination}: DEST must not be inside SOURCE or contain it")
    # Shards have journals with other names.
    is_ours = (destination / JOURNAL).parent.is_dir()
    if destination.is_dir() and any(destination.iterdir()) and not is_ours:
        raise ValueError(f"{destination}: contains other files; choose an empty or new folder")


def _parse_thresholds(texts: Sequence[str]) -> dict[str, float]:
    thresholds = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            thresholds[name] = float(number)
        except ValueError:
            thresholds[name] = -1.0
        if not name or not 0 < thresholds[name] < 1:
            raise InputError("must be TAG=NUMBER with 0 < NUMBER < 1, such as smile=0.4", "thresholds", text)
    return thresholds


def _open_tagger(flags: Flags, table: Any, thresholds: dict[str, float]) -> Any:
    name, threshold = flags.tagger, flags.threshold
    if not name.endswith(".onnx"):
        from anime_gan.prepare.own_tagger import OwnTagger

        return OwnTagger(name, threshold, thresholds)
    from anime_gan.prepare.onnx_tagger import TAG_LIST, OnnxTagger

    if not Path(name).is_file():
        raise InputError("no such file", "tagger", name)
    tags = flags.tagger_tags
    tag_list = Path(tags) if tags else Path(name).parent / TAG_LIST
    return OnnxTagger(Path(name), tag_list, table, threshold, thresholds)


# The guard is needed because worker processes import this module again.
if __name__ == "__main__":
    sys.exit(main())
