"""From face to face and around a face: spherical in the latents, linear in the labels."""

from __future__ import annotations

import numpy as np

# Latents whose directions differ by less than this, in radians, are as good as parallel.
PARALLEL = 1e-4


def slerp(first: np.ndarray, last: np.ndarray, share: float) -> np.ndarray:
    """Spherical interpolation: as far from the origin on the way as at its ends, as latents are.

    White 2016, "Sampling Generative Networks" (arXiv 1609.04468, section 2.1). Latents that point in the
    same direction, or in opposite ones, leave the way open: then it is a straight line.

    Args:
        first: [z], where it begins.
        last: [z], where it ends.
        share: How far to go, from 0 to 1.

    Returns:
        float32 [z]; exactly `first` for 0 and `last` for 1.
    """
    if share in (0.0, 1.0):
        return np.asarray(last if share else first, np.float32)
    a, b = np.asarray(first, np.float64), np.asarray(last, np.float64)
    norms = np.linalg.norm(a) * np.linalg.norm(b)
    angle = np.arccos(np.clip(a @ b / norms, -1.0, 1.0)) if norms else 0.0
    if angle < PARALLEL or angle > np.pi - PARALLEL:
        return ((1.0 - share) * a + share * b).astype(np.float32)
    weights = np.sin((1.0 - share) * angle), np.sin(share * angle)
    return ((weights[0] * a + weights[1] * b) / np.sin(angle)).astype(np.float32)


def closed_walk(latents: np.ndarray, labels: np.ndarray, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """The way through all stations and from the last back to the first, in equal times.

    Each part of it starts and ends slowly (half a cosine): there and back would jerk at the ends, and the
    stations, which show exactly what was asked for, stay a moment.

    Args:
        latents: float32 [stations, z].
        labels: float32 [stations, a].
        frames: Pictures on the whole way; the first is the first station, and would come again after the
            last.

    Returns:
        float32 [frames, z] and float32 [frames, a].
    """
    count = len(latents)
    walked = []
    for frame in range(frames):
        # In whole numbers, so that a frame on a station is exactly there.
        station, rest = divmod(frame * count, frames)
        share = 0.5 - 0.5 * np.cos(np.pi * rest / frames)
        following = (station + 1) % count
        mixed = (1.0 - share) * labels[station] + share * labels[following]
        walked.append((slerp(latents[station], latents[following], share), mixed.astype(np.float32)))
    return np.stack([latent for latent, _ in walked]), np.stack([label for _, label in walked])


def ring(latent: np.ndarray, angle: float, count: int, seed: int) -> np.ndarray:
    """Latents around one: each as far from the origin as it, and turned away from it by the same angle.

    They lie evenly on a circle in a plane of directions that the seed decides, so that neighbours on the
    ring are neighbours of each other too. A single one is the latent, perturbed.

    Args:
        latent: [z], not zero; z is at least 3.
        angle: How far to turn, in radians: above 0, below pi.
        count: How many.
        seed: 0 and up.

    Returns:
        float32 [count, z].
    """
    center = np.asarray(latent, np.float64)
    norm = np.linalg.norm(center)
    directions = np.random.default_rng(seed).standard_normal((2, len(center)))
    # QR makes the three orthogonal (Gram-Schmidt) and keeps the first as it is, up to its sign.
    basis, _ = np.linalg.qr(np.stack([center, *directions], axis=1))
    turns = 2.0 * np.pi * np.arange(count)[:, np.newaxis] / count
    around = np.cos(turns) * basis[:, 1] + np.sin(turns) * basis[:, 2]
    return (np.cos(angle) * center + np.sin(angle) * norm * around).astype(np.float32)
