"""Faces from an exported model: needs the export directory and nothing else."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image, PngImagePlugin

from anime_gan.attributes import Schema
from anime_gan.files import written_whole
from anime_gan.quiet import import_tensorflow
from anime_gan.showcase import captioned, grid, requested_labels

if TYPE_CHECKING:
    from anime_gan.metrics.critic import Critic

MAX_FACES = 1_000_000
MAX_CANDIDATES = 64
SEED_LIMIT = 2**63
# The model that comes with the package, in numbered versions.
SHIPPED = Path(__file__).parent / "pretrained" / "sutemo-64"
# Beside the SavedModel: the judge that `python -m anime_gan.evaluate` trains and leaves there.
CRITIC = "critic"
# So many digits of a checksum name a model or a critic in a picture.
NAME_DIGITS = 16


class ModelError(ValueError):
    """There is no usable exported model where one was looked for."""


@dataclasses.dataclass(frozen=True)
class FaceRequest:
    """Everything that decides a picture, besides the model.

    Attributes:
        attributes: What was asked for, as typed.
        seeds: One face each.
        truncation: In (0, 1]; 1 is off.
        sheet: The attribute whose every value is shown, or requests separated by semicolons, or None.
        candidates: Faces drawn for each seed, of which the critic keeps one; 1 needs no critic.
    """

    attributes: str = ""
    seeds: tuple[int, ...] = (0,)
    truncation: float = 1.0
    sheet: str | None = None
    candidates: int = 1


class PictureOrigin(NamedTuple):
    """What a picture says of how it was made.

    Attributes:
        request: What was asked for.
        model: `FaceGenerator.name` of the model that drew it.
        critic: `FaceGenerator.critic_name` of the critic that chose it, or None if none did.
    """

    request: FaceRequest
    model: str
    critic: str | None


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
        record = json.loads((self.directory / "training.json").read_text("utf-8"))
        self.name = record["weights_sha256"][:NAME_DIGITS]
        self._tf = import_tensorflow()
        # Here, since it imports TensorFlow at its top.
        from anime_gan.sampling import to_uint8

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
        from anime_gan.metrics.critic import Critic

        return Critic.load(self.directory / CRITIC)

    @property
    def critic_name(self) -> str:
        """The first digits of the critic's checksum: names it in the pictures it chose."""
        return self.critic.checksum[:NAME_DIGITS]

    def inputs(self, request: FaceRequest) -> tuple[np.ndarray, np.ndarray]:
        """Latents float32 [n, z] and complete labels float32 [n, a] of the faces of a request.

        Of several candidates a seed, all with the labels of the seed itself, the latents of the one that
        the critic likes best; of equals the first.
        """
        latents, labels = self._draw_inputs(request, request.seeds)
        if request.candidates == 1:
            return latents, labels
        others = [
            self._draw_inputs(request, [candidate_seed(seed, number) for seed in request.seeds])[0]
            for number in range(1, request.candidates)
        ]
        candidates = np.stack([latents, *others], axis=1)
        best = []
        for of_seed, row in zip(candidates, labels, strict=True):
            images = self.render(of_seed, np.tile(row, (len(of_seed), 1)))
            best.append(int(np.argmax(self.critic.score(images))))
        return candidates[np.arange(len(best)), best], labels

    def _draw_inputs(self, request: FaceRequest, seeds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        tf, count = self._tf, len(seeds)
        drawn = self._model.draw_inputs(
            tf.fill([count], request.attributes),
            tf.constant(seeds, tf.int64),
            tf.fill([count], tf.constant(request.truncation, tf.float32)),
        )
        return drawn["latents"].numpy(), drawn["labels"].numpy()

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

    def picture_text(self, request: FaceRequest, labels: np.ndarray | None = None) -> dict[str, str]:
        """What is written into a picture so that it can be made again."""
        text = {
            "Software": "anime_gan",
            "model": self.name,
            "attributes": request.attributes,
            "seeds": format_seeds(request.seeds),
            "truncation": repr(request.truncation),
        }
        if request.sheet is not None:
            text["sheet"] = request.sheet
        if request.candidates > 1:
            text["candidates"] = str(request.candidates)
            text["critic"] = self.critic_name
        if labels is not None:
            text["labels"] = self.schema.describe(labels)
        return text

    def sheet(self, request: FaceRequest) -> np.ndarray:
        """The request's faces, a column each, with what `request.sheet` says, a captioned row each."""
        latents, labels = self.inputs(request)
        rows, captions = requested_labels(labels, self.schema, request.sheet or "")
        images = self.render(np.tile(latents, (len(captions), 1)), rows)
        return captioned(grid(images, columns=len(latents)), captions, row_height=images.shape[1])


def find_export(directory: Path | None) -> Path:
    """The newest complete version at or below a directory.

    Args:
        directory: A version, an `export` folder, a run, or a folder of runs (of which the one that
            exported last counts). None: the model that comes with the package.

    Raises:
        ModelError: There is none.
    """
    if directory is None:
        directory = SHIPPED
    found = _newest_version(directory)
    if found is None:
        raise ModelError(f"--model={directory}: no exported model there (a finished run has one in export/)")
    for name in ("attributes.json", "training.json"):
        if not (found / name).is_file():
            raise ModelError(f"--model={found}: {name} is missing beside saved_model.pb")
    return found


def _newest_version(directory: Path) -> Path | None:
    """The exported version that a directory stands for."""
    if (directory / "saved_model.pb").is_file():
        return directory
    versions = [
        path.parent
        for pattern in ("[0-9]*/saved_model.pb", "export/[0-9]*/saved_model.pb")
        for path in directory.glob(pattern)
        if path.parent.name.isdigit()
    ]
    if versions:
        return max(versions, key=lambda path: int(path.name))
    of_runs = list(directory.glob("*/export/[0-9]*/saved_model.pb"))
    return max(of_runs, key=lambda path: path.stat().st_mtime).parent if of_runs else None


def check_critic(export: Path) -> None:
    """Makes sure that a critic lies beside a model.

    Raises:
        ModelError: There is none; the message says how to get one.
    """
    if not (export / CRITIC).is_dir():
        raise ModelError(
            f"{export}: has no critic to choose among candidates: run python -m anime_gan.evaluate "
            f"--model={export} first"
        )


def candidate_seed(seed: int, number: int) -> int:
    """The seed whose latents are those of a candidate for another seed.

    Candidate 0 is the face of the seed itself. The others are hashed: no run of seeds meets them.

    Returns:
        0 to 2^63 - 1.
    """
    if number == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed} {number}".encode()).digest()[:8], "big") >> 1


def read_schema(export: Path) -> Schema:
    """The schema that lies beside a model."""
    return Schema.from_json((export / "attributes.json").read_text("utf-8"))


def parse_seeds(text: str) -> tuple[int, ...]:
    """Reads seeds as in `0-7,12`.

    Raises:
        ValueError: The text is not a list of seeds, or too long a one.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part, re.ASCII)
        if not match:
            raise ValueError(
                f"--seeds={text}: {part.strip()!r} is not a seed or a range; write for example 0-7,12"
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if last >= SEED_LIMIT or last < first or last - first + len(seeds) >= MAX_FACES:
            raise ValueError(
                f"--seeds={text}: {part.strip()!r} must be rising and below 2^63, at most {MAX_FACES} seeds"
            )
        seeds += range(first, last + 1)
    return tuple(seeds)


def format_seeds(seeds: Sequence[int]) -> str:
    """Writes seeds so that `parse_seeds` reads them back: runs as ranges."""
    parts: list[list[int]] = []
    for seed in seeds:
        if parts and seed == parts[-1][1] + 1:
            parts[-1][1] = seed
        else:
            parts.append([seed, seed])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def save_png(path: Path, image: np.ndarray, text: dict[str, str]) -> None:
    """Writes a PNG with text chunks, whole or not at all."""
    info = PngImagePlugin.PngInfo()
    for key, value in text.items():
        info.add_itxt(key, value)
    with written_whole(path) as partial:
        Image.fromarray(image).save(partial, "PNG", pnginfo=info)


def read_origin(path: Path) -> PictureOrigin:
    """Reads from a picture what it was made from.

    Raises:
        ValueError: It is no picture of ours.
    """
    try:
        with Image.open(path) as image:
            text: dict[str, Any] = dict(getattr(image, "text", {}))
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"--like={path}: cannot be read as a picture: {error}") from error
    try:
        request = FaceRequest(
            str(text["attributes"]),
            parse_seeds(text["seeds"]),
            float(text["truncation"]),
            str(text["sheet"]) if "sheet" in text else None,
            int(text.get("candidates", 1)),
        )
        return PictureOrigin(request, str(text["model"]), text.get("critic"))
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"--like={path}: holds no settings of generate.py (made elsewhere, or saved anew)"
        ) from error
