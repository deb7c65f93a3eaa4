"""Draws anime faces with an exported model: `python generate.py --help`."""

import sys

from anime_gan.commands.generate import main

if __name__ == "__main__":
    sys.exit(main())
