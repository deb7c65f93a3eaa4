"""Names of characters: given names, and the tags that file names and engines use."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from anime_gan.common.errors import InputError

BUILT_IN = Path(__file__).with_name("names.txt")
ANYONE = "-"
# Words with a meaning of their own in Ren'Py or in the script of a pack, besides Python's own words.
RESERVED = frozenset((
    "achievement", "adv", "at", "audio", "black", "build", "centered", "character", "config", "default",
    "define", "director", "extend", "gui", "hide", "im", "image", "init", "label", "layout", "main", "menu",
    "movie", "music", "narrator", "neutral", "nvl", "persistent", "play", "preferences", "queue", "quit",
    "renpy", "room", "scene", "screen", "show", "side", "sound", "start", "stop", "store", "style", "text",
    "transform", "ui", "updater", "voice", "white", "window", "with", "con", "prn", "aux", "nul",
))  # fmt: skip


class Name(NamedTuple):
    """The name of a character.

    Attributes:
        shown: As players read it.
        tag: Lower-case ASCII letters, digits, and underscores; unique in a cast.
    """

    shown: str
    tag: str


def read_names(path: Path | None) -> list[tuple[str, str]]:
    """Reads a list of names.

    Args:
        path: A text file in UTF-8 with one name a line. `f ` or `m ` in front says for whom; lines that start
            with `#` are skipped. None for the built-in list.

    Returns:
        (`f`, `m`, or `-` for anyone; name), without repetitions.

    Raises:
        InputError: The file cannot be read, or has no names.
    """
    try:
        text = (path or BUILT_IN).read_text("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", "names", path) from error
    except UnicodeDecodeError as error:
        raise InputError("is not a text file in UTF-8", "names", path) from error
    names: dict[str, str] = {}
    for line in text.splitlines():
        line = " ".join(line.split())
        if not line or line.startswith("#"):
            continue
        whom, _, name = line.partition(" ")
        if whom not in ("f", "m", ANYONE) or not name:
            whom, name = ANYONE, line
        if any(unicodedata.category(letter).startswith("C") for letter in name) or len(name) > 60:
            raise InputError(
                f"{name[:20]!r} is not a valid name; write one name per line, of at most 60 characters",
                "names",
                path,
            )
        names.setdefault(name, whom)
    if not names:
        raise InputError("contains no names; write one name per line", "names", path)
    return [(whom, name) for name, whom in names.items()]


def choose_names(
    names: Sequence[tuple[str, str]],
    males: Sequence[bool | None],
    seed: int,
    earlier: Sequence[Name] = (),
) -> list[Name]:
    """Chooses a different name for each character; further rounds through the list get numbers.

    Args:
        names: From `read_names`. Names for anyone are used in the order of the list, others at random.
        males: One per character: whether it is male; None if the model does not tell.
        seed: Random seed.
        earlier: Names of other characters in the same game.
    """
    ordered = list(names)
    if any(whom != ANYONE for whom, _ in names):
        ordered = [names[index] for index in np.random.default_rng(seed).permutation(len(names))]
    chosen: list[Name] = []
    taken = {name.tag for name in earlier}
    shown_before = {name.shown for name in earlier}
    uses: dict[str, int] = {}
    for _, name in names:
        while _numbered(name, uses.get(name, 0) + 1) in shown_before:
            uses[name] = uses.get(name, 0) + 1
    for male in males:
        wanted = {ANYONE, "m" if male else "f"} if male is not None else {ANYONE, "f", "m"}
        fitting = [name for whom, name in ordered if whom in wanted] or [name for _, name in ordered]
        name = min(fitting, key=lambda name: uses.get(name, 0))
        uses[name] = uses.get(name, 0) + 1
        shown = _numbered(name, uses[name])
        tag = _free(tag_of(shown), taken)
        taken.add(tag)
        chosen.append(Name(shown, tag))
    return chosen


def tag_of(name: str) -> str:
    """Returns a name in lower-case ASCII, such as `zoe` for Zoë; `person` if nothing is left."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    tag = re.sub("[^a-z0-9]+", "_", letters.lower()).strip("_")
    if not tag:
        return "person"
    # Identifiers do not start with a digit.
    tag = f"person_{tag}" if tag[0].isdigit() else tag
    taken = tag in RESERVED or keyword.iskeyword(tag) or keyword.issoftkeyword(tag) or hasattr(builtins, tag)
    return f"{tag}_1" if taken else tag


def _numbered(name: str, use: int) -> str:
    return name if use == 1 else f"{name} {use}"


def _free(tag: str, taken: set[str]) -> str:
    number = 2
    free = tag
    while free in taken:
        free, number = f"{tag}_{number}", number + 1
    return free
