"""The dataset sources `--data=sutemo:DIR` and `sutemo-white:DIR`: faces composed of layered character art.

The art is not part of this project. DIR is a clone of the public repository ShatReal/sutemo, or the folder
`sprites` in it. It contains PNG layers of 1000x1200 pixels at `{female,male}/NN_group/NN_item/kind.png`. A
face consists of one item from each of several groups, drawn in the order of the group numbers. The layers of
an item are drawn in the order of `KINDS`. Each is multiplied by a tint, for example of the skin or the hair.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from anime_gan.common.alpha import straight_alpha
from anime_gan.datasets.sutemo import parts
from anime_gan.datasets.sutemo.parts import Labels, LayeredFace

REMEDY = (
    "clone https://github.com/ShatReal/sutemo (commit b3612536b217067c9d36e272b8708745afeb464d) "
    "and give its folder: sutemo:DIR"
)
KINDS = ("skin", "base", "highlights", "static")
ART_SIZE = (1000, 1200)
# Left, top, and side of the square that contains all crops, in pixels of the art. Male heads are higher.
REGIONS = {"female": (105, 130, 780), "male": (105, 25, 780)}
# Side of a typical crop, in pixels of the art. Layers are cached at twice their size in the picture.
MIDDLE_CROP = 685

# Group -> the part whose tint multiplies its layers of kind "base"; other groups have none.
BASE_TINTS: Mapping[str, str] = {
    "00_back_hair": "hair",
    "06_front_hair": "hair",
    "10_eye_cover_hair": "hair",
    "07_eyes": "eyes",
    "02_blushes": "blush",
    "04_outfits": "outfit",
    "12_accessories": "flower",
}
HIGHLIGHT_OPACITY = 150 / 255
# (Exponent of the colors, exponent of the alpha). They keep labels visible in small pictures, in which irises
# would be nearly black at the top, and closed mouths and faint blushes would vanish.
RETOUCHES: Mapping[tuple[str, str], tuple[float, float]] = {
    ("07_eyes", "base"): (0.4, 1.0),
    ("08_mouths", "skin"): (1.8, 0.7),
    ("02_blushes", "base"): (1.0, 0.8),
}


class _Layer(NamedTuple):
    """A layer at the working resolution, cropped to its visible part.

    Attributes:
        kind: One of `KINDS`.
        place: Rows and columns of the canvas.
        color: Premultiplied, uint8 of shape [rows, columns, 3].
        passing: 255 minus alpha, uint8 of shape [rows, columns, 1].
    """

    kind: str
    place: tuple[slice, slice]
    color: np.ndarray
    passing: np.ndarray


class SutemoFaces:
    """An endless set of faces; each depends only on the seed and its index.

    Attributes:
        attributes: Group -> its values; tag -> None.
        hand, always, never: For mixtures; see `Illustrator`.
        transparent: Whether the pictures have an alpha channel instead of a background.
    """

    name = "sutemo"
    statement = (
        "Anime faces composed of the layers of Sutemo's Character Creator (repository ShatReal/sutemo). The "
        "artwork is by Sutemo; the code of the tool is by Exuin (CC0 1.0). The layers are not part of this "
        "project. Pictures made from them are free to use and modify, also commercially, as long as the "
        "images are not sold by themselves; please credit Sutemo for the artwork."
    )
    attributes: dict[str, tuple[str, ...] | None] = parts.ATTRIBUTES
    hand = "sutemo"
    always: Mapping[str, str | bool | float] = {
        **dict.fromkeys(("turn", "nod", "tilt"), 0.0),
        "hair_pattern": "plain",
        "animal_ears": "none",
        **dict.fromkeys(("eye_patch", "freckles", "hat", "hood", "horns", "pointed_ears", "earrings"), False),
        **dict.fromkeys(("ribbon", "hairpin", "beard"), False),
    }
    never: Mapping[str, tuple[str, ...]] = {"age": ("child", "old")}

    def __init__(self, directory: str | os.PathLike[str], seed: int = 0, transparent: bool = False) -> None:
        """Checks that all layers exist; a layer is read when it is first drawn.

        Args:
            directory: A clone of ShatReal/sutemo, or the folder `sprites` in it.
            seed: Random seed, 0 or more.
            transparent: Whether the pictures have an alpha channel instead of a background.

        Raises:
            FileNotFoundError: Some or all layers are missing.
            ValueError: The seed is below 0.
        """
        if seed < 0:
            raise ValueError(f"the seed must be 0 or more, not {seed}")
        self._sprites = find_sprites(Path(directory))
        self._seed = seed
        self.transparent = transparent
        # This is part of the fingerprint: other artwork in the same folder is another dataset.
        self._artwork = _digest(self._sprites)

    def describe(self, index: int) -> LayeredFace:
        """Returns the parts of face `index` (0 or more) without drawing it."""
        return parts.choose_face(np.random.default_rng([self._seed, index]))

    def draw(self, index: int, resolution: int) -> tuple[np.ndarray, Labels]:
        """Draws a face, the same one at every resolution.

        Args:
            index: Number of the face, 0 or more.
            resolution: Side of the picture in pixels, 1 or more.

        Returns:
            uint8 picture of shape [resolution, resolution, 3 or 4] (RGB, or RGBA with straight alpha), and
            the face's labels.

        Raises:
            ValueError: A layer cannot be read or has the wrong size.
        """
        face = self.describe(index)
        left, top, side = REGIONS[face.sex]
        canvas_size = round(side * min(1.0, 2 * resolution / MIDDLE_CROP))
        scale = canvas_size / side
        x, y, width = np.multiply((face.crop[0] - left, face.crop[1] - top, face.crop[2]), scale)
        centers = np.arange(canvas_size) + 0.5
        if self.transparent:
            canvas = np.zeros((canvas_size, canvas_size, 4), np.float32)
        else:
            canvas = self._backdrop(face, (centers - x) / width, (centers - y) / width)
        for item in face.items:
            for layer in read_item(self._sprites / face.sex / item, REGIONS[face.sex], canvas_size):
                region = canvas[layer.place]
                region *= layer.passing * np.float32(1 / 255)
                region[..., :3] += layer.color * tint_of(face, item, layer.kind)
                region[..., 3:] += 255 - layer.passing
        picture = _as_picture(np.rint(canvas).astype(np.uint8)).resize(
            (resolution, resolution), Image.Resampling.LANCZOS, (x, y, x + width, y + width)
        )
        pixels = np.array(picture)
        if self.transparent:
            pixels = straight_alpha(pixels)
        return np.ascontiguousarray(pixels[:, ::-1]) if face.flip else pixels, face.labels

    def _backdrop(self, face: LayeredFace, across: np.ndarray, down: np.ndarray) -> np.ndarray:
        return draw_backdrop(face, across, down)


class SutemoFacesOnWhite(SutemoFaces):
    """The same faces on a white background, like the pictures of the published model (see docs/tuning.md)."""

    name = "sutemo-white"
    hand = "sutemo_white"

    def _backdrop(self, face: LayeredFace, across: np.ndarray, down: np.ndarray) -> np.ndarray:
        return np.full((len(down), len(across), 3), 255, np.float32)


def _as_picture(canvas: np.ndarray) -> Image.Image:
    """Returns an RGB picture, or premultiplied RGBA as "RGBX", whose bands Pillow filters independently."""
    height, width, channels = canvas.shape
    return Image.frombytes("RGB" if channels == 3 else "RGBX", (width, height), canvas.tobytes())


def _digest(sprites: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(sprites.rglob("*.png")):
        digest.update(file.relative_to(sprites).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


def find_sprites(directory: Path) -> Path:
    """Returns the folder of the layers: `directory` or the folder `sprites` in it.

    Raises:
        FileNotFoundError: Some or all layers are missing.
    """
    places = [place for place in (directory / "sprites", directory) if (place / "female").is_dir()]
    if not places:
        raise FileNotFoundError(f"no layers of Sutemo's Character Creator in {directory}; {REMEDY}")
    items = [places[0] / sex / item for sex in REGIONS for item in parts.used_items()]
    missing = [item for item in items if not any((item / f"{kind}.png").exists() for kind in KINDS)]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(items)} items have no layers, such as {missing[0]}; {REMEDY}"
        )
    return places[0]


def tint_of(face: LayeredFace, item: str, kind: str) -> np.ndarray:
    """Returns the tint of an item's layers of one kind: float32 of shape [3], 0..1."""
    part = "skin" if kind == "skin" else BASE_TINTS.get(item.partition("/")[0])
    if part is None or kind not in ("skin", "base"):
        return np.ones(3, np.float32)
    return np.array(face.tints[part], np.float32) / 255


def draw_backdrop(face: LayeredFace, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Draws the background of a face.

    Args:
        face: The face.
        across: Positions of the columns, of shape [columns]; 0 and 1 are the edges of the picture.
        down: Positions of the rows, of shape [rows].

    Returns:
        float32 of shape [rows, columns, 3], 0..255.
    """
    u, v = across[None, :] - 0.5, down[:, None] - 0.5
    cosine, sine = np.cos(face.angle), np.sin(face.angle)
    along, aside = u * cosine + v * sine, v * cosine - u * sine
    turns = 2 * np.pi * face.repeats
    # All patterns are smooth waves, which do not alias.
    if face.pattern == "gradient":
        share = np.clip(along * 0.8 + 0.5, 0, 1)
    elif face.pattern == "stripes":
        share = 1 / (1 + np.exp(-4 * np.sin(turns * along)))
    elif face.pattern == "dots":
        share = 1 / (1 + np.exp(-6 * (np.cos(turns * along) + np.cos(turns * aside) - 0.8)))
    elif face.pattern == "checks":
        share = 1 / (1 + np.exp(-5 * np.sin(turns * along) * np.sin(turns * aside)))
    else:
        share = np.zeros((len(down), len(across)))
    first, second = (np.array(color, np.float32) for color in face.backdrop)
    mixed: np.ndarray = first + (second - first) * share[..., None].astype(np.float32)
    return mixed


# The cache belongs to the process and not to the source object, which is pickled for every job.
@functools.lru_cache(maxsize=512)
def read_item(folder: Path, region: tuple[int, int, int], canvas_size: int) -> tuple[_Layer, ...]:
    """Returns the layers of an item in drawing order; see `read_layer`."""
    paths = (folder / f"{kind}.png" for kind in KINDS)
    layers = (read_layer(path, region, canvas_size) for path in paths if path.exists())
    return tuple(layer for layer in layers if layer is not None)


def read_layer(path: Path, region: tuple[int, int, int], canvas_size: int) -> _Layer | None:
    """Reads a layer, crops it to a region, and shrinks it.

    Args:
        path: `.../NN_group/NN_item/kind.png`.
        region: Left, top, and side of the region, in pixels of the art.
        canvas_size: Side of the region after shrinking, in pixels.

    Returns:
        The layer, or None if the region is transparent.

    Raises:
        ValueError: The file is not an image or has the wrong size.
    """
    kind = path.stem
    group = path.parts[-3]
    try:
        with Image.open(path) as file:
            image = file.convert("RGBA")
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error}); {REMEDY}") from error
    if image.size != ART_SIZE:
        raise ValueError(f"{path} has {image.size} pixels instead of {ART_SIZE}; {REMEDY}")
    left, top, side = region
    image = image.crop((left, top, left + side, top + side))
    color_exponent, alpha_exponent = RETOUCHES.get((group, kind), (1.0, 1.0))
    opacity = HIGHLIGHT_OPACITY if kind == "highlights" else 1.0
    image = image.point(_curve(color_exponent) * 3 + _curve(alpha_exponent, opacity))
    # "RGBa" is premultiplied, so that the colors of transparent pixels do not bleed into the edges.
    small = image.convert("RGBa").resize((canvas_size, canvas_size), Image.Resampling.BOX)
    pixels = np.asarray(small)
    rows, columns = (np.flatnonzero(pixels[..., 3].any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    place = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    color, alpha = pixels[place][..., :3], pixels[place][..., 3:]
    return _Layer(kind, place, color.copy(), 255 - alpha)


def _curve(exponent: float, factor: float = 1.0) -> list[int]:
    return [round(255 * factor * (value / 255) ** exponent) for value in range(256)]
