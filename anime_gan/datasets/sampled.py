"""`python -m anime_gan.datasets.sampled`; the code is in `anime_gan/faces/sampled.py`."""

import sys

from anime_gan.faces.sampled import main

if __name__ == "__main__":
    sys.exit(main())
