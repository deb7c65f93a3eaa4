"""Writes the labels and the report of a prepared dataset from the journal."""

from __future__ import annotations

import collections
import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from anime_gan.attributes.schema import Schema
from anime_gan.common.files import write_text, written_whole
from anime_gan.datasets.folder.label_table import LABEL_TABLE
from anime_gan.datasets.folder.labels import SCHEMA_FILE
from anime_gan.datasets.folder.source import LICENSE
from anime_gan.datasets.reading.storage import read_file, stamp_of
from anime_gan.prepare.corrections import Corrections
from anime_gan.prepare.journal import FaceRecord, Journal, PictureRecord
from anime_gan.prepare.labeling import Attributes, Label

REPORT, CHART, REJECTED, DETAILS = "report.md", "labels.svg", "rejected.csv", "faces.csv"
# A value with fewer faces than this is hard to learn.
RARE = 50


class KeptFace(NamedTuple):
    """A face of the dataset.

    Attributes:
        picture: The picture that contains the face.
        face: The face.
        labels: Attribute -> label, after corrections.
    """

    picture: PictureRecord
    face: FaceRecord
    labels: Mapping[str, Label]


class Summary(NamedTuple):
    """Counts of a prepared dataset.

    Attributes:
        pictures: Number of analyzed pictures.
        faces: Number of faces in the dataset.
        upscaled: Number of faces whose crops were enlarged.
        reasons: Reason -> number of pictures and faces rejected for it, most frequent first.
        counts: Attribute -> value (True or False for a tag) -> number of faces.
        schema: The attributes that can be learned.
        notes: Notes about attributes that cannot be learned.
    """

    pictures: int
    faces: int
    upscaled: int
    reasons: Mapping[str, int]
    counts: Mapping[str, Mapping[str | bool, int]]
    schema: Schema
    notes: list[str]

    @property
    def rare(self) -> list[tuple[str, int]]:
        """Label columns with few faces, such as `hair_color=aqua`, and their counts; rarest first."""
        found = []
        for column in self.schema.columns:
            name, _, value = column.partition("=")
            count = self.counts[name].get(value or True, 0)
            if count < RARE:
                found.append((column, count))
        return sorted(found, key=lambda item: item[1])


def deleted_crops(destination: Path, journal: Journal) -> frozenset[str]:
    """Returns the crops in the journal whose files were deleted."""
    return frozenset(
        face.file
        for picture in journal.records()
        for face in picture.faces
        if face.file and not (destination / face.file).is_file()
    )


def kept_faces(journal: Journal, corrections: Corrections) -> Iterator[KeptFace]:
    """Yields the faces of the dataset in the order of the journal."""
    for picture in journal.records():
        for face in picture.faces:
            labels = corrections.apply(face.file, face.labels) if face.file else None
            if labels is not None:
                yield KeptFace(picture, face, labels)


def write_results(
    source: Path,
    destination: Path,
    journal: Journal,
    corrections: Corrections,
    attributes: Attributes,
    left_out: Sequence[tuple[str, str]] = (),
) -> Summary:
    """Writes the labels, the schema, the list of rejections, and the report.

    Args:
        source: The folder or zip archive of pictures.
        destination: The folder of the dataset.
        journal: All analyzed pictures.
        corrections: The user's corrections.
        attributes: The possible labels.
        left_out: (name, reason) of files that were not analyzed.
    """
    rejected = [*_rejected_rows(journal, corrections), *([name, *[""] * 4, why] for name, why in left_out)]
    summary = summarize(journal, corrections, attributes, rejected)
    box = ["left", "top", "width", "height"]
    _write_table(destination / REJECTED, ["picture", *box, "reason"], rejected)
    details = ["face", "picture", *box, "angle", "score", "outside", "upscaled", "labels"]
    _write_table(destination / DETAILS, details, _detail_rows(journal, corrections))
    write_text(destination / SCHEMA_FILE, summary.schema.to_json() + "\n")
    if stamp_of(str(source), LICENSE):
        with written_whole(destination / LICENSE) as partial:
            partial.write_bytes(read_file(str(source), LICENSE))
    write_text(destination / REPORT, report(summary))
    if summary.schema.attributes:
        with written_whole(destination / CHART) as partial:
            _draw_chart(summary, partial)
    # The label table comes last, because it makes the folder a dataset.
    names = [slot.name for slot in summary.schema.slots]
    _write_table(
        destination / LABEL_TABLE,
        ["filename", *names],
        (
            [kept.face.file, *(_cell(kept.labels.get(name)) for name in names)]
            for kept in kept_faces(journal, corrections)
        ),
    )
    return summary


def summarize(
    journal: Journal, corrections: Corrections, attributes: Attributes, rejected: Sequence[Sequence[Any]]
) -> Summary:
    """Counts pictures, faces, reasons, and labels; `rejected` are the rows of the list of rejections."""
    faces = upscaled = 0
    reasons: collections.Counter[str] = collections.Counter()
    counts: dict[str, collections.Counter[str | bool]] = {name: collections.Counter() for name in attributes}
    reasons.update(_kind(row[-1]) for row in rejected)
    for kept in kept_faces(journal, corrections):
        faces += 1
        upscaled += kept.face.upscaled
        for name, label in kept.labels.items():
            counts[name][label.value] += 1
    used: dict[str, tuple[str, ...] | None] = {}
    same: list[str] = []
    for name, values in attributes.items():
        present = [value for value in (values or (True, False)) if counts[name][value]]
        if len(present) > 1:
            used[name] = tuple(map(str, present)) if values else None
        elif present:
            same.append(f"{name} ({present[0] if values else 'present' if present[0] else 'absent'})")
    dropped = f"dropped, because all labeled faces have the same value: {', '.join(same)}"
    notes = [dropped] if same else []
    return Summary(
        len(journal), faces, upscaled, dict(reasons.most_common()), counts, Schema.from_names(used), notes
    )


def report(summary: Summary) -> str:
    """Returns the report as Markdown."""
    lines = [
        "# Report on the prepared dataset",
        "",
        f"{summary.faces} faces from {summary.pictures} pictures"
        + (f"; {summary.upscaled} of the faces were enlarged" if summary.upscaled else "")
        + ".",
        "",
        "| reason for rejection | pictures or faces |",
        "|---|---|",
        *(f"| {reason} | {count} |" for reason, count in summary.reasons.items()),
        "",
        f"`{REJECTED}` lists every rejection with its reason. The pictures themselves were not changed.",
    ]
    if summary.schema.attributes:
        lines += ["", "## Labels", "", f"![Number of faces with each label]({CHART})", ""]
        lines += ["| attribute | faces | unknown |", "|---|---|---|"]
        for slot in summary.schema.slots:
            counts = summary.counts[slot.name]
            values = [term.name for term in summary.schema.terms[slot.columns]] if slot.is_group else [True]
            said = ", ".join(f"{value if slot.is_group else 'yes'} {counts[value]}" for value in values)
            if not slot.is_group:
                said += f", no {counts[False]}"
            lines.append(f"| {slot.name} | {said} | {summary.faces - sum(counts.values())} |")
    if summary.rare:
        names = ", ".join(f"{name} ({count})" for name, count in summary.rare)
        lines += ["", f"Rare labels (fewer than {RARE} faces) are hard to learn: {names}."]
    lines += ["", *summary.notes] if summary.notes else []
    return "\n".join(lines) + "\n"


def _kind(reason: str) -> str:
    """Returns a reason without the details that differ between pictures."""
    return reason.split(":")[0]


def _cell(label: Label | None) -> str:
    if label is None:
        return ""
    return label.value if isinstance(label.value, str) else str(int(label.value))


def _write_table(path: Path, header: list[str], rows: Iterable[list[Any]]) -> None:
    with written_whole(path) as partial, partial.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _rejected_rows(journal: Journal, corrections: Corrections) -> Iterator[list[Any]]:
    for picture in journal.records():
        if picture.reason:
            yield [picture.name, "", "", "", "", picture.reason]
        for face in picture.faces:
            if reason := face.reason or corrections.reason(face.file):
                yield [picture.name, *map(round, face.box), reason]


def _detail_rows(journal: Journal, corrections: Corrections) -> Iterator[list[Any]]:
    for picture, face, labels in kept_faces(journal, corrections):
        sources = {name: [label.source, label.confidence] for name, label in labels.items()}
        place = [*map(round, face.box), face.angle, face.score, face.outside, int(face.upscaled)]
        yield [face.file, picture.name, *place, json.dumps(sources)]


def _draw_chart(summary: Summary, path: Path) -> None:
    """Draws a bar chart of the number of faces with each label."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    columns = summary.schema.columns
    heights = []
    for column in columns:
        name, _, value = column.partition("=")
        heights.append(summary.counts[name][value or True])
    figure = Figure(figsize=(7, 0.6 + 0.2 * len(columns)), layout="constrained")
    axes = figure.subplots()
    colors = ["tab:orange" if height < RARE else "tab:blue" for height in heights]
    axes.barh(columns, heights, color=colors)
    axes.invert_yaxis()
    axes.tick_params(labelsize=7)
    axes.set_ylim(len(columns) - 0.4, -0.6)
    axes.set_xlabel(f"faces (orange: fewer than {RARE})")
    # The file has no date and no random names, so that equal labels give equal files.
    with rc_context({"svg.hashsalt": "labels"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
