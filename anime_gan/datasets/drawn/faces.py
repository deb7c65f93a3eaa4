"""The built-in dataset: anime faces that this program draws itself.

`DrawnFaces` is an endless set of labelled portraits. Each is chosen by chance from its seed and
index (`parameters`) and then painted in layers, from the background to the hair ribbon.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

import numpy as np

from anime_gan.datasets.drawn import backdrop, clothes, eyes, hair, head, headwear, palette
from anime_gan.datasets.drawn.parameters import HAIR_STYLES, TAGS, FaceParameters, sample_face

# Pictures are drawn larger and averaged; small pictures need more, large ones are slow to draw.
MIN_SUPERSAMPLING = 3
MIN_CANVAS_SIZE = 192


class DrawnFaces:
    """Anime faces drawn by this program, with labels that are true by construction.

    The same seed and index always give the same face, at any resolution and in any order.

    Attributes:
        name: Name of the dataset.
        statement: What the pictures are and under which terms they stand.
        attributes: Group name -> its values; tag name -> None.
        seed: Seed of the set.
    """

    name = "drawn"
    statement = (
        "Anime portraits drawn by this program; they contain no third-party material and stand "
        "under the same licence as the code (Apache-2.0)."
    )
    attributes: ClassVar[dict[str, tuple[str, ...] | None]] = {
        "hair_color": tuple(palette.HAIR),
        "eye_color": tuple(palette.EYES),
        "hair_style": HAIR_STYLES,
        **dict.fromkeys(TAGS),
    }

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def describe(self, index: int) -> FaceParameters:
        """Returns the parameters of a face, with its `labels`, without drawing it."""
        return sample_face(self.seed, index)

    def draw(self, index: int, resolution: int) -> tuple[np.ndarray, dict[str, str | bool | None]]:
        """Draws a face.

        Args:
            index: Number of the face, from 0 on.
            resolution: Width and height in pixels.

        Returns:
            The picture, uint8 RGB [resolution, resolution, 3], and the full label of the face:
            a value for each group, True or False for each tag.
        """
        return self.draw_with(index, resolution)

    def draw_with(
        self, index: int, resolution: int, **changes: Any
    ) -> tuple[np.ndarray, dict[str, str | bool | None]]:
        """Draws a face with some of its parameters changed, like `draw` in everything else.

        Args:
            index: Number of the face, from 0 on.
            resolution: Width and height in pixels.
            **changes: New values of fields of `FaceParameters`, such as `hair_color="blue"`.
        """
        face = dataclasses.replace(self.describe(index), **changes)
        return paint(face, resolution), face.labels


def paint(face: FaceParameters, resolution: int) -> np.ndarray:
    """Returns the portrait, uint8 RGB [resolution, resolution, 3]."""
    supersampling = max(MIN_SUPERSAMPLING, math.ceil(MIN_CANVAS_SIZE / resolution))
    canvas = backdrop.new_canvas(face, resolution * supersampling)
    straight = dataclasses.replace(face.pose, turn=0.0)
    back = canvas.posed(straight)
    body = canvas.posed(dataclasses.replace(straight, tilt=face.pose.tilt * 0.25))
    front = canvas.posed(face.pose)

    hair.draw_back_hair(back, face)
    head.draw_neck(body, face)
    clothes.draw_clothes(body, face)
    hair.draw_tails(back, face)

    fringe = hair.shape_fringe(face)
    skin = head.draw_head(front, face)
    head.draw_blush(front, face, skin)
    hair.cast_shadow(front, face, fringe, skin, palette.SKIN[face.skin][1])
    head.draw_nose(front, face)
    head.draw_mouth(front, face)
    eyes.draw_eyes(front, face)
    hair.draw_front_hair(front, face, fringe)
    eyes.draw_brows(front, face)
    eyes.draw_glasses(front, face)
    headwear.draw_hat(back, face)
    headwear.draw_ribbon(back, face)
    return np.array(canvas.image.reduce(supersampling))
