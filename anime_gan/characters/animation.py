"""Animations of a character that talks and blinks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from anime_gan.characters.pack import Character, Pack
from anime_gan.common.files import written_whole
from anime_gan.faces.picture_files import save_animation, save_picture

KINDS = ("webp", "gif", "apng", "strip")
FRAMES_PER_SECOND = 10
FACE, TALK, BLINK = ".", "o", "-"
# One letter a frame: the lips move in the rhythm of two short sentences, and the eyes blink between them.
RHYTHM = ".o.o..o.o.o...-....o.o..o..o.....-...."


def write(pack: Pack, character: Character, expression: str, kind: str, folder: Path) -> Path | None:
    """Writes an animation of an expression; returns its path, or None without talking or blinking frames.

    Args:
        pack: The pack of the character.
        character: Who talks.
        expression: With which expression.
        kind: One of `KINDS`. A strip is a PNG with the distinct frames side by side: face, talking, blinking.
        folder: Where to write.
    """
    still = character.faces[expression]
    talk, blink = character.talk(expression), character.blink(expression)
    if talk is None and blink is None:
        return None
    text = character.texts[expression]
    pictures = {FACE: pack.picture(still)}
    pictures[TALK] = pack.picture(talk or still)
    pictures[BLINK] = pack.picture(blink or still)
    stem = f"{character.name.tag}_{expression}"
    if kind == "strip":
        path = folder / f"{stem}_strip.png"
        shown = [FACE] + [TALK] * (talk is not None) + [BLINK] * (blink is not None)
        save_picture(path, np.concatenate([pictures[letter] for letter in shown], axis=1), text)
        return path
    frames = np.stack([pictures[letter] for letter in RHYTHM])
    if kind == "apng":
        path = folder / f"{stem}.png"
        _save_apng(path, frames, text)
    else:
        path = folder / f"{stem}.{kind}"
        save_animation(path, frames, FRAMES_PER_SECOND, text)
    return path


def _save_apng(path: Path, frames: np.ndarray, text: Mapping[str, str]) -> None:
    info = PngImagePlugin.PngInfo()
    for key, value in text.items():
        info.add_itxt(key, value)
    first, *others = (Image.fromarray(frame) for frame in frames)
    with written_whole(path) as partial:
        first.save(
            partial,
            "PNG",
            save_all=True,
            append_images=others,
            duration=1000 // FRAMES_PER_SECOND,
            loop=0,
            # Only what changes is stored, and replaces what was there, because both may be transparent.
            disposal=PngImagePlugin.Disposal.OP_NONE,
            blend=PngImagePlugin.Blend.OP_SOURCE,
            pnginfo=info,
        )
