"""Downloads an exported model from an object store."""

from __future__ import annotations

import hashlib
from pathlib import Path

from anime_gan.common.errors import InputError
from anime_gan.common.files import written_whole
from anime_gan.common.stores import Store, joined, open_store, store_copies, walk

GRAPH = "saved_model.pb"


def fetch_export(url: str) -> Path:
    """Returns a local copy of the newest exported model at a URL; only a change is downloaded again.

    Args:
        url: A version folder, an `export` folder, or a run.

    Raises:
        InputError: There is no model, or it cannot be read.
    """
    store = open_store(url)
    try:
        version = _newest_version(store, url) or _newest_version(store, joined(url, "export"))
        if not version:
            raise InputError("no exported model found", "model", url)
        files = sorted(walk(store, version))
        state = hashlib.sha256(repr(files).encode()).hexdigest()[:16]
        folder = store_copies(version) / state / version.rpartition("/")[2]
        if not folder.is_dir():
            with written_whole(folder) as partial:
                for file in files:
                    store.download(joined(version, file.name), partial / file.name)
    except OSError as error:
        raise InputError(f"cannot be read ({error})", "model", url) from error
    return folder


def _newest_version(store: Store, url: str) -> str:
    """Returns the URL of the newest complete version in a folder; empty if there is none."""
    try:
        entries = store.entries(url)
    except FileNotFoundError:
        return ""
    if any(entry.name == GRAPH for entry in entries):
        return url
    numbers = [int(entry.name) for entry in entries if entry.is_folder and entry.name.isdecimal()]
    for number in sorted(numbers, reverse=True):
        version = joined(url, str(number))
        # The graph is uploaded last.
        if any(entry.name == GRAPH for entry in store.entries(version)):
            return version
    return ""
