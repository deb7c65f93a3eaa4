"""`--for=unity`: an atlas for each character, and the `.meta` file that slices it into sprites."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from anime_gan.characters.atlas import Cell, atlas_json, make_atlas
from anime_gan.characters.pack import Pack, save_plain_png
from anime_gan.common.files import write_text

# Unity's number of the class Sprite, which starts the identifiers of sprites in an older form.
SPRITE_CLASS = 213
MULTIPLE = 2
PIXELS_PER_UNIT = 100
# Unity refuses larger textures unless the limit is raised, to a power of two.
LARGEST = (2048, 4096, 8192, 16384)
BILINEAR, POINT = 1, 0


def write(pack: Pack, folder: Path) -> list[str]:
    """Writes `TAG.png`, `TAG.png.meta`, and `TAG.json` for each character; returns how to use them."""
    for character in pack.characters:
        tag = character.name.tag
        picture, cells = make_atlas(pack, character)
        save_plain_png(folder / f"{tag}.png", picture)
        write_text(folder / f"{tag}.json", atlas_json(f"{tag}.png", picture, cells))
        write_text(folder / f"{tag}.png.meta", meta(tag, picture, cells, pack.scaling.pixel > 0))
    return [
        "Copy the files into Assets/ of your project, each PNG together with its .meta file. Every face is",
        "then a sprite, such as mei_happy.",
    ]


def meta(tag: str, picture: np.ndarray, cells: list[Cell], is_pixel_art: bool) -> str:
    """Returns the import settings of an atlas; equal pictures get equal identifiers.

    Args:
        tag: Name of the character.
        picture: uint8 RGBA, the atlas.
        cells: The places of its faces.
        is_pixel_art: Whether enlarged pixels stay sharp squares.
    """
    height, width = picture.shape[:2]
    guid = hashlib.md5(tag.encode() + picture.tobytes(), usedforsecurity=False).hexdigest()
    largest = next((side for side in LARGEST if side >= max(height, width)), LARGEST[-1])
    sprites, table = [], []
    for cell in cells:
        name = f"{tag}_{cell.name}"
        digest = hashlib.md5(f"{guid} {name}".encode(), usedforsecurity=False).digest()
        number = int.from_bytes(digest[:8], "big", signed=True) or 1
        # Unity counts rows from the bottom.
        sprites.append(
            f"""    - serializedVersion: 2
      name: {name}
      rect:
        serializedVersion: 2
        x: {cell.left}
        y: {height - cell.top - cell.side}
        width: {cell.side}
        height: {cell.side}
      alignment: 0
      pivot: {{x: 0.5, y: 0.5}}
      border: {{x: 0, y: 0, z: 0, w: 0}}
      outline: []
      physicsShape: []
      tessellationDetail: 0
      bones: []
      spriteID: {digest.hex()}
      internalID: {number}
      vertices: []
      indices:
      edges: []
      weights: []
"""
        )
        table.append(f"      {name}: {number}\n")
    names = "".join(
        f"  - first:\n      {SPRITE_CLASS}: {line.split(': ')[1]}    second: {line.split(':')[0].strip()}\n"
        for line in table
    )
    return f"""fileFormatVersion: 2
guid: {guid}
TextureImporter:
  internalIDToNameTable:
{names}  externalObjects: {{}}
  serializedVersion: 12
  mipmaps:
    enableMipMap: 0
    sRGBTexture: 1
  isReadable: 0
  textureSettings:
    serializedVersion: 2
    filterMode: {POINT if is_pixel_art else BILINEAR}
    aniso: 1
    mipBias: 0
    wrapU: 1
    wrapV: 1
    wrapW: 1
  maxTextureSize: {largest}
  nPOTScale: 0
  lightmap: 0
  compressionQuality: 50
  spriteMode: {MULTIPLE}
  spriteExtrude: 1
  spriteMeshType: 1
  alignment: 0
  spritePivot: {{x: 0.5, y: 0.5}}
  spritePixelsToUnits: {PIXELS_PER_UNIT}
  spriteBorder: {{x: 0, y: 0, z: 0, w: 0}}
  spriteGenerateFallbackPhysicsShape: 0
  alphaUsage: 1
  alphaIsTransparency: 1
  textureType: 8
  textureShape: 1
  platformSettings:
  - serializedVersion: 3
    buildTarget: DefaultTexturePlatform
    maxTextureSize: {largest}
    resizeAlgorithm: 0
    textureFormat: -1
    textureCompression: 0
    compressionQuality: 50
    crunchedCompression: 0
    allowsAlphaSplitting: 0
    overridden: 0
  spriteSheet:
    serializedVersion: 2
    sprites:
{"".join(sprites)}    outline: []
    physicsShape: []
    bones: []
    spriteID:
    internalID: 0
    vertices: []
    indices:
    edges: []
    weights: []
    secondaryTextures: []
    nameFileIdTable:
{"".join(table)}  spritePackingTag:
  pSDRemoveMatte: 0
  userData:
  assetBundleName:
  assetBundleVariant:
"""
