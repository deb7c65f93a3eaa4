"""Paths as users give them: with `~`, and in folders that the environment names."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from anime_gan.common.errors import InputError


def expand_user(text: str) -> str:
    """Replaces a leading `~` or `~name` by a home folder, as a shell does for a word that starts with it.

    Args:
        text: A path, or a path after a word and a colon, such as `sutemo:~/art`.

    Raises:
        InputError: There is no such home folder, and no folder with that literal name.
    """
    kind, path = re.fullmatch(r"(?s)(\w[\w-]*:)?(.*)", text).groups("")  # type: ignore[union-attr]
    first = re.split(r"[/\\]", path, maxsplit=1)[0]
    expanded = os.path.expanduser(path)
    # A name such as `~backup.png` stays; `~` alone and `~name/...` mean a home folder.
    unknown = expanded == path and (first == "~" or (first.startswith("~") and first != path))
    if unknown and not os.path.exists(first):
        who = "HOME is not set" if first == "~" else f"there is no user {first[1:]}"
        raise InputError(f"{text}: {first} is unknown, because {who}; write the whole path, or ./{path}")
    return kind + expanded


def user_folder(variable: str, usual: str) -> Path:
    """Returns the folder for this user's files of one kind, such as caches.

    Without a home folder that can be written to, as in many containers, it is a private folder in the folder
    for temporary files.

    Args:
        variable: The environment variable that names the folder, such as `XDG_CACHE_HOME`.
        usual: The folder in the home folder if the variable is not set, such as `.cache`.

    Raises:
        InputError: The variable names a folder that cannot be created or written to.
    """
    given = os.environ.get(variable)
    if given:
        folder = Path(expand_user(given))
        if reason := _not_writable(folder):
            raise InputError(f"{variable}={given}: {reason}; set it to a folder that you can write to")
        return folder
    try:
        folder = Path.home() / usual
    except RuntimeError:  # The user has no entry in the system's list of users, and HOME is not set.
        return _temporary(variable)
    return _temporary(variable) if _not_writable(folder) else folder


def _not_writable(folder: Path) -> str:
    """Creates a folder; returns why it cannot be written to, or an empty text."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"the folder cannot be created ({error.strerror or error})"
    return "" if os.access(folder, os.W_OK | os.X_OK) else "the folder cannot be written to"


def _temporary(variable: str) -> Path:
    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir()) / f"anime_gan-{user}"
    reason = _not_writable(folder)
    # Anyone could have created a folder of this name before.
    if not reason and hasattr(os, "getuid"):
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            reason = "the folder belongs to another user"
        else:
            folder.chmod(0o700)
    if reason:
        raise InputError(
            f"there is no home folder to write to, and {folder}: {reason}; set {variable} to a folder that "
            "you can write to"
        )
    return folder
