"""The flags that name a dataset, shared by the commands that read one."""

from __future__ import annotations

from anime_gan.common.alpha import TRANSPARENT, TRANSPARENT_HELP
from anime_gan.common.command_line import Flags, print_lines
from anime_gan.common.labels_from import LABELS_FROM, LABELS_FROM_HELP
from anime_gan.datasets.dataset import Dataset
from anime_gan.datasets.load import load_dataset


def data_flags(smallest: int) -> Flags:
    """Returns flags for a dataset; `smallest` is the minimum resolution in pixels."""
    flags = Flags()
    flags.sources("data", "drawn", "data source, as in train.py --data (default: drawn)")
    define_reading(flags, smallest, 256)
    return flags


def define_reading(flags: Flags, smallest: int, largest: int) -> None:
    """Adds flags for how a dataset is read; the resolution is `smallest` to `largest` pixels."""
    flags.integer("num_images", 0, "maximum number of images (0 = all; 16,000 if they are drawn)", 0)
    flags.integer(
        "resolution", 64, f"image side in pixels ({smallest} to {largest}; default 64)", smallest, largest
    )
    flags.integer("seed", 0, "random seed for drawn images (0 and up; default 0)", 0)
    flags.choice("transparent", list(TRANSPARENT), TRANSPARENT_HELP)
    flags.choice("labels_from", LABELS_FROM, LABELS_FROM_HELP)


def load_flagged(flags: Flags, data: str | None = None) -> Dataset:
    """Loads `data`, or the dataset that the flags name, and prints notes about it.

    Raises:
        DataError: It cannot be read.
    """
    dataset = load_dataset(
        flags.data if data is None else data,
        flags.num_images,
        flags.resolution,
        flags.seed,
        flags.transparent,
        labels_from=flags.labels_from,
        import_code=True,
    )
    print_lines(dataset.report.lines())
    return dataset
