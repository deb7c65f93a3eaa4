"""A tagger in ONNX format with a list of tags, such as the WD14 taggers."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from anime_gan.common.errors import InputError
from anime_gan.common.suggestions import nearest
from anime_gan.datasets.folder.tag_text import tag_name
from anime_gan.datasets.folder.tags import TagTable
from anime_gan.prepare.labeling import TAGGER, Attributes, Label, decide

TAG_LIST = "selected_tags.csv"
# Side of the images for a network that takes any.
USUAL_SIDE = 448


class OnnxTagger:
    """Runs the network on crops and converts its tags to attributes.

    Like the WD14 taggers, the network takes float32 [n, side, side, 3], BGR in 0..255, and returns the
    probability of each tag.

    Attributes:
        attributes: The attributes of the tag table.
        checksum: SHA-256 of the network and its list of tags.
        notes: Notes for the user.
    """

    def __init__(
        self, model: Path, tag_list: Path, table: TagTable, threshold: float, thresholds: Mapping[str, float]
    ) -> None:
        """Opens the network.

        Args:
            model: The ONNX file.
            tag_list: A CSV file with a column `name` and one row per output of the network.
            table: The meanings of the tags.
            threshold: Minimum probability for a tag to count as present.
            thresholds: Tag -> threshold that replaces `threshold`.

        Raises:
            InputError: onnxruntime is missing, or a file or a threshold is wrong (fields `tagger`,
                `tagger_tags`, and `thresholds`).
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError("needs onnxruntime: pip install 'anime_gan[tag]'", "tagger", model) from error
        self.attributes: Attributes = table.attributes
        self._tags = _read_tag_list(tag_list)
        self.checksum = hashlib.sha256(model.read_bytes() + tag_list.read_bytes()).hexdigest()
        for name in thresholds:
            if name not in self._tags:
                hint = nearest(name, filter(None, self._tags))
                raise InputError(f"the tagger has no tag {name!r}{hint}", "thresholds")
        self._thresholds = [thresholds.get(tag, threshold) for tag in self._tags]
        self._outputs = _outputs_of(table, self._tags)
        try:
            self._session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime does not export its exceptions.
            raise InputError(f"onnxruntime cannot read this network: {error}", "tagger", model) from error
        taken, given = self._session.get_inputs()[0], self._session.get_outputs()[0]
        sides = {side for side in taken.shape[1:3] if isinstance(side, int)}
        if len(taken.shape) != 4 or len(sides) > 1 or taken.shape[3] != 3:
            raise InputError(
                f"must have an input of shape [n, side, side, 3], not {taken.shape}", "tagger", model
            )
        if given.shape[-1] not in (len(self._tags), None) and not isinstance(given.shape[-1], str):
            reason = f"has {given.shape[-1]} outputs, but {tag_list} lists {len(self._tags)} tags"
            raise InputError(reason, "tagger", model)
        self._input = taken.name
        self._model = model
        self.notes: list[str] = []
        if not sides:
            note = f"accepts images of any size; it gets {USUAL_SIDE}x{USUAL_SIDE}, like WD14 taggers"
            self.notes.append(f"{model.name} {note}")
        self._side = sides.pop() if sides else USUAL_SIDE
        self._one_by_one = taken.shape[0] == 1

    def describe(self, images: np.ndarray) -> list[dict[str, Label]]:
        """Returns the labels of images, uint8 [n, size, size, 3]; uncertain labels are omitted."""
        batches = [images[i : i + 1] for i in range(len(images))] if self._one_by_one else [images]
        rows: list[np.ndarray] = []
        for batch in batches:
            resized = [
                cv2.resize(image, (self._side, self._side), interpolation=cv2.INTER_AREA) for image in batch
            ]
            given = np.stack(resized)[..., ::-1].astype(np.float32)
            rows += self._run(given)
        return [self._read(row) for row in rows]

    def _run(self, given: np.ndarray) -> list[np.ndarray]:
        try:
            (found, *_) = self._session.run(None, {self._input: given})
        except Exception as error:  # onnxruntime does not export its exceptions.
            side = f"{len(given)} images of {self._side} pixels"
            raise InputError(f"the network fails for {side}: {error}", "tagger", self._model) from error
        if found.shape != (len(given), len(self._tags)):
            reason = (
                f"returns the shape {list(found.shape)}, not {[len(given), len(self._tags)]} (images, tags)"
            )
            raise InputError(reason, "tagger", self._model)
        return list(found)

    def _read(self, probabilities: np.ndarray) -> dict[str, Label]:
        labels: dict[str, Label] = {}
        for name, values in self._outputs.items():
            sure: dict[str | bool, float] = {}
            unsure, largest = False, 0.0
            for value, output in values:
                probability = float(probabilities[output])
                largest = max(largest, probability)
                there = decide(probability, self._thresholds[output])
                unsure |= there is None
                if there:
                    sure[value] = max(probability, sure.get(value, 0.0))
            # A group with two present values is unknown.
            if len(sure) == 1:
                value, probability = next(iter(sure.items()))
                labels[name] = Label(value, TAGGER, probability)
            elif not sure and not unsure and self.attributes[name] is None:
                labels[name] = Label(False, TAGGER, 1 - largest)
        return labels


def _outputs_of(table: TagTable, tags: Sequence[str]) -> dict[str, list[tuple[str | bool, int]]]:
    """Returns attribute -> (value, output) for each output whose tag stands for the value."""
    outputs: dict[str, list[tuple[str | bool, int]]] = {}
    for output, tag in enumerate(tags):
        for name, value in table.meaning(tag).items():
            outputs.setdefault(name, []).append((value, output))
    return outputs


def _read_tag_list(path: Path) -> list[str]:
    """Reads the tag of each output; empty for outputs that are not tags, such as ratings."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", "tagger_tags", path) from error
    if not rows or "name" not in rows[0]:
        raise InputError("needs a 'name' column and one row per network output", "tagger_tags", path)
    # WD14's categories are 0 for general tags, 4 for characters, and 9 for ratings.
    names = [row["name"] if row.get("category", "0") in ("0", "", None) else "" for row in rows]
    return [tag_name(name) for name in names]
