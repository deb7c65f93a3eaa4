"""Finds the files that a label table means, although people write names in several ways."""

from __future__ import annotations

import collections
import functools
import itertools
import os
import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote

from anime_gan.datasets.reading.kinds import IMAGE_ENDINGS, ending_of

_NUMBER = re.compile(r"[0-9]+\.0")
SEVERAL = "several files have this name in another spelling"


class FileFinder:
    """Finds files by the names in a label table."""

    def __init__(self, names: Sequence[str], pictures: Sequence[str], folder: str) -> None:
        """Takes the files of a folder.

        Args:
            names: All files, relative to the folder.
            pictures: The image files among them.
            folder: The name of the folder itself.
        """
        self._names, self._pictures, self._folder = names, pictures, folder
        self._exact = frozenset(names)

    def find(self, name: str, anywhere: bool = True) -> str | None:
        """Returns the file that a name means; None if there is none.

        A name may differ in its letter case and Unicode form. It may lack the ending, or the folders in front
        if only one file has this name. It may begin with other folders, the last of which has the folder's
        own name. It may be encoded as in a URL, and a number may lack its leading zeros.

        Args:
            name: The name.
            anywhere: Whether a name without folders may be that of a file in a subfolder.

        Raises:
            ValueError: Several files fit.
        """
        if name in self._exact:
            return name
        spellings = [name]
        if rest := after_folder(name, self._folder):
            spellings.append(rest)
        spellings += [unquote(spelling) for spelling in spellings if "%" in spelling]
        # A spreadsheet turned the number into a decimal one.
        if _NUMBER.fullmatch(name):
            spellings.append(name.removesuffix(".0"))
        for spelling in spellings:
            if spelling in self._exact:
                return spelling
            key = _folded(spelling)
            indices = [self._by_name, self._by_stem]
            if anywhere and "/" not in spelling:
                indices += [self._by_base, self._by_base_stem]
            for index in indices:
                if found := index.get(key):
                    return _only(found)
            # A spreadsheet or pandas dropped the zeros of `007`.
            if anywhere and spelling.isdecimal() and (found := self._by_number.get(_without_zeros(spelling))):
                return _only(found)
        return None

    def renaming(self, names: Sequence[str]) -> Renaming | None:
        """Finds out how the names in a table differ from those of the files, if none was found.

        They may all begin with folders that do not exist here, or have another ending, because the pictures
        were moved or converted.
        """
        paths = [name.replace("\\", "/").split("/") for name in names]
        first, last = min(paths, default=[""]), max(paths, default=[""])
        shared = os.path.commonprefix([first[:-1], last[:-1]])
        for has_ending, number in itertools.product((True, False), range(len(shared) + 1)):
            renaming = Renaming("/".join(first[:number]), number, has_ending)
            if not has_ending:
                bare = collections.Counter(map(renaming.file_name, dict.fromkeys(names)))
                renaming = renaming._replace(several=frozenset(name for name in bare if bare[name] > 1))
            if number == 0 and has_ending:
                continue
            found = sum(self._finds(renaming.file_name(name)) for name in names)
            # A few names may fit by chance.
            if 2 * found > min(len(names), len(self._pictures)):
                return renaming
        return None

    def _finds(self, name: str) -> bool:
        try:
            return self.find(name, anywhere=False) is not None
        except ValueError:
            return False

    @functools.cached_property
    def _by_name(self) -> dict[str, list[str]]:
        return _index(self._names, lambda path: str(path))

    @functools.cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        return _index(self._pictures, lambda path: str(path.with_suffix("")))

    @functools.cached_property
    def _by_base(self) -> dict[str, list[str]]:
        return _index(self._pictures, lambda path: path.name)

    @functools.cached_property
    def _by_base_stem(self) -> dict[str, list[str]]:
        return _index(self._pictures, lambda path: path.stem)

    @functools.cached_property
    def _by_number(self) -> dict[str, list[str]]:
        return _index(
            [name for name in self._pictures if PurePosixPath(name).stem.isdecimal()],
            lambda path: _without_zeros(path.stem),
        )


class Renaming(NamedTuple):
    """How the names in a table differ from those of the files.

    Attributes:
        place: The folders in front that do not exist.
        folders: Their number.
        has_ending: Whether the ending is that of the file.
        several: Names without an ending that several names of the table have in common.
    """

    place: str
    folders: int
    has_ending: bool
    several: frozenset[str] = frozenset()

    def file_name(self, name: str) -> str:
        """Returns a name from the table without what differs."""
        rest = "/".join(name.replace("\\", "/").split("/")[self.folders :])
        bare = rest.removesuffix(PurePosixPath(rest).suffix)
        is_bare = not self.has_ending and ending_of(rest) in IMAGE_ENDINGS and bare not in self.several
        return bare if is_bare else rest

    def __str__(self) -> str:
        """Says what is left out."""
        parts = [f"without {self.place + '/'!r}"] * bool(self.folders) + ["with any ending"] * (
            not self.has_ending
        )
        return f"file names are read {' and '.join(parts)}"


def _only(found: Sequence[str]) -> str:
    if len(found) > 1:
        raise ValueError(SEVERAL)
    return found[0]


def _without_zeros(number: str) -> str:
    return number.lstrip("0") or "0"


def after_folder(name: str, folder: str) -> str:
    """Returns what follows the last part of a path that is the name of a folder; empty if there is none."""
    parts = name.split("/")
    places = [i for i, part in enumerate(parts[:-1]) if _folded(part) == _folded(folder)]
    return "/".join(parts[places[-1] + 1 :]) if places else ""


def _index(names: Sequence[str], key_of: Callable[[PurePosixPath], str]) -> dict[str, list[str]]:
    index: dict[str, list[str]] = {}
    for name in names:
        index.setdefault(_folded(key_of(PurePosixPath(name))), []).append(name)
    return index


def _folded(name: str) -> str:
    # macOS stores an accented letter as two characters, other systems as one.
    return unicodedata.normalize("NFC", name).casefold()
