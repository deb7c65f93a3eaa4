"""TensorFlow's stateless random numbers in NumPy: the same seed gives the same numbers.

The generator is Philox 4x32-10 (Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3"). A pair of
seeds is scrambled to a key and a counter, as `tf.random.stateless_normal(..., alg="philox")` does.
docs/portable_format.md defines each step for other languages.
"""

from __future__ import annotations

import numpy as np

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
# Added to the two words of the key after each round.
WEYL = (0x9E3779B9, 0xBB67AE85)
# The key under which TensorFlow scrambles seeds.
SCRAMBLE_KEY = (0x3EC8F720, 0x02461E29)
# Smaller uniform numbers would give an infinite logarithm.
SMALLEST_UNIFORM = np.float32(1e-7)
WORD = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def philox(counters: np.ndarray, key: tuple[int, int]) -> np.ndarray:
    """Encrypts counters.

    Args:
        counters: uint32 [n, 4], the lowest word first.
        key: Two words, the lowest first.

    Returns:
        uint32 [n, 4].
    """
    words = [column.astype(np.uint64) for column in counters.T]
    low, high = (np.uint64(word) for word in key)
    first, second = (np.uint64(multiplier) for multiplier in MULTIPLIERS)
    for _ in range(ROUNDS):
        a, b = first * words[0], second * words[2]
        words = [(b >> HALF) ^ words[1] ^ low, b & WORD, (a >> HALF) ^ words[3] ^ high, a & WORD]
        low, high = (low + np.uint64(WEYL[0])) & WORD, (high + np.uint64(WEYL[1])) & WORD
    return np.stack(words, axis=1).astype(np.uint32)


def random_words(seed: int, stream: int, count: int) -> np.ndarray:
    """Draws random words from a pair of seeds: uint32 [count].

    Args:
        seed: 0 to 2^63 - 1.
        stream: The second seed, 0 to 2^63 - 1.
        count: Number of words.
    """
    pair = [part for number in (seed, stream) for part in (number & 0xFFFFFFFF, number >> 32)]
    mixed = philox(np.array([pair], np.uint32), SCRAMBLE_KEY)[0]
    blocks = -(-count // 4)
    counters = np.empty((blocks, 4), np.uint32)
    # The counter has 128 bits. Its lower half starts at 0 and never overflows.
    counters[:, 0], counters[:, 1] = np.arange(blocks), 0
    counters[:, 2:] = mixed[2:]
    return philox(counters, (int(mixed[0]), int(mixed[1]))).ravel()[:count]


def normals(seed: int, stream: int, count: int) -> np.ndarray:
    """Draws standard normal numbers by the Box-Muller transform: float32 [count]."""
    pairs = random_words(seed, stream, 2 * -(-count // 2)).reshape(-1, 2)
    uniforms = _to_float32(pairs)
    radius = np.sqrt(-2.0 * np.log(np.maximum(uniforms[:, 0], SMALLEST_UNIFORM).astype(np.float64)))
    # TensorFlow rounds the angle to float32.
    angle = (2.0 * np.pi * uniforms[:, 1].astype(np.float64)).astype(np.float32).astype(np.float64)
    return (
        np.stack([np.sin(angle) * radius, np.cos(angle) * radius], axis=1).astype(np.float32).ravel()[:count]
    )


def uniforms(seed: int, stream: int, count: int) -> np.ndarray:
    """Draws uniform numbers in [0, 1) with 52 random bits: float64 [count]."""
    words = random_words(seed, stream, 2 * count).reshape(-1, 2).astype(np.uint64)
    bits = ((words[:, 0] & np.uint64(0xFFFFF)) << HALF) | words[:, 1]
    return bits.astype(np.float64) * 2.0**-52


def _to_float32(words: np.ndarray) -> np.ndarray:
    """Returns uniform numbers in [0, 1) from the lowest 23 bits of each word: float32."""
    return (words & np.uint32(0x7FFFFF)).astype(np.float32) * np.float32(2.0**-23)
