"""From pictures as people have them to labeled faces: `python -m anime_gan.prepare SOURCE DEST`."""
