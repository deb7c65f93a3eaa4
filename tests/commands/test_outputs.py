"""Where `generate.py` writes: the file or folder that was asked for, checked before anything is drawn."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anime_gan.commands import generate
from anime_gan.datasets.load import load_dataset
from anime_gan.exports.write import export_model
from anime_gan.faces.output_paths import check_output, free_name, shortened_name
from anime_gan.faces.picture_files import read_text
from anime_gan.training.config import resolve_config
from anime_gan.training.trainer import Trainer

WALK = ("--interpolate=smile -> glasses", "--frames=4")

MANY_SEEDS = ",".join(str(2 * number + 2**62) for number in range(3_500))


def draw(*arguments: str) -> int:
    return generate.main(list(arguments))


def names(folder: str = ".") -> list[str]:
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("ending", ["jpg", "JPEG", "webp"])
def test_a_picture_of_the_type_that_was_asked_for(ending):
    assert draw("--num=3", "--attrs=smile", "--out=grid.png") == 0
    assert draw("--num=3", "--attrs=smile", f"--out=grid.{ending}") == 0
    with Image.open(f"grid.{ending}") as image, Image.open("grid.png") as exact:
        assert image.format == {"webp": "WEBP"}.get(ending, "JPEG")
        difference = np.abs(np.asarray(image.convert("RGB")).astype(int) - np.asarray(exact.convert("RGB")))
    assert difference.mean() < (0.01 if ending == "webp" else 3)
    assert read_text(Path(f"grid.{ending}")) == read_text(Path("grid.png"))
    assert draw(f"--like=grid.{ending}", "--out=again.png") == 0
    np.testing.assert_array_equal(np.asarray(Image.open("again.png")), np.asarray(Image.open("grid.png")))


def test_transparency(tmp_path, capsys):
    options = {"num_images": 40, "batch_size": 8, "transparent": "yes"}
    config = resolve_config("published", options)
    dataset = load_dataset(config.data, config.num_images, config.resolution, 0, "yes")
    trainer = Trainer(config, dataset.schema, dataset.labels, channels=4)
    model = f"--model={export_model(trainer, dataset, config, tmp_path / 'run' / 'export' / '1')}"
    for ending in ("webp", "png", "jpg"):
        assert draw(model, "--num=1", f"--out=a.{ending}") == 0
    webp, png = (np.asarray(Image.open(f"a.{ending}").convert("RGBA")) for ending in ("webp", "png"))
    np.testing.assert_array_equal(webp, png)
    # Behind transparent faces is the soft tint.
    alpha = png[..., 3:] / 255
    expected = png[..., :3] * alpha + np.array([214, 224, 238]) * (1 - alpha)
    assert np.abs(np.asarray(Image.open("a.jpg")) - expected).mean() < 3
    assert draw(model, "--num=1", "--out=b.jpg", "--background=transparent") == 2
    assert "a JPEG cannot be transparent; use .webp" in capsys.readouterr().err


def test_a_webp_moves_with_interpolate_only():
    assert draw(*WALK, "--out=a.webp") == draw("--num=2", "--out=b.webp") == 0
    assert [Image.open(name).n_frames for name in ("a.webp", "b.webp")] == [4, 1]
    assert draw("--like=a.webp", "--out=c.webp") == 0
    assert Image.open("c.webp").n_frames == 4
    assert draw(*WALK, "--out=d.jpg") == 0
    assert Image.open("d.jpg").size == (258, 258)


def test_columns_of_a_grid(capsys):
    assert draw("--num=5", "--columns=5", "--out=a.png") == 0
    assert draw("--num=5", "--columns=2", "--out=b.png") == 0
    assert draw("--num=5", "--columns=9", "--out=c.png") == 0
    assert draw("--like=b.png", "--out=d.png") == 0
    assert draw("--like=b.png", "--columns=1", "--out=e.png") == 0
    sizes = [Image.open(f"{name}.png").size for name in "abcde"]
    wide, tall = 5 * 130 - 2, 3 * 130 - 2
    assert sizes == [(wide, 128), (258, tall), (wide, 128), (258, tall), (128, wide)]
    assert draw("--like=b.png", "--out=single") == 0
    assert len(names("single")) == 5
    capsys.readouterr()
    assert draw("--num=5", "--columns=2") == draw("--sheet=smile", "--columns=2", "--out=s.png") == 2
    assert draw("--num=5", "--columns=0", "--out=s.png") == 2
    error = capsys.readouterr().err
    assert error.count("--columns=2: needs a grid, such as --out=grid.png") == 2
    assert "--columns=0: must be an integer from 1 to 4096" in error


def test_frames_go_into_an_existing_folder(tmp_path):
    frames = [f"frame{number}.png" for number in range(4)]
    (tmp_path / "empty").mkdir()
    (tmp_path / "linked").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "linked")
    for folder in ("empty", "link", "new/folder"):
        assert draw(*WALK, f"--out={folder}") == 0
        assert names(folder) == frames
    assert (tmp_path / "link").is_symlink()
    os.chdir(tmp_path / "empty")
    for name in frames:
        os.remove(name)
    assert draw(*WALK, "--out=.") == 0
    assert names() == frames


def test_a_link_to_a_picture_is_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a.png").symlink_to(tmp_path / "elsewhere" / "b.png")
    assert draw("--num=1", "--out=a.png") == 0
    assert (tmp_path / "a.png").is_symlink() and names("elsewhere") == ["b.png"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out=folder.png"], "--out=folder.png: is a folder; choose a file name"),
        (["--out=file/a.png"], "--out=file/a.png: file is a file, not a folder"),
        (["--out=file"], "--out=file: file is a file, not a folder"),
        ([f"--out={'x' * 252}.png"], "a name has at most 255 bytes, not 256"),
        ([f"--out={'蓝' * 90}"], "a name has at most 255 bytes, not 270"),
        ([*WALK, f"--out={'x' * 256}"], "a name has at most 255 bytes, not 256"),
        ([*WALK, "--out=file/a.gif"], "file is a file, not a folder"),
        (["--out=/proc/a.png"], "--out=/proc/a.png: cannot be written"),
        (["--out=a.bmp"], "--out=a.bmp: a picture is a .png, .jpg, .jpeg, or .webp file"),
        (["--out=a.gif"], "--out=a.gif: an animation needs --interpolate"),
        ([f"--seeds={MANY_SEEDS}", "--out=a.jpg"], "do not fit into a JPEG"),
    ],
)  # fmt: skip
def test_a_place_that_cannot_be_written_is_refused_first(tmp_path, capsys, monkeypatch, arguments, said):
    def fail(*rest: object) -> None:
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(generate, "FaceGenerator", fail)
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    assert draw("--num=2" if arguments[0].startswith("--out") else "--truncation=1", *arguments) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert names() == ["file", "folder.png"] and not names("folder.png")


def test_names_of_any_length():
    for stem in ("x" * 251, "蓝" * 83):
        assert draw("--num=1", f"--out={stem}.png") == 0
        assert names() == [f"{stem}.png"]
        os.remove(f"{stem}.png")


def test_free_names_are_short_enough(tmp_path):
    first = free_name(tmp_path, "蓝" * 300, ".png")
    first.touch()
    second = free_name(tmp_path, "蓝" * 300, ".png")
    second.touch()
    assert second.name == f"{first.stem}-2.png"
    assert shortened_name("ab蓝c", 4) == "ab"


def test_a_check_leaves_nothing_behind(tmp_path):
    check_output(tmp_path / "a" / "b" / "c.png", is_folder=False)
    check_output(tmp_path / "a" / "b", is_folder=True)
    assert not list(tmp_path.iterdir())
