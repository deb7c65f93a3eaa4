"""`--for=godot`: SpriteFrames resources for Godot 3 and Godot 4, beside their pictures."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from anime_gan.characters.pack import Character, Pack
from anime_gan.common.files import write_text
from anime_gan.faces.picture_files import save_png

SPEED = 10.0
# Frames of a closed and of an open mouth in a talking animation, and of open and closed eyes in a blinking
# one. Godot 3 has no durations, so frames are repeated.
MOUTH, OPEN_EYES, CLOSED_EYES = 1, 28, 2


class Animation(NamedTuple):
    """An animation: its name, and the names of its pictures in order."""

    name: str
    pictures: list[str]


def write(pack: Pack, folder: Path) -> list[str]:
    """Writes the pictures, and a `.tres` file for each version; returns how to use them."""
    for character in pack.characters:
        tag = character.name.tag
        for name, face in character.faces.items():
            save_png(folder / "sprites" / tag / f"{name}.png", pack.sprite(face), character.texts[name])
        moves = animations(character)
        write_text(folder / f"{tag}_godot3.tres", resource_3(tag, list(character.faces), moves))
        write_text(folder / f"{tag}_godot4.tres", resource_4(tag, list(character.faces), moves))
    return [
        "Copy sprites/ and the .tres files for your version of Godot into the same folder of your project.",
        "Then drag a .tres file onto Frames of an AnimatedSprite (Godot 3), or onto Sprite Frames of an",
        "AnimatedSprite2D (Godot 4).",
    ]


def animations(character: Character) -> list[Animation]:
    """Returns the animations of a character: `happy`, `happy_talk`, and `happy_blink`."""
    found = []
    for expression in character.expressions:
        found.append(Animation(expression, [expression]))
        if character.talk(expression):
            found.append(
                Animation(f"{expression}_talk", [expression] * MOUTH + [f"{expression}_talk"] * MOUTH)
            )
        if character.blink(expression):
            pictures = [expression] * OPEN_EYES + [f"{expression}_blink"] * CLOSED_EYES
            found.append(Animation(f"{expression}_blink", pictures))
    return found


def resource_3(tag: str, pictures: list[str], moves: list[Animation]) -> str:
    """Returns a SpriteFrames resource in the text format of Godot 3."""
    numbers = {name: number for number, name in enumerate(pictures, 1)}
    lines = [f'[gd_resource type="SpriteFrames" load_steps={len(pictures) + 1} format=2]', ""]
    lines += [
        f'[ext_resource path="sprites/{tag}/{name}.png" type="Texture" id={number}]'
        for name, number in numbers.items()
    ]
    frames = [", ".join(f"ExtResource( {numbers[name]} )" for name in move.pictures) for move in moves]
    entries = [
        f'{{\n"frames": [ {of_move} ],\n"loop": true,\n"name": "{move.name}",\n"speed": {SPEED}\n}}'
        for of_move, move in zip(frames, moves, strict=True)
    ]
    return "\n".join([*lines, "", "[resource]", f"animations = [ {', '.join(entries)} ]", ""])


def resource_4(tag: str, pictures: list[str], moves: list[Animation]) -> str:
    """Returns a SpriteFrames resource in the text format of Godot 4."""
    numbers = {name: f"{number}_{name}" for number, name in enumerate(pictures, 1)}
    lines = [f'[gd_resource type="SpriteFrames" load_steps={len(pictures) + 1} format=3]', ""]
    lines += [
        f'[ext_resource type="Texture2D" path="sprites/{tag}/{name}.png" id="{number}"]'
        for name, number in numbers.items()
    ]
    entries = []
    for move in moves:
        frames = ", ".join(
            f'{{\n"duration": 1.0,\n"texture": ExtResource("{numbers[name]}")\n}}' for name in move.pictures
        )
        # Plain strings, because older versions and other readers do not know `&"..."`.
        entries.append(
            f'{{\n"frames": [{frames}],\n"loop": true,\n"name": "{move.name}",\n"speed": {SPEED}\n}}'
        )
    return "\n".join([*lines, "", "[resource]", f"animations = [{', '.join(entries)}]", ""])
