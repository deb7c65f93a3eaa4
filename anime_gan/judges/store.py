"""Saves, loads and caches judges."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from anime_gan.common.backend import keras
from anime_gan.common.files import written_whole
from anime_gan.common.fingerprint import code_fingerprint
from anime_gan.common.json_files import read_json
from anime_gan.datasets.dataset import Dataset
from anime_gan.datasets.prepared import cache_folder
from anime_gan.judges.record import JudgeError

# These modules determine where a judge is stored, not its weights.
STORAGE = ("anime_gan.judges.store", "anime_gan.judges.record", "anime_gan.datasets.prepared")


T = TypeVar("T")


def judge_folder(dataset: Dataset, name: str, *modules: str) -> Path:
    """Returns the cache folder of a dataset's judge; its key is the dataset's content and the code.

    Args:
        dataset: What the judge is trained on.
        name: Name of the judge.
        *modules: Modules with its code, besides those of the tagger and the critic.
    """
    code = code_fingerprint(("anime_gan.judges.tagger", "anime_gan.judges.critic", *modules), STORAGE)
    return cache_folder() / "judges" / f"{dataset.checksum[:16]}-{code[:16]}" / name


def weights_checksum(weights: Sequence[np.ndarray]) -> str:
    """Returns the SHA-256 of all weights, in order, as stored (float16)."""
    digest = hashlib.sha256()
    for values in weights:
        digest.update(values.astype(np.float16).tobytes())
    return digest.hexdigest()


def round_weights(network: keras.Model) -> None:
    """Rounds the weights to the stored precision, so that saving and loading change nothing."""
    network.set_weights([values.astype(np.float16).astype(np.float32) for values in network.get_weights()])


def save_judge(directory: Path, network: keras.Model, name: str, record: dict[str, Any]) -> None:
    """Writes `weights.npz` (float16) and `NAME.json` into a folder, atomically."""
    weights = [values.astype(np.float16) for values in network.get_weights()]
    record = {**record, "checksum": weights_checksum(weights)}
    with written_whole(directory) as partial:
        partial.mkdir()
        np.savez(partial / "weights.npz", *weights)
        (partial / f"{name}.json").write_text(json.dumps(record, indent=1), "utf-8")


def read_record(directory: Path, name: str, kind: type[T]) -> T:
    """Reads the record that `save_judge` wrote next to the weights.

    Args:
        directory: The folder.
        name: Name of the judge.
        kind: A `msgspec.Struct` with the fields of the record and its `checksum`.

    Raises:
        JudgeError: There is no judge, or its record cannot be read.
    """
    advice = f"delete the folder to train the {name} again"
    return read_json(directory / f"{name}.json", kind, JudgeError, advice)


def read_weights(directory: Path, network: keras.Model, checksum: str) -> None:
    """Loads the weights of a network.

    Raises:
        JudgeError: The weights are damaged or belong to another network.
    """
    try:
        with np.load(directory / "weights.npz", allow_pickle=False) as archive:
            weights = [archive[f"arr_{index}"].astype(np.float32) for index in range(len(archive.files))]
        network.set_weights(weights)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise JudgeError(
            f"{directory}: the weights cannot be read ({error}); delete the folder to train them again"
        ) from error
    if weights_checksum(weights) != checksum:
        raise JudgeError(f"{directory}: the weights are damaged; delete the folder to train them again")
