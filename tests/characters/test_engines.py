"""Packs for game engines, read by the engines' own programs where they are installed."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anime_gan.characters import animation, atlas, godot, renpy, rpgmaker, unity
from anime_gan.characters.write import write_pack
from tests.characters.pack_of_disks import FRAMES, SIDE, color_of, make_pack

RENPY = shutil.which("renpy") or shutil.which("/usr/games/renpy")
GODOT = shutil.which("godot3-server")
# Ren'Py 8.0 makes syntax trees whose line numbers Python 3.11 refuses.
SITECUSTOMIZE = """
import ast, builtins
_compile = builtins.compile
def compile(source, *arguments, **options):
    for node in ast.walk(source) if isinstance(source, ast.AST) else ():
        if getattr(node, "end_lineno", None) is not None:
            node.end_lineno = max(node.lineno, node.end_lineno)
    return _compile(source, *arguments, **options)
builtins.compile = compile
"""


@pytest.fixture(scope="module", autouse=True)
def without_upscaler():
    """Which takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pyanime4k", None)
        yield


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def middle(image: np.ndarray) -> tuple[int, ...]:
    return tuple(image[image.shape[0] // 2, image.shape[1] // 2].tolist())


@pytest.fixture(scope="module")
def game(tmp_path_factory) -> Path:
    """A small Ren'Py project around a pack."""
    project = tmp_path_factory.mktemp("renpy")
    renpy.write(make_pack(size=96), project)
    script = "label start:\n    call pack_demo\n    zoe happy 'Bye.'\n    return\n"
    (project / "game" / "script.rpy").write_text(script, "utf-8")
    return project


def test_renpy_defines_images_by_their_names(game):
    images = {path.stem for path in (game / "game" / "images").rglob("*.png")}
    assert {"zoe neutral", "zoe_talk neutral", "zoe_blink neutral", "zoe asleep", "side zoe happy"} <= images
    assert "zoe_talk asleep" not in images and "side zoe_talk happy" not in images
    assert all(name == name.lower() and name.isascii() for name in images)
    assert middle(pixels(game / "game/images/max_1/max_1 happy.png"))[:3] == pytest.approx(
        color_of(1, 3), abs=2
    )
    assert pixels(game / "game/images/zoe/side zoe happy.png").shape == (renpy.SIDE, renpy.SIDE, 4)


@pytest.mark.skipif(RENPY is None, reason="renpy is not installed")
def test_renpy_finds_no_fault(game, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(SITECUSTOMIZE, "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)}
    environment.update(SDL_VIDEODRIVER="dummy", SDL_AUDIODRIVER="dummy")

    def lint() -> subprocess.CompletedProcess[str]:
        command = [str(RENPY), str(game), "lint", "--error-code"]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=300
        )

    done = lint()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "zoe" in done.stdout
    # Lint would have noticed.
    with (game / "game" / "script.rpy").open("a", encoding="utf-8") as script:
        script.write("\nlabel wrong:\n    show zoe furious\n    return\n")
    assert "zoe furious" in lint().stdout


def test_hair_that_leaves_a_sprite_fades_out():
    """An opaque square stands for hair that reaches both sides."""
    pack = make_pack(size=96)
    (character, _) = pack.characters
    square = dataclasses.replace(character.neutral, image=np.full((16, 16, 4), 200, np.uint8))
    alpha = pack.sprite(square)[..., 3]
    assert np.all(alpha == alpha[0])
    # A sixteenth of 96 pixels: t^2 (3 - 2 t), here for t = 1/12, 1/2 - 1/12, and 1.
    expected = [200 * t * t * (3 - 2 * t) for t in (0.5 / 6, 2.5 / 6, 1.0, 1.0)]
    np.testing.assert_allclose(alpha[0, [0, 2, 6, 48]], expected, atol=0.5)
    np.testing.assert_array_equal(alpha[0], alpha[0, ::-1])
    np.testing.assert_array_equal(pack.picture(square)[..., 3], 200)
    np.testing.assert_array_equal(make_pack(pixel=2).sprite(square)[..., 3], 200)


def test_rpgmaker_sheets(tmp_path):
    lines = rpgmaker.write(make_pack(), tmp_path)
    sheet = pixels(tmp_path / "img" / "faces" / "Zoe.png")
    assert sheet.shape == (288, 576, 4)
    for column, frame in enumerate((0, 3, 5)):
        cell = sheet[:144, 144 * column : 144 * (column + 1)]
        assert middle(cell) == pytest.approx((*color_of(0, frame), 255), abs=3)
    # Five cells are empty, and corners are transparent.
    assert not sheet[144:, :, 3].any() and not sheet[:144, 432:, 3].any() and sheet[2, 2, 3] == 0
    assert lines[-1] == "neutral, happy, asleep"


def test_atlas_says_where_each_face_is(tmp_path):
    atlas.write(make_pack(), tmp_path)
    places = json.loads((tmp_path / "max_1.json").read_text("utf-8"))
    picture = pixels(tmp_path / places["meta"]["image"])
    assert places["meta"]["size"] == {"w": picture.shape[1], "h": picture.shape[0]}
    assert list(places["frames"]) == list(FRAMES)
    for number, place in enumerate(places["frames"].values()):
        x, y, w, h = (place["frame"][key] for key in "xywh")
        assert (w, h) == (SIDE, SIDE)
        assert middle(picture[y : y + h, x : x + w]) == (*color_of(1, number), 255)


def test_unity_slices_the_same_places_from_the_bottom(tmp_path):
    parser = pytest.importorskip("unityparser", reason="unityparser is not installed")
    unity.write(make_pack(), tmp_path)
    importer = parser.UnityDocument.load_yaml(tmp_path / "zoe.png.meta").entry["TextureImporter"]
    picture = pixels(tmp_path / "zoe.png")
    assert importer["spriteMode"] == "2" and importer["alphaIsTransparency"] == "1"
    sprites = importer["spriteSheet"]["sprites"]
    assert [sprite["name"] for sprite in sprites] == [f"zoe_{frame}" for frame in FRAMES]
    for number, sprite in enumerate(sprites):
        x, y, w, h = (int(sprite["rect"][key]) for key in ("x", "y", "width", "height"))
        top = len(picture) - y - h
        assert middle(picture[top : top + h, x : x + w]) == (*color_of(0, number), 255)
    assert len({sprite["internalID"] for sprite in sprites}) == len(FRAMES)
    names = {entry["second"]: entry["first"]["213"] for entry in importer["internalIDToNameTable"]}
    assert names == {sprite["name"]: sprite["internalID"] for sprite in sprites}


@pytest.mark.parametrize(("version", "number"), [("3", 2), ("4", 3)])
def test_godot_resources(version, number, tmp_path):
    parser = pytest.importorskip("godot_parser", reason="godot_parser is not installed")
    godot.write(make_pack(), tmp_path)
    resource = parser.load(str(tmp_path / f"zoe_godot{version}.tres"))
    header = (tmp_path / f"zoe_godot{version}.tres").read_text("utf-8").splitlines()[0]
    assert header == f'[gd_resource type="SpriteFrames" load_steps={len(FRAMES) + 1} format={number}]'
    paths = {str(found.id): found.path for found in resource.get_ext_resources()}
    assert all((tmp_path / path).is_file() for path in paths.values())
    (section,) = (part for part in resource.get_sections() if part.header.name == "resource")
    counts = {move["name"]: len(move["frames"]) for move in section.properties["animations"]}
    assert counts["neutral"] == 1 and counts["happy_talk"] == 2 and counts["neutral_blink"] == 30
    assert "asleep_talk" not in counts and "happy_blink" not in counts
    blink = next(move for move in section.properties["animations"] if move["name"] == "neutral_blink")
    used = [frame["texture"] if version == "4" else frame for frame in blink["frames"]]
    shown = [paths[str(texture.id)] for texture in used]
    assert shown[0] == "sprites/zoe/neutral.png" and shown[-1] == "sprites/zoe/neutral_blink.png"


@pytest.mark.skipif(GODOT is None, reason="godot3-server is not installed")
def test_godot_imports_and_counts_frames(tmp_path):
    project = tmp_path / "project"
    godot.write(make_pack(), project)
    (project / "project.godot").write_text("config_version=4\n", "utf-8")
    (project / "count.gd").write_text(
        "extends SceneTree\nfunc _init():\n"
        '    var frames = load("res://zoe_godot3.tres")\n'
        "    for name in frames.get_animation_names():\n"
        "        var size = frames.get_frame(name, 0).get_size()\n"
        '        print("found ", name, " ", frames.get_frame_count(name), " ", size)\n'
        "    quit()\n",
        "utf-8",
    )
    for path in project.glob("*_godot4.tres"):
        path.unlink()
    environment = {**os.environ, "HOME": str(tmp_path)}
    command = [str(GODOT), "--path", str(project)]
    for more in (["--editor", "--quit"], ["-s", "count.gd"]):
        done = subprocess.run(
            [*command, *more], env=environment, capture_output=True, text=True, check=False, timeout=300
        )
    found = dict(line.split(" ", 2)[1:] for line in done.stdout.splitlines() if line.startswith("found "))
    assert found == {
        "neutral": "1 (16, 16)",
        "neutral_talk": "2 (16, 16)",
        "neutral_blink": "30 (16, 16)",
        "happy": "1 (16, 16)",
        "happy_talk": "2 (16, 16)",
        "asleep": "1 (16, 16)",
    }


@pytest.mark.parametrize("kind", ["webp", "apng", "gif"])
def test_animations_talk_and_blink(kind, tmp_path):
    pack = make_pack()
    path = animation.write(pack, pack.characters[0], "neutral", kind, tmp_path)
    with Image.open(path) as file:
        assert file.info.get("loop", 0) == 0
        shown = []
        for number in range(file.n_frames):
            file.seek(number)
            frame = file.convert("RGBA")
            shown.append(middle(np.asarray(frame)))
            assert frame.getpixel((0, 0))[3] == 0
    colors = {(*color_of(0, frame), 255) for frame in range(3)}
    assert set(shown) == colors and shown[0] == (*color_of(0, 0), 255)


def test_a_strip_has_the_distinct_frames(tmp_path):
    pack = make_pack()
    strip = pixels(animation.write(pack, pack.characters[1], "happy", "strip", tmp_path))
    assert strip.shape == (SIDE, 2 * SIDE, 4)
    assert middle(strip[:, :SIDE]) == (*color_of(1, 3), 255)
    assert middle(strip[:, SIDE:]) == (*color_of(1, 4), 255)
    assert animation.write(pack, pack.characters[1], "asleep", "strip", tmp_path) is None


def test_a_pack_explains_itself(tmp_path):
    write_pack(make_pack(pixel=2), tmp_path, ["rpgmaker", "atlas"], ["strip"])
    assert (tmp_path / "LICENSE.txt").read_text("utf-8") == "Anything goes.\n"
    text = (tmp_path / "README.txt").read_text("utf-8")
    assert "rpgmaker/" in text and "unity/" not in text
    assert pixels(tmp_path / "faces" / "zoe" / "happy_talk.png").shape == (32, 32, 4)
    assert Image.open(tmp_path / "faces" / "zoe" / "happy.png").text == {"expression": "happy"}
    assert (tmp_path / "animations" / "max_1_neutral_strip.png").is_file()
