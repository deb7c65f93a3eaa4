"""The built-in dataset: anime faces that this program draws.

`DrawnFaces` is an endless set of labeled portraits. The parameters of each face are sampled from its seed and
index (see `parameters`). The face is painted in layers, from the background to the hair ribbon.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from anime_gan.common.alpha import straight_alpha
from anime_gan.datasets.drawn import backdrop, clothes, eyes, hair, head, headwear, palette
from anime_gan.datasets.drawn.canvas import Canvas
from anime_gan.datasets.drawn.parameters import HAIR_STYLES, TAGS, FaceParameters, sample_face
from anime_gan.datasets.drawn.place import placed

# Pictures are drawn at least this much larger, on a canvas of at least this size, and then averaged.
MIN_SUPERSAMPLING = 3
MIN_CANVAS_SIZE = 192

# Mean height of the eyes, as a share of the picture.
USUAL_EYES = 0.576


class DrawnFaces:
    """Anime faces drawn by this program, with labels that are correct by construction.

    The same seed and index always give the same face, at any resolution and in any order.

    Attributes:
        name: Name of the dataset.
        statement: Description of the pictures and their license.
        attributes: Group name -> its values; tag name -> None.
        hand, always, never: For mixtures; see `Illustrator`.
        seed: Random seed.
        transparent: Whether the pictures have an alpha channel instead of a background.
        is_placed: Whether eyes and chin are where those of other sources are; for mixtures.
    """

    name = "drawn"
    hand = "cute"
    always: ClassVar[dict[str, str | bool | float]] = {
        "nod": 0.0,
        "hair_pattern": "plain",
        "animal_ears": "none",
        **dict.fromkeys(
            ("eye_patch", "freckles", "hood", "headphones", "horns", "pointed_ears", "earrings"), False
        ),
        **dict.fromkeys(("hairpin", "flower", "scarf", "choker", "beard", "closed_eyes"), False),
    }
    never: ClassVar[dict[str, tuple[str, ...]]] = {"age": ("child", "old")}
    statement = (
        "Anime portraits drawn by this program. They contain no third-party material and have the same "
        "license as the code (Apache-2.0)."
    )
    attributes: ClassVar[dict[str, tuple[str, ...] | None]] = {
        "hair_color": tuple(palette.HAIR),
        "eye_color": tuple(palette.EYES),
        "hair_style": HAIR_STYLES,
        **dict.fromkeys(TAGS),
    }

    def __init__(self, seed: int = 0, transparent: bool = False, is_placed: bool = False) -> None:
        self.seed = seed
        self.transparent = transparent
        self.is_placed = is_placed

    def describe(self, index: int) -> FaceParameters:
        """Returns the parameters of a face, including its `labels`, without drawing it."""
        face = sample_face(self.seed, index)
        if not self.is_placed:
            return face
        zoom, shift = placed(face.pose.zoom, face.pose.shift, USUAL_EYES)
        return dataclasses.replace(face, pose=dataclasses.replace(face.pose, zoom=zoom, shift=shift))

    def draw(self, index: int, resolution: int) -> tuple[np.ndarray, dict[str, str | bool | None]]:
        """Draws a face.

        Args:
            index: Number of the face, 0 or more.
            resolution: Width and height in pixels.

        Returns:
            The picture, uint8 [resolution, resolution, 3 or 4], RGB or RGBA with straight alpha, and all
            attributes of the face: a value for each group, True or False for each tag.
        """
        return self.draw_with(index, resolution)

    def draw_with(
        self, index: int, resolution: int, **changes: Any
    ) -> tuple[np.ndarray, dict[str, str | bool | None]]:
        """Draws a face like `draw`, with some of its parameters changed.

        Args:
            index: Number of the face, 0 or more.
            resolution: Width and height in pixels.
            **changes: New values of fields of `FaceParameters`, such as `hair_color="blue"`.
        """
        face = dataclasses.replace(self.describe(index), **changes)
        return paint(face, resolution, self.transparent), face.labels


def paint(face: FaceParameters, resolution: int, transparent: bool = False) -> np.ndarray:
    """Paints a face; returns uint8 [resolution, resolution, 3], or 4 channels with straight alpha."""
    supersampling = max(MIN_SUPERSAMPLING, math.ceil(MIN_CANVAS_SIZE / resolution))
    size = resolution * supersampling
    canvas = Canvas(Image.new("RGBX", (size, size))) if transparent else backdrop.new_canvas(face, size)
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
    picture = np.array(canvas.image.reduce(supersampling))
    return straight_alpha(picture) if transparent else picture
