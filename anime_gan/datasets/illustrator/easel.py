"""Drawing tools: layers that place shapes by their depth, and draw them in the style of the picture."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from anime_gan.datasets.drawn.canvas import Box, Color, Points, box_of, faded, glow_mask, polygon_mask, tress
from anime_gan.datasets.drawn.palette import Shades, mix
from anime_gan.datasets.illustrator.looks import Look
from anime_gan.datasets.illustrator.view import BODY_TILT, View

Mask = Image.Image
# Soft masks are drawn this much smaller than the canvas, and enlarged again.
SOFT_REDUCTION = 4
# Distance between the lines of a hatching, and their width, in frame units.
HATCH_SPACING, HATCH_WIDTH = 0.021, 0.009


class Easel:
    """A square picture of premultiplied RGBA, on which layers draw.

    Attributes:
        image: The picture, of the mode "RGBX" with alpha as the fourth band.
        size: Its side in pixels.
        view, look: As in the constructor.
        line_weight: Factor of the widths of lines.
    """

    def __init__(self, size: int, view: View, look: Look, line_weight: float = 1.0) -> None:
        self.image = Image.new("RGBX", (size, size))
        self.size = size
        self.view = view
        self.look = look
        self.line_weight = line_weight
        self.pen = ImageDraw.Draw(self.image)
        self._affine: dict[float, tuple[np.ndarray, np.ndarray]] = {}

    def affine(self, tilt: float) -> tuple[np.ndarray, np.ndarray]:
        """Returns the matrix and the offset that map points of the design to pixels."""
        if tilt not in self._affine:
            matrix, offset = self.view.affine(tilt)
            self._affine[tilt] = (matrix * self.size, (offset + 0.5) * self.size)
        return self._affine[tilt]

    def dome(self, depth: float) -> Layer:
        """Returns a layer on the front of the head."""
        return Layer(self, lambda points: self.view.dome(points, depth))

    def rigid(self, depth: float, anchor: tuple[float, float] = (0.0, 0.0), narrow: float = 0.0) -> Layer:
        """Returns a layer that moves as a whole."""
        return Layer(self, lambda points: self.view.rigid(points, depth, anchor, narrow))

    def body(self, depth: float = 0.0) -> Layer:
        """Returns a layer of the shoulders, which hardly follow the head."""
        return Layer(
            self, lambda points: np.asarray(points, float) + (depth * self.view.sine, 0.0), BODY_TILT
        )

    def custom(self, mapping: Callable[[Points], np.ndarray]) -> Layer:
        """Returns a layer with its own mapping of points."""
        return Layer(self, mapping)


class Layer:
    """Draws shapes, given by points of the design, at one depth of the picture."""

    def __init__(self, easel: Easel, mapping: Callable[[Points], np.ndarray], tilt: float = 1.0) -> None:
        self.easel = easel
        self.look = easel.look
        self._mapping = mapping
        self._matrix, self._offset = easel.affine(tilt)

    def pixels(self, points: Points) -> np.ndarray:
        """Returns the points in pixels."""
        placed: np.ndarray = self._mapping(points) @ self._matrix + self._offset
        return placed

    def fill(self, points: Points, color: Color) -> None:
        """Fills an outline, without a line around it."""
        self.easel.pen.polygon(self.pixels(points).ravel().tolist(), fill=(*color, 255))

    def shape(self, points: Points, shades: Shades, width: float = 1.0, base: Color | None = None) -> None:
        """Fills an outline and draws a line around it, if the style has lines.

        Args:
            points: The outline.
            shades: The colors.
            width: Factor of the width of the line.
            base: The color inside, if not the base of the shades.
        """
        pixels = self.pixels(points)
        self._surround(pixels, shades.line, width)
        self.easel.pen.polygon(pixels.ravel().tolist(), fill=(*(base or shades.base), 255))

    def group(
        self, outlines: Sequence[Points], shades: Shades, width: float = 1.0, base: Color | None = None
    ) -> None:
        """Draws several outlines as one shape, with lines only around the whole."""
        pixels = [self.pixels(points) for points in outlines]
        for each in pixels:
            self._surround(each, shades.line, width)
        for each in pixels:
            self.easel.pen.polygon(each.ravel().tolist(), fill=(*(base or shades.base), 255))

    def _surround(self, pixels: np.ndarray, line: Color, width: float) -> None:
        """Fills the outline, grown by the width of the line."""
        thick = self.look.line_width * self.easel.line_weight * width * self.easel.size * self.easel.view.zoom
        if thick > 0:
            around = _grown(pixels, thick, self.look.line_variation)
            self.easel.pen.polygon(around.ravel().tolist(), fill=(*line, 255))

    def stroke(
        self,
        points: Points,
        widths: Sequence[float],
        color: Color,
        opacity: float = 1.0,
        clip: Mask | None = None,
    ) -> None:
        """Draws a line with a changing width, which every style has."""
        outline = tress(points, widths, 5)
        if opacity >= 1.0 and clip is None:
            self.fill(outline, color)
        else:
            self.blend(outline, color, opacity, clip)

    def mask(self, *outlines: Points) -> Mask:
        """Returns the inside of one or more outlines."""
        mask = Image.new("L", self.easel.image.size)
        pen = ImageDraw.Draw(mask)
        for points in outlines:
            pen.polygon(self.pixels(points).ravel().tolist(), fill=255)
        return mask

    def blend(
        self,
        points: Points,
        color: Color,
        opacity: float = 1.0,
        clip: Mask | None = None,
        fade: tuple[float, float] | None = None,
    ) -> None:
        """Blends a color over an outline, with hard edges.

        Args:
            points: The outline.
            color: The color.
            opacity: 0 to 1.
            clip: If given, draws only inside of this mask.
            fade: Factors of the opacity at the top and the bottom; values outside of 0..1 are clipped.
        """
        if opacity >= 1.0 and clip is None and fade is None:
            self.fill(points, color)
            return
        pixels = self.pixels(points)
        box = box_of(pixels, self.easel.size)
        if box is None or opacity <= 0:
            return
        mask = polygon_mask(pixels, box, min(1.0, opacity))
        if fade is not None:
            mask = faded(mask, box, pixels, fade)
        self._paste(mask, box, color, clip)

    def soft(
        self,
        points: Points,
        color: Color,
        opacity: float = 1.0,
        clip: Mask | None = None,
        blur: float = 0.02,
    ) -> None:
        """Blends a color over an outline with soft edges; `blur` is their width in frame units."""
        pixels = self.pixels(points)
        reach = blur * self.easel.size * self.easel.view.zoom
        box = box_of(pixels, self.easel.size, reach)
        if box is None or opacity <= 0:
            return
        wide, high = box[2] - box[0], box[3] - box[1]
        factor = max(1, min(SOFT_REDUCTION, int(reach / 2)))
        small = Image.new("L", (wide // factor + 1, high // factor + 1))
        inside = ((pixels - box[:2]) / factor).ravel().tolist()
        ImageDraw.Draw(small).polygon(inside, fill=round(255 * min(1.0, opacity)))
        small = small.filter(ImageFilter.BoxBlur(max(0.5, reach / factor / 2)))
        if factor > 1:
            small = small.resize((small.width * factor, small.height * factor), Image.Resampling.BILINEAR)
        self._paste(small.crop((0, 0, wide, high)), box, color, clip)

    def glow(
        self,
        center: tuple[float, float],
        radii: tuple[float, float],
        color: Color,
        opacity: float,
        clip: Mask | None,
    ) -> None:
        """Blends an ellipse that fades toward its edge."""
        middle = self.pixels([center])[0]
        reach = np.asarray(radii) * self.easel.size * self.easel.view.zoom
        box = box_of(np.stack([middle - reach, middle + reach]), self.easel.size)
        if box is not None:
            self._paste(glow_mask(middle, reach, box, opacity), box, color, clip)

    def shadow(
        self,
        points: Points,
        shades: Shades,
        clip: Mask | None,
        strength: float = 1.0,
        color: Color | None = None,
    ) -> None:
        """Draws a shadow in the way of the style: hard, soft, or hatched."""
        look, tone = self.look, color or shades.shadow
        opacity = look.shadow * strength
        if look.shading == "soft":
            self.soft(points, tone, min(1.0, opacity), clip, 0.022)
        elif look.shading == "hatch":
            self.blend(points, tone, 0.3 * opacity, clip)
            self._hatch(points, mix(shades.line, tone, 0.25), 0.75 * min(1.0, strength), clip)
        else:
            self.blend(points, tone, opacity, clip)

    def shade(
        self,
        points: Points,
        color: Color,
        clip: Mask | None,
        fade: tuple[float, float],
        strength: float = 1.0,
    ) -> None:
        """Draws the gradient of a shape, if the style has gradients."""
        if self.look.gradient > 0:
            self.blend(points, color, strength * self.look.gradient, clip, fade)

    def light(self, points: Points, color: Color, clip: Mask | None, strength: float = 1.0) -> None:
        """Draws a highlight in the way of the style."""
        opacity = self.look.shine * strength
        if self.look.shading == "soft":
            self.soft(points, color, opacity, clip, 0.01)
        else:
            self.blend(points, color, opacity, clip)

    def _hatch(self, points: Points, color: Color, opacity: float, clip: Mask | None) -> None:
        pixels = self.pixels(points)
        box = box_of(pixels, self.easel.size)
        if box is None:
            return
        lines = _hatching(self.easel.size, self.easel.view.side).crop(box)
        self._paste(ImageChops.multiply(polygon_mask(pixels, box, opacity), lines), box, color, clip)

    def _paste(self, mask: Mask, box: Box, color: Color, clip: Mask | None) -> None:
        if clip is not None:
            mask = ImageChops.multiply(mask, clip.crop(box))
        self.easel.image.paste((*color, 255), box, mask)


def _grown(pixels: np.ndarray, width: float, variation: float) -> np.ndarray:
    """Returns a closed outline moved outward; with a variation, lines are heavier toward the bottom."""
    cyclic = np.concatenate([pixels[-1:], pixels, pixels[:1]])
    along = cyclic[2:] - cyclic[:-2]
    length = np.hypot(along[:, 0], along[:, 1])[:, None] + 1e-9
    normal = np.stack([along[:, 1], -along[:, 0]], 1) / length
    if pixels[:, 0] @ along[:, 1] < 0:
        normal = -normal
    if variation:
        weight = 1 + variation * (0.9 * normal[:, 1:] - 0.15)
        return pixels + normal * width * weight
    return pixels + normal * width


@functools.lru_cache(maxsize=8)
def _hatching(size: int, side: int) -> Mask:
    """Returns diagonal lines over the whole canvas."""
    spacing, width = HATCH_SPACING * size, HATCH_WIDTH * size
    place = np.arange(size)
    phase = (place[None, :] * side + place[:, None] * 0.8) % spacing
    return Image.fromarray(((phase < width) * 255).astype(np.uint8))
