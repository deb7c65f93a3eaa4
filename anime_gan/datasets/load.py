"""Loads the data source that `--data` names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from anime_gan.common.alpha import TRANSPARENT
from anime_gan.common.source_names import split_sources
from anime_gan.common.stores import is_remote
from anime_gan.common.user_code import is_reference, load_object
from anime_gan.datasets.dataset import DataError, Dataset

if TYPE_CHECKING:
    from anime_gan.datasets.folder.source import ImageFolder
    from anime_gan.datasets.illustrated import Illustrator

# The default number of drawn images; a drawn source is endless.
DEFAULT_DRAWN_IMAGES = 16_000
# The kinds of sources whose pictures are composed of the layers in a folder.
LAYERED = ("sutemo", "sutemo-white", "pixel")
# Pairs of faces for the identity measure.
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
    shares: str = "",
) -> Dataset:
    """Loads the data source that `data` names.

    Args:
        data: `drawn`, `drawn:STYLES`, `sutemo:DIR`, `sutemo-white:DIR`, `pixel:DIR`, a folder of images or
            TFRecord shards, or `module:NAME`. A folder may be remote, such as `gs://bucket/faces`.
            `module:NAME` is a class outside the package with the members of `Illustrator`. Several sources
            are joined as in `source_names`.
        num_images: Maximum number of images of all sources; 0 for all files, and for `DEFAULT_DRAWN_IMAGES`
            drawn images of each source.
        resolution: Image side in pixels.
        seed: Random seed for drawn images.
        transparent: A key of `TRANSPARENT`. Drawn images have an alpha channel unless it is "no".
        labels_from: Source of the labels of a folder, as in `read_labels`.
        import_code: Whether `module` may be imported. This is True if the user typed `data`, and False if
            `data` comes from a file, which somebody else may have written.
        shares: How often each of several sources is used, such as `3,1`; empty for as often as it has images.

    Raises:
        DataError: There is no such source (field `data`), or it cannot be read.
    """
    # Each kind of source is imported only when it is needed.
    from anime_gan.datasets.illustrated import IllustratedFaces
    from anime_gan.datasets.prepared import prepare

    sources = split_sources(data)
    if len(sources) > 1:
        return _load_several(
            sources, shares, num_images, resolution, seed, transparent, labels_from, import_code
        )
    if shares.strip():
        raise DataError("needs several sources: give --data several times", "data_shares", shares)
    illustrator = make_illustrator(data, seed, transparent, import_code=import_code)
    if illustrator is not None:
        return prepare(IllustratedFaces(illustrator, num_images or DEFAULT_DRAWN_IMAGES), resolution)
    return _load_files(data, num_images, resolution, transparent, labels_from)


def make_illustrator(
    data: str, seed: int, transparent: str, *, import_code: bool, is_placed: bool = False
) -> Illustrator | None:
    """Returns the program that draws the pictures of a source; None if the source consists of files.

    Args:
        data: One source, as in `load_dataset`.
        seed: Random seed.
        transparent: A key of `TRANSPARENT`.
        import_code: As in `load_dataset`.
        is_placed: Whether eyes and chin are where those of other sources are.

    Raises:
        DataError: As in `load_dataset`.
    """
    from anime_gan.datasets.reading.storage import is_folder

    kind, _, where = data.partition(":")
    keeps_alpha = TRANSPARENT[transparent] is not False
    if kind == "drawn":
        from anime_gan.datasets.drawn.faces import DrawnFaces
        from anime_gan.datasets.illustrator.faces import StyledFaces, parse_styles

        if where:
            return StyledFaces(seed, parse_styles(where), keeps_alpha, is_placed)
        return DrawnFaces(seed, keeps_alpha, is_placed)
    if kind in LAYERED and where:
        from anime_gan.datasets.pixel.faces import PixelFaces
        from anime_gan.datasets.sutemo.faces import SutemoFaces, SutemoFacesOnWhite

        try:
            if kind == "pixel":
                return PixelFaces(where, seed, keeps_alpha)
            if kind == "sutemo":
                return SutemoFaces(where, seed, transparent=keeps_alpha)
            return SutemoFacesOnWhite(where, seed)
        except (OSError, ValueError) as error:
            raise DataError(str(error), "data", data) from error
    if is_reference(data) and not is_folder(_root(data)):
        if not import_code:
            reason = f"Python code is imported only if the command names it: add --data={data}"
            raise DataError(reason, "data", data)
        return _load_illustrator(data, seed)
    return None


def _root(data: str) -> str:
    return data if is_remote(data) else Path(data).resolve().as_posix()


def _load_several(
    sources: Sequence[str],
    shares: str,
    num_images: int,
    resolution: int,
    seed: int,
    transparent: str,
    labels_from: str,
    import_code: bool,
) -> Dataset:
    """Loads several sources; if one of them has no alpha channel, none keeps it."""
    from anime_gan.datasets.illustrated import IllustratedFaces, channels_of
    from anime_gan.datasets.mixture.load import load_mixture
    from anime_gan.datasets.prepared import prepare

    def load(name: str, illustrator: Illustrator | None, count: int) -> Dataset:
        if illustrator is None:
            return _load_files(name, count, resolution, alpha, labels_from)
        return prepare(IllustratedFaces(illustrator, count or DEFAULT_DRAWN_IMAGES), resolution)

    def illustrators() -> list[tuple[str, Illustrator | None]]:
        return [
            (name, make_illustrator(name, seed, alpha, import_code=import_code, is_placed=True))
            for name in sources
        ]

    alpha = transparent
    made = illustrators()
    # Files come first: they are quickly found wanting, and only they show whether they have an alpha channel.
    opaque = any(illustrator is not None and channels_of(illustrator) == 3 for _, illustrator in made)
    opaque = opaque or any(
        load(name, None, num_images).images.shape[3] == 3 for name, illustrator in made if illustrator is None
    )
    if opaque and transparent == "auto":
        alpha = "no"
        made = illustrators()
    return load_mixture(made, shares, num_images, DEFAULT_DRAWN_IMAGES, load)


def _load_files(data: str, num_images: int, resolution: int, transparent: str, labels_from: str) -> Dataset:
    """Loads a folder or zip archive of images, or a folder of shards."""
    from anime_gan.datasets.prepared import prepare
    from anime_gan.datasets.reading.storage import is_folder

    root, alpha = _root(data), TRANSPARENT[transparent]
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


def open_pictures(data: str, num_images: int, transparent: bool | None, labels_from: str) -> ImageFolder:
    """Opens a folder or zip archive of pictures without reading them.

    Raises:
        DataError: There is none (field `data`), or its labels cannot be read.
    """
    from anime_gan.datasets import records
    from anime_gan.datasets.folder.source import open_folder
    from anime_gan.datasets.reading.storage import is_folder

    root = _root(data)
    if not data or not is_folder(root):
        raise DataError("no such folder; --shard needs a folder or zip archive of pictures", "data", data)
    if not os.path.isfile(root) and records.is_records_folder(root):
        raise DataError("contains shards already; --shard needs a folder of pictures", "data", data)
    return open_folder(root, num_images, transparent, labels_from)


def load_siblings(data: str, resolution: int, seed: int, transparent: str) -> Dataset | None:
    """Loads pairs of faces of the same person with different expressions; None if no source has any.

    Args:
        data: As in `load_dataset`. `sutemo:DIR` and `drawn:STYLES` have pairs; in the latter, the head turns
            too. Other sources are left out.
        resolution: Image side in pixels.
        seed: Random seed of the persons.
        transparent: A key of `TRANSPARENT`.

    Raises:
        DataError: A source cannot be read.
    """
    from anime_gan.datasets.illustrated import IllustratedFaces
    from anime_gan.datasets.mixture.load import load_mixture
    from anime_gan.datasets.prepared import prepare

    def load(name: str, illustrator: Illustrator | None, count: int) -> Dataset:
        del name
        assert illustrator is not None
        return prepare(IllustratedFaces(illustrator, count), resolution)

    sources = split_sources(data)
    found: list[tuple[str, Illustrator | None]] = []
    for source in sources:
        siblings = _make_siblings(source, seed, transparent, is_placed=len(sources) > 1)
        if siblings is not None:
            found.append((source, siblings))
    if not found:
        return None
    if len(found) == 1:
        return load(*found[0], 2 * SIBLINGS)
    # An even number of each, so that pairs stay together.
    total = 2 * (SIBLINGS // len(found)) * len(found)
    return load_mixture(found, "", total, total, load)


def _make_siblings(source: str, seed: int, transparent: str, is_placed: bool) -> Illustrator | None:
    from anime_gan.datasets.illustrator.faces import parse_styles
    from anime_gan.datasets.illustrator.siblings import StyledSiblings
    from anime_gan.datasets.sutemo.siblings import SutemoSiblings

    kind, _, where = source.partition(":")
    keeps_alpha = TRANSPARENT[transparent] is not False
    if kind == "drawn" and where:
        return StyledSiblings(seed, parse_styles(where), keeps_alpha, is_placed)
    if kind != "sutemo" or not where:
        return None
    try:
        return SutemoSiblings(where, seed, transparent=keeps_alpha)
    except (OSError, ValueError) as error:
        raise DataError(str(error), "data", source) from error


def _why_no_source(data: str) -> str:
    if data and os.path.isfile(data):
        return "this file is not a zip archive; use a folder of images or a .zip file"
    if is_remote(data):
        return "no such folder, or it cannot be reached; check its name and the credentials"
    return "no such folder; use drawn, sutemo:DIR, pixel:DIR, a folder of images, or module:NAME"


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
