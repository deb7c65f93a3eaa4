"""Faces from an exported model: needs the export directory and nothing else."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from anime_gan.attributes.edits import with_changes
from anime_gan.common.layout import captioned, grid
from anime_gan.common.quiet import import_tensorflow
from anime_gan.exports.read import (
    CRITIC,
    NAME_DIGITS,
    check_critic,
    find_export,
    read_record,
    read_schema,
)
from anime_gan.faces.request import FaceRequest, Walk, request_text
from anime_gan.faces.sheets import requested_labels, sides
from anime_gan.faces.walks import closed_walk

if TYPE_CHECKING:
    import tensorflow as tf

    from anime_gan.judges.critic import Critic

# Faces whose inputs are drawn together.
CHUNK = 256


class DrawnFace(NamedTuple):
    """One face of a request.

    Attributes:
        request: What gives this face alone.
        image: uint8 [h, w, 3].
        labels: float32 [num_labels].
    """

    request: FaceRequest
    image: np.ndarray
    labels: np.ndarray


class FaceGenerator:
    """An exported model, loaded.

    Attributes:
        schema: What can be asked for.
        name: The first digits of the weights' checksum: names the model in the pictures it draws.
    """

    def __init__(self, directory: Path | None) -> None:
        """Loads a model.

        Args:
            directory: As in `find_export`.

        Raises:
            ModelError: There is no complete model.
        """
        self.directory = find_export(directory)
        self.schema = read_schema(self.directory)
        self.name = read_record(self.directory)["weights_sha256"][:NAME_DIGITS]
        self._tf = import_tensorflow()
        # Here, since it imports TensorFlow at its top.
        from anime_gan.exports.sampling import to_uint8

        self._to_uint8 = to_uint8
        self._model = self._tf.saved_model.load(str(self.directory))
        self._render = self._model.signatures["latents"]

    @functools.cached_property
    def critic(self) -> Critic:
        """The judge of whole pictures that lies beside the model.

        Raises:
            ModelError: There is none.
        """
        check_critic(self.directory)
        from anime_gan.judges.critic import Critic

        return Critic.load(self.directory / CRITIC)

    @property
    def critic_name(self) -> str:
        """The first digits of the critic's checksum: names it in the pictures it chose."""
        return self.critic.checksum[:NAME_DIGITS]

    def inputs(self, request: FaceRequest) -> tuple[np.ndarray, np.ndarray]:
        """Latents float32 [n, z] and complete labels float32 [n, a] of the faces of a request.

        Of several candidates a seed, all with the labels of the seed itself, the latents of the one that
        the critic likes best; of equals the first. Of a walk a row for each frame, in which labels lie
        between -1 and 1.

        Raises:
            ValueError: The latent is none of this model's, or what it is set to contradicts itself.
        """
        if request.latent is not None:
            latents, labels = self._given_inputs([request.latent], [request.attributes])
        elif request.walk is not None:
            latents, labels = self._walk_inputs(request, request.walk)
        else:
            latents, labels = self._best_inputs([request.attributes] * len(request.seeds), request)
        return latents, with_changes(labels, self.schema, request.changes)

    def _given_inputs(
        self, latents: Sequence[tuple[float, ...]], texts: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """The rows of faces that come from no seeds, each with the text that says its attributes."""
        width = self.latent_dim
        labels = [self.schema.parse(text).astype(np.float32) for text in texts]
        for latent, row, text in zip(latents, labels, texts, strict=True):
            if len(latent) != width or not np.all(row):
                raise ValueError(
                    f"{self.directory}: wants {width} numbers and every attribute of a face, not "
                    f"{len(latent)} and {text!r}"
                )
        return np.array(latents, np.float32), np.stack(labels)

    def _walk_inputs(self, request: FaceRequest, walk: Walk) -> tuple[np.ndarray, np.ndarray]:
        """The rows of all frames, or of the one that is wanted."""
        texts = [", ".join(filter(None, (request.attributes, station))) for station in walk.stations]
        if walk.latents:
            latents, labels = self._given_inputs(walk.latents, texts)
        elif len(request.seeds) == 1:
            # One face all the way: what the first station leaves open stays as it is there.
            latents, labels = self._best_inputs(texts[:1], request)
            latents = np.repeat(latents, len(texts), axis=0)
            labels = np.concatenate([with_changes(labels, self.schema, text) for text in texts])
        else:
            latents, labels = self._best_inputs(texts, request)
        latents, labels = closed_walk(latents, labels, walk.frames)
        shown = slice(None) if walk.frame is None else slice(walk.frame, walk.frame + 1)
        return latents[shown], labels[shown]

    def _best_inputs(self, texts: Sequence[str], request: FaceRequest) -> tuple[np.ndarray, np.ndarray]:
        """The inputs of the request's seeds, each with its own text, after the choice of a candidate."""
        latents, labels = self._draw_inputs(texts, request.seeds, request.truncation)
        if request.candidates == 1:
            return latents, labels
        others = [
            self._draw_inputs(
                texts, [candidate_seed(seed, number) for seed in request.seeds], request.truncation
            )[0]
            for number in range(1, request.candidates)
        ]
        candidates = np.stack([latents, *others], axis=1)
        best = []
        for of_seed, row in zip(candidates, labels, strict=True):
            images = self.render(of_seed, np.tile(row, (len(of_seed), 1)))
            best.append(int(np.argmax(self.critic.score(images))))
        return candidates[np.arange(len(best)), best], labels

    def _draw_inputs(
        self, texts: Sequence[str], seeds: Sequence[int], truncation: float
    ) -> tuple[np.ndarray, np.ndarray]:
        tf = self._tf
        drawn = self._model.draw_inputs(
            tf.constant(list(texts), tf.string),
            tf.constant(seeds, tf.int64),
            tf.fill([len(seeds)], tf.constant(truncation, tf.float32)),
        )
        return drawn["latents"].numpy(), drawn["labels"].numpy()

    def faces(self, request: FaceRequest) -> Iterator[DrawnFace]:
        """Draws the faces of a request, or the frames of a walk, one after the other."""
        chunks: Iterable[tuple[FaceRequest, list[FaceRequest]]]
        if request.walk is not None and request.walk.frame is None:
            singles = [
                dataclasses.replace(request, walk=dataclasses.replace(request.walk, frame=frame))
                for frame in range(request.walk.frames)
            ]
            chunks = [(request, singles)]
        elif request.walk is not None or request.latent is not None:
            chunks = [(request, [request])]
        else:
            # The candidates of a chunk are all drawn before its first face is: smaller ones, steady progress.
            size = max(1, CHUNK // request.candidates)
            parts = (request.seeds[start : start + size] for start in range(0, len(request.seeds), size))
            chunks = (
                (
                    dataclasses.replace(request, seeds=part),
                    [dataclasses.replace(request, seeds=(seed,)) for seed in part],
                )
                for part in parts
            )
        for chunk, singles in chunks:
            for single, latent, label in zip(singles, *self.inputs(chunk), strict=True):
                yield DrawnFace(single, self.render(latent[np.newaxis], label[np.newaxis])[0], label)

    def render(self, latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Draws faces, one at a time: in a batch, rounding could depend on a face's neighbours.

        Args:
            latents: float32 [n, latent_dim].
            labels: float32 [n, num_labels].

        Returns:
            uint8 [n, height, width, 3].
        """
        tf = self._tf
        images = [
            self._render(latents=tf.constant(latents[i : i + 1]), labels=tf.constant(labels[i : i + 1]))
            for i in range(len(latents))
        ]
        return self._to_uint8(tf.concat([image["images"] for image in images], axis=0)).numpy()

    def images(self, latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Draws faces in one batch, through which gradients go: float32 [n, h, w, 3] in [-1, 1]."""
        tf = self._tf
        latents, labels = tf.convert_to_tensor(latents), tf.convert_to_tensor(labels)
        return self._render(latents=latents, labels=labels)["images"]

    @property
    def latent_dim(self) -> int:
        """Numbers in a latent."""
        return self._render.structured_input_signature[1]["latents"].shape[1]

    @property
    def resolution(self) -> int:
        """Pixels along a side."""
        return self._render.structured_outputs["images"].shape[1]

    def picture_text(self, request: FaceRequest, labels: np.ndarray | None = None) -> dict[str, str]:
        """What is written into a picture so that it can be made again."""
        text = {"Software": "anime_gan", "model": self.name, **request_text(request)}
        if request.candidates > 1:
            text["critic"] = self.critic_name
        # Between two stations there are no words.
        if labels is not None and np.all(np.abs(labels) == 1):
            text["labels"] = self.schema.describe(labels)
        return text

    def sheet(self, request: FaceRequest) -> np.ndarray:
        """The request's faces with what `request.sheet` says varied.

        What varies down gets a captioned row each, and either the faces stand in columns or, of a single
        face, what varies across.
        """
        latents, labels = self.inputs(request)
        down, across = sides(request.sheet or "")
        rows, captions = requested_labels(labels, self.schema, down)
        if across is None:
            columns, heads = len(latents), []
        else:
            cells = [requested_labels(row[np.newaxis], self.schema, across) for row in rows]
            rows, heads = np.concatenate([row for row, _ in cells]), cells[0][1]
            columns = len(heads)
        images = self.render(np.tile(latents, (len(rows) // len(latents), 1)), rows)
        return captioned(grid(images, columns), captions, images.shape[1], heads)


def candidate_seed(seed: int, number: int) -> int:
    """The seed whose latents are those of a candidate for another seed.

    Candidate 0 is the face of the seed itself. The others are hashed: no run of seeds meets them.

    Returns:
        0 to 2^63 - 1.
    """
    if number == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed} {number}".encode()).digest()[:8], "big") >> 1
