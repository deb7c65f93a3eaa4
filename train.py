"""Trains an anime face generator: `python train.py --help`."""

import sys

from anime_gan.commands.train import main

if __name__ == "__main__":
    sys.exit(main())
