"""Converts between sRGB and CIELAB (IEC 61966-2-1; CIE 15)."""

from __future__ import annotations

import numpy as np

_RGB_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_WHITE = _RGB_TO_XYZ.sum(axis=1)  # D65, the white point of sRGB


def rgb_to_lab(rgb: np.ndarray) -> np.ndarray:
    """Converts sRGB to CIELAB (D65).

    Args:
        rgb: Colors of shape [..., 3], 0..255.

    Returns:
        float64 of shape [..., 3]: L in 0..100, a and b in about -110..110.
    """
    encoded = np.asarray(rgb, np.float64) / 255.0
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    ratio = linear @ _RGB_TO_XYZ.T / _WHITE
    curved = np.where(ratio > 216 / 24389, np.cbrt(ratio), (ratio * 24389 / 27 + 16) / 116)
    x, y, z = np.moveaxis(curved, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def lab_to_rgb(lab: np.ndarray) -> np.ndarray:
    """Converts CIELAB (D65) to sRGB; colors outside the sRGB gamut are clipped.

    Args:
        lab: Colors of shape [..., 3], in the ranges that `rgb_to_lab` returns.

    Returns:
        float64 of shape [..., 3], 0..255.
    """
    lightness, a, b = np.moveaxis(np.asarray(lab, np.float64), -1, 0)
    y = (lightness + 16) / 116
    curved = np.stack([y + a / 500, y, y - b / 200], axis=-1)
    ratio = np.where(curved > 6 / 29, curved**3, (116 * curved - 16) * 27 / 24389)
    linear = np.clip((ratio * _WHITE) @ np.linalg.inv(_RGB_TO_XYZ).T, 0.0, 1.0)
    root = np.maximum(linear, 0.0031308) ** (1 / 2.4)
    encoded: np.ndarray = 255.0 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * root - 0.055)
    return encoded
