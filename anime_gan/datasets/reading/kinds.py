"""Tells the image files of a folder from other files, by their names or their first bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from anime_gan.datasets.reading.pictures import FORMATS
from anime_gan.datasets.reading.storage import read_file

IMAGE_ENDINGS = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jfif", ".webp", ".avif", ".gif"),
    *(".bmp", ".tif", ".tiff", ".jp2", ".ppm", ".pgm"),
)
# Labels, code, and files of file managers are not expected to be pictures. A document may be: a scan, or the
# error page that a download left under a picture's name.
OTHER_ENDINGS = frozenset(
    (
        *(".txt", ".caption", ".tags", ".json", ".jsonl", ".csv", ".tsv", ".xlsx", ".xls", ".ods"),
        *(".parquet", ".arrow", ".xml", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".md", ".rst"),
        *(".css", ".js", ".log", ".py", ".ipynb", ".sh", ".bat", ".db", ".sqlite"),
    )
)
OTHER_NAMES = frozenset({"license", "readme", "license.pdf", "readme.pdf", "labels.svg"})
# The pages of `anime_gan.prepare`.
REVIEW_PAGES = "review/page-*.html"
ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".cbz")
HEAD_BYTES = 32

# First bytes and their offset -> the format in Pillow.
_SIGNATURES = (
    *((0, b"\x89PNG\r\n\x1a\n", "PNG"), (0, b"\xff\xd8\xff", "JPEG"), (0, b"GIF8", "GIF")),
    *((8, b"WEBP", "WEBP"), (0, b"BM", "BMP"), (0, b"II*\0", "TIFF"), (0, b"MM\0*", "TIFF")),
    *((0, b"\0\0\0\x0cjP  \r\n", "JPEG2000"), (0, b"\xff\x4f\xff\x51", "JPEG2000")),
    *((4, b"ftypavif", "AVIF"), (4, b"ftypavis", "AVIF")),
    *((4, b"ftyp" + brand, "HEIF") for brand in (b"heic", b"heix", b"hevc", b"heim", b"mif1", b"msf1")),
    *(
        (0, b"P" + digit + space, "PPM")
        for digit in (b"1", b"2", b"3", b"4", b"5", b"6")
        for space in (b"\n", b" ")
    ),
)


def is_picture(name: str, head: Callable[[], bytes]) -> bool:
    """Whether a file is an image file: by the ending of its name, or else by its first bytes.

    Args:
        name: Name of the file.
        head: Reads the first `HEAD_BYTES` bytes; called only if the name does not decide.
    """
    ending = ending_of(name)
    if ending in IMAGE_ENDINGS:
        return True
    if not may_be_picture(name) or ending in ARCHIVES:
        return False
    start = head()
    return any(
        start[offset : offset + len(signature)] == signature and kind in FORMATS
        for offset, signature, kind in _SIGNATURES
    )


def head_reader(root: str, name: str) -> Callable[[], bytes]:
    """Returns a function that reads the first bytes of a file; none if it cannot be read."""

    def read_head() -> bytes:
        try:
            return read_file(root, name, HEAD_BYTES)
        except OSError:
            return b""

    return read_head


def may_be_picture(name: str) -> bool:
    """Whether a file could be a picture, so that leaving it out is worth a note."""
    path = PurePosixPath(name)
    is_other = ending_of(name) in OTHER_ENDINGS or path.name.lower() in OTHER_NAMES
    return not (is_other or path.match(REVIEW_PAGES))


def why_left_out(name: str) -> str:
    """Returns the reason for leaving out a file that may be a picture; equal for equal endings."""
    ending = ending_of(name)
    if ending in (".zip", ".cbz"):
        return f"{ending} archive: unpack it, or pass it as --data"
    if ending in ARCHIVES:
        return f"{ending} archive: unpack it"
    if ending in (".heic", ".heif", ".hif") and "HEIF" not in FORMATS:
        return f"{ending} needs the extra [heic]: pip install '.[heic]'"
    return f"{ending or 'without an ending'}, not a picture of a known format"


def ending_of(name: str) -> str:
    """Returns the ending of a file's name in lower case."""
    return PurePosixPath(name).suffix.lower()
