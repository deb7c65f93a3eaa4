"""The record beside the weights of a critic, which is read without TensorFlow."""

from __future__ import annotations

import msgspec

from anime_gan.common.errors import InputError


class JudgeError(InputError):
    """A stored judge cannot be used; the message names it and says what to do."""


class CriticRecord(msgspec.Struct):
    """The contents of `critic.json`; see `Critic`. Critics from before version 0.2.0 have 3 channels."""

    side: int
    floor: float
    detection: dict[str, float]
    checksum: str
    channels: int = 3
