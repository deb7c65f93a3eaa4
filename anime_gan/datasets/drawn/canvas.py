"""Curves and a canvas with a pose, for the drawn faces.

Coordinates are in frame units, which do not depend on the resolution. The frame is one unit wide and high,
and its center is (0, 0). x grows to the right, and y grows downward.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageChops, ImageDraw

Color = tuple[int, int, int]
Points = np.ndarray | Sequence[tuple[float, float]]
# Left, top, right, and bottom in pixels.
Box = tuple[int, int, int, int]

# Half the width of a head. A turn of the head moves only points within this distance of the middle.
FACE_REACH = 0.34


@functools.cache
def _spline(count: int, closed: bool, steps: int) -> np.ndarray:
    """Returns weights [m, count]: the share of each control point in each point of a Catmull-Rom curve."""
    t = np.arange(steps) / steps
    basis = (-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2)
    segments = count if closed else count - 1
    weights = np.zeros((segments * steps, count))
    for segment in range(segments):
        for neighbor, column in enumerate(basis):
            control = segment + neighbor - 1
            control = control % count if closed else min(max(control, 0), count - 1)
            weights[segment * steps : (segment + 1) * steps, control] += column / 2
    return weights if closed else np.concatenate([weights, np.eye(count)[-1:]])


@functools.cache
def _interpolation(count: int, samples: int) -> np.ndarray:
    """Returns the weights [samples, count] that interpolate `count` evenly spaced values."""
    place = np.linspace(0, count - 1, samples)
    weights: np.ndarray = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(count)))
    return weights


def smooth(points: Points, closed: bool = False, steps: int = 6) -> np.ndarray:
    """Returns a smooth curve through the points.

    Args:
        points: Control points [n, 2].
        closed: Whether the curve returns to its first point.
        steps: Curve points per segment.

    Returns:
        Points [m, 2]; an open curve starts and ends exactly at its first and last control point.
    """
    curve: np.ndarray = _spline(len(points), closed, steps) @ np.asarray(points, float)
    return curve


def ellipse(center: tuple[float, float], radii: tuple[float, float], steps: int = 24) -> np.ndarray:
    """Returns the outline [steps, 2] of an axis-aligned ellipse."""
    return _circle(steps) * radii + center


@functools.cache
def _circle(steps: int) -> np.ndarray:
    angle = np.arange(steps) * (2 * math.pi / steps)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def mirrored(points: Points, side: int = -1) -> np.ndarray:
    """Returns the points with x multiplied by `side` (1 or -1)."""
    return np.asarray(points, float) * (side, 1)


def tress(points: Points, widths: Sequence[float] | np.ndarray, steps: int = 6) -> np.ndarray:
    """Returns the outline of a brush stroke: a curve with a changing width.

    Args:
        points: Control points [n, 2] of the middle line.
        widths: Full widths, spread evenly over the length; a width of 0 makes an end pointed.
        steps: Curve points per segment.
    """
    middle = smooth(points, steps=steps)
    along = np.empty_like(middle)
    along[1:-1] = middle[2:] - middle[:-2]
    along[0], along[-1] = middle[1] - middle[0], middle[-1] - middle[-2]
    half = _interpolation(len(widths), len(middle)) @ np.asarray(widths) / 2
    across = _normals(along) * half[:, None]
    return np.concatenate([middle + across, (middle - across)[::-1]])


def _normals(along: np.ndarray) -> np.ndarray:
    """Returns unit vectors [n, 2] at right angles to the given ones."""
    numbers = along.view(np.complex128)  # One complex number per row; multiplying by i turns it.
    return (numbers * (1j / (np.abs(numbers) + 1e-9))).view(np.float64)


def widened(points: np.ndarray, width: float) -> np.ndarray:
    """Returns a closed outline moved outward by `width`."""
    cyclic = np.concatenate([points[-1:], points, points[:1]])
    along = cyclic[2:] - cyclic[:-2]
    turning = points[:, 0] @ along[:, 1]
    return points + _normals(along) * (-width if turning > 0 else width)


@dataclasses.dataclass(frozen=True)
class Pose:
    """The position of a part in the frame.

    Attributes:
        tilt: Rotation in degrees, clockwise, about `pivot`.
        zoom: Scale about the center of the frame.
        shift: Movement in frame units, after scale and rotation.
        turn: Sideways movement of the middle of the face, as if the head turned, in frame units.
        pivot: Center of the rotation.
    """

    tilt: float = 0.0
    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    turn: float = 0.0
    pivot: tuple[float, float] = (0.0, 0.34)

    @functools.cached_property
    def affine(self) -> tuple[np.ndarray, np.ndarray]:
        """Matrix [2, 2] and offset [2] that map a point (a row vector) to the frame, after the turn."""
        cosine, sine = math.cos(math.radians(self.tilt)), math.sin(math.radians(self.tilt))
        matrix = np.array([[cosine, sine], [-sine, cosine]])
        pivot = np.array(self.pivot)
        return matrix * self.zoom, (pivot - pivot @ matrix) * self.zoom + self.shift

    def turned(self, points: Points) -> np.ndarray:
        """Applies only the turn to points [n, 2]."""
        points = np.array(points, float)
        if self.turn:
            points[:, 0] += self.turn * np.maximum(0, 1 - (points[:, 0] / FACE_REACH) ** 2)
        return points

    def apply(self, points: Points) -> np.ndarray:
        """Returns the points [n, 2] in the frame."""
        matrix, offset = self.affine
        placed: np.ndarray = self.turned(points) @ matrix + offset
        return placed


class Canvas:
    """A square picture; shapes are drawn in frame units and transformed by a pose.

    The picture has the mode "RGB", or "RGBX" with premultiplied colors and alpha as its fourth band. Blending
    (color, 255) over all four bands of "RGBX" is the over operator (Porter and Duff 1984). Pillow does not
    blend "RGBA" pictures this way.
    """

    def __init__(self, image: Image.Image, pose: Pose | None = None) -> None:
        self.image = image
        self.pose = pose or Pose()
        self.size = image.width
        matrix, offset = self.pose.affine
        self._matrix = matrix * self.size
        self._offset = (offset + 0.5) * self.size
        self._pen = ImageDraw.Draw(image)
        # Blends translucent colors, in "RGB" pictures only.
        self._glaze = ImageDraw.Draw(image, "RGBA") if image.mode == "RGB" else self._pen

    def posed(self, pose: Pose) -> Canvas:
        """Returns a canvas that draws on the same picture with another pose."""
        return Canvas(self.image, pose)

    def pixels(self, points: Points) -> np.ndarray:
        """Returns the points [n, 2] in pixels of the picture."""
        placed: np.ndarray = self.pose.turned(points) @ self._matrix + self._offset
        return placed

    def fill(self, points: Points, color: Color) -> None:
        """Fills an outline."""
        self._pen.polygon(self.pixels(points).ravel().tolist(), fill=self._ink(color))

    def shape(self, points: Points, color: Color, line: Color, width: float = 0.008) -> None:
        """Fills an outline and draws a line of `width` around it."""
        pixels = self.pixels(points)
        around = widened(pixels, width * self.pose.zoom * self.size)
        self._pen.polygon(around.ravel().tolist(), fill=self._ink(line))
        self._pen.polygon(pixels.ravel().tolist(), fill=self._ink(color))

    def mask(self, points: Points) -> Image.Image:
        """Returns the inside of an outline as an "L" picture of the canvas size."""
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).polygon(self.pixels(points).ravel().tolist(), fill=255)
        return mask

    def blend(
        self,
        points: Points,
        color: Color,
        opacity: float = 1.0,
        clip: Image.Image | None = None,
        fade: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        """Blends a color over an outline.

        Args:
            points: The outline [n, 2].
            color: The color.
            opacity: 0 (invisible) to 1 (opaque).
            clip: If given, draws only inside this mask (see `mask`).
            fade: Factors of the opacity at the top and the bottom of the outline. Interpolated factors are
                clipped to 0..1, so that the change can begin or end inside the outline.
        """
        pixels = self.pixels(points)
        if clip is None and fade == (1.0, 1.0) and self.image.mode == "RGB":
            self._glaze.polygon(pixels.ravel().tolist(), fill=(*color, round(255 * opacity)))
            return
        box = box_of(pixels, self.size)
        if box is None:
            return
        mask = polygon_mask(pixels, box, opacity)
        if fade != (1.0, 1.0):
            mask = faded(mask, box, pixels, fade)
        self._paste(mask, box, color, clip)

    def glow(
        self,
        center: tuple[float, float],
        radii: tuple[float, float],
        color: Color,
        opacity: float,
        clip: Image.Image | None = None,
    ) -> None:
        """Blends an ellipse with soft edges over the picture."""
        middle = self.pixels([center])[0]
        reach = np.asarray(radii) * self.pose.zoom * self.size
        box = box_of(np.stack([middle - reach, middle + reach]), self.size)
        if box is not None:
            self._paste(glow_mask(middle, reach, box, opacity), box, color, clip)

    def _paste(self, mask: Image.Image, box: Box, color: Color, clip: Image.Image | None) -> None:
        if clip is not None:
            mask = ImageChops.multiply(mask, clip.crop(box))
        self.image.paste(self._ink(color), box, mask)

    def _ink(self, color: Color) -> tuple[int, ...]:
        """Returns an opaque color in the mode of the picture."""
        return color if self.image.mode == "RGB" else (*color, 255)


def box_of(pixels: np.ndarray, size: int, margin: float = 0.0) -> Box | None:
    """Returns the bounding box of points in a square picture, or None if they are outside."""
    x, y = pixels.T.tolist()
    left, top = max(0, int(min(x) - margin)), max(0, int(min(y) - margin))
    right, bottom = min(size, int(max(x) + margin) + 2), min(size, int(max(y) + margin) + 2)
    return (left, top, right, bottom) if left < right and top < bottom else None


def polygon_mask(pixels: np.ndarray, box: Box, opacity: float) -> Image.Image:
    """Returns the inside of an outline as an "L" picture of the box."""
    mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
    ImageDraw.Draw(mask).polygon((pixels - box[:2]).ravel().tolist(), fill=round(255 * opacity))
    return mask


def faded(mask: Image.Image, box: Box, pixels: np.ndarray, fade: tuple[float, float]) -> Image.Image:
    """Returns a mask times factors that are interpolated from the top to the bottom of an outline."""
    low, high = pixels[:, 1].min(), pixels[:, 1].max()
    ramp = np.interp(np.arange(box[1], box[3]), (low, high), fade).clip(0, 1) * 255
    column = Image.frombytes("L", (1, len(ramp)), ramp.astype(np.uint8).tobytes())
    return ImageChops.multiply(mask, column.resize(mask.size, Image.Resampling.NEAREST))


def glow_mask(middle: np.ndarray, reach: np.ndarray, box: Box, opacity: float) -> Image.Image:
    """Returns an ellipse that fades toward its edge as an "L" picture of the box."""
    x = (np.arange(box[0], box[2]) + 0.5 - middle[0]) / reach[0]
    y = (np.arange(box[1], box[3]) + 0.5 - middle[1]) / reach[1]
    level = np.maximum((1 - x**2)[None, :] - (y**2)[:, None], 0) * (255 * opacity)
    return Image.fromarray(level.astype(np.uint8))
