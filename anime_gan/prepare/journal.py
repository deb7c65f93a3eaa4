"""The journal of all analyzed pictures, one line per picture. An interrupted run resumes from it."""

from __future__ import annotations

import dataclasses
import json
import os
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from anime_gan.common.files import write_text
from anime_gan.common.json_files import JsonError, parse_json
from anime_gan.prepare.labeling import Label

VERSION = 1


@dataclasses.dataclass(frozen=True)
class FaceRecord:
    """A detected face.

    Attributes:
        file: Path of the crop, relative to the destination folder; empty if the face was rejected.
        reason: Why the face was rejected; empty if it was kept.
        box: Left, top, width, and height of the crop, in pixels of the picture.
        angle: Tilt of the head in degrees, counterclockwise.
        score: Score of the detection.
        outside: Share of the crop that is outside the picture and filled by mirroring.
        upscaled: Whether the crop was enlarged.
        fingerprint: Hash and coarse colors, for finding near-duplicates; (0, "") if the face was rejected.
        labels: Attribute -> label.
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
    """An analyzed picture.

    Attributes:
        name: Path of the picture, relative to the source folder.
        stamp: Sizes and times of the picture and its tag file, for detecting changes.
        content: 64 bits of the file's digest, for finding exact copies.
        reason: Why the picture was rejected; empty if it was used.
        faces: The detected faces.
    """

    name: str
    stamp: tuple[int, ...]
    content: int
    reason: str
    faces: tuple[FaceRecord, ...]

    def to_json(self) -> str:
        """Returns the record as a line of the journal."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> PictureRecord:
        """Reads a line of the journal.

        Raises:
            ValueError: The line is damaged.
        """
        try:
            record = parse_json(line, cls)
        except JsonError as error:
            raise ValueError(f"damaged line in the journal ({error})") from error
        for face in record.faces:
            # Crops are deleted when their picture is gone.
            path = PurePath(face.file)
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"damaged line in the journal ({face.file!r} is outside of the folder)")
        return record


class Journal:
    """The journal file, to which records are appended.

    Attributes:
        path: The file. Its first line contains the options that affect the result.
    """

    def __init__(self, path: Path, options: Mapping[str, Any]) -> None:
        """Opens a journal or creates one.

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
                # The last line is incomplete if the run was killed while writing it.
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
            raise ValueError(
                f"{self.path}: is damaged or from another version; delete {folder.parent} to start again"
            )
        changed = [name for name in options if before.get(name) != json.loads(json.dumps(options[name]))]
        if changed:
            was = ", ".join(f"{name}={before.get(name)}" for name in changed)
            raise ValueError(
                f"{folder.parent}: was made with other options ({was}); use these, or choose another folder"
            )

    def records(self) -> Iterator[PictureRecord]:
        """Yields all records, in order.

        Raises:
            ValueError: A record is damaged.
        """
        with self.path.open("rb") as stream:
            stream.readline()
            for _ in range(len(self)):
                yield PictureRecord.from_json(stream.readline().decode("utf-8"))

    def read(self, number: int) -> PictureRecord:
        """Returns a record by its number, counted from 0."""
        with self.path.open("rb") as stream:
            stream.seek(self._offsets[number])
            return PictureRecord.from_json(stream.readline().decode("utf-8"))

    def truncate(self, count: int) -> None:
        """Keeps only the first `count` records."""
        if count < len(self):
            self._end = self._offsets[count]
            del self._offsets[count:]
            os.truncate(self.path, self._end)

    def append(self, record: PictureRecord) -> None:
        """Appends a record and flushes it to disk."""
        line = record.to_json().encode("utf-8") + b"\n"
        self._offsets.append(self._end)
        self._end += len(line)
        with self.path.open("ab") as stream:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
