"""Where judges are cached, and how they are saved and loaded."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from anime_gan.common.errors import InputError
from anime_gan.common.files import written_whole
from anime_gan.common.fingerprint import code_fingerprint
from anime_gan.datasets.dataset import Dataset
from anime_gan.datasets.prepared import cache_folder

# Decide where a judge is kept, not what it is.
STORAGE = ("anime_gan.judges.store", "anime_gan.datasets.prepared")


class JudgeError(InputError):
    """A kept judge cannot be used; the message says which and what to do."""


def judge_folder(dataset: Dataset, name: str) -> Path:
    """Where the cache keeps a dataset's judge; keyed by the content of the dataset and by the code."""
    code = code_fingerprint(("anime_gan.judges.tagger", "anime_gan.judges.critic"), STORAGE)
    return cache_folder() / "judges" / f"{dataset.checksum[:16]}-{code[:16]}" / name


def weights_checksum(weights: Sequence[np.ndarray]) -> str:
    """SHA-256 of all weights, in order, as they are kept (float16)."""
    digest = hashlib.sha256()
    for values in weights:
        digest.update(values.astype(np.float16).tobytes())
    return digest.hexdigest()


def round_weights(network: keras.Model) -> None:
    """Rounds the weights to what will be kept, so that a judge is the same before and after loading."""
    network.set_weights([values.astype(np.float16).astype(np.float32) for values in network.get_weights()])


def save_judge(directory: Path, network: keras.Model, name: str, record: dict[str, Any]) -> None:
    """Writes `weights.npz` (float16) and `NAME.json` into a folder, whole or not at all."""
    weights = [values.astype(np.float16) for values in network.get_weights()]
    record = {**record, "checksum": weights_checksum(weights)}
    with written_whole(directory) as partial:
        partial.mkdir()
        np.savez(partial / "weights.npz", *weights)
        (partial / f"{name}.json").write_text(json.dumps(record, indent=1), "utf-8")


def read_record(directory: Path, name: str) -> dict[str, Any]:
    """What `save_judge` noted beside the weights.

    Raises:
        JudgeError: There is no judge, or it cannot be read.
    """
    try:
        return json.loads((directory / f"{name}.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise JudgeError(f"{directory}: no {name} that can be read; delete the folder ({error})") from error


def read_weights(directory: Path, network: keras.Model, record: dict[str, Any]) -> None:
    """Gives a network its weights.

    Raises:
        JudgeError: They are damaged, or of another network.
    """
    try:
        with np.load(directory / "weights.npz", allow_pickle=False) as archive:
            weights = [archive[f"arr_{index}"].astype(np.float32) for index in range(len(archive.files))]
        network.set_weights(weights)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise JudgeError(f"{directory}: the weights cannot be read; delete the folder ({error})") from error
    if weights_checksum(weights) != record["checksum"]:
        raise JudgeError(f"{directory}: the weights are damaged; delete the folder")
