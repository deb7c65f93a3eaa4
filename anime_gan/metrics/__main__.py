"""`python -m anime_gan.metrics`: a short name for `python -m anime_gan.judges`."""

import sys

from anime_gan.judges.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
