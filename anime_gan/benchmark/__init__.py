"""Measures the speed of training, data and drawing: `python -m anime_gan.benchmark`."""
