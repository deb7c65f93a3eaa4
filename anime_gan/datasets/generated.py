"""Datasets that a program draws: all cores, once, then kept in the user's cache."""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import inspect
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from anime_gan.attributes import Schema
from anime_gan.datasets import Dataset
from anime_gan.files import written_whole

CHUNK = 256


class Source(Protocol):
    """What draws faces: `DrawnFaces`, `SutemoFaces`."""

    @property
    def name(self) -> str:
        """Short name, for folders."""
        ...

    @property
    def statement(self) -> str:
        """What the pictures are, their licence and whom to credit."""
        ...

    @property
    def attributes(self) -> Mapping[str, tuple[str, ...] | None]:
        """In column order: group name -> its values, tag name -> None."""
        ...

    def draw(self, index: int, resolution: int) -> tuple[np.ndarray, dict[str, str | bool | None]]:
        """Draws face `index`: uint8 [resolution, resolution, 3], and its attributes by name."""
        ...


def render(source: Source, num_images: int, resolution: int) -> Dataset:
    """Draws faces 0 to `num_images - 1`, or takes them from the cache.

    Args:
        source: What draws; it must survive pickling, since other processes draw too.
        num_images: How many faces.
        resolution: Pixels along a side.
    """
    schema = Schema.from_names(source.attributes)
    folder = cache_folder() / f"{source.name}-{num_images}-{resolution}-{_fingerprint(source)}"
    if not folder.is_dir():
        _render_to(folder, source, schema, num_images, resolution)
    images = np.load(folder / "images.npy", mmap_mode="r")
    return Dataset(source.name, images, np.load(folder / "labels.npy"), schema, source.statement)


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/anime_gan`, by default `~/.cache/anime_gan`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "anime_gan"


def _render_to(folder: Path, source: Source, schema: Schema, num_images: int, resolution: int) -> None:
    """Draws into a folder that gets its name when it is whole."""
    starts = range(0, num_images, CHUNK)
    stops = [min(start + CHUNK, num_images) for start in starts]
    jobs = len(stops)
    labels = np.zeros((num_images, schema.num_labels), np.int8)
    with written_whole(folder) as partial:
        partial.mkdir()
        images = np.lib.format.open_memmap(
            partial / "images.npy", "w+", np.uint8, (num_images, resolution, resolution, 3)
        )
        with (
            tqdm(total=num_images, unit="face", desc=f"drawing {source.name}", file=sys.stderr) as progress,
            _worker_pool() as pool,
        ):
            chunks = pool.map(_draw, [source] * jobs, [schema] * jobs, starts, stops, [resolution] * jobs)
            for start, stop, (chunk_images, chunk_labels) in zip(starts, stops, chunks, strict=True):
                images[start:stop], labels[start:stop] = chunk_images, chunk_labels
                progress.update(stop - start)
        images.flush()
        np.save(partial / "labels.npy", labels)
        (partial / "attributes.json").write_text(schema.to_json(), "utf-8")


@contextlib.contextmanager
def _worker_pool() -> Iterator[concurrent.futures.ProcessPoolExecutor]:
    """A process for each core; what has not begun when an exception comes is dropped."""
    # Spawned, not forked: a fork of a process in which TensorFlow runs can hang. Ctrl-C is the parent's.
    pool = concurrent.futures.ProcessPoolExecutor(
        len(os.sched_getaffinity(0)),
        multiprocessing.get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _draw(
    source: Source, schema: Schema, start: int, stop: int, resolution: int
) -> tuple[np.ndarray, np.ndarray]:
    drawn = [source.draw(index, resolution) for index in range(start, stop)]
    images = np.stack([image for image, _ in drawn])
    return images, np.stack([schema.encode(description) for _, description in drawn])


def _fingerprint(source: Any) -> str:
    """Changes with the source's settings and with the code that draws, so that no stale cache is used."""
    digest = hashlib.sha256(repr(sorted(vars(source).items())).encode())
    for file in sorted(Path(inspect.getfile(type(source))).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
