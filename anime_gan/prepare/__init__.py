"""Prepares a dataset of labeled faces: `python -m anime_gan.prepare SOURCE DEST`."""
