"""`python -m anime_gan.datasets.sampled`: the short name of `python -m anime_gan.faces.sampled`."""

import sys

from anime_gan.faces.sampled import main

if __name__ == "__main__":
    sys.exit(main())
