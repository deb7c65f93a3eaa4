"""The history of drawn faces, in a folder that survives restarts and never shows partial entries."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from anime_gan.common.files import PARTIAL_PATTERN, remove, write_text, written_whole
from anime_gan.faces.picture_files import save_png

RECORD = "entry.json"
ANIMATION = "animation.webp"
# An identifier is the time in milliseconds since 1970, so that names sort by time, and six random digits.
ID = re.compile("[0-9a-f]{12}-[0-9a-f]{6}")
# Minimum age, in seconds, of a partial entry that counts as left behind by a killed process.
STALE = 3_600


class Entry(NamedTuple):
    """Faces that were drawn together.

    Attributes:
        identifier: The name of the entry's folder, which matches `ID`.
        kind: `faces`, `change`, `nearby`, `sheet`, `blend`, `opened`, `projected`, or `kept`.
        time: Time of drawing, in ISO 8601 with the offset from UTC.
        settings: Text fields from which the whole entry can be drawn again, as in
            `FaceGenerator.picture_text`; empty if its faces have no common request.
        faces: The text fields of each picture.
    """

    identifier: str
    kind: str
    time: str
    settings: dict[str, str]
    faces: list[dict[str, str]]


class Draft:
    """A history entry that is being drawn."""

    def __init__(self, identifier: str, folder: Path) -> None:
        self.identifier = identifier
        self.folder = folder
        self.faces: list[dict[str, str]] = []

    def add(self, image: np.ndarray, text: dict[str, str]) -> int:
        """Saves a face, uint8 [h, w, 3 or 4], with its text fields; returns its number."""
        save_png(self.folder / f"{len(self.faces)}.png", image, text)
        self.faces.append(text)
        return len(self.faces) - 1

    def add_file(self, data: bytes, text: dict[str, str]) -> None:
        """Saves a face that is already a PNG file."""
        (self.folder / f"{len(self.faces)}.png").write_bytes(data)
        self.faces.append(text)

    def finish(self, kind: str, settings: dict[str, str]) -> Entry:
        """Writes the record that completes the entry."""
        now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        entry = Entry(self.identifier, kind, now, settings, self.faces)
        write_text(self.folder / RECORD, json.dumps(entry._asdict(), indent=1))
        return entry


class History:
    """A folder with a subfolder for each entry."""

    def __init__(self, folder: Path, keep: int) -> None:
        """Opens the folder, and creates it if it does not exist.

        Args:
            folder: The folder. Several servers may share it.
            keep: Maximum number of entries. The oldest ones are removed.

        Raises:
            OSError: The folder is not writable.
        """
        self._folder, self.keep = folder, keep
        self._drafts: dict[str, Draft] = {}
        folder.mkdir(parents=True, exist_ok=True)
        # The history is private. Some file systems have no modes.
        with contextlib.suppress(OSError):
            folder.chmod(0o700)
        if not os.access(folder, os.W_OK):
            raise PermissionError(f"{folder} is not writable")
        for partial in folder.glob(PARTIAL_PATTERN):
            with contextlib.suppress(OSError):
                if time.time() - partial.stat().st_mtime > STALE:
                    remove(partial)

    @contextlib.contextmanager
    def new(self) -> Iterator[Draft]:
        """Starts an entry. It is stored only if `Draft.finish` is called."""
        identifier = f"{time.time_ns() // 1_000_000:012x}-{secrets.token_hex(3)}"
        try:
            with written_whole(self._folder / identifier) as partial:
                partial.mkdir()
                self._drafts[identifier] = draft = Draft(identifier, partial)
                yield draft
                if not (partial / RECORD).is_file():
                    raise RuntimeError("an entry was left unfinished")
        finally:
            self._drafts.pop(identifier, None)
        for surplus in self.identifiers()[self.keep :]:
            self.remove(surplus)

    def identifiers(self) -> list[str]:
        """Returns the identifiers of all entries, newest first."""
        return sorted(filter(ID.fullmatch, os.listdir(self._folder)), reverse=True)

    def entries(self, before: str | None, count: int) -> list[Entry]:
        """Returns the newest undamaged entries, or the newest ones before a given entry."""
        found: list[Entry] = []
        for identifier in self.identifiers():
            if before is not None and identifier >= before:
                continue
            if len(found) == count:
                break
            with contextlib.suppress(KeyError):
                found.append(self.entry(identifier))
        return found

    def entry(self, identifier: str) -> Entry:
        """Returns an entry. If it is unfinished, it has the faces that were drawn so far.

        Raises:
            KeyError: The entry does not exist or is damaged.
        """
        draft = self._drafts.get(identifier)
        if draft is not None:
            return Entry(identifier, "", "", {}, list(draft.faces))
        try:
            record = json.loads(self.read(identifier, RECORD))
            entry = Entry(**{**record, "identifier": identifier})
            kind, when, texts = entry.kind, entry.time, [entry.settings, *entry.faces]
            words = [kind, when, *(word for text in texts for pair in text.items() for word in pair)]
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise KeyError(identifier) from error
        if not all(isinstance(word, str) for word in words):
            raise KeyError(identifier)
        return entry

    def read(self, identifier: str, name: str) -> bytes:
        """Returns a file of an entry, which may be unfinished.

        Raises:
            KeyError: The file does not exist.
        """
        if ID.fullmatch(identifier) is None:
            raise KeyError(identifier)
        # The draft comes first, because it may get its final name between the two attempts.
        draft = self._drafts.get(identifier)
        for folder in ([draft.folder] if draft else []) + [self._folder / identifier]:
            with contextlib.suppress(OSError):
                return (folder / name).read_bytes()
        raise KeyError(identifier)

    def remove(self, identifier: str) -> None:
        """Removes an entry if it exists."""
        if ID.fullmatch(identifier):
            # The folder is hidden first, so that a partial entry is never visible.
            hidden = self._folder / f".partial-{identifier}"
            with contextlib.suppress(OSError):
                os.replace(self._folder / identifier, hidden)
                shutil.rmtree(hidden, ignore_errors=True)
