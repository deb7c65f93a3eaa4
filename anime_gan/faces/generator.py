"""Draws faces with an exported model; the export directory contains everything that is needed."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from anime_gan.attributes.edits import has_words, with_changes
from anime_gan.common.alpha import Color, on_background
from anime_gan.common.errors import InputError
from anime_gan.common.layout import TINT, captioned, grid
from anime_gan.exports.read import NAME_DIGITS, check_critic, read_export
from anime_gan.faces.engines import load_engine
from anime_gan.faces.interpolation import closed_path
from anime_gan.faces.request import FaceRequest, Interpolation, RequestError, request_text
from anime_gan.faces.sheets import requested_labels, sides

if TYPE_CHECKING:
    from anime_gan.common.backend import tf
    from anime_gan.judges.selection import Selector

# Number of faces whose latent vectors and labels are computed together.
CHUNK = 256
# Number of single faces whose inputs are kept.
RECENT = 64
# A sheet with more pixels takes gigabytes of memory, and few programs can open it.
MAX_SHEET_PIXELS = 200_000_000


class DrawnFace(NamedTuple):
    """One face of a request.

    Attributes:
        request: The request for this face alone.
        image: uint8 [h, w, channels].
        labels: float32 [num_labels].
    """

    request: FaceRequest
    image: np.ndarray
    labels: np.ndarray


class FaceGenerator:
    """An exported model that is loaded and ready to draw.

    Attributes:
        directory: The version folder of the export.
        schema: The attributes that can be requested.
        name: As in `Export.name`.
    """

    def __init__(self, directory: Path | None, engine: str = "auto") -> None:
        """Loads a model.

        Args:
            directory: As in `find_export`.
            engine: One of `ENGINES`.

        Raises:
            ModelError: The model is missing, incomplete, or damaged.
            InputError: The engine is not installed, or the model has no portable form for it.
        """
        export = read_export(directory)
        self.directory, self.schema, self.name = export.directory, export.schema, export.name
        self._engine = load_engine(engine, export)
        # The same face is often drawn with many changes, and its candidates are expensive.
        self._recent_inputs = functools.lru_cache(RECENT)(self._unchanged_inputs)

    @functools.cached_property
    def selector(self) -> Selector:
        """The critics beside the model, which score how intact a face looks.

        Raises:
            ModelError: The model has none.
        """
        check_critic(self.directory)
        return self._engine.load_selector()

    @property
    def critic_name(self) -> str:
        """The first digits of the critics' checksum, which identify them in pictures that they selected."""
        return self.selector.checksum[:NAME_DIGITS]

    def inputs(self, request: FaceRequest) -> tuple[np.ndarray, np.ndarray]:
        """Computes the latent vectors float32 [n, z] and complete labels float32 [n, a] of a request.

        All candidates for a seed get the labels of that seed. The latent vector comes from the candidate with
        the largest margin (see `Selector.margins`), or from the first such candidate in a tie. An animation
        has one row per frame, with labels between -1 and 1.

        Raises:
            RequestError: The latent vector does not fit this model.
        """
        compute = self._recent_inputs if request.num_faces == 1 else self._unchanged_inputs
        latents, labels = compute(replace(request, changes=""))
        return latents.copy(), with_changes(labels, self.schema, request.changes)

    def _unchanged_inputs(self, request: FaceRequest) -> tuple[np.ndarray, np.ndarray]:
        """Computes the inputs of a request without its changes."""
        if request.latent is not None:
            return self._given_inputs([request.latent], [request.attributes])
        if request.interpolation is not None:
            return self._frame_inputs(request, request.interpolation)
        return self._best_inputs([request.attributes] * len(request.seeds), request)

    def _given_inputs(
        self, latents: Sequence[tuple[float, ...]], texts: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the rows of faces without seeds; each text names every attribute."""
        width = self.latent_dim
        labels = [self.schema.parse(text).astype(np.float32) for text in texts]
        for latent, row, text in zip(latents, labels, texts, strict=True):
            if len(latent) != width or not np.all(row):
                raise RequestError(
                    f"this model needs a latent vector of {width} numbers and every attribute of a face, but "
                    f"got {len(latent)} numbers and {text!r}"
                )
        return np.array(latents, np.float32), np.stack(labels)

    def _frame_inputs(
        self, request: FaceRequest, interpolation: Interpolation
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the rows of all frames, or of the requested frame."""
        texts = [", ".join(filter(None, (request.attributes, text))) for text in interpolation.keyframes]
        if interpolation.latents:
            latents, labels = self._given_inputs(interpolation.latents, texts)
        elif len(request.seeds) == 1:
            # One face: attributes that the first keyframe leaves open keep their values in all keyframes.
            latents, labels = self._best_inputs(texts[:1], request)
            latents = np.repeat(latents, len(texts), axis=0)
            labels = np.concatenate([with_changes(labels, self.schema, text) for text in texts])
        else:
            latents, labels = self._best_inputs(texts, request)
        latents, labels = closed_path(latents, labels, interpolation.frames)
        frame = interpolation.frame
        shown = slice(None) if frame is None else slice(frame, frame + 1)
        return latents[shown], labels[shown]

    def _best_inputs(self, texts: Sequence[str], request: FaceRequest) -> tuple[np.ndarray, np.ndarray]:
        """Returns the rows of the selected candidates of all seeds, each seed with its own text."""
        latents, labels = self.draw_inputs(texts, request.seeds, request.truncation)
        if request.candidates == 1:
            return latents, labels
        others = [
            self.draw_inputs(
                texts, [candidate_seed(seed, number) for seed in request.seeds], request.truncation
            )[0]
            for number in range(1, request.candidates)
        ]
        candidates = np.stack([latents, *others], axis=1)
        best = []
        for of_seed, row in zip(candidates, labels, strict=True):
            images = self.render(of_seed, np.tile(row, (len(of_seed), 1)))
            best.append(int(np.argmax(self.selector.margins(images))))
        return candidates[np.arange(len(best)), best], labels

    def draw_inputs(
        self, texts: Sequence[str], seeds: Sequence[int], truncation: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Computes the latent vectors [n, z] and complete labels [n, a] of n requests with their seeds."""
        return self._engine.draw_inputs(texts, seeds, truncation)

    def faces(self, request: FaceRequest) -> Iterator[DrawnFace]:
        """Draws the faces of a request, or the frames of an animation, one by one."""
        chunks: Iterable[FaceRequest] = [request]
        if request.interpolation is None and request.latent is None:
            # All candidates of a chunk are drawn before its first face, so small chunks give steady progress.
            size = max(1, CHUNK // request.candidates)
            starts = range(0, len(request.seeds), size)
            chunks = (replace(request, seeds=request.seeds[start : start + size]) for start in starts)
        for chunk in chunks:
            for single, latent, label in zip(chunk.singles(), *self.inputs(chunk), strict=True):
                yield DrawnFace(single, self.render(latent[np.newaxis], label[np.newaxis])[0], label)

    def render(self, latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Draws faces one at a time; in a batch, rounding could depend on the other faces.

        Args:
            latents: float32 [n, latent_dim].
            labels: float32 [n, num_labels].

        Returns:
            uint8 [n, height, width, channels]: RGB, or RGBA with straight alpha.
        """
        return self._engine.render(latents, labels)

    def images(self, latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Draws faces in one batch, differentiably; returns float32 [n, h, w, channels] in [-1, 1]."""
        return self._engine.images(latents, labels)

    @property
    def latent_dim(self) -> int:
        """Size of a latent vector."""
        return self._engine.latent_dim

    @property
    def resolution(self) -> int:
        """Height and width of a face in pixels."""
        return self._engine.resolution

    def picture_text(self, request: FaceRequest, labels: np.ndarray | None = None) -> dict[str, str]:
        """Returns the text fields of a picture, from which it can be redrawn."""
        text = {"Software": "anime_gan", "model": self.name, **request_text(request)}
        if request.candidates > 1:
            text["critic"] = self.critic_name
        # Labels between two keyframes cannot be put into words.
        if labels is not None and has_words(labels, self.schema):
            text["labels"] = self.schema.describe(labels)
        return text

    def sheet(self, request: FaceRequest, background: Color | None = TINT) -> np.ndarray:
        """Draws the sheet of a request: its faces with the attributes of `request.sheet` varied.

        Each value or request gets a captioned row. The columns are the faces. If the sheet varies a second
        attribute, the columns are the values of that attribute for a single face. Transparent faces are drawn
        on the background; None keeps them transparent.

        Raises:
            InputError: The sheet has too many pixels.
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
        side = request.scaling.side(self.resolution)
        if len(rows) * side**2 > MAX_SHEET_PIXELS:
            raise InputError(
                f"{len(rows):,} faces of {side} pixels are too large for one sheet (at most "
                f"{MAX_SHEET_PIXELS // 10**6} million pixels); choose a smaller --size or --num"
            )
        images = self.render(np.tile(latents, (len(rows) // len(latents), 1)), rows)
        images = np.stack([request.scaling.apply(image) for image in images])
        images = on_background(images, background)
        return captioned(grid(images, columns), captions, images.shape[1], heads)


def candidate_seed(seed: int, number: int) -> int:
    """Returns the seed that gives the latent vector of a candidate.

    Candidate 0 uses the seed itself. The other seeds are hashes, so they do not collide with ranges of seeds.

    Returns:
        0 to 2^63 - 1.
    """
    if number == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed} {number}".encode()).digest()[:8], "big") >> 1
