"""`python -m anime_gan.characters`, from the flags to the files, with a bundled model."""

from __future__ import annotations

import csv
import functools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anime_gan.benchmark.synthetic import untrained_export
from anime_gan.characters import __main__ as command
from anime_gan.commands import generate
from anime_gan.faces.generator import FaceGenerator

MODEL = "--model=sutemo-64"


@pytest.fixture(scope="module", autouse=True)
def loaded_once():
    """Loading a model takes most of the time of a command."""
    with pytest.MonkeyPatch.context() as patch:
        cached = functools.cache(FaceGenerator)
        patch.setattr(command, "FaceGenerator", cached)
        patch.setattr(generate, "FaceGenerator", cached)
        yield


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def rows() -> list[dict[str, str]]:
    with Path("cast/characters.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_cast_can_be_made_again(capsys):
    flags = [MODEL, "--attrs=silver hair, red eyes", "--num=2", "--expressions=happy,sad", "--tries=1"]
    assert command.main(flags) == 0
    printed = capsys.readouterr().out
    assert "2 characters with 9 faces each in cast/" in printed
    assert re.search(r"per character: 1\.0 people drawn, \d+\.\d s of processor time", printed)
    manifest = json.loads(Path("cast/manifest.json").read_text("utf-8"))
    first, second = manifest["characters"]
    assert first["person"]["seeds"] == "0" and second["person"]["seeds"] == "1"
    assert {row["hair_color"] for row in rows()} == {"silver"}
    assert [row["tag"] for row in rows()] == [first["tag"], second["tag"]]
    assert "smile" not in rows()[0]
    assert "credit Sutemo" in Path("cast/LICENSE.txt").read_text("utf-8")

    happy = Path("cast/faces") / first["tag"] / "happy.png"
    text = Image.open(happy).text
    assert text["character"] == first["name"] and text["expression"] == "happy"
    assert generate.main([MODEL, f"--like={happy}", "--out=again.png"]) == 0
    np.testing.assert_array_equal(np.asarray(Image.open("again.png")), np.asarray(Image.open(happy)))

    # Only the labels of the expression differ from those of the neutral face.
    neutral = Image.open(happy.with_name("neutral.png")).text["labels"].split(", ")
    assert set(text["labels"].split(", ")) ^ set(neutral) == {"smile", "no smile"}

    # The person of any picture can be drawn again, with all expressions.
    again = [MODEL, f"--like={happy.with_name('sad.png')}", "--out=other", "--expressions=happy", "--tries=1"]
    assert command.main(again) == 0
    (face,) = Path("other/faces").glob("*/happy.png")
    np.testing.assert_array_equal(np.asarray(Image.open(face)), np.asarray(Image.open(happy)))


def test_a_crowd_is_balanced(capsys):
    flags = [MODEL, "--num=24", "--share=male 50%, glasses 25%", "--tries=1", "--size=96"]
    assert command.main(flags) == 0
    assert "24 characters with 1 face each" in capsys.readouterr().out
    table = rows()
    assert [sum(row[name] == "yes" for row in table) for name in ("male", "glasses")] == [12, 6]
    assert len({row["name"] for row in table}) == 24
    assert Image.open(f"cast/faces/{table[3]['tag']}.png").size == (96, 96)


def test_a_model_with_backgrounds_makes_opaque_pictures(tmp_path, capsys):
    model = untrained_export(tmp_path / "model")
    flags = [f"--model={model}", "--for=renpy,rpgmaker,atlas", "--size=96", "--tries=1"]
    assert command.main(flags) == 0
    printed = capsys.readouterr()
    assert "1 character with 2 faces each" in printed.out
    assert "the model draws a background" in printed.err
    assert "the model has no attributes for: laughing" in printed.err
    (sprite,) = Path("cast/renpy").rglob("side * happy.png")
    assert np.asarray(Image.open(sprite).convert("RGBA"))[..., 3].min() == 255
    (sheet,) = Path("cast/rpgmaker").rglob("*.png")
    # Two of eight cells have a face.
    assert (np.asarray(Image.open(sheet))[..., 3] == 255).mean() == 0.25


def test_wishes_that_expressions_overrule_are_named(capsys):
    flags = [MODEL, "--attrs=blue hair, smile", "--expressions=neutral", "--tries=1"]
    assert command.main(flags) == 0
    assert "note: ignored, because each expression sets it: smile" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--for=unreal"], "--for=unreal: must be one or more of renpy"),
        (["--for=repny"], "did you mean 'renpy'"),
        (["--animate=mp4"], "--animate=mp4: must be one or more of webp"),
        (["--size=64"], "--size=64: must be an integer from 96 to 1024"),
        (["--pixel=5"], "--pixel=5: must be an integer from 2 to 4"),
        (["--num=0"], "--num=0"),
        (["--attrs=purple eys"], "purple eyes"),
        (["--share=male 200%"], "at most 100%"),
        (["--attrs=male", "--share=male 50%", "--num=4"], "contradicts"),
        (["--expressions=grumpy"], "'grumpy'"),
        (["--expressions=missing.json"], "cannot be read"),
        (["--names=missing.txt"], "--names=missing.txt: cannot be read"),
        (["--like=missing.png"], "--like=missing.png"),
        (["--like=x.png", "--num=2"], "--num cannot be combined with --like"),
        (["--out=taken"], "--out=taken: already contains files"),
        (["--truncation=2"], "--truncation=2"),
        (["--beside=missing"], "--beside=missing: has no manifest.json"),
        (["--beside=other/Cast"], "--out=cast: has the same name as the cast other/Cast"),
    ],
)
def test_bad_input_is_one_line_before_anything_is_drawn(flags, message, monkeypatch, capsys):
    monkeypatch.setattr(command, "FaceGenerator", None)
    Path("taken").mkdir()
    Path("taken/mine.txt").touch()
    Path("other/Cast").mkdir(parents=True)
    Path("other/Cast/manifest.json").write_text('{"characters": [{"name": "Mei", "tag": "mei"}]}', "utf-8")
    assert command.main([MODEL, *flags]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("anime_gan.characters: ") and len(error.splitlines()) == 1
    assert message in error
    assert not Path("cast").exists()


def test_nothing_is_left_of_a_pack_that_could_not_be_written(monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(command, "write_pack", full)
    assert command.main([MODEL, "--expressions=neutral", "--tries=1"]) == 2
    assert list(Path().iterdir()) == []
