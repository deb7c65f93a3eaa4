"""The whole way from a folder of pictures to a dataset: one pass, on all cores, resumed after a kill."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import os
from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

from anime_gan.common.files import written_whole
from anime_gan.common.workers import map_in_order
from anime_gan.datasets.dataset import printable
from anime_gan.datasets.folder.labels import IMAGE_ENDINGS
from anime_gan.datasets.folder.tags import TagTable
from anime_gan.datasets.reading.storage import FoundFile, list_files
from anime_gan.prepare.detection import Detector
from anime_gan.prepare.journal import FaceRecord, Journal, PictureRecord
from anime_gan.prepare.labeling import Attributes, Tagger, combine, measured_labels, tag_file_names
from anime_gan.prepare.near_duplicates import Fingerprint, FingerprintIndex, same_picture, thumbnail
from anime_gan.prepare.per_picture import LookedAt, LookedAtFace, Looking, Options, look

FACES = "faces"
JOURNAL = ".prepare/journal.jsonl"
# Bytes of a picture's name of which the crop's is made as it is: file systems allow 255, endings included.
MAX_NAME = 200
# Pictures that one process looks at before it reports.
CHUNK = 8


class _Done(NamedTuple):
    """How far an earlier run came.

    Attributes:
        pictures: How many need not be looked at again.
        rest: The picture at which the folder differs from the journal, if there is one.
    """

    pictures: int
    rest: list[FoundFile]


class Pipeline:
    """Goes through the pictures of a folder and keeps the faces that are new."""

    def __init__(
        self,
        source: str,
        destination: Path,
        options: Options,
        detector: Detector,
        table: TagTable,
        attributes: Attributes,
        tagger: Tagger | None = None,
        color_confidence: float = 0.5,
        identity: Mapping[str, Any] | None = None,
    ) -> None:
        """Opens the journal, or begins one.

        Args:
            source: The folder of pictures.
            destination: Where the dataset goes.
            options: How faces are cut.
            detector: What finds them.
            table: What tags mean.
            attributes: What labels there may be.
            tagger: A network that labels, if there is one.
            color_confidence: Measured colors that are less sure are unknown.
            identity: What else decides the result, for the journal.

        Raises:
            ValueError: The destination was made with other options.
        """
        self._source, self._destination = source, destination
        self._options, self._detector, self._table = options, detector, table
        self._attributes, self._tagger, self._color_confidence = attributes, tagger, color_confidence
        decisive = {**vars(options), "color_confidence": color_confidence, **(identity or {})}
        self.journal = Journal(destination / JOURNAL, decisive)
        self._contents: dict[int, int] = {}
        self._index = FingerprintIndex()
        # Of each fingerprint the record and the face in it, one after the other.
        self._places = array("Q")

    def run(self) -> list[tuple[str, str]]:
        """Looks at every picture that the journal does not know yet.

        Returns:
            (name, reason) of what could not be listed.

        Raises:
            ValueError: There is no picture.
        """
        skipped: list[tuple[str, str]] = []
        total = sum(1 for _ in _pictures(self._source, skipped))
        if not total:
            raise ValueError(f"{self._source}: no pictures in it (looked for {' '.join(IMAGE_ENDINGS)})")
        files = _pictures(self._source, [])
        done = self._replay(files)
        rest = itertools.chain(done.rest, files)
        with tqdm(total=total, initial=done.pictures, desc="preparing", unit="picture") as bar:
            jobs = (
                Looking(self._source, chunk, self._options, self._detector, self._table)
                for chunk in _in_chunks(rest)
            )
            # For so few other processes would take longer to start than to work.
            alone = total - done.pictures <= CHUNK
            for chunk in map(look, jobs) if alone else map_in_order(look, jobs):
                self._take(chunk)
                bar.update(len(chunk))
        return skipped

    def _replay(self, files: Iterator[FoundFile]) -> _Done:
        """Remembers what the journal says, as far as the folder is still the same."""
        rest: list[FoundFile] = []
        count = 0
        for record in self._readable_records():
            file = next(files, None)
            if file is None or (printable(file.name), self._stamp(file)) != (record.name, record.stamp):
                rest = [file] if file else []
                break
            self._remember(record, count)
            count += 1
        self._forget(count)
        return _Done(count, rest)

    def _readable_records(self) -> Iterator[PictureRecord]:
        """The records up to the first damaged one, which no kill but a failing disk leaves."""
        with contextlib.suppress(ValueError):
            yield from self.journal.records()

    def _forget(self, count: int) -> None:
        """Forgets all but the first so many pictures, and removes their crops."""
        for number in reversed(range(count, len(self.journal))):
            crops: list[str] = []
            with contextlib.suppress(ValueError):
                crops = [face.file for face in self.journal.read(number).faces if face.file]
            # First from the journal: what is in it and not on disk counts as deleted by hand.
            self.journal.truncate(number)
            for crop in crops:
                (self._destination / crop).unlink(missing_ok=True)

    def _stamp(self, file: FoundFile) -> tuple[int, ...]:
        """Changes when the picture, or a tag file beside it, does."""
        parts = [file.size, *file.stamp]
        for name in tag_file_names(file.name):
            with contextlib.suppress(OSError):
                status = os.stat(os.path.join(self._source, name))
                parts += [status.st_size, status.st_mtime_ns]
        return tuple(parts)

    def _remember(self, record: PictureRecord, number: int) -> None:
        self._contents.setdefault(record.content, number)
        for place, face in enumerate(record.faces):
            if face.file:
                bits, colors = face.fingerprint
                self._index.add(Fingerprint(bits, bytes.fromhex(colors)))
                self._places.extend((number, place))

    def _take(self, chunk: list[LookedAt]) -> None:
        """Keeps what is new of some pictures, labels it and writes it down."""
        images = [face.crop.image for seen in chunk for face in seen.faces if not face.reason]
        said = iter(
            self._tagger.describe(np.stack(images)) if self._tagger and images else [{}] * len(images)
        )
        for seen in chunk:
            copy_of = self._contents.get(seen.content) if seen.content else None
            number = len(self.journal)
            faces = []
            for place, face in enumerate(seen.faces):
                tags = {} if face.reason else next(said)
                # The tags of a picture with two faces may be those of either.
                from_file = seen.tags if len(seen.faces) == 1 else None
                measured = measured_labels(face.colors, self._color_confidence, self._attributes)
                labels = combine([from_file, tags, measured])
                if copy_of is None:
                    faces.append(self._judge(seen, place, face, labels))
            reason = seen.reason
            if copy_of is not None and not reason:
                reason = f"same file: as {printable(self.journal.read(copy_of).name)}"
            record = PictureRecord(
                printable(seen.file.name), self._stamp(seen.file), seen.content, reason, tuple(faces)
            )
            self.journal.append([record])
            self._remember(record, number)

    def _judge(self, seen: LookedAt, place: int, face: LookedAtFace, labels: Mapping[str, Any]) -> FaceRecord:
        """Writes the crop of a face, unless it is of no use or was there before."""
        reason = face.reason
        if not reason:
            twin = self._twin(face)
            reason = f"near-duplicate: of {twin}" if twin else ""
        file = ""
        if not reason:
            file = crop_name(seen.file.name, place)
            with written_whole(self._destination / file) as partial:
                partial.write_bytes(face.png)
        bits, colors = face.fingerprint
        return FaceRecord(
            file=file,
            reason=reason,
            box=face.crop.box,
            angle=face.detection.angle,
            score=round(face.detection.score, 2),
            outside=round(face.crop.outside, 3),
            upscaled=face.crop.upscaled,
            fingerprint=(bits, colors.hex()) if file else (0, ""),
            labels={
                name: label._replace(confidence=round(label.confidence, 3)) for name, label in labels.items()
            },
        )

    def _twin(self, face: LookedAtFace) -> str | None:
        """The crop that shows the same face, if there is one."""
        own = thumbnail(face.crop.image)
        for number in self._index.candidates(face.fingerprint):
            file = self._file_of(number)
            # It may have been deleted by hand.
            with contextlib.suppress(FileNotFoundError):
                if same_picture(own, _thumbnail_of(self._destination / file)):
                    return file
        return None

    def _file_of(self, number: int) -> str:
        record, place = self._places[2 * number : 2 * number + 2]
        return self.journal.read(record).faces[place].file


def crop_name(picture: str, place: int) -> str:
    """The file of a picture's face: `a/b.jpg` and 0 -> `faces/a/b-jpg-1.png`."""
    path = PurePosixPath(printable(picture).replace("\\", "_"))
    stem = path.stem
    if len(path.name.encode()) > MAX_NAME:
        digest = hashlib.sha256(path.name.encode()).hexdigest()[:16]
        stem = stem.encode()[: MAX_NAME - 32].decode(errors="ignore") + f"-{digest}"
    return str(PurePosixPath(FACES) / path.parent / f"{stem}-{path.suffix[1:]}-{place + 1}.png")


def _pictures(root: str, skipped: list[tuple[str, str]]) -> Iterator[FoundFile]:
    return (
        file for file in list_files(root, skipped) if PurePosixPath(file.name).suffix.lower() in IMAGE_ENDINGS
    )


def _in_chunks(files: Iterable[FoundFile]) -> Iterator[list[FoundFile]]:
    files = iter(files)
    while chunk := list(itertools.islice(files, CHUNK)):
        yield chunk


@functools.lru_cache(maxsize=64)  # Copies tend to stand together.
def _thumbnail_of(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return thumbnail(np.asarray(image.convert("RGB")))
