"""`--for=renpy`: images that Ren'Py defines by their names, and scripts that make them talk and blink."""

from __future__ import annotations

from pathlib import Path

from anime_gan.characters.expressions import BLINK, FACE, TALK
from anime_gan.characters.pack import Character, Pack
from anime_gan.common.files import write_text
from anime_gan.faces.picture_files import save_png
from anime_gan.faces.resizing import Scaling

# Sides of the sprites and of the side images, in pixels, for games of 1920x1080.
SPRITE, SIDE = 512, 240
INDENT = "    "
LETTERS_PER_SECOND = 40
# The tag of the image, by the kind of frame: `show mei happy` shows the images of the other two in turn.
TAGS = {FACE: "{}", TALK: "{}_talk", BLINK: "{}_blink"}

HEAD = '''# The characters of the pack "{title}", made by anime_gan. Copy this file and images/ into game/.
# show {tag} {expression} shows a face that blinks, and that moves its lips while {tag} speaks.

default {title}_speaker = None

init -1 python:
    def {title}_voice(tag):
        """Returns the callback of a character, which tells the images who speaks."""
        def callback(event, interact=True, **kwargs):
            if event == "show" and interact:
                store.{title}_speaker = tag
            elif event in ("slow_done", "end"):
                store.{title}_speaker = None
            renpy.restart_interaction()
        return callback

# Stands on the text box. {title}_at(0.25) stands further to the left.
transform {title}_at(x=0.5):
    xalign x
    yanchor 1.0
    ypos {title}_floor

# Its soft edge covers the last pixels. The files that set these sizes come first.
init 1:
    define {title}_floor = config.screen_height + 16 - (getattr(gui, "textbox_height", None) or 0)

# The side image of a character is shown only while the character is not on the screen.
define config.side_image_only_not_showing = True
'''


def write(pack: Pack, folder: Path) -> list[str]:
    """Writes `game/`, with images, their definitions, and a demo; returns how to use it."""
    game = folder / "game"
    for character in pack.characters:
        _save_images(pack, character, game / "images" / character.name.tag)
    first = pack.characters[0]
    head = HEAD.format(title=pack.title, tag=first.name.tag, expression=first.expressions[0])
    definitions = "\n".join(_definitions(pack.title, character) for character in pack.characters)
    write_text(game / f"{pack.title}.rpy", f"{head}\n{definitions}")
    write_text(game / f"{pack.title}_demo.rpy", _demo(pack))
    return [
        "Copy the contents of game/ into game/ of your project. Then write, for example:",
        f"show {first.name.tag} {first.expressions[-1]} at {pack.title}_at",
        f"To see every expression, call the demo in your script: call {pack.title}_demo",
    ]


def _save_images(pack: Pack, character: Character, folder: Path) -> None:
    tag = character.name.tag
    for name, face in character.faces.items():
        image = f"{TAGS[face.frame.kind].format(tag)} {face.frame.expression}"
        save_png(folder / f"{image}.png", pack.sprite(face, SPRITE), character.texts[name])
        if face.frame.kind == FACE:
            small = Pack("", (), Scaling(), "").picture(face, SIDE)
            save_png(folder / f"side {image}.png", small, character.texts[name])


def _definitions(title: str, character: Character) -> str:
    """Returns the definitions of a character and of its moving images."""
    tag = character.name.tag
    # Text that appears at once would leave no time to talk.
    options = f'image="{tag}", callback={title}_voice("{tag}"), what_slow_cps={LETTERS_PER_SECOND}'
    lines = [f"define {tag} = Character({_quoted(character.name.shown)}, {options})", ""]
    for expression in character.expressions:
        still = f'"images/{tag}/{tag} {expression}.png"'
        speaking = idle = still
        if character.talk(expression):
            speaking = f'"{tag}_speaking {expression}"'
            lines += _atl(
                f"{tag}_speaking {expression}",
                still,
                f'"images/{tag}/{tag}_talk {expression}.png"',
                ["0.12"],
                "0.12",
            )
        if character.blink(expression):
            idle = f'"{tag}_idle {expression}"'
            lines += _atl(
                f"{tag}_idle {expression}",
                still,
                f'"images/{tag}/{tag}_blink {expression}.png"',
                ["2.5", "3.5", "5.0"],
                "0.15",
            )
        if speaking != still or idle != still:
            speaks = f"\"{title}_speaker == '{tag}'\""
            lines += [f'image {tag} {expression} = ConditionSwitch({speaks}, {speaking}, "True", {idle})', ""]
    return "\n".join(lines)


def _atl(image: str, still: str, other: str, pauses: list[str], short: str) -> list[str]:
    """Returns an image that shows another picture for a moment, after one of several pauses."""
    lines = [f"image {image}:", f"{INDENT}{still}"]
    if len(pauses) == 1:
        lines.append(f"{INDENT}pause {pauses[0]}")
    else:
        for pause in pauses:
            lines += [f"{INDENT}choice:", f"{INDENT * 2}pause {pause}"]
    return [*lines, f"{INDENT}{other}", f"{INDENT}pause {short}", f"{INDENT}repeat", ""]


def _demo(pack: Pack) -> str:
    """Returns a script that shows every expression, as sprites and as side images."""
    title = pack.title
    lines = [f"# Shows every expression of the pack: call {title}_demo", "", f"label {title}_demo:"]
    for character in pack.characters:
        tag = character.name.tag
        for expression in character.expressions:
            lines += [
                f"{INDENT}show {tag} {expression} at {title}_at",
                f'{INDENT}{tag} "This is how I look when I am {expression}."',
            ]
        lines += [
            f"{INDENT}hide {tag}",
            f'{INDENT}{tag} {character.expressions[0]} "And this is my side image."',
        ]
    return "\n".join([*lines, f"{INDENT}return", ""])


def _quoted(text: str) -> str:
    """Returns a string of Ren'Py, which would take brackets and braces for substitutions and tags."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("[", "[[").replace("{", "{{")
    return f'"{escaped}"'
