"""Composes test pictures of one or more characters from layered art, with known faces."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from anime_gan.datasets.sutemo import faces as sutemo
from anime_gan.datasets.sutemo.parts import LayeredFace, choose_face
from anime_gan.prepare.boxes import Box

WIDTH, HEIGHT = 800, 600
MAX_CHARACTERS = 4
MAX_ANGLE = 30.0
# Left, top, and side of the face from forehead to chin, in pixels of the art. Male heads are higher up.
FACES = {"female": (300, 370, 390), "male": (298, 268, 390)}
# Minimum visible share of a face behind other characters and objects.
MIN_VISIBLE = 0.7
# Left, top, and side of a square around the art.
_WHOLE = (-100, 0, 1200)
# Possible sides of a drawn character, in pixels.
_FIGURES = (200, 400, 800)
_SIDES = (45, 260)  # Sides of the smallest and the largest faces, in pixels.


@dataclasses.dataclass(frozen=True)
class ComposedFace:
    """A face in a composed picture.

    Attributes:
        box: A square around the center of the face. In an upright face, it reaches from forehead to chin.
        angle: Rotation of the character, in degrees.
        visible: Share of the square that is not covered.
        hair_color: The hair color in the art's labels.
        eye_color: The eye color in the art's labels; None if the eyes are closed.
        skin: The skin in the art's labels.
    """

    box: Box
    angle: float
    visible: float
    hair_color: str
    eye_color: str | None
    skin: str


def compose(
    sprites: Path, backgrounds: Sequence[Image.Image], seed: int, index: int
) -> tuple[Image.Image, list[ComposedFace]]:
    """Composes a picture of up to 4 characters. Some are rotated by up to 30 degrees or partly covered.

    Args:
        sprites: The folder of layers, from `sutemo.find_sprites`.
        backgrounds: Pictures without faces, which are used for half of the backgrounds; the rest are drawn.
        seed: Random seed.
        index: Number of the picture, counted from 0.

    Returns:
        The picture, 800x600, and its faces.
    """
    rng = np.random.default_rng([seed, index])
    picture = _background(rng, backgrounds)
    count = int(rng.integers(1, MAX_CHARACTERS + 1))
    boxes: list[Box] = []
    found: list[tuple[LayeredFace, Box, float]] = []
    owner = np.full((HEIGHT, WIDTH), -1)
    for number in range(count):
        face = choose_face(rng)
        angle = float(rng.uniform(-MAX_ANGLE, MAX_ANGLE)) if rng.random() < 0.5 else 0.0
        place = _place(rng, boxes, count)
        if place is None:
            continue
        figure, mask = _posed(sprites, face, place, angle)
        visible_before = [_visible(owner, box, i) for i, box in enumerate(boxes)]
        covering = np.where(mask, number, owner)
        if any(
            _visible(covering, box, i) < min(MIN_VISIBLE, visible_before[i]) for i, box in enumerate(boxes)
        ):
            continue
        picture.paste(figure, (0, 0), figure)
        number = len(boxes)
        owner = np.where(mask, number, owner)
        boxes.append(place)
        found.append((face, place, angle))
        if rng.random() < 0.3:
            owner = _cover(rng, picture, owner, boxes)
    faces = [
        ComposedFace(
            box,
            angle,
            _visible(owner, box, i),
            str(face.labels["hair_color"]),
            _eye_color(face),
            str(face.labels["skin"]),
        )
        for i, (face, box, angle) in enumerate(found)
    ]
    return picture, faces


def _eye_color(face: LayeredFace) -> str | None:
    value = face.labels["eye_color"]
    return str(value) if value else None


def _place(rng: np.random.Generator, boxes: Sequence[Box], count: int) -> Box | None:
    """Chooses a square for a face, away from other faces; None if there is no room."""
    largest = _SIDES[1] if count == 1 else 420 / count
    for _ in range(30):
        side = math.exp(rng.uniform(math.log(_SIDES[0]), math.log(largest)))
        # There must be room for the hair. The shoulders may extend beyond the picture.
        x = rng.uniform(0.3 * side, WIDTH - 1.3 * side)
        y = rng.uniform(0.7 * side, HEIGHT - 1.3 * side)
        box = Box(x, y, side, side)
        centers = [(other.center, other.width) for other in boxes]
        if all(math.dist(box.center, center) > 0.9 * (side + width) for center, width in centers):
            return box
    return None


def _posed(sprites: Path, face: LayeredFace, place: Box, angle: float) -> tuple[Image.Image, np.ndarray]:
    """Draws a character with its face in a box; returns an RGBA picture and a mask of the opaque pixels."""
    left, top, side = FACES[face.sex]
    scale = place.width / side
    figure = _figure(sprites, face, next(size for size in _FIGURES if size >= 1200 * scale))
    drawn = figure.width / _WHOLE[2]
    middle = ((left + side / 2 - _WHOLE[0]) * drawn, (top + side / 2 - _WHOLE[1]) * drawn)
    # Pillow needs the inverse transformation, from the picture to the figure.
    turn = math.radians(angle)
    cosine, sine = math.cos(turn) * drawn / scale, math.sin(turn) * drawn / scale
    x, y = place.center
    matrix = (
        cosine, sine, middle[0] - cosine * x - sine * y,
        -sine, cosine, middle[1] + sine * x - cosine * y,
    )  # fmt: skip
    if face.flip:
        figure = figure.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        a, b, c, d, e, f = matrix
        matrix = (a, b, figure.width - middle[0] - a * x - b * y, d, e, f)
    # Draw at twice the size, and average over 2x2 pixels to smooth the edges.
    large = tuple(v / 2 if i % 3 < 2 else v for i, v in enumerate(matrix))
    posed = figure.transform(
        (2 * WIDTH, 2 * HEIGHT), Image.Transform.AFFINE, large, Image.Resampling.BILINEAR
    )
    posed = posed.reduce(2)
    return posed.convert("RGBA"), np.asarray(posed)[..., 3] > 127


def _figure(sprites: Path, face: LayeredFace, side: int) -> Image.Image:
    """Draws a character without a background, with premultiplied alpha (mode RGBa)."""
    color = np.zeros((side, side, 3), np.float32)
    passing = np.ones((side, side, 1), np.float32)
    for item in face.items:
        for layer in sutemo.read_item(sprites / face.sex / item, _WHOLE, side):
            share = layer.passing * np.float32(1 / 255)
            color[layer.place] *= share
            color[layer.place] += layer.color * sutemo.tint_of(face, item, layer.kind)
            passing[layer.place] *= share
    alpha = 255 * (1 - passing)
    return Image.frombuffer(
        "RGBa", (side, side), np.rint(np.concatenate([color, alpha], axis=-1)).astype(np.uint8).tobytes()
    )


def _visible(owner: np.ndarray, box: Box, number: int) -> float:
    """Returns the share of a face's square that is not covered."""
    x, y, width, height = (round(v) for v in box)
    seen = owner[y : y + height, x : x + width]
    return float(np.mean((seen == number) | (seen == -1)))


def _cover(
    rng: np.random.Generator, picture: Image.Image, owner: np.ndarray, boxes: Sequence[Box]
) -> np.ndarray:
    """Covers up to 30% of the last face with an ellipse or a rectangle."""
    x, y, side, _ = boxes[-1]
    share = rng.uniform(0.1, 0.28)
    width, height = side * rng.uniform(0.5, 1.2), side * rng.uniform(0.8, 2.0)
    edge = int(rng.integers(3))
    left = (x + share * side - width, x + (1 - share) * side, x + side * rng.uniform(-0.2, 0.5))[edge]
    top = y + (1 - share) * side if edge == 2 else y + side * rng.uniform(-0.6, 0.3)
    shape = Image.new("L", picture.size)
    corners = (left, top, left + width, top + height)
    draw = ImageDraw.Draw(shape)
    (draw.ellipse if rng.random() < 0.5 else draw.rectangle)(corners, fill=255)
    covering = np.where(np.asarray(shape) > 0, len(boxes), owner)
    if any(_visible(covering, box, i) < MIN_VISIBLE for i, box in enumerate(boxes)):
        return owner
    picture.paste(tuple(int(v) for v in rng.integers(20, 240, 3)), (0, 0), shape)
    # No character has this number, so the next character may cover the object.
    return np.where(np.asarray(shape) > 0, MAX_CHARACTERS + 1, owner)


def _background(rng: np.random.Generator, backgrounds: Sequence[Image.Image]) -> Image.Image:
    """Returns a random crop of a background, or draws one with shapes and lines."""
    if backgrounds and rng.random() < 0.5:
        chosen = backgrounds[int(rng.integers(len(backgrounds)))]
        share = rng.uniform(0.6, 1.0)
        width, height = chosen.width * share, chosen.height * share
        left, top = rng.uniform(0, chosen.width - width), rng.uniform(0, chosen.height - height)
        cut = chosen.resize(
            (WIDTH, HEIGHT), Image.Resampling.BICUBIC, (left, top, left + width, top + height)
        )
        return cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else cut
    first, second = rng.integers(0, 256, (2, 3))
    ramp = np.linspace(0, 1, HEIGHT)[:, None, None]
    pixels = np.broadcast_to(first + (second - first) * ramp, (HEIGHT, WIDTH, 3))
    picture = Image.fromarray(pixels.astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(0, 60))):
        x, y = rng.uniform(-50, WIDTH), rng.uniform(-50, HEIGHT)
        width, height = np.exp(rng.uniform(np.log(8), np.log(250), 2))
        color = tuple(int(v) for v in rng.integers(0, 256, 3))
        kind = rng.integers(3)
        if kind == 0:
            draw.ellipse((x, y, x + width, y + height), fill=color)
        elif kind == 1:
            draw.rectangle((x, y, x + width, y + height), fill=color)
        else:
            draw.line((x, y, x + width, y + height), fill=color, width=int(rng.integers(1, 9)))
    return picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, 2)))
