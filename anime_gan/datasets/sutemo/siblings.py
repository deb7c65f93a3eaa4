"""Pairs of layered faces that show the same person with two expressions, for the identity measure."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from anime_gan.datasets.sutemo.faces import SutemoFaces
from anime_gan.datasets.sutemo.parts import LayeredFace, choose_face

# The groups of items that an expression consists of, and the labels that they determine.
EXPRESSION_GROUPS = ("02_blushes", "07_eyes", "08_mouths")
EXPRESSION_LABELS = ("smile", "open_mouth", "closed_eyes", "angry", "sad", "surprised", "blush")


class SutemoSiblings(SutemoFaces):
    """An endless set of faces: numbers 2k and 2k + 1 are the same person with different expressions.

    Everything else is equal, such as the clothes, the colors, the size of the eyes, and the crop.
    """

    name = "sutemo-siblings"

    def describe(self, index: int) -> LayeredFace:
        """Returns the parts of face `index` (0 or more) without drawing it."""
        person, second = divmod(index, 2)
        face = super().describe(person)
        return with_expression(face, np.random.default_rng([self._seed, person, 1])) if second else face


def with_expression(face: LayeredFace, rng: np.random.Generator) -> LayeredFace:
    """Returns the same person with the expression of a random other face of the same sex and eye size."""
    others = (choose_face(rng) for _ in itertools.count())
    other = next(
        other
        for other in others
        if other.sex == face.sex
        and _eye_size(other) == _eye_size(face)
        and _expression(other) != _expression(face)
    )
    kept = [item for item in face.items if item.partition("/")[0] not in EXPRESSION_GROUPS]
    labels = {**face.labels, **{name: other.labels[name] for name in EXPRESSION_LABELS}}
    if labels["closed_eyes"]:
        labels["eye_color"] = None
    return dataclasses.replace(face, labels=labels, items=tuple(sorted([*kept, *_expression(other)])))


def _expression(face: LayeredFace) -> list[str]:
    return [item for item in face.items if item.partition("/")[0] in EXPRESSION_GROUPS]


def _eye_size(face: LayeredFace) -> str:
    (eyes,) = (item for item in face.items if item.startswith("07_eyes/"))
    return eyes.rpartition("_")[2]
