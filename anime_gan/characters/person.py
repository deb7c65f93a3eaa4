"""A person of a cast: the request that draws it, and its faces with all expressions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from anime_gan.attributes.edits import has_words, with_changes
from anime_gan.attributes.schema import Schema
from anime_gan.characters.expressions import Frame
from anime_gan.common.errors import InputError
from anime_gan.faces.generator import FaceGenerator, candidate_seed
from anime_gan.faces.interpolation import ring
from anime_gan.faces.request import FaceRequest, changed

# How far a face that failed is moved from its person, in radians: far enough to differ, near enough to be the
# same person.
TURN = 0.12


@dataclasses.dataclass(frozen=True)
class Person:
    """A face whose expression can be changed.

    Attributes:
        request: Draws the face; its attributes name every attribute.
        latent: float32 [1, z].
        labels: float32 [1, num_labels].
    """

    request: FaceRequest
    latent: np.ndarray
    labels: np.ndarray


@dataclasses.dataclass(frozen=True)
class Face:
    """A drawn face of a person.

    Attributes:
        frame: The expression.
        request: Draws the face again.
        labels: float32 [num_labels].
        image: uint8 [h, w, channels], as the model draws it.
        faults: What is wrong with it, as in `Checker.faults`.
    """

    frame: Frame
    request: FaceRequest
    labels: np.ndarray
    image: np.ndarray
    faults: tuple[str, ...] = ()


def sampled_person(
    generator: FaceGenerator, attributes: str, seed: int, number: int, truncation: float
) -> Person:
    """Returns a person with the requested attributes.

    Args:
        generator: The model.
        attributes: The request.
        seed: Determines the person, and the attributes that the request leaves open.
        number: Which person of this seed, from 0.
        truncation: In (0, 1]; 1 is off.
    """
    own_seed = candidate_seed(seed, number)
    latent, labels = generator.draw_inputs([attributes], [own_seed], truncation)
    request = FaceRequest(generator.schema.describe(labels[0]), (own_seed,), truncation)
    return Person(request, latent, labels)


def found_person(generator: FaceGenerator, request: FaceRequest) -> Person:
    """Returns the person of a picture that was drawn before.

    Raises:
        InputError: The picture shows several faces, or one between two others.
    """
    if request.sheet or request.num_faces > 1:
        raise InputError("shows several faces; choose a picture of a single face")
    latent, labels = generator.inputs(request)
    if not has_words(labels[0], generator.schema):
        raise InputError(
            "is a frame between two faces, so its attributes have no names; choose another frame"
        )
    if request.candidates == 1 and request.interpolation is None:
        return Person(dataclasses.replace(request, columns=0), latent, labels)
    return Person(_exact(generator.schema, latent[0], labels[0]), latent, labels)


def frame_inputs(person: Person, frames: Sequence[Frame], schema: Schema) -> tuple[np.ndarray, np.ndarray]:
    """Returns the latent vectors and labels of a person's faces."""
    labels = np.concatenate([with_changes(person.labels, schema, frame.changes) for frame in frames])
    return np.repeat(person.latent, len(frames), axis=0), labels


def draw_faces(generator: FaceGenerator, person: Person, frames: Sequence[Frame]) -> list[Face]:
    """Draws the faces of a person."""
    latents, labels = frame_inputs(person, frames, generator.schema)
    images = generator.render(latents, labels)
    return [
        Face(frame, changed(person.request, frame.changes, generator.schema), row, image)
        for frame, row, image in zip(frames, labels, images, strict=True)
    ]


def draw_turned(generator: FaceGenerator, person: Person, frame: Frame, number: int) -> Face:
    """Draws a face again, from a latent vector close to that of the person.

    Args:
        generator: The model.
        person: Whose face.
        frame: The expression.
        number: Which of the vectors around the person, from 1.
    """
    _, labels = frame_inputs(person, [frame], generator.schema)
    latent = ring(person.latent[0], TURN, 1, number)
    image = generator.render(latent, labels)[0]
    return Face(frame, _exact(generator.schema, latent[0], labels[0]), labels[0], image)


def _exact(schema: Schema, latent: np.ndarray, labels: np.ndarray) -> FaceRequest:
    return FaceRequest(schema.describe(labels), (), latent=tuple(latent.tolist()))
