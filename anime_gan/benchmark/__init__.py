"""How fast everything is, as ratios measured in one run: `python -m anime_gan.benchmark`."""
