"""Measures the speed of training, data loading, and drawing: `python -m anime_gan.benchmark`."""
