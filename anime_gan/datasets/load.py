"""Opens a data source by the text given as `--data`."""

from __future__ import annotations

from pathlib import Path

from anime_gan.datasets.dataset import DataError, Dataset

# Drawn when nobody says how many: a drawn source has no end.
DEFAULT_DRAWN_IMAGES = 16_000


def load_dataset(data: str, num_images: int, resolution: int, seed: int) -> Dataset:
    """Opens a data source by the text of `--data`.

    Args:
        data: `drawn`, `sutemo:DIR`, `sutemo-white:DIR`, a folder of images, or one of TFRecord shards;
            folders may be anything that `tf.io.gfile` opens, such as `gs://bucket/faces`.
        num_images: How many images at most; 0 for all there are, or `DEFAULT_DRAWN_IMAGES` drawn ones.
        resolution: Pixels along a side.
        seed: Decides what is drawn.

    Raises:
        DataError: There is no such source, or it cannot be read.
    """
    # Imported here: a folder needs none of the illustrators.
    from anime_gan.datasets.prepared import prepare
    from anime_gan.datasets.reading.storage import is_folder, is_remote

    kind, _, where = data.partition(":")
    if kind == "drawn" and not where:
        from anime_gan.datasets.drawn.faces import DrawnFaces
        from anime_gan.datasets.illustrated import IllustratedFaces

        return prepare(IllustratedFaces(DrawnFaces(seed), num_images or DEFAULT_DRAWN_IMAGES), resolution)
    if kind in ("sutemo", "sutemo-white") and where:
        from anime_gan.datasets.illustrated import IllustratedFaces
        from anime_gan.datasets.sutemo.faces import SutemoFaces, SutemoFacesOnWhite

        try:
            illustrator = (SutemoFaces if kind == "sutemo" else SutemoFacesOnWhite)(where, seed)
        except (OSError, ValueError) as error:
            raise DataError(f"--data={data}: {error}") from error
        return prepare(IllustratedFaces(illustrator, num_images or DEFAULT_DRAWN_IMAGES), resolution)
    root = data if is_remote(data) else Path(data).resolve().as_posix()
    # An empty text would be the current folder.
    if not data or not is_folder(root):
        raise DataError(f"--data={data}: no such folder; use drawn, sutemo:DIR, or a folder of images")
    from anime_gan.datasets import records
    from anime_gan.datasets.folder import source as folder

    if records.is_records_folder(root):
        return prepare(records.RecordShards(root, num_images), resolution)
    return folder.load_folder(root, num_images, resolution)
