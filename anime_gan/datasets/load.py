"""Loads the data source that `--data` names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from anime_gan.datasets.dataset import DataError, Dataset

# The default number of drawn images; a drawn source is endless.
DEFAULT_DRAWN_IMAGES = 16_000


# Value of `--transparent` -> whether images keep their alpha channel; None for what the source has.
TRANSPARENT: Mapping[str, bool | None] = MappingProxyType({"auto": None, "yes": True, "no": False})

TRANSPARENT_HELP = (
    "whether images keep their alpha channel: yes, no, or auto (drawn faces, and folders in which nearly all "
    "images have transparent pixels); opaque images among transparent ones are left out"
)


def load_dataset(data: str, num_images: int, resolution: int, seed: int, transparent: str = "no") -> Dataset:
    """Loads the data source that a text names.

    Args:
        data: `drawn`, `sutemo:DIR`, `sutemo-white:DIR`, or a folder of images or TFRecord shards. A folder
            may be remote, such as `gs://bucket/faces`.
        num_images: Maximum number of images; 0 for all, or for `DEFAULT_DRAWN_IMAGES` drawn ones.
        resolution: Image side in pixels.
        seed: Random seed of drawn images.
        transparent: A key of `TRANSPARENT`. Drawn images have an alpha channel unless it is "no".

    Raises:
        DataError: There is no such source (field `data`), or it cannot be read.
    """
    # Imported here, because a folder needs no illustrator.
    from anime_gan.datasets.prepared import prepare
    from anime_gan.datasets.reading.storage import is_folder, is_remote

    kind, _, where = data.partition(":")
    alpha = TRANSPARENT[transparent]
    if kind == "drawn" and not where:
        from anime_gan.datasets.drawn.faces import DrawnFaces
        from anime_gan.datasets.illustrated import IllustratedFaces

        drawn = DrawnFaces(seed, transparent=alpha is not False)
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
    # An empty text would mean the current folder.
    if not data or not is_folder(root):
        raise DataError("no such folder; use drawn, sutemo:DIR, or a folder of images", "data", data)
    from anime_gan.datasets import records
    from anime_gan.datasets.folder import source as folder

    if records.is_records_folder(root):
        return prepare(records.RecordShards(root, num_images, alpha), resolution)
    return folder.load_folder(root, num_images, resolution, alpha)
