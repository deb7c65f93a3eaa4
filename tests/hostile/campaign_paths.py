"""Odd paths and environments: each is used, or refused in one line before anything is drawn."""

from __future__ import annotations

import dataclasses
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

TITLE = "odd paths and environments: `~`, brackets, encodings, links, consoles, closed streams"
SHORT = 4
FULL = 48

STRANGE = os.fsdecode(b"faces\x83\x65")
ENVIRONMENT = {
    "PYTHONPATH": os.pathsep.join(sys.path),
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PATH": os.environ["PATH"],
}


@dataclasses.dataclass(frozen=True)
class Case:
    """One command in a new folder.

    Attributes:
        arguments: Arguments of generate.py; `{home}` is the home folder.
        result: The file or folder that must exist afterwards; "" if the command must refuse.
        said: What the refusal must contain.
        environment: Changed variables; None removes one.
        before: Called in the new folder first.
        shell: Redirections, such as `2>&-`.
    """

    arguments: tuple[str, ...]
    result: str = ""
    said: str = ""
    environment: dict[str, str | None] = dataclasses.field(default_factory=dict)
    before: Callable[[Path], object] | None = None
    shell: str = ""


def _out(name: str, said: str = "", **rest: object) -> Case:
    return Case(("--num=1", f"--out={name}"), "" if said else name, said, **rest)  # type: ignore[arg-type]


def _folder(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).mkdir(parents=True)


def _file(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).touch()


def _link(folder: Path) -> None:
    (folder / "real").mkdir()
    (folder / "link").symlink_to(folder / "real")


def _model_in(name: str) -> Callable[[Path], object]:
    """Links the bundled model into a folder of an odd name; the path itself stays odd."""
    from anime_gan.exports.read import find_export

    def make(folder: Path) -> None:
        target = folder / name / "1"
        target.mkdir(parents=True)
        for file in find_export(None).iterdir():
            (target / file.name).symlink_to(file)

    return make


def _listing(**rest: object) -> Case:
    return Case(("--list_attrs",), ".", **rest)  # type: ignore[arg-type]


WALK = ("--interpolate=smile -> glasses", "--frames=2")
NO_HOME: dict[str, str | None] = {"HOME": None}
CASES = (
    # The short form takes the first ones.
    Case(("--num=1", "--model=faces[1]", "--out=~/a"), "home/a/seed0.png", before=_model_in("faces[1]")),
    _out("file/a.png", "file is a file, not a folder", before=_file("file")),
    _out("x" * 252 + ".png", "at most 255 bytes"),
    _out("a.bmp", "a picture is a .png"),
    _out("folder.png", "is a folder", before=_folder("folder.png")),
    _out("/proc/a.png", "cannot be written"),
    _out("~nobody-here/a", "there is no user nobody-here"),
    Case(("--attrs=smile, -smile",), said="contradicts"),
    _listing(environment={"PYTHONIOENCODING": "cp1252"}),
    Case(("--attrs=青い猫",), said="unknown attribute", environment={"PYTHONIOENCODING": "ascii"}),
    _listing(environment={"HOME": None, "TMPDIR": "/nowhere"}, shell="2>&-"),
    # Only in the full form.
    Case(("--num=1", "--out=~/made"), "home/made/seed0.png"),
    _out("x" * 251 + ".png"),
    _out("蓝" * 83 + ".png"),
    _out("蓝" * 86 + ".png", "at most 255 bytes"),
    _out("a.jpg"),
    _out("a.JPEG"),
    _out("a.webp"),
    _out("a.gif", "needs --interpolate"),
    _out("a.tiff", "a picture is a .png"),
    _out("faces[1]/a.png"),
    _out("back\\slash/a.png"),
    _out("what?*/a.png"),
    _out(f"{STRANGE}/a.png"),
    _out("new\nline.png"),
    _out(" .png"),
    _out("-.png"),
    _out("~backup.png"),
    _out("a/b/c/d.png"),
    _out("a/../b.png", before=_folder("a")),
    _out("./~/a.png"),
    Case((*WALK, "--out=empty"), "empty/frame1.png", before=_folder("empty")),
    Case((*WALK, "--out=link"), "real/frame1.png", before=_link),
    Case((*WALK, "--out=home/.."), said="already exists"),
    Case((*WALK, "--out=full"), said="already exists", before=_folder("full/inner")),
    Case((*WALK, "--out=new/frames"), "new/frames/frame1.png"),
    Case((*WALK, "--out=a.gif"), "a.gif"),
    Case(("--num=1", "--model=back\\slash", "--out=a.png"), "a.png", before=_model_in("back\\slash")),
    Case(("--num=1", "--model=what?*", "--out=a.png"), "a.png", before=_model_in("what?*")),
    Case(("--num=1", f"--model={STRANGE}", "--out=a.png"), "a.png", before=_model_in(STRANGE)),
    Case(("--num=1", "--model=~/m[1]", "--out=a.png"), "a.png", before=_model_in("home/m[1]")),
    _out("a.png", environment=NO_HOME),
    _out("a.png", environment={"HOME": "/"}),
    _out("a.png", environment={"HOME": "/nowhere", "TMPDIR": "/nowhere"}),
    _out("a.png", environment={"XDG_CACHE_HOME": "/dev/null/x"}),
    _out("a.png", shell="2>&-"),
    _out("a.png", shell="</dev/null >/dev/null"),
    Case(("--attrs=" + "x" * 20_000,), said="unknown attribute"),
)


def run(count: int, seed: int, folder: Path) -> list[str]:
    """Tries the first `count` cases, always the same; returns a line for each that was answered badly."""
    failures = []
    for number, case in enumerate(CASES[:count]):
        place = folder / str(number)
        (place / "home").mkdir(parents=True)
        reason = _tried(case, place)
        if reason:
            failures.append(
                f"{' '.join(case.arguments)[:80]!a} {case.environment or ''}{case.shell}: {reason}"
            )
    return failures


def _tried(case: Case, place: Path) -> str:
    """Runs a case; returns what was wrong, or an empty text."""
    if case.before:
        case.before(place)
    before = _names(place)
    changed = {**ENVIRONMENT, "HOME": str(place / "home"), **case.environment}
    environment = {name: value for name, value in changed.items() if value is not None}
    command = [
        "sh",
        "-c",
        f'exec "$@" {case.shell}',
        "sh",
        sys.executable,
        "-m",
        "anime_gan.commands.generate",
    ]
    done = subprocess.run([*command, *case.arguments], cwd=place, env=environment, capture_output=True)
    error = done.stderr.decode("utf-8", "replace")
    if "Traceback" in error:
        return f"traceback: {error[-200:]}"
    if case.result:
        if done.returncode or not (place / case.result).exists():
            return f"status {done.returncode}, {error[-200:]}"
        return _not_a_picture(place / case.result)
    lines = [line for line in error.splitlines() if line]
    if done.returncode != 2 or len(lines) != 1 or case.said not in lines[0] or len(lines[0]) > 1_200:
        return f"status {done.returncode}, {error[-200:]!r} instead of {case.said!r}"
    left = _names(place) - before
    return f"left behind: {sorted(left)}" if left else ""


def _not_a_picture(path: Path) -> str:
    from PIL import Image

    if path.is_file():
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            image.load()
    return ""


def _names(place: Path) -> set[str]:
    return {str(path.relative_to(place)) for path in place.rglob("*")}
