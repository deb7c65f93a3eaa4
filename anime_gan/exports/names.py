"""Names of data and models for the files of an export, without the paths on the machine that made it."""

from __future__ import annotations

import re
from pathlib import PurePath

from anime_gan.common.source_names import each_source
from anime_gan.datasets.dataset import printable

# Folders inside a run or a model.
_INSIDE = re.compile(r"\d+|export|checkpoints|step-\d+")


def folder_name(data: str) -> str:
    """Returns data sources without the paths to their folders, which would tell of the owner's folders."""
    return each_source(_folder_name, data)


def _folder_name(data: str) -> str:
    if "://" in data:
        return data
    kind, colon, path = data.partition(":") if re.match(r"[\w-]{2,}:", data) else ("", "", data)
    return printable(f"{kind}{colon}{PurePath(path).name}")


def model_name(path: str) -> str:
    """Returns the name of a run or a model from its path, or from the path of an export or checkpoint."""
    parts = PurePath(path).parts
    while len(parts) > 1 and _INSIDE.fullmatch(parts[-1]):
        parts = parts[:-1]
    return printable(parts[-1]) if parts else ""
