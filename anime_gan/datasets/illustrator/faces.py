"""`--data=drawn:STYLES`: anime faces in several styles, with heads that turn, drawn by this program.

The parameters of each face are sampled from its seed and index (see `sampling`). The face is drawn in layers
from back to front, each at its own depth (see `view`), in the way of its style (see `looks`).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from anime_gan.common.alpha import straight_alpha
from anime_gan.common.suggestions import nearest
from anime_gan.datasets.dataset import DataError
from anime_gan.datasets.drawn.backdrop import new_canvas
from anime_gan.datasets.drawn.place import placed
from anime_gan.datasets.illustrator import (
    accessories,
    clothes,
    eyes,
    hair,
    hair_shapes,
    head,
    headwear,
    labels,
    mouths,
    passes,
    tails,
    view,
)
from anime_gan.datasets.illustrator.colors import Colors, colors_of
from anime_gan.datasets.illustrator.easel import Easel
from anime_gan.datasets.illustrator.looks import LOOKS
from anime_gan.datasets.illustrator.parameters import STYLES, Portrait
from anime_gan.datasets.illustrator.proportions import Proportions, proportions_of
from anime_gan.datasets.illustrator.sampling import sample_portrait

# Pictures are drawn at least this much larger, on a canvas of at least this size, and then averaged.
MIN_SUPERSAMPLING, MIN_CANVAS_SIZE = 3, 192
# From this turn on, in degrees, what is on the far side of the head is drawn behind the face.
_BEHIND = 8.0
# Mean height of the eyes, as a share of the picture.
USUAL_EYES = 0.594


class StyledFaces:
    """Anime faces in several styles, with labels that are correct by construction.

    The same seed and index always give the same face, at any resolution and in any order.

    Attributes:
        name: Name of the dataset.
        statement: Description of the pictures and their license.
        attributes: Group name -> its values; tag name -> None.
        hand: Name of the style if there is one only.
        styles: The styles of the faces.
        seed: Random seed.
        transparent: Whether the pictures have an alpha channel instead of a background.
        is_placed: Whether eyes and chin are where those of other sources are; for mixtures.
    """

    statement = (
        "Anime portraits in several styles drawn by this program. They contain no third-party material and "
        "have the same license as the code (Apache-2.0)."
    )

    def __init__(
        self,
        seed: int = 0,
        styles: Sequence[str] = STYLES,
        transparent: bool = False,
        is_placed: bool = False,
    ) -> None:
        self.seed = seed
        self.is_placed = is_placed
        self.styles = tuple(styles)
        self.transparent = transparent
        self.name = "drawn-all" if self.styles == STYLES else "-".join(("drawn", *self.styles))
        self.attributes = labels.attributes_of(self.styles)
        self.hand = self.styles[0]

    def describe(self, index: int) -> Portrait:
        """Returns the parameters of a face without drawing it; see also `labels.labels_of`."""
        face = sample_portrait(self.seed, index, self.styles)
        if not self.is_placed:
            return face
        zoom, shift = placed(face.zoom, face.shift, USUAL_EYES)
        return dataclasses.replace(face, zoom=zoom, shift=shift)

    def draw(self, index: int, resolution: int) -> tuple[np.ndarray, dict[str, str | bool | float | None]]:
        """Draws a face; returns uint8 RGB or RGBA with straight alpha, and its attributes by name."""
        return self.draw_with(index, resolution)

    def draw_with(
        self, index: int, resolution: int, **changes: Any
    ) -> tuple[np.ndarray, dict[str, str | bool | float | None]]:
        """Draws a face like `draw`, with some of its parameters changed."""
        face = dataclasses.replace(self.describe(index), **changes)
        known = labels.labels_of(face)
        return paint(face, resolution, self.transparent), {name: known[name] for name in self.attributes}


def parse_styles(text: str) -> tuple[str, ...]:
    """Returns the styles in `all` or in a list such as `cel,ink`, in the order of `STYLES`.

    Raises:
        DataError: There is no such style, or it is listed twice (field `data`).
    """
    names = [name.strip() for name in text.split(",")]
    if names == ["all"]:
        return STYLES
    value = f"drawn:{text}"
    for number, name in enumerate(names):
        if name not in STYLES:
            known = f"use {', '.join(STYLES)}, or drawn:all for all of them"
            raise DataError(f"no style {name!r}; {known}{nearest(name, (*STYLES, 'all'))}", "data", value)
        if name in names[:number]:
            raise DataError(f"the style {name} is listed twice", "data", value)
    return tuple(style for style in STYLES if style in names)


def paint(face: Portrait, resolution: int, transparent: bool = True) -> np.ndarray:
    """Paints a face; returns uint8 [resolution, resolution, 3], or 4 channels with straight alpha."""
    factor = max(MIN_SUPERSAMPLING, math.ceil(MIN_CANVAS_SIZE / resolution))
    look = LOOKS[face.style]
    easel = Easel(resolution * factor, view.View.of(face), look, face.line_weight)
    _paint_figure(easel, face, proportions_of(face), colors_of(face, look))
    picture = passes.finish(np.array(easel.image.reduce(factor)), look, face.side)
    if transparent:
        return straight_alpha(picture)
    behind = np.array(new_canvas(face, resolution * factor).image.reduce(factor), np.float32)  # type: ignore[arg-type]
    passing = 1.0 - picture[..., 3:].astype(np.float32) / 255
    return np.rint(picture[..., :3] + passing * behind).clip(0, 255).astype(np.uint8)


def _paint_figure(easel: Easel, face: Portrait, size: Proportions, colors: Colors) -> None:
    """Draws all layers of a face, from back to front."""
    seen = easel.view
    outline = head.head_outline(face, size, seen)
    fringe = hair_shapes.shape_fringe(face)
    behind = seen.far if abs(seen.turn) > _BEHIND else 0
    front_sides = [side for side in (-1, 1) if side != behind]
    hood = face.has("hood")
    if hood:
        headwear.draw_hood_back(easel, face, colors)
    if face.animal_ears in ("cat", "bear", "rabbit") and not hood:
        headwear.draw_animal_ears(easel, face, colors)
    if not hood:
        hair.draw_back_hair(easel, face, colors)
        tails.draw_tails(easel, face, colors)
    head.draw_neck(easel.body(view.BODY_TURN), face, size, colors, outline)
    if face.has("choker") and not face.has("scarf"):
        clothes.draw_choker(easel, face, size, colors)
    if hood:
        headwear.draw_cloak(easel, face, colors, size.shoulders)
    else:
        clothes.draw_clothes(easel, face, size, colors)
    if face.has("scarf"):
        clothes.draw_scarf(easel, face, size, colors)
    if behind:
        if not hood:
            tails.draw_front_tail(easel, face, colors, behind)
        hair.draw_side_lock(easel, face, colors, behind)
    if labels.shows_ears(face):
        for side in (-1, 1):
            head.draw_ear(easel.rigid(view.EARS, (side * 0.27, 0.05), 0.3), face, colors, side)
    _, skin = head.draw_skin(easel, colors, outline)
    if behind and labels.shows_ears(face):
        head.draw_ear(easel.rigid(view.EARS, (-behind * 0.27, 0.05), 0.3), face, colors, -behind)
    head.draw_cheeks(easel, face, size, colors, skin)
    if face.hair_style not in ("bald", "shaved"):
        hair.cast_shadow(easel, face, colors, fringe, skin)
    head.draw_wrinkles(easel, face, size, colors, skin)
    head.draw_beard(easel, face, size, colors, outline, skin)
    head.draw_nose(easel, face, size, colors)
    mouths.draw_mouth(easel, face, size, colors)
    eyes.draw_eyes(easel, face, size, colors, skin)
    if face.has("eye_patch") and not labels.wears_sunglasses(face):
        accessories.draw_eye_patch(easel, face, size, colors)
    for side in front_sides:
        if not hood:
            tails.draw_front_tail(easel, face, colors, side)
        hair.draw_side_lock(easel, face, colors, side)
    if face.has("pointed_ears") and labels.shows_ears(face) and hair.covers_ears(face):
        # Long ears come out of the hair.
        for side in front_sides:
            head.draw_ear(easel.rigid(view.EARS, (side * 0.285, 0.05), 0.3), face, colors, side)
    if labels.shows_earrings(face):
        accessories.draw_earrings(easel, face, colors)
    if labels.shows_ahoge(face):
        hair.draw_ahoge(easel, face, colors)
    hair.draw_front_hair(easel, face, colors, fringe)
    mouths.draw_brows(easel, face, size, colors)
    if face.has("glasses"):
        accessories.draw_glasses(easel, face, size, colors)
    _paint_headwear(easel, face, colors)


def _paint_headwear(easel: Easel, face: Portrait, colors: Colors) -> None:
    """Draws what is worn on the head and in the hair."""
    if face.has("hairpin"):
        accessories.draw_hairpin(easel, face, colors)
    if face.has("hood"):
        headwear.draw_hood_front(easel, face, colors)
        return
    if face.has("headphones"):
        headwear.draw_headphones(easel, face, colors)
    if face.has("hat"):
        headwear.draw_hat(easel, face, colors)
    if face.animal_ears == "dog":
        headwear.draw_animal_ears(easel, face, colors)
    if face.has("horns"):
        headwear.draw_horns(easel, face, colors)
    if face.has("flower"):
        accessories.draw_flower(easel, face, colors)
    if face.has("ribbon"):
        accessories.draw_ribbon(easel, face, colors)
