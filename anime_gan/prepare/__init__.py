"""From pictures as people have them to labelled faces: `python -m anime_gan.prepare SOURCE DEST`."""
