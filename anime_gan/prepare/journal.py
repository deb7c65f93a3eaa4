"""What has been found in every picture so far, a line a picture: what was done survives a kill."""

from __future__ import annotations

import dataclasses
import json
import os
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from anime_gan.common.files import write_text
from anime_gan.prepare.labeling import Label

VERSION = 1


@dataclasses.dataclass(frozen=True)
class FaceRecord:
    """A face that was found.

    Attributes:
        file: The crop, relative to the result; empty if it was rejected.
        reason: Why it was rejected; empty if it was not.
        box: Left, top, width and height of what was cut, in pixels of the picture.
        angle: How far it leaned, in degrees.
        score: How sure the detector was.
        outside: The share of the crop that is a mirror image, since the picture ended there.
        upscaled: Whether the crop had fewer pixels than the result.
        fingerprint: Hash and coarse colors, for near-duplicates; empty if it was rejected.
        labels: Attribute -> what is known of it.
    """

    file: str
    reason: str
    box: tuple[float, float, float, float]
    angle: float
    score: float
    outside: float
    upscaled: bool
    fingerprint: tuple[int, str]
    labels: Mapping[str, Label]


@dataclasses.dataclass(frozen=True)
class PictureRecord:
    """A picture that was looked at.

    Attributes:
        name: Relative to the source.
        stamp: Size and times: changes when the file does.
        content: 64 bits of its digest, for exact copies.
        reason: Why nothing of it is used; empty if faces were found.
        faces: The faces that were found in it.
    """

    name: str
    stamp: tuple[int, ...]
    content: int
    reason: str
    faces: tuple[FaceRecord, ...]

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), ensure_ascii=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> PictureRecord:
        """Reads a line of the journal.

        Raises:
            ValueError: It is none.
        """
        try:
            data = json.loads(line)
            faces = tuple(_face(face) for face in data.pop("faces"))
            return cls(**{**data, "stamp": tuple(data["stamp"])}, faces=faces)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"a damaged line of the journal ({error})") from error


def _face(data: dict[str, Any]) -> FaceRecord:
    labels = {name: Label(*label) for name, label in data["labels"].items()}
    bits, colors = data["fingerprint"]
    return FaceRecord(**{**data, "labels": labels, "box": tuple(data["box"]), "fingerprint": (bits, colors)})


class Journal:
    """A file of records, written line by line.

    Attributes:
        path: The file; its first line holds the options that decide the result.
    """

    def __init__(self, path: Path, options: Mapping[str, Any]) -> None:
        """Opens a journal or begins one.

        Raises:
            ValueError: The journal was written with other options.
        """
        self.path = path
        self._offsets = array("Q")
        if not path.is_file():
            write_text(path, json.dumps({"version": VERSION, "options": dict(options)}) + "\n")
        with path.open("rb") as stream:
            header = stream.readline()
            self._check(header, options)
            offset = stream.tell()
            for line in stream:
                # A kill may have cut the last line.
                if not line.endswith(b"\n"):
                    break
                self._offsets.append(offset)
                offset += len(line)
        self._end = offset
        os.truncate(path, offset)

    def __len__(self) -> int:
        return len(self._offsets)

    def _check(self, header: bytes, options: Mapping[str, Any]) -> None:
        try:
            data = json.loads(header)
            before = data["options"] if data["version"] == VERSION else None
        except (ValueError, KeyError, TypeError):
            before = None
        folder = self.path.parent
        if before is None:
            raise ValueError(f"{self.path}: not a journal of this version: remove {folder.parent}")
        changed = [name for name in options if before.get(name) != json.loads(json.dumps(options[name]))]
        if changed:
            was = ", ".join(f"{name}={before.get(name)}" for name in changed)
            raise ValueError(
                f"{folder.parent}: was made with other options ({was}): give those, or another folder"
            )

    def records(self) -> Iterator[PictureRecord]:
        """All records, in order; few are in memory at a time.

        Raises:
            ValueError: One of them is damaged.
        """
        with self.path.open("rb") as stream:
            stream.readline()
            for _ in range(len(self)):
                yield PictureRecord.from_json(stream.readline().decode("utf-8"))

    def read(self, number: int) -> PictureRecord:
        """The record of a number, counted from 0."""
        with self.path.open("rb") as stream:
            stream.seek(self._offsets[number])
            return PictureRecord.from_json(stream.readline().decode("utf-8"))

    def truncate(self, count: int) -> None:
        """Forgets all but the first so many records."""
        if count < len(self):
            self._end = self._offsets[count]
            del self._offsets[count:]
            os.truncate(self.path, self._end)

    def append(self, records: Sequence[PictureRecord]) -> None:
        """Adds records; they are on disk when this returns."""
        with self.path.open("ab") as stream:
            for record in records:
                line = record.to_json().encode("utf-8") + b"\n"
                self._offsets.append(self._end)
                self._end += len(line)
                stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
