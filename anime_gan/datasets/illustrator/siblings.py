"""Pairs of illustrated faces that show the same person, for the identity measure."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from anime_gan.datasets.illustrator import parameters
from anime_gan.datasets.illustrator.faces import StyledFaces
from anime_gan.datasets.illustrator.labels import ANGLES
from anime_gan.datasets.illustrator.parameters import Portrait


class StyledSiblings(StyledFaces):
    """An endless set of faces: numbers 2k and 2k + 1 are the same person in the same style.

    The second one has another expression and looks in another direction. Everything else is equal.
    """

    def __init__(
        self, seed: int, styles: tuple[str, ...], transparent: bool = False, is_placed: bool = False
    ) -> None:
        super().__init__(seed, styles, transparent, is_placed)
        self.name = f"{self.name}-siblings"

    def describe(self, index: int) -> Portrait:
        """Returns the parameters of face `index` (0 or more) without drawing it."""
        person, second = divmod(index, 2)
        face = super().describe(person)
        return _moved(face, np.random.default_rng([self.seed, person, 1])) if second else face


def _moved(face: Portrait, chance: np.random.Generator) -> Portrait:
    shares = {name: share for name, share in parameters.EXPRESSIONS.items() if name != face.expression}
    total = sum(shares.values())
    expression = chance.choice(list(shares), p=[share / total for share in shares.values()])
    angles: dict[str, Any] = {name: float(chance.uniform(-limit, limit)) for name, limit in ANGLES.items()}
    return dataclasses.replace(face, expression=str(expression), **angles)
