"""`python -m anime_gan.prepare.measure`: measures face detection, hair colors and near-duplicates."""

from __future__ import annotations

import functools
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags

from anime_gan.common.command_line import run_command
from anime_gan.prepare.cascade import find_cascade
from anime_gan.prepare.opencv import require_opencv

SUMMARY = """Measures the parts of anime_gan.prepare, with 95% confidence intervals:
  python -m anime_gan.prepare.measure --faces=FACES --art=SUTEMO
Faces are searched in pictures with known boxes (--faces) and in composed pictures (--art)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flag_values = flags.FlagValues()
    text = functools.partial(flags.DEFINE_string, flag_values=flag_values)
    whole = functools.partial(flags.DEFINE_integer, flag_values=flag_values)
    text("cascade", "", "file of the face detector (default: downloaded once to the cache)")
    text("faces", "", "folder of pictures with boxes in labels.csv (columns file, faces, hair_color)")
    text("art", "", "clone of ShatReal/sutemo for composed pictures")
    text("backgrounds", "", "folder of backgrounds without faces (default: only drawn backgrounds)")
    text("picture", "", "PNG file for a picture of a drawn page and its crops; nothing is measured")
    whole("scenes", 200, "number of composed pictures (1 and up; default 200)", 1)
    whole("copies", 300, "number of drawn pictures, and of composed ones, to copy (0 = none; default 300)", 0)
    whole("seed", 0, "random seed of composed pictures and copies (0 and up; default 0)", 0)
    flags.DEFINE_float(
        "color_confidence",
        0.5,
        "minimum confidence of measured colors (0 to 1; default 0.5)",
        0.0,
        1.0,
        flag_values=flag_values,
    )
    arguments = sys.argv[1:] if argv is None else argv
    return run_command(
        "anime_gan.prepare.measure", SUMMARY, flag_values, lambda: _measure(flag_values), arguments
    )


def _measure(flag_values: Any) -> int:
    require_opencv()
    import cv2

    from anime_gan.prepare.detection import CascadeDetector
    from anime_gan.prepare.measure import parts

    # The speed is measured per core.
    cv2.setNumThreads(1)
    detector = CascadeDetector(find_cascade(flag_values["cascade"].value))
    art = Path(flag_values["art"].value) if flag_values["art"].value else None
    least = flag_values["color_confidence"].value
    if flag_values["picture"].value:
        from anime_gan.prepare.measure.before_after import before_and_after, drawn_page

        sheet = before_and_after(detector, drawn_page(flag_values["seed"].value), least)
        sheet.save(flag_values["picture"].value)
        return 0
    if flag_values["faces"].value:
        found = list(parts.detect(detector, parts.labeled_pictures(Path(flag_values["faces"].value))))
        _print_found("pictures of --faces", found, least)
    if art is not None:
        folder = flag_values["backgrounds"].value
        backgrounds = _open_all(Path(folder)) if folder else []
        pairs = list(
            parts.composed_pictures(art, backgrounds, flag_values["scenes"].value, flag_values["seed"].value)
        )
        found = list(parts.detect(detector, (known for known, _ in pairs)))
        _print_found("composed pictures", found, least)
        for name, share in parts.breakdown(found, [faces for _, faces in pairs]).items():
            print(f"  recall, {name}: {share}")
        _print_speed(detector, [known.picture for known, _ in pairs[:40]])
    if flag_values["copies"].value:
        print("near-duplicates")
        copies = parts.near_duplicates(flag_values["copies"].value, flag_values["seed"].value, art)
        for name, share in copies.items():
            print(f"  {name}: {share}")
    return 0


def _print_found(title: str, found: list[Any], least: float) -> None:
    from anime_gan.prepare.measure import parts

    recall, precision = parts.recall_and_precision(found)
    right, confident = parts.hair_colors(found, least)
    print(f"{title}: {len(found)}")
    print(f"  recall: {recall}\n  precision: {precision}")
    print(f"  correct among confident hair colors: {right}\n  confident hair colors: {confident}")
    for picture in found:
        missed = len(picture.known.faces) - sum(number >= 0 for number in picture.face_of)
        wrong = sum(number < 0 for number in picture.face_of)
        if missed or wrong:
            print(f"    {picture.known.name}: {missed} missed, {wrong} false")
    sys.stdout.flush()


def _print_speed(detector: Any, pictures: list[Any]) -> None:
    """Measures the speed of one process: decoding, detection, cropping, measuring, compression."""
    from PIL import Image

    from anime_gan.datasets.folder.tags import TagTable
    from anime_gan.datasets.reading.storage import list_files
    from anime_gan.prepare.per_picture import Options, PictureJob, analyze_pictures

    with tempfile.TemporaryDirectory() as folder:
        for number, picture in enumerate(pictures):
            Image.fromarray(picture).save(Path(folder) / f"{number:04}.jpg", quality=90)
        job = PictureJob(folder, list(list_files(folder, [])), Options(), detector, TagTable.load())
        start, begun = time.perf_counter(), time.process_time()
        analyze_pictures(job)
        wall, used = time.perf_counter() - start, time.process_time() - begun
    height, width = pictures[0].shape[:2]
    print(
        f"  speed at {width}x{height}: {len(pictures) / used:.1f} pictures per second of processor time, "
        f"{len(pictures) / wall:.1f} per second of elapsed time"
    )


def _open_all(folder: Path) -> list[Any]:
    from PIL import Image

    images = []
    for path in sorted(folder.iterdir()):
        with Image.open(path) as image:
            images.append(image.convert("RGB"))
    return images


if __name__ == "__main__":
    sys.exit(main())
