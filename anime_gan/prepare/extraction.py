"""Extracts faces from a folder of pictures, in a single resumable pass on all cores."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import itertools
from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from anime_gan.common.files import written_whole
from anime_gan.common.shards import Shard
from anime_gan.common.workers import map_in_order
from anime_gan.datasets.dataset import printable
from anime_gan.datasets.folder.beside import label_file_names, shared_stems, stem_of
from anime_gan.datasets.folder.tag_labels import TagNotes
from anime_gan.datasets.folder.tags import TagTable
from anime_gan.datasets.reading.kinds import (
    IMAGE_ENDINGS,
    head_reader,
    is_picture,
    may_be_picture,
    why_left_out,
)
from anime_gan.datasets.reading.storage import FoundFile, list_files, stamp_of
from anime_gan.prepare.detection import CascadeDetector
from anime_gan.prepare.journal import FaceRecord, Journal, PictureRecord
from anime_gan.prepare.labeling import Attributes, Tagger, combine, measured_labels, tag_labels
from anime_gan.prepare.near_duplicates import Fingerprint, FingerprintIndex, same_picture, thumbnail
from anime_gan.prepare.per_picture import (
    AnalyzedPicture,
    FaceCandidate,
    Options,
    PictureJob,
    analyze_pictures,
)
from anime_gan.prepare.shards import ShardJournals, journal_of

FACES = "faces"
JOURNAL = ".prepare/journal.jsonl"
# Why a picture is left out whose file is equal to another one.
COPY = "exact copy"
# Maximum length of a picture's name in its crop's name, in bytes. File systems allow 255 bytes in total.
MAX_NAME = 200
# Number of pictures per job of a worker process.
CHUNK = 8


class FaceExtraction:
    """Extracts, deduplicates, and labels the faces in a folder of pictures.

    Attributes:
        journal: The journal of analyzed pictures.
        notes: Counts of what the tag files that were read do not say.
    """

    def __init__(
        self,
        source: str,
        destination: Path,
        options: Options,
        detector: CascadeDetector,
        table: TagTable,
        attributes: Attributes,
        tagger: Tagger | None = None,
        color_confidence: float = 0.5,
        identity: Mapping[str, Any] | None = None,
        shard: Shard | None = None,
    ) -> None:
        """Opens or creates the journal.

        Args:
            source: The folder of pictures.
            destination: The folder of the dataset.
            options: Options for cropping and rejecting faces.
            detector: The face detector.
            table: The meanings of the tags.
            attributes: The possible labels.
            tagger: A source of labels; None for no tagger.
            color_confidence: Minimum confidence of measured colors; other colors are unknown.
            identity: Other options that affect the result. The journal stores them.
            shard: The pictures to analyze; None for all, of which those of earlier shards are joined.

        Raises:
            ValueError: The destination was prepared with other options.
        """
        self._source, self._destination = source, destination
        self._options, self._detector, self._table = options, detector, table
        self._attributes, self._tagger, self._color_confidence = attributes, tagger, color_confidence
        self._decisive = {**vars(options), "color_confidence": color_confidence, **(identity or {})}
        self._shard = shard
        path = destination / JOURNAL
        self.journal = Journal(journal_of(shard, path.parent) if shard else path, self._decisive)
        self.notes = TagNotes("tag files")
        self._shared: frozenset[str] = frozenset()
        self._contents: dict[int, int] = {}
        self._index = FingerprintIndex()
        # For each fingerprint, this contains the number of the record, then the index of the face.
        self._places = array("Q")

    def run(self) -> list[tuple[str, str]]:
        """Analyzes all pictures that are not in the journal.

        Returns:
            The files that were left out, as (name, reason).

        Raises:
            ValueError: There are no pictures, or shards of them are missing.
        """
        skipped: list[tuple[str, str]] = []
        total = 0

        def names() -> Iterator[str]:
            nonlocal total
            for file in _pictures(self._source, skipped):
                total += 1
                yield file.name

        self._shared = shared_stems(names())
        if not total:
            raise ValueError(f"{self._source}: contains no images (searched for {', '.join(IMAGE_ENDINGS)})")
        files = _pictures(self._source, [])
        if self._shard:
            number, shards = self._shard
            files, total = itertools.islice(files, number, None, shards), len(range(number, total, shards))
        done, rest = self._replay(files)
        if self._shard is None:
            rest, joined = self._join(itertools.chain(rest, files), done)
            done += joined
        with tqdm(total=total, initial=done, desc="preparing", unit="picture") as bar:
            jobs = (
                PictureJob(
                    self._source,
                    chunk,
                    self._options,
                    self._detector,
                    self._table,
                    self._shared.intersection(stem_of(file.name) for file in chunk),
                )
                for chunk in _in_chunks(itertools.chain(rest, files))
            )
            # Starting worker processes would take longer than a single job.
            alone = total - done <= CHUNK
            for chunk in map(analyze_pictures, jobs) if alone else map_in_order(analyze_pictures, jobs):
                self._take(chunk)
                bar.update(len(chunk))
        return skipped

    def _replay(self, files: Iterator[FoundFile]) -> tuple[int, list[FoundFile]]:
        """Restores the state from the journal, up to the first picture that has changed.

        Returns:
            The number of restored pictures, and a list with the first changed picture, if there is one.
        """
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
        return count, rest

    def _join(self, files: Iterator[FoundFile], first: int) -> tuple[list[FoundFile], int]:
        """Adds the records of all shards to the journal, without the faces that are there already.

        Args:
            files: The pictures that are not in the journal yet.
            first: The number of the first one.

        Returns:
            The pictures that are left, and the number of joined ones.

        Raises:
            ValueError: A shard is missing or not finished, or a picture has changed since.
        """
        shards = ShardJournals(self.journal.path.parent, self._decisive)
        if not len(shards):
            return list(itertools.islice(files, 1)), 0
        number = first
        for number, file in enumerate(files, first + 1):
            record = shards.read(number - 1)
            if (printable(file.name), self._stamp(file)) != (record.name, record.stamp):
                shard = Shard((number - 1) % len(shards), len(shards))
                raise ValueError(f"{file.name} has changed; run all shards again, such as --shard={shard}")
            self._add_joined(record)
        shards.remove()
        return [], number - first

    def _add_joined(self, record: PictureRecord) -> None:
        copy_of = self._contents.get(record.content) if record.content else None
        reason, faces, surplus = record.reason, [], []
        if copy_of is not None and (not reason or reason.startswith(COPY)):
            reason = f"{COPY}: of {self.journal.read(copy_of).name}"
        for face in record.faces:
            original = None
            if face.file and copy_of is None:
                bits, colors = face.fingerprint
                with contextlib.suppress(FileNotFoundError):
                    own = _thumbnail_of(self._destination / face.file)
                    original = self._duplicate_of(own, Fingerprint(bits, bytes.fromhex(colors)))
            if face.file and (copy_of is not None or original):
                surplus.append(face.file)
                face = dataclasses.replace(
                    face, file="", reason=f"near-duplicate: of {original}", fingerprint=(0, "")
                )
            faces.append(face)
        joined = dataclasses.replace(record, reason=reason, faces=() if copy_of is not None else tuple(faces))
        number = len(self.journal)
        self.journal.append(joined)
        self._remember(joined, number)
        for file in surplus:
            (self._destination / file).unlink(missing_ok=True)

    def _readable_records(self) -> Iterator[PictureRecord]:
        """Yields the records up to the first damaged one."""
        with contextlib.suppress(ValueError):
            yield from self.journal.records()

    def _forget(self, count: int) -> None:
        """Keeps only the first `count` pictures in the journal, and deletes the crops of the others."""
        for number in reversed(range(count, len(self.journal))):
            crops: list[str] = []
            with contextlib.suppress(ValueError):
                crops = [face.file for face in self.journal.read(number).faces if face.file]
            # The journal comes first, because a crop that only the journal has counts as deleted by the user.
            self.journal.truncate(number)
            for crop in crops:
                (self._destination / crop).unlink(missing_ok=True)

    def _stamp(self, file: FoundFile) -> tuple[int, ...]:
        """Returns numbers that change whenever the picture or its tag file changes."""
        parts = [file.size, *file.stamp]
        is_shared = stem_of(file.name) in self._shared
        for name in label_file_names(file.name, is_shared):
            parts += stamp_of(self._source, name) or ()
        return (*parts, 1) if is_shared else tuple(parts)

    def _remember(self, record: PictureRecord, number: int) -> None:
        self._contents.setdefault(record.content, number)
        for place, face in enumerate(record.faces):
            if face.file:
                bits, colors = face.fingerprint
                self._index.add(Fingerprint(bits, bytes.fromhex(colors)))
                self._places.extend((number, place))

    def _take(self, chunk: list[AnalyzedPicture]) -> None:
        """Labels the faces in analyzed pictures, saves new faces, and adds the pictures to the journal."""
        images = [face.crop.image for picture in chunk for face in picture.faces if not face.reason]
        from_tagger = iter(
            self._tagger.describe(np.stack(images)) if self._tagger and images else [{}] * len(images)
        )
        for picture in chunk:
            copy_of = self._contents.get(picture.content) if picture.content else None
            number = len(self.journal)
            faces = []
            if picture.tags:
                self.notes.add(picture.tags)
            for place, face in enumerate(picture.faces):
                tags = {} if face.reason else next(from_tagger)
                # If a picture has several faces, its tags may belong to any of them.
                from_file = tag_labels(picture.tags) if len(picture.faces) == 1 else None
                measured = measured_labels(face.colors, self._color_confidence, self._attributes)
                labels = combine([from_file, tags, measured])
                if copy_of is None:
                    faces.append(self._save_face(picture, place, face, labels))
            reason = picture.reason
            if copy_of is not None and not reason:
                reason = f"{COPY}: of {printable(self.journal.read(copy_of).name)}"
            record = PictureRecord(
                printable(picture.file.name), self._stamp(picture.file), picture.content, reason, tuple(faces)
            )
            self.journal.append(record)
            self._remember(record, number)

    def _save_face(
        self, picture: AnalyzedPicture, place: int, face: FaceCandidate, labels: Mapping[str, Any]
    ) -> FaceRecord:
        """Saves the crop of a face, unless it is rejected or a near-duplicate."""
        reason = face.reason
        # Near-duplicates are sought when shards are joined, because the first one may be in another shard.
        if not reason and self._shard is None:
            original = self._duplicate_of(thumbnail(face.crop.image), face.fingerprint)
            reason = f"near-duplicate: of {original}" if original else ""
        file = ""
        if not reason:
            file = crop_name(picture.file.name, place)
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

    def _duplicate_of(self, own: np.ndarray, print_: Fingerprint) -> str | None:
        """Returns the file of an earlier crop of the same face; None if there is none."""
        for number in self._index.candidates(print_):
            file = self._file_of(number)
            # The user may have deleted the file.
            with contextlib.suppress(FileNotFoundError):
                if same_picture(own, _thumbnail_of(self._destination / file)):
                    return file
        return None

    def _file_of(self, number: int) -> str:
        record, place = self._places[2 * number : 2 * number + 2]
        return self.journal.read(record).faces[place].file


def crop_name(picture: str, place: int) -> str:
    """Returns the name of a face's file, such as `faces/a/b-jpg-1.png` for `a/b.jpg` and 0."""
    path = PurePosixPath(printable(picture).replace("\\", "_"))
    stem = path.stem
    if len(path.name.encode()) > MAX_NAME:
        digest = hashlib.sha256(path.name.encode()).hexdigest()[:16]
        stem = stem.encode()[: MAX_NAME - 32].decode(errors="ignore") + f"-{digest}"
    return str(PurePosixPath(FACES) / path.parent / f"{stem}-{path.suffix[1:]}-{place + 1}.png")


def _pictures(root: str, skipped: list[tuple[str, str]]) -> Iterator[FoundFile]:
    """Yields the image files of a folder; other files that may be pictures are added to `skipped`."""
    for file in list_files(root, skipped):
        if is_picture(file.name, head_reader(root, file.name)):
            yield file
        elif may_be_picture(file.name):
            skipped.append((file.name, why_left_out(file.name)))


def _in_chunks(files: Iterable[FoundFile]) -> Iterator[list[FoundFile]]:
    files = iter(files)
    while chunk := list(itertools.islice(files, CHUNK)):
        yield chunk


@functools.lru_cache(maxsize=64)  # Copies are often close together.
def _thumbnail_of(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return thumbnail(np.asarray(image.convert("RGB")))
