"""Finds the files that a label table means, although people write names in several ways."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

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

    def find(self, name: str) -> str | None:
        """Returns the file that a name means; None if there is none.

        A name may differ in its letter case and Unicode form. It may lack the ending, or the folders in front
        if only one file has this name. It may begin with other folders, the last of
        which has the folder's own name.

        Raises:
            ValueError: Several files fit.
        """
        if name in self._exact:
            return name
        spellings = [name]
        if rest := after_folder(name, self._folder):
            spellings.append(rest)
        # A spreadsheet turned the number into a decimal one.
        if _NUMBER.fullmatch(name):
            spellings.append(name.removesuffix(".0"))
        for spelling in spellings:
            if spelling in self._exact:
                return spelling
            key = _folded(spelling)
            is_bare = "/" not in spelling
            for index in (self._by_name, self._by_stem, self._by_base, self._by_base_stem):
                if index in (self._by_base, self._by_base_stem) and not is_bare:
                    continue
                if found := index.get(key):
                    if len(found) > 1:
                        raise ValueError(SEVERAL)
                    return found[0]
        return None

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
