"""Crops faces from pictures."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from anime_gan.prepare.boxes import Box


class Crop(NamedTuple):
    """A cropped face.

    Attributes:
        image: uint8 [size, size, channels], as the picture.
        box: The cropped square in pixels of the picture, before it is rotated about its center.
        outside: Share of the square that is outside the picture.
        upscaled: Whether the square has fewer pixels than the image.
    """

    image: np.ndarray
    box: Box
    outside: float
    upscaled: bool


def crop_box(face: Box, margin: float, lift: float, angle: float = 0.0) -> Box:
    """Returns the square to crop around a face.

    Args:
        face: The face from forehead to chin.
        margin: Side of the square, relative to the face. 1.5 includes the hair (Jin et al. 2017, section
            3.1).
        lift: Shift toward the crown, as a share of the side.
        angle: Tilt of the head in degrees, counterclockwise.
    """
    side = margin * max(face.width, face.height)
    x, y = face.center
    turn = np.deg2rad(angle)
    x, y = x - lift * side * np.sin(turn), y - lift * side * np.cos(turn)
    return Box(float(x - side / 2), float(y - side / 2), side, side)


def cut(picture: np.ndarray, box: Box, size: int, angle: float = 0.0) -> Crop:
    """Crops a square from a picture, and fills parts outside the picture by mirroring.

    Args:
        picture: uint8 [height, width, 3 or 4]: RGB, or RGBA with premultiplied alpha.
        box: The square.
        size: Side of the result in pixels.
        angle: Tilt of the head in degrees, counterclockwise; the result is upright.
    """
    height, width = picture.shape[:2]
    side = max(1, round(box.width))
    left, top = round(box.center[0] - side / 2), round(box.center[1] - side / 2)
    if angle:
        # A square of twice the side has room for any rotation. It is reduced first, because rotation is slow.
        image = _resized(
            _square(picture, left - side // 2, top - side // 2, 2 * side), min(2 * side, 2 * size)
        )
        middle = (len(image) - 1) / 2
        turn = cv2.getRotationMatrix2D((middle, middle), -angle, 1.0)
        image = cv2.warpAffine(image, turn, image.shape[1::-1], flags=cv2.INTER_CUBIC)
        rest = len(image) // 4
        image = image[rest : len(image) - rest, rest : len(image) - rest]
    else:
        image = _square(picture, left, top, side)
    inside_rows = max(0, min(top + side, height) - max(top, 0))
    inside_columns = max(0, min(left + side, width) - max(left, 0))
    square = Box(left, top, side, side)
    outside = 1 - inside_rows * inside_columns / side**2
    return Crop(np.ascontiguousarray(_resized(image, size)), square, outside, side < size)


def _square(picture: np.ndarray, left: int, top: int, side: int) -> np.ndarray:
    """Returns a square of a picture, mirrored where the square extends beyond the picture."""
    height, width = picture.shape[:2]
    if left >= 0 and top >= 0 and left + side <= width and top + side <= height:
        return picture[top : top + side, left : left + side]
    rows = _reflected(np.arange(top, top + side), height)
    return picture[rows][:, _reflected(np.arange(left, left + side), width)]


def _resized(image: np.ndarray, size: int) -> np.ndarray:
    if len(image) == size:
        return image
    method = cv2.INTER_AREA if len(image) > size else cv2.INTER_LANCZOS4
    return cv2.resize(image, (size, size), interpolation=method)


def _reflected(places: np.ndarray, length: int) -> np.ndarray:
    """Maps indices outside 0..length - 1 to the indices of their mirror images."""
    places = np.mod(places, 2 * length)
    return np.where(places < length, places, 2 * length - 1 - places)
