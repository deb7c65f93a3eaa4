"""`python -m anime_gan.datasets.sampled`: a short name for `python -m anime_gan.faces.sampled`."""

import sys

from anime_gan.faces.sampled import main

if __name__ == "__main__":
    sys.exit(main())
