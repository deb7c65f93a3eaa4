"""Interpolation between faces: spherical for latent vectors, linear for labels."""

from __future__ import annotations

import numpy as np

# Latent vectors at a smaller angle than this, in radians, count as parallel.
PARALLEL = 1e-4


def slerp(first: np.ndarray, last: np.ndarray, share: float) -> np.ndarray:
    """Interpolates spherically, which keeps the usual distance of latent vectors from the origin.

    See White 2016, "Sampling Generative Networks" (arXiv 1609.04468, section 2.1). Between parallel or
    opposite vectors, the arc is undefined, and the interpolation is linear.

    Args:
        first: [z], the start.
        last: [z], the end.
        share: Position between the two, from 0 to 1.

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


def closed_path(latents: np.ndarray, labels: np.ndarray, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Interpolates through all keyframes and back to the first, with the same time for each part.

    Each part starts and ends slowly (half a cosine). Therefore, the animation does not jerk at the keyframes,
    and each keyframe stays on screen for a moment.

    Args:
        latents: float32 [keyframes, z].
        labels: float32 [keyframes, a].
        frames: Number of frames. The first frame is the first keyframe; in a loop, it follows the last frame.

    Returns:
        float32 [frames, z] and float32 [frames, a].
    """
    count = len(latents)
    path = []
    for frame in range(frames):
        # Integer arithmetic makes a frame at a keyframe exactly equal to that keyframe.
        keyframe, rest = divmod(frame * count, frames)
        share = 0.5 - 0.5 * np.cos(np.pi * rest / frames)
        following = (keyframe + 1) % count
        mixed = (1.0 - share) * labels[keyframe] + share * labels[following]
        path.append((slerp(latents[keyframe], latents[following], share), mixed.astype(np.float32)))
    return np.stack([latent for latent, _ in path]), np.stack([label for _, label in path])


def ring(latent: np.ndarray, angle: float, count: int, seed: int) -> np.ndarray:
    """Returns latent vectors around a given one, all at the same angle to it and with its length.

    They are evenly spaced on a circle, so neighbors on the ring are also similar to each other. The seed
    determines the plane of the circle. With a count of 1, the result is a random perturbation.

    Args:
        latent: [z], not zero; z is at least 3.
        angle: Angle to the given vector in radians, above 0 and below pi.
        count: Number of vectors.
        seed: Random seed, 0 or more.

    Returns:
        float32 [count, z].
    """
    return around(latent, angle, 2.0 * np.pi * np.arange(count) / count, seed)


def around(latent: np.ndarray, angle: float, turns: np.ndarray, seed: int) -> np.ndarray:
    """Returns the latent vectors of `ring` at any turns on its circle, float32 [count, z].

    Args:
        latent: As in `ring`.
        angle: Angle to the given vector in radians, 0 or more.
        turns: float64 [count], the positions on the circle in radians.
        seed: As in `ring`.
    """
    center = np.asarray(latent, np.float64)
    norm = np.linalg.norm(center)
    directions = np.random.default_rng(seed).standard_normal((2, len(center)))
    # QR makes the three vectors orthonormal (Gram-Schmidt) and keeps the first direction, up to its sign.
    basis, _ = np.linalg.qr(np.stack([center, *directions], axis=1))
    turns = turns[:, np.newaxis]
    circle = np.cos(turns) * basis[:, 1] + np.sin(turns) * basis[:, 2]
    return (np.cos(angle) * center + np.sin(angle) * norm * circle).astype(np.float32)
