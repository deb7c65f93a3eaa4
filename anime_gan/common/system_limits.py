"""Recognizes errors that say that the disk is full, or that a limit of the system is reached."""

from __future__ import annotations

import re

# Words of the operating system -> advice. TensorFlow's errors end with the same words.
ADVICE = {
    "No space left on device": "free some disk space",
    "Disk quota exceeded": "free some disk space",
    "File too large": "raise the limit on the size of files (ulimit -f)",
    "Too many open files": "raise the limit on open files (ulimit -n)",
    "Cannot allocate memory": "close other programs, or use less data",
}
OUT_OF_MEMORY = "not enough memory; close other programs, or use a smaller batch, or fewer or smaller images"
_MEMORY_WORDS = (
    *("OOM when allocating", "bad_alloc", "Unable to allocate", "Arena alloc failed"),
    # A library of TensorFlow could not be loaded.
    *("failed to map segment", "cannot allocate memory"),
)


def system_limit(error: BaseException) -> str | None:
    """Returns a line about the disk, file, or memory limit that an error reports; None for other errors.

    Errors of TensorFlow are recognized without importing it.
    """
    foreign = type(error).__module__.partition(".")[0] in ("tensorflow", "keras")
    if not (foreign or isinstance(error, (OSError, MemoryError, RuntimeError, ImportError))):
        return None
    # TensorFlow's texts start with the name of an operation.
    text = re.sub(r"^\{\{.*?\}\} ?", "", str(error))
    for words, advice in ADVICE.items():
        if words in text:
            # TensorFlow names the file before the words, Python after them.
            found = re.search(rf"(/[^;\n]*); {words}", text) or re.search(rf"{words}: (['\"].*['\"])", text)
            return f"{words}{f': {found[1]}' if found else ''}; {advice}"
    if isinstance(error, MemoryError) or any(words in text for words in _MEMORY_WORDS):
        return OUT_OF_MEMORY
    return None
