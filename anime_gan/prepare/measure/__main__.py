"""`python -m anime_gan.prepare.measure`: measures the accuracy and speed of the preparation."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anime_gan.common.command_line import Flags, run_command
from anime_gan.prepare.cascade import find_cascade
from anime_gan.prepare.opencv import require_opencv

SUMMARY = """Measures the accuracy and speed of anime_gan.prepare. Accuracy has 95% confidence intervals.
  python -m anime_gan.prepare.measure --faces=FACES --art=SUTEMO
Face detection is measured on pictures with known boxes (--faces) and on composed pictures (--art)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flags = Flags()
    flags.path("cascade", "", "path to the face detector's file (default: downloaded once and cached)")
    flags.path("faces", "", "folder of pictures with a labels.csv (columns file, faces, and hair_color)")
    flags.path("art", "", "clone of ShatReal/sutemo for composed pictures")
    flags.path("backgrounds", "", "folder of backgrounds without faces (default: backgrounds are drawn)")
    flags.path("picture", "", "PNG file for a drawn page and its crops; nothing is measured")
    flags.integer("scenes", 200, "number of composed pictures (1 or more; default 200)", 1)
    flags.integer(
        "copies",
        300,
        "number of drawn pictures, and of pictures from --art, to copy (0 = none; default 300)",
        0,
    )
    flags.integer("seed", 0, "random seed of composed pictures and copies (0 or more; default 0)", 0)
    return run_command("anime_gan.prepare.measure", SUMMARY, flags, lambda: _measure(flags), argv)


def _measure(flags: Flags) -> int:
    require_opencv()
    import cv2

    from anime_gan.prepare.detection import CascadeDetector
    from anime_gan.prepare.measure import parts

    # A single thread gives the speed per core.
    cv2.setNumThreads(1)
    detector = CascadeDetector(find_cascade(flags.cascade))
    art = Path(flags.art) if flags.art else None
    if flags.picture:
        from anime_gan.prepare.measure.before_after import before_and_after, drawn_page

        sheet = before_and_after(detector, drawn_page(flags.seed))
        sheet.save(flags.picture)
        return 0
    if flags.faces:
        found = list(parts.detect(detector, parts.labeled_pictures(Path(flags.faces))))
        _print_found("pictures of --faces", found)
    if art is not None:
        folder = flags.backgrounds
        backgrounds = _open_all(Path(folder)) if folder else []
        pairs = list(parts.composed_pictures(art, backgrounds, flags.scenes, flags.seed))
        found = list(parts.detect(detector, (known for known, _ in pairs)))
        _print_found("composed pictures", found)
        for name, share in parts.breakdown(found, [faces for _, faces in pairs]).items():
            print(f"  recall, {name}: {share}")
        _print_speed(detector, [known.picture for known, _ in pairs[:40]])
    if flags.copies:
        print("near-duplicates")
        copies = parts.near_duplicates(flags.copies, flags.seed, art)
        for name, share in copies.items():
            print(f"  {name}: {share}")
    return 0


def _print_found(title: str, found: list[Any]) -> None:
    from anime_gan.prepare.measure import parts

    recall, precision = parts.recall_and_precision(found)
    right, confident = parts.hair_colors(found)
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
    """Measures the speed of the whole analysis in a single process."""
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
