"""The dataset source `--data=pixel:DIR`: pixel-art portraits composed of layers.

The art is not part of this project. DIR is a clone of the public repository V-ktor/pixel-art-portraits, or
the folder `images` in it. It contains layers of 96x96 pixels. Pictures are enlarged by whole factors only, so
that every pixel of the art stays a square.
"""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

import numpy as np
from PIL import Image

from anime_gan.datasets.pixel import parts
from anime_gan.datasets.pixel.colors import colored
from anime_gan.datasets.pixel.parts import Labels, PixelFace

REMEDY = (
    "clone https://github.com/V-ktor/pixel-art-portraits (commit 99d7f5b3dca3cbca4b2671ad8dbd1af1734f0da6) "
    "and give its folder: pixel:DIR"
)
ART_SIDE = 96
# The frame in pixels of the art: left, top, and side. The eyes are as high as in the other sources.
FRAME = (17, 0, 64)


class PixelFaces:
    """An endless set of portraits; each depends only on the seed and its index.

    Attributes:
        attributes: Group -> its values; scale -> the scale; tag -> None.
        hand: Name of the style in mixtures.
        always, never: What all pictures show, or none; see `Illustrator`.
        transparent: Whether the pictures have an alpha channel instead of a background.
    """

    name = "pixel"
    statement = (
        "Pixel-art portraits composed of the layers of pixel-art-portraits (repository "
        "V-ktor/pixel-art-portraits) by Viktor Hahn, licensed CC BY 4.0 "
        "(https://creativecommons.org/licenses/by/4.0/). The layers are not part of this project; they were "
        "recolored, combined, and cropped. Please credit Viktor Hahn for the artwork, and say that it was "
        "changed."
    )
    attributes = parts.ATTRIBUTES
    hand = "pixel"
    always = {
        "nod": 0.0,
        "tilt": 0.0,
        "hair_pattern": "plain",
        **dict.fromkeys(
            ("blush", "freckles", "hat", "hood", "pointed_ears", "hairpin", "flower", "earrings"), False
        ),
    }
    never = {"age": ("child", "old")}

    def __init__(self, directory: str | os.PathLike[str], seed: int = 0, transparent: bool = False) -> None:
        """Checks that all layers exist; a layer is read when it is first drawn.

        Args:
            directory: A clone of V-ktor/pixel-art-portraits, or the folder `images` in it.
            seed: Random seed, 0 or more.
            transparent: Whether the pictures have an alpha channel instead of a background.

        Raises:
            FileNotFoundError: Some or all layers are missing.
        """
        self._layers = find_layers(Path(directory))
        self._seed = seed
        self.transparent = transparent
        # This is part of the fingerprint: other artwork in the same folder is another dataset.
        self._artwork = _digest(self._layers)

    def describe(self, index: int) -> PixelFace:
        """Returns the parts of portrait `index` (0 or more) without drawing it."""
        return parts.choose_face(np.random.default_rng([self._seed, index]))

    def draw(self, index: int, resolution: int) -> tuple[np.ndarray, Labels]:
        """Draws a portrait, the same one at every resolution.

        Returns:
            uint8 [resolution, resolution, 3 or 4] (RGB, or RGBA with straight alpha), and its labels.

        Raises:
            ValueError: A layer cannot be read or has the wrong size.
        """
        face = self.describe(index)
        pixels = self._compose(face)
        left, top, side = FRAME[0] + face.shift[0], FRAME[1] + face.shift[1], FRAME[2]
        pixels = pixels[top : top + side, left : left + side]
        if face.flip:
            pixels = pixels[:, ::-1]
        return _resized(np.ascontiguousarray(pixels), resolution), face.labels

    def _compose(self, face: PixelFace) -> np.ndarray:
        color: np.ndarray = np.zeros((ART_SIDE, ART_SIDE, 3), np.float32)
        alpha: np.ndarray = np.zeros((ART_SIDE, ART_SIDE, 1), np.float32)
        if not self.transparent:
            color[:], alpha[:] = face.backdrop, 1
        for layer in face.layers:
            pixels = read_layer(self._layers / f"{layer.name}.png")
            if pixels is None:
                continue
            pixels = np.roll(pixels, layer.down, axis=0)
            # Half transparent pixels, such as shadows, become whole ones: pixel art has hard edges.
            opacity = pixels[..., 3:].astype(np.float32) / 255
            opacity = np.where(alpha > 0, opacity, np.round(opacity))
            color = colored(pixels[..., :3], layer.colors) * opacity + color * (1 - opacity)
            alpha = opacity + alpha * (1 - opacity)
        picture = np.rint(np.concatenate([color, 255 * alpha], axis=2)).astype(np.uint8)
        return picture if self.transparent else picture[..., :3]


def find_layers(directory: Path) -> Path:
    """Returns the folder of the layers: `directory` or the folder `images` in it.

    Raises:
        FileNotFoundError: Some or all layers are missing.
    """
    places = [place for place in (directory / "images", directory) if (place / "body").is_dir()]
    if not places:
        raise FileNotFoundError(f"no layers of pixel-art-portraits in {directory}; {REMEDY}")
    names = parts.used_layers()
    missing = [name for name in names if not (places[0] / f"{name}.png").is_file()]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(names)} layers are missing, such as {missing[0]}.png; {REMEDY}"
        )
    return places[0]


# The cache belongs to the process and not to the source object, which is pickled for every job.
@functools.lru_cache(maxsize=512)
def read_layer(path: Path) -> np.ndarray | None:
    """Reads a layer: uint8 [96, 96, 4]; None if it does not exist, because not all parts have a shadow.

    Raises:
        ValueError: The file is not an image or has the wrong size.
    """
    if not path.exists():
        return None
    try:
        with Image.open(path) as file:
            image = file.convert("RGBA")
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error}); {REMEDY}") from error
    if image.size != (ART_SIDE, ART_SIDE):
        raise ValueError(f"{path} has {image.size} pixels instead of {(ART_SIDE, ART_SIDE)}; {REMEDY}")
    return np.array(image)


def _resized(pixels: np.ndarray, resolution: int) -> np.ndarray:
    """Enlarges a picture by a whole factor if there is one; makes it smaller by averaging."""
    side = len(pixels)
    if resolution % side == 0:
        return pixels.repeat(resolution // side, axis=0).repeat(resolution // side, axis=1)
    method = Image.Resampling.NEAREST if resolution > side else Image.Resampling.BOX
    return np.array(Image.fromarray(pixels).resize((resolution, resolution), method))


def _digest(layers: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(layers.rglob("*.png")):
        digest.update(file.relative_to(layers).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()
