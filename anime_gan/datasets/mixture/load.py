"""Loads several data sources as one dataset."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import cast

import numpy as np

from anime_gan.common.errors import InputError
from anime_gan.common.source_names import joined, parse_shares
from anime_gan.datasets.dataset import DataError, DataReport, Dataset
from anime_gan.datasets.illustrated import Illustrator
from anime_gan.datasets.mixture.pictures import ConcatenatedImages
from anime_gan.datasets.mixture.united import STYLE, Part, united_labels, united_schema
from anime_gan.datasets.prepared import learnable

# Shares that differ by less than this factor from the numbers of pictures need no weights.
SAME_SHARE = 1.01

# A source, its illustrator (None for files), and the number of pictures (0 for all) -> the dataset.
LoadSource = Callable[[str, Illustrator | None, int], Dataset]


def load_mixture(
    sources: Sequence[tuple[str, Illustrator | None]],
    shares: str,
    num_images: int,
    default: int,
    load: LoadSource,
) -> Dataset:
    """Loads several data sources and unites them.

    Args:
        sources: Each source as in `load_dataset`, and its illustrator if a program draws it.
        shares: As in `parse_shares`; empty for shares like the numbers of pictures.
        num_images: Number of pictures of all sources together; 0 for all files, and `default` drawn pictures
            of each source.
        default: See `num_images`.
        load: Loads one source.

    Raises:
        DataError: A source cannot be read or is given twice, the shares do not fit, or attributes of two
            sources do not fit together.
    """
    names = [name for name, _ in sources]
    twice = [name for number, name in enumerate(names) if name in names[:number]]
    if twice:
        raise DataError("was given twice", "data", twice[0])
    given = _shares(shares, len(sources))
    even = [1 / len(sources)] * len(sources)
    total = num_images or (default * len(sources) if given else 0)
    counts = [max(2, round(total * share)) if total else 0 for share in given or even]
    hands: list[str] = []
    parts = []
    for (name, illustrator), count in zip(sources, counts, strict=True):
        # A share says how often files are used; only a number of pictures limits them.
        dataset = load(name, illustrator, count if illustrator or num_images else 0)
        hands.append(_free_name(hand_of(name, illustrator), hands))
        always = {**dataset.constants, **getattr(illustrator, "always", {})}
        parts.append(Part(dataset, hands[-1], always, getattr(illustrator, "never", {})))
    _check_channels(parts)
    schema = united_schema(parts)
    labels = united_labels(parts, schema)
    schema, columns, notes = learnable(schema, labels)
    labels = np.ascontiguousarray(labels[:, columns])
    datasets = [part.dataset for part in parts]
    frequencies = _frequencies([len(d.images) for d in datasets], given)
    images = cast(np.ndarray, ConcatenatedImages([d.images for d in datasets]))
    skipped = tuple(line for d in datasets for line in d.report.skipped)
    # What one source always shows is learned from the others.
    outdated = ("labels ignored: ", "no usable labels")
    kept = [
        f"{part.hand}: {note}"
        for part in parts
        for note in part.dataset.report.notes
        if not note.startswith(outdated)
    ]
    return Dataset(
        name="-".join(d.name for d in datasets),
        images=images,
        labels=labels,
        schema=schema,
        statement=" ".join(dict.fromkeys(d.statement for d in datasets if d.statement)),
        checksum=_checksum(datasets, schema.to_json(), labels, frequencies),
        report=DataReport(sum(d.report.found for d in datasets), skipped, (*kept, *notes)),
        frequencies=frequencies,
    )


def hand_of(source: str, illustrator: Illustrator | None) -> str:
    """Returns the name of a source's style: that of the illustrator, or the name of the folder."""
    if illustrator is not None:
        return str(getattr(illustrator, "hand", illustrator.name))
    path = PurePath(source.rstrip("/"))
    name = path.stem if path.suffix == ".zip" else path.name
    return re.sub(r"[^\w]+", "_", name).strip("_") or "pictures"


def style_ranges(dataset: Dataset) -> dict[str, np.ndarray]:
    """Returns the indices of the pictures of each style: name -> int64 [n]; empty without styles."""
    slots = [slot for slot in dataset.schema.slots if slot.name == STYLE and slot.is_group]
    return {
        dataset.schema.terms[column].name: np.flatnonzero(dataset.labels[:, column] > 0)
        for slot in slots
        for column in range(slot.start, slot.start + slot.size)
    }


def _check_channels(parts: Sequence[Part]) -> None:
    """Checks that all pictures have an alpha channel, or none has.

    Raises:
        DataError: They do not. Only a class of the user can ignore what is asked for.
    """
    with_alpha = [part.hand for part in parts if part.dataset.images.shape[3] == 4]
    without = [part.hand for part in parts if part.dataset.images.shape[3] == 3]
    if with_alpha and without:
        reason = (
            f"the pictures of {with_alpha[0]} have an alpha channel, and those of {without[0]} have none; "
            "use sources of one kind"
        )
        raise DataError(reason, "data")


def _shares(text: str, count: int) -> tuple[float, ...] | None:
    try:
        return parse_shares(text, count)
    except InputError as error:
        raise DataError(error.reason, "data_shares", text) from error


def _frequencies(counts: Sequence[int], shares: Sequence[float] | None) -> np.ndarray | None:
    """Returns how often each picture is used so that the sources have their shares; None for equally."""
    if shares is None:
        return None
    total = sum(counts)
    weights = [share * total / count for share, count in zip(shares, counts, strict=True)]
    if max(weights) < SAME_SHARE * min(weights):
        return None
    return np.repeat(weights, counts)


def _free_name(name: str, taken: Sequence[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _checksum(
    datasets: Sequence[Dataset], schema: str, labels: np.ndarray, frequencies: np.ndarray | None
) -> str:
    text = json.dumps([joined(d.checksum for d in datasets), schema])
    digest = hashlib.sha256(text.encode() + labels.tobytes())
    if frequencies is not None:
        digest.update(frequencies.tobytes())
    return digest.hexdigest()
