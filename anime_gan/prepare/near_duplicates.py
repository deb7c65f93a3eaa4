"""Detects near-duplicates: pictures that were recompressed, resized, or slightly cropped.

A 64-bit perceptual hash and 16 coarse colors find the few most similar pictures among a million. The hash is
the signs of the lowest frequencies of a cosine transform. Each candidate is then aligned with the picture
(Evangelidis and Psarakis 2008, "Parametric Image Alignment Using Enhanced Correlation Coefficient
Maximization") and compared in color. The same drawing with another tint or mouth is not a duplicate.
"""

from __future__ import annotations

from array import array
from typing import NamedTuple

import cv2
import numpy as np

# Maximum Hamming distance. Unrelated faces differ in about 31 of 63 bits. Copies that lost up to a tenth on
# each side differ in up to 26 bits.
MAX_BITS = 26
# Maximum mean difference of the coarse colors, in 8-bit CIE Lab.
MAX_COARSE = 14.0
# Maximum number of candidates that are compared.
MAX_CANDIDATES = 8
# Maximum differences of aligned pictures in 8-bit CIE Lab: on average, and in any spot smaller than a mouth.
MAX_MEAN, MAX_SPOT = 5.0, 20.0
SIDE = 64
_HASH_SIDE, _LOW, _COARSE, _SPOT = 32, 8, 4, 5
# Minimum share of each picture that the other picture contains.
_MIN_SHARED = 0.6


class Fingerprint(NamedTuple):
    """The fingerprint of a picture.

    Attributes:
        bits: The 64-bit hash; one bit is always 0.
        colors: The CIE Lab colors of a 4x4 grid, row by row, as 48 bytes.
    """

    bits: int
    colors: bytes


def fingerprint(image: np.ndarray) -> Fingerprint:
    """Computes the fingerprint of a picture, uint8 [height, width, 3], RGB."""
    small = cv2.resize(image, (_HASH_SIDE, _HASH_SIDE), interpolation=cv2.INTER_AREA)
    gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    low = cv2.dct(gray)[:_LOW, :_LOW].ravel()
    # The first frequency is left out, because it is the mean brightness.
    signs = low[1:] > np.median(low[1:])
    bits = sum(1 << place for place, sign in enumerate(signs.tolist()) if sign)
    coarse = cv2.resize(small, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA)
    return Fingerprint(bits, cv2.cvtColor(coarse, cv2.COLOR_RGB2LAB).tobytes())


class FingerprintIndex:
    """An index of fingerprints, which takes 56 bytes per fingerprint."""

    def __init__(self) -> None:
        self._bits = array("Q")
        self._colors = bytearray()

    def add(self, print_: Fingerprint) -> None:
        """Adds a fingerprint. Fingerprints are numbered from 0."""
        self._bits.append(print_.bits)
        self._colors.extend(print_.colors)

    def candidates(self, print_: Fingerprint) -> list[int]:
        """Returns the numbers of possible duplicates, most similar first."""
        # These views must not outlive the call, because they block `add`.
        bits = np.frombuffer(self._bits, np.uint64)
        near = np.flatnonzero(_count_bits(bits ^ np.uint64(print_.bits)) <= MAX_BITS)
        if not len(near):
            return []
        colors = np.frombuffer(self._colors, np.uint8).reshape(-1, len(print_.colors))[near]
        wanted = np.frombuffer(print_.colors, np.uint8)[np.newaxis]
        # The nearest rows and the sums of their differences, both int32 [1, k].
        sums, places = cv2.batchDistance(wanted, colors, cv2.CV_32S, normType=cv2.NORM_L1, K=MAX_CANDIDATES)
        is_near = sums[0] <= MAX_COARSE * len(print_.colors)
        return [int(number) for number in near[places[0][is_near]]]


def thumbnail(image: np.ndarray) -> np.ndarray:
    """Reduces a picture, uint8 [height, width, 3], to uint8 [64, 64, 3] for `same_picture`."""
    return cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def same_picture(first: np.ndarray, second: np.ndarray) -> bool:
    """Returns whether two thumbnails show the same picture, possibly slightly cropped.

    Args:
        first: uint8 [64, 64, 3], RGB, from `thumbnail`.
        second: The thumbnail of the other picture.
    """
    warp = np.eye(2, 3, dtype=np.float32)
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-4)
    grays = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (first, second)]
    everywhere = np.ones((SIDE, SIDE), np.uint8)
    try:
        found = cv2.findTransformECC(grays[0], grays[1], warp, cv2.MOTION_AFFINE, stop, everywhere, 5)
        warp = np.asarray(found[1], np.float32)
    except cv2.error:
        # Alignment fails on plain or unrelated pictures. They are compared without alignment.
        warp = np.eye(2, 3, dtype=np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(second, warp, (SIDE, SIDE), flags=flags)
    seen = cv2.warpAffine(np.ones((SIDE, SIDE), np.float32), warp, (SIDE, SIDE), flags=flags)
    seen = cv2.erode((seen > 0.99).astype(np.float32), np.ones((3, 3)))
    if seen.mean() < _MIN_SHARED or abs(float(np.linalg.det(warp[:, :2]))) < _MIN_SHARED:
        return False
    one, other = (cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32) for image in (first, moved))
    # The average tolerates outlines that are off by half a pixel.
    spots = [cv2.blur(image * seen[..., None], (_SPOT, _SPOT)) for image in (one, other)]
    difference = np.linalg.norm(spots[0] - spots[1], axis=-1) * seen
    return bool(difference.sum() / seen.sum() <= MAX_MEAN and difference.max() <= MAX_SPOT)


def _count_bits(values: np.ndarray) -> np.ndarray:
    """Counts the set bits of uint64 [n]; returns uint8 [n]."""
    if hasattr(np, "bitwise_count"):
        return np.bitwise_count(values)
    # NumPy 1 lacks `bitwise_count`.
    return np.unpackbits(values.view(np.uint8).reshape(-1, 8), axis=1).sum(axis=1).astype(np.uint8)
