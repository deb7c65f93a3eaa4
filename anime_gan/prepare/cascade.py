"""The file of the face detector: given by the user, kept in the cache, or fetched once from its home.

It is the LBP cascade for anime faces by nagadomi (MIT license), which is no part of this project.
"""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from pathlib import Path

from anime_gan.common.files import written_whole
from anime_gan.datasets.prepared import cache_folder

NAME = "lbpcascade_animeface.xml"
HOME = f"https://raw.githubusercontent.com/nagadomi/lbpcascade_animeface/master/{NAME}"
SHA256 = "9376d30ac38db6bda2a68b88b3b76bbd7e6aa33af47f7f5c76bc88ca75f1ce30"
_SECONDS = 30
_MAX_BYTES = 2**21


def find_cascade(given: str, home: str = HOME) -> Path:
    """Where the cascade is; fetches it if it is in no place yet.

    Args:
        given: The user's file, which may be any cascade; empty for the usual one.
        home: Where that is fetched from.

    Raises:
        ValueError: There is no such file, it cannot be fetched, or something else came.
    """
    if given:
        if not Path(given).is_file():
            raise ValueError(f"--cascade={given}: no such file; without --cascade it is fetched from {HOME}")
        return Path(given)
    kept = cache_folder() / NAME
    if not kept.is_file() or _digest(kept.read_bytes()) != SHA256:
        content = _fetch(home)
        with written_whole(kept) as partial:
            partial.write_bytes(content)
    return kept


def _fetch(home: str) -> bytes:
    remedy = f"fetch it yourself from {HOME} and name it: --cascade=FILE"
    try:
        with urllib.request.urlopen(home, timeout=_SECONDS) as answer:
            content: bytes = answer.read(_MAX_BYTES)
    except (urllib.error.URLError, OSError) as error:
        raise ValueError(f"the face detector's file cannot be fetched ({error}): {remedy}") from error
    if _digest(content) != SHA256:
        raise ValueError(f"{home}: has another checksum than the file this program knows: {remedy}")
    return content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
