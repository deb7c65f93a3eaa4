"""Loads the data source that `--data` names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from anime_gan.common.alpha import TRANSPARENT
from anime_gan.common.user_code import is_reference, load_object
from anime_gan.datasets.dataset import DataError, Dataset

if TYPE_CHECKING:
    from anime_gan.datasets.illustrated import Illustrator

# The default number of drawn images; a drawn source is endless.
DEFAULT_DRAWN_IMAGES = 16_000
# Pairs of faces for the measure of persons.
SIBLINGS = 6_000


def load_dataset(
    data: str,
    num_images: int,
    resolution: int,
    seed: int,
    transparent: str = "no",
    *,
    labels_from: str = "auto",
    import_code: bool = False,
) -> Dataset:
    """Loads the data source that `data` names.

    Args:
        data: `drawn`, `drawn:STYLES`, `sutemo:DIR`, `sutemo-white:DIR`, a folder of images or TFRecord
            shards, or `module:NAME`. A folder may be remote, such as `gs://bucket/faces`. `module:NAME` is
            a class outside the package with the members of `Illustrator`.
        num_images: Maximum number of images; 0 for all, or for `DEFAULT_DRAWN_IMAGES` drawn ones.
        resolution: Image side in pixels.
        seed: Random seed for drawn images.
        transparent: A key of `TRANSPARENT`. Drawn images have an alpha channel unless it is "no".
        labels_from: Source of the labels of a folder, as in `read_labels`.
        import_code: Whether `module` may be imported. This is True if the user typed `data`, and False if
            `data` comes from a file, which somebody else may have written.

    Raises:
        DataError: There is no such source (field `data`), or it cannot be read.
    """
    # Each kind of source is imported only when it is needed.
    from anime_gan.datasets.prepared import prepare
    from anime_gan.datasets.reading.storage import is_folder, is_remote

    kind, _, where = data.partition(":")
    alpha = TRANSPARENT[transparent]
    if kind == "drawn":
        from anime_gan.datasets.drawn.faces import DrawnFaces
        from anime_gan.datasets.illustrated import IllustratedFaces
        from anime_gan.datasets.illustrator.faces import StyledFaces, parse_styles

        keeps_alpha = alpha is not False
        drawn: Illustrator = DrawnFaces(seed, keeps_alpha)
        if where:
            drawn = StyledFaces(seed, parse_styles(where), keeps_alpha)
        return prepare(IllustratedFaces(drawn, num_images or DEFAULT_DRAWN_IMAGES), resolution)
    if kind in ("sutemo", "sutemo-white") and where:
        from anime_gan.datasets.illustrated import IllustratedFaces
        from anime_gan.datasets.sutemo.faces import SutemoFaces, SutemoFacesOnWhite

        try:
            if kind == "sutemo":
                illustrator = SutemoFaces(where, seed, transparent=alpha is not False)
            else:
                illustrator = SutemoFacesOnWhite(where, seed)
        except (OSError, ValueError) as error:
            raise DataError(str(error), "data", data) from error
        return prepare(IllustratedFaces(illustrator, num_images or DEFAULT_DRAWN_IMAGES), resolution)
    root = data if is_remote(data) else Path(data).resolve().as_posix()
    if is_reference(data) and not is_folder(root):
        from anime_gan.datasets.illustrated import IllustratedFaces

        if not import_code:
            reason = f"Python code is imported only if the command names it: add --data={data}"
            raise DataError(reason, "data", data)
        own = IllustratedFaces(_load_illustrator(data, seed), num_images or DEFAULT_DRAWN_IMAGES)
        return prepare(own, resolution)
    # An empty text would mean the current folder.
    if not data or not is_folder(root):
        reason = _why_no_source(data)
        raise DataError(reason, "data", data)
    from anime_gan.datasets import records
    from anime_gan.datasets.folder import source as folder

    if not os.path.isfile(root) and records.is_records_folder(root):
        return prepare(records.RecordShards(root, num_images, alpha), resolution)
    try:
        return folder.load_folder(root, num_images, resolution, alpha, labels_from)
    except DataError as error:
        if os.path.isfile(root) or not (found := records.foreign_records(root)):
            raise
        advice = "save their images as files and use that folder, or write it as shards with"
        reason = f"contains {found}; {advice} python -m anime_gan.datasets.build FOLDER DEST"
        raise DataError(reason, "data", data) from error


def load_siblings(data: str, resolution: int, seed: int, transparent: str) -> Dataset | None:
    """Loads pairs of faces of the same person with different expressions; None if a source has none.

    Args:
        data: As in `load_dataset`; only `sutemo:DIR` has pairs.
        resolution: Image side in pixels.
        seed: Random seed of the persons.
        transparent: A key of `TRANSPARENT`.

    Raises:
        DataError: The source cannot be read.
    """
    kind, _, where = data.partition(":")
    if kind != "sutemo" or not where:
        return None
    from anime_gan.datasets.illustrated import IllustratedFaces
    from anime_gan.datasets.prepared import prepare
    from anime_gan.datasets.sutemo.siblings import SutemoSiblings

    try:
        illustrator = SutemoSiblings(where, seed, transparent=TRANSPARENT[transparent] is not False)
    except (OSError, ValueError) as error:
        raise DataError(str(error), "data", data) from error
    return prepare(IllustratedFaces(illustrator, 2 * SIBLINGS), resolution)


def _why_no_source(data: str) -> str:
    if data and os.path.isfile(data):
        return "this file is not a zip archive; use a folder of images or a .zip file"
    return "no such folder; use drawn, sutemo:DIR, a folder of images, or module:NAME"


def _load_illustrator(reference: str, seed: int) -> Illustrator:
    """Loads the class that `module:NAME` names, and calls it with the seed."""
    found = load_object(reference, type, "data")
    # Checked before the call: not every class is a data source.
    missing = [name for name in ("name", "statement", "attributes", "draw") if not hasattr(found, name)]
    if "draw" in missing:
        raise DataError("must be a class with a method draw (see docs/extending.md)", "data", reference)
    illustrator: Illustrator = found(seed)
    if missing := [name for name in missing if not hasattr(illustrator, name)]:
        raise DataError(
            f"the class lacks attributes (see docs/extending.md): {', '.join(missing)}", "data", reference
        )
    return illustrator
