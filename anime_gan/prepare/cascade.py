"""Finds the face detector's file: the user's own, or one that is downloaded once and cached.

The default file is nagadomi's LBP cascade for anime faces (MIT license), which is not part of this project.
"""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from pathlib import Path

from anime_gan.common.errors import InputError
from anime_gan.common.files import written_whole
from anime_gan.datasets.prepared import cache_folder

NAME = "lbpcascade_animeface.xml"
HOME = f"https://raw.githubusercontent.com/nagadomi/lbpcascade_animeface/master/{NAME}"
SHA256 = "9376d30ac38db6bda2a68b88b3b76bbd7e6aa33af47f7f5c76bc88ca75f1ce30"
_SECONDS = 30
_MAX_BYTES = 2**21


def find_cascade(given: str, home: str = HOME) -> Path:
    """Returns the path of the cascade, and downloads the file if it is not cached.

    Args:
        given: The user's cascade file; empty for the default file.
        home: The URL of the default file.

    Raises:
        InputError: The file does not exist, the download fails, or its checksum is wrong (field `cascade`).
    """
    if given:
        if not Path(given).is_file():
            raise InputError(
                f"no such file; without this option, the file is downloaded from {HOME}", "cascade", given
            )
        return Path(given)
    kept = cache_folder() / NAME
    if not kept.is_file() or _digest(kept.read_bytes()) != SHA256:
        content = _fetch(home)
        with written_whole(kept) as partial:
            partial.write_bytes(content)
    return kept


def _fetch(home: str) -> bytes:
    remedy = f"or download {HOME} yourself and pass its path"
    try:
        with urllib.request.urlopen(home, timeout=_SECONDS) as answer:
            content: bytes = answer.read(_MAX_BYTES)
    except (urllib.error.URLError, OSError) as error:
        raise InputError(
            f"the face detector cannot be downloaded ({error}); try again, {remedy}", "cascade"
        ) from error
    if _digest(content) != SHA256:
        raise InputError(
            f"{home} has a wrong checksum, so the file has changed; pass the path of an original copy",
            "cascade",
        )
    return content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
