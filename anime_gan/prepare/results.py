"""The dataset and its report, written from the journal."""

from __future__ import annotations

import collections
import csv
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from anime_gan.attributes.schema import Schema
from anime_gan.common.files import write_text, written_whole
from anime_gan.datasets.folder.labels import LABEL_TABLE, SCHEMA_FILE
from anime_gan.datasets.folder.source import LICENSE
from anime_gan.prepare.corrections import Corrections
from anime_gan.prepare.journal import FaceRecord, Journal, PictureRecord
from anime_gan.prepare.labeling import Attributes, Label

REPORT, CHART, REJECTED, DETAILS = "report.md", "labels.svg", "rejected.csv", "faces.csv"
# Fewer faces than this teach a network little about a value.
RARE = 50


class KeptFace(NamedTuple):
    """A face of the dataset.

    Attributes:
        picture: Where it comes from.
        face: What is known of it.
        labels: Its labels after correction.
    """

    picture: PictureRecord
    face: FaceRecord
    labels: Mapping[str, Label]


class Summary(NamedTuple):
    """What came in and what went out.

    Attributes:
        pictures: Pictures that were looked at.
        faces: Faces in the dataset.
        upscaled: Of these, how many had fewer pixels than their crop.
        reasons: Kind of reason -> how often something was rejected for it, the most frequent first.
        counts: Attribute -> value (True and False of a tag) -> faces.
        schema: The attributes that can be learned.
        notes: What happened to the other attributes.
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
        """The label columns that few faces have, such as `hair_color=aqua`, with their number."""
        found = []
        for column in self.schema.columns:
            name, _, value = column.partition("=")
            count = self.counts[name].get(value or True, 0)
            if count < RARE:
                found.append((column, count))
        return sorted(found, key=lambda item: item[1])


def deleted_crops(destination: Path, journal: Journal) -> frozenset[str]:
    """The crops that the journal knows and that are no longer there."""
    return frozenset(
        face.file
        for picture in journal.records()
        for face in picture.faces
        if face.file and not (destination / face.file).is_file()
    )


def kept_faces(journal: Journal, corrections: Corrections) -> Iterator[KeptFace]:
    """The faces of the dataset, in order."""
    for picture in journal.records():
        for face in picture.faces:
            labels = corrections.apply(face.file, face.labels) if face.file else None
            if labels is not None:
                yield KeptFace(picture, face, labels)


def write_results(
    source: Path, destination: Path, journal: Journal, corrections: Corrections, attributes: Attributes
) -> Summary:
    """Writes labels, schema, rejections and the report."""
    summary = summarize(journal, corrections, attributes)
    _write_rejected(destination / REJECTED, journal, corrections)
    _write_details(destination / DETAILS, journal, corrections)
    write_text(destination / SCHEMA_FILE, summary.schema.to_json() + "\n")
    if (source / LICENSE).is_file():
        with written_whole(destination / LICENSE) as partial:
            shutil.copyfile(source / LICENSE, partial)
    write_text(destination / REPORT, report(summary))
    if summary.schema.attributes:
        with written_whole(destination / CHART) as partial:
            _draw_chart(summary, partial)
    # Last: as long as it is not there the folder is no dataset.
    names = [slot.name for slot in summary.schema.slots]
    with (
        written_whole(destination / LABEL_TABLE) as partial,
        partial.open("w", encoding="utf-8", newline="") as stream,
    ):
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["filename", *names])
        for kept in kept_faces(journal, corrections):
            writer.writerow([kept.face.file, *(_cell(kept.labels.get(name)) for name in names)])
    return summary


def summarize(journal: Journal, corrections: Corrections, attributes: Attributes) -> Summary:
    """Counts everything."""
    pictures = faces = upscaled = 0
    reasons: collections.Counter[str] = collections.Counter()
    counts: dict[str, collections.Counter[str | bool]] = {name: collections.Counter() for name in attributes}
    for picture in journal.records():
        pictures += 1
        reasons.update(_kind(reason) for reason in _rejections(picture, corrections))
    for kept in kept_faces(journal, corrections):
        faces += 1
        upscaled += kept.face.upscaled
        for name, label in kept.labels.items():
            counts[name][label.value] += 1
    used: dict[str, tuple[str, ...] | None] = {}
    notes = []
    for name, values in attributes.items():
        present = [value for value in (values or (True, False)) if counts[name][value]]
        if len(present) > 1:
            used[name] = tuple(map(str, present)) if values else None
        elif present:
            everybody = present[0] if values else ("everybody has it" if present[0] else "nobody has it")
            notes.append(f"{name}: left out, there is one value alone ({everybody})")
    return Summary(
        pictures, faces, upscaled, dict(reasons.most_common()), counts, Schema.from_names(used), notes
    )


def report(summary: Summary) -> str:
    """The report as Markdown."""
    lines = [
        "# What was prepared",
        "",
        f"{summary.pictures} pictures in, {summary.faces} faces out"
        + (f", {summary.upscaled} of them enlarged" if summary.upscaled else "")
        + ".",
        "",
        "| rejected for | pictures or faces |",
        "|---|---|",
        *(f"| {reason} | {count} |" for reason, count in summary.reasons.items()),
        "",
        f"`{REJECTED}` names each with its reason; the pictures are where they were.",
    ]
    if summary.schema.attributes:
        lines += ["", "## Labels", "", f"![How many faces have each label]({CHART})", ""]
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
        lines += ["", f"Rare, with fewer than {RARE} faces, and so hard to learn: {names}."]
    lines += ["", *summary.notes] if summary.notes else []
    return "\n".join(lines) + "\n"


def _rejections(picture: PictureRecord, corrections: Corrections) -> Iterator[str]:
    if picture.reason:
        yield picture.reason
    for face in picture.faces:
        if face.reason:
            yield face.reason
        elif reason := corrections.reason(face.file):
            yield reason


def _kind(reason: str) -> str:
    """What stands behind the colon differs from picture to picture."""
    return reason.split(":")[0]


def _cell(label: Label | None) -> str:
    if label is None:
        return ""
    return label.value if isinstance(label.value, str) else str(int(label.value))


def _write_rejected(path: Path, journal: Journal, corrections: Corrections) -> None:
    with written_whole(path) as partial, partial.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["picture", "left", "top", "width", "height", "reason"])
        for picture in journal.records():
            if picture.reason:
                writer.writerow([picture.name, "", "", "", "", picture.reason])
            for face in picture.faces:
                reason = face.reason or corrections.reason(face.file)
                if reason:
                    writer.writerow([picture.name, *map(round, face.box), reason])


def _write_details(path: Path, journal: Journal, corrections: Corrections) -> None:
    with written_whole(path) as partial, partial.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        header = ["picture", "left", "top", "width", "height", "angle", "score", "outside", "upscaled"]
        writer.writerow(["face", *header, "labels"])
        for picture, face, labels in kept_faces(journal, corrections):
            said = {name: [label.source, label.confidence] for name, label in labels.items()}
            place = [*map(round, face.box), face.angle, face.score, face.outside, int(face.upscaled)]
            writer.writerow([face.file, picture.name, *place, json.dumps(said)])


def _draw_chart(summary: Summary, path: Path) -> None:
    """Bars of how many faces have each label."""
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
    # The same labels, the same file: no date, no random names.
    with rc_context({"svg.hashsalt": "labels"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
