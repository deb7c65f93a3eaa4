"""Everything that a studio has stored: its history, the kept faces, and the faces that come with a model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anime_gan.attributes.schema import Schema
from anime_gan.studio import payload
from anime_gan.studio.errors import StudioError
from anime_gan.studio.history import Entry, History
from anime_gan.studio.stored_faces import KINDS

# A message to the page, as JSON.
Event = dict[str, Any]
# The kind of the entry of a kept face.
KEPT = "kept"


class Shelf:
    """The stored entries, and their form for the page.

    Attributes:
        history: Everything that was drawn.
        kept: The kept faces, an entry each.
        arrival: The faces that come with the model, an entry for each of `stored_faces.KINDS`.
    """

    def __init__(self, schema: Schema, name: str, folder: Path, keep: int) -> None:
        """Opens the stores.

        Args:
            schema: The attributes of the model.
            name: The model's name in pictures.
            folder: Folder of all stores.
            keep: Maximum number of history entries and of kept faces.

        Raises:
            OSError: The folder is not writable.
        """
        self._schema, self._name = schema, name
        self.history, self.kept = History(folder / "history", keep), History(folder / "kept", keep)
        # Only its own last part would get the rights of a private folder.
        (folder / "arrival").mkdir(mode=0o700, parents=True, exist_ok=True)
        self.arrival = History(folder / "arrival" / name, len(KINDS))
        self.stores = (self.history, self.kept, self.arrival)

    def keep(self, face: str) -> Entry:
        """Keeps a copy of a face, which remains when its history entry is removed."""
        identifier, number, text = self.find(face)
        known = self.kept_entry(text)
        if known:
            return known
        data = self.read(identifier, f"{number}.png")
        with self.kept.new() as draft:
            draft.add_file(data, text)
            return draft.finish(KEPT, text)

    def kept_entry(self, text: dict[str, str]) -> Entry | None:
        """Returns the kept face with these text fields, if there is one.

        Raises:
            StudioError: There is none, and no room for another one.
        """
        for entry in self.kept.entries(None, self.kept.keep):
            if entry.faces[:1] == [text]:
                return entry
        if len(self.kept.identifiers()) >= self.kept.keep:
            raise StudioError("kept_full", 409, limit=self.kept.keep)
        return None

    def entry(self, identifier: str) -> Entry:
        """Returns an entry of the history or of the kept faces.

        Raises:
            StudioError: The entry does not exist.
        """
        for store in self.stores:
            try:
                return store.entry(identifier)
            except KeyError:
                continue
        raise StudioError("gone", 404)

    def read(self, identifier: str, name: str) -> bytes:
        """Returns a file of an entry.

        Raises:
            StudioError: The file does not exist.
        """
        for store in self.stores:
            try:
                return store.read(identifier, name)
            except KeyError:
                continue
        raise StudioError("gone", 404)

    def entry_json(self, entry: Entry) -> Event:
        """Returns an entry as JSON for the page."""
        return {
            "id": entry.identifier,
            "kind": entry.kind,
            "time": entry.time,
            "settings": entry.settings,
            "asked": self._attributes(entry.settings.get("attributes", ""), entry.settings),
            "changed": self._attributes(entry.settings.get("set", ""), entry.settings),
            "animation": entry.kind == "blend",
            "faces": [self.face_json(entry.identifier, *item) for item in enumerate(entry.faces)],
        }

    def face_json(self, identifier: str, number: int, text: Mapping[str, str]) -> Event:
        """Returns a face as JSON for the page."""
        return {
            "id": f"{identifier}.{number}" if identifier else None,
            "attributes": self._attributes(text.get("labels"), text),
            "words": text.get("labels", ""),
            "seed": text.get("seeds") if "interpolate" not in text else None,
            "other_model": None if text.get("model") == self._name else text.get("model", "?"),
            "settings": dict(text),
        }

    def _attributes(
        self, words: str | None, text: Mapping[str, str]
    ) -> dict[str, str | bool | float | None] | None:
        """Reads words as attributes for the page; None without words or if another model drew the face."""
        if words is None or text.get("model") != self._name:
            return None
        try:
            return payload.described(self._schema.parse(words), self._schema)
        except ValueError:
            return None

    def find(self, face: str) -> tuple[str, int, dict[str, str]]:
        """Returns the identifier of a face's entry, the face's number in the entry, and its text fields."""
        identifier, _, number = face.partition(".")
        entry = self.entry(identifier)
        if not re.fullmatch("[0-9]{1,4}", number) or int(number) >= len(entry.faces):
            raise StudioError("gone", 404)
        return identifier, int(number), entry.faces[int(number)]
