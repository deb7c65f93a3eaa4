"""`python -m anime_gan.pack`: a short name for `python -m anime_gan.exports.pack`."""

import sys

from anime_gan.exports.pack import main

if __name__ == "__main__":
    sys.exit(main())
