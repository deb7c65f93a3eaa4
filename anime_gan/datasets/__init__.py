"""Data sources: labeled images from folders, shards, or illustrators, loaded as a `Dataset`."""

from anime_gan.datasets.dataset import DataError, DataReport, Dataset
from anime_gan.datasets.load import load_dataset

__all__ = ["DataError", "DataReport", "Dataset", "load_dataset"]
