"""Picture and animation files, decoded by other libraries."""

from __future__ import annotations

import builtins
import json

import numpy as np
import pytest
from PIL import Image, ImageSequence

from anime_gan.datasets.reading.pictures import PictureError
from anime_gan.faces.picture_files import check_animation, read_origin, read_text, save_animation, save_png

TEXT = {"model": "0" * 16, "attributes": "blue hair, 青髪", "seeds": "0", "truncation": "1.0"}


def moving_square(count: int = 12, side: int = 64) -> np.ndarray:
    """A square of changing color that moves over a gradient: more colors than a palette has."""
    rows, columns = np.mgrid[:side, :side]
    frames = []
    for number in range(count):
        frame = np.stack([4 * rows, 4 * columns, 128 + 0 * rows], axis=-1).astype(np.uint8)
        frame[10:20, 3 * number : 3 * number + 10] = (20 * number, 255 - 20 * number, 60)
        frames.append(frame)
    return np.stack(frames)


def decoded(path) -> tuple[np.ndarray, list[int], int]:
    """Returns the frames, their durations in milliseconds, and the number of repetitions (0: endless)."""
    with Image.open(path) as image:
        frames, times = [], []
        for frame in ImageSequence.Iterator(image):
            frames.append(np.asarray(frame.convert("RGB")))
            times.append(frame.info["duration"])
        return np.stack(frames), times, image.info["loop"]


def test_webp_keeps_every_pixel_and_loops(tmp_path):
    frames = moving_square()
    save_animation(tmp_path / "a.webp", frames, 20, TEXT)
    found, times, loop = decoded(tmp_path / "a.webp")
    np.testing.assert_array_equal(found, frames)
    assert times == [50] * 12 and loop == 0
    assert read_text(tmp_path / "a.webp") == TEXT


def test_gif_comes_close_and_loops(tmp_path):
    frames = moving_square()
    # At 30 fps a frame takes 3 1/3 hundredths of a second: three frames take ten.
    save_animation(tmp_path / "a.gif", frames, 30, TEXT)
    found, times, loop = decoded(tmp_path / "a.gif")
    assert np.abs(found.astype(int) - frames).mean() < 4
    # Flat color stays flat: no dithering.
    inner = found[:, 12:18, 0:40]
    assert all(
        len(np.unique(inner[n, :, 3 * n + 2 : 3 * n + 8].reshape(-1, 3), axis=0)) == 1 for n in range(11)
    )
    assert sum(times) == 400 and set(times) == {30, 40} and loop == 0
    assert read_text(tmp_path / "a.gif") == TEXT


def test_mp4_is_enlarged_and_close(tmp_path):
    av = pytest.importorskip("av")
    frames = moving_square()
    save_animation(tmp_path / "a.mp4", frames, 20, TEXT)
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == 20
        found = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    assert found.shape == (12, 256, 256, 3)
    reduced = found.reshape(12, 64, 4, 64, 4, 3).mean(axis=(2, 4))
    assert np.abs(reduced - frames).mean() < 4
    assert read_text(tmp_path / "a.mp4") == TEXT


def test_without_the_library_mp4_says_what_to_install(tmp_path, monkeypatch):
    real = builtins.__import__

    def without_av(name, *rest):
        if name.split(".")[0] == "av":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_av)
    for call in (lambda: check_animation(tmp_path / "a.mp4"), lambda: read_text(tmp_path / "a.mp4")):
        with pytest.raises(ValueError, match=r'pip install "anime_gan\[video\]"'):
            call()
    check_animation(tmp_path / "a.webp")


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"an animation is a .webp, .gif, or .mp4 file"):
        save_animation(tmp_path / "a.avi", moving_square(2), 20, TEXT)
    assert not list(tmp_path.iterdir())


def test_settings_by_themselves(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(TEXT), "utf-8")
    assert read_origin(tmp_path / "a.json").request.attributes == "blue hair, 青髪"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.png", b""),
        ("words.webp", b"RIFF once upon a time"),
        ("list.json", b"[1, 2]"),
        ("deep.json", b"[" * 100_000),
        ("numbers.json", b'{"attributes": 3, "seeds": 4, "model": 5}'),
        ("long.json", b'{"attributes": "' + b"x" * 2**21 + b'"}'),
        ("binary.json", bytes(range(256))),
    ],
)
def test_files_that_are_none_of_ours(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PictureError, match=f"picture=.*{name}: (cannot be read|contains no gen)"):
        read_origin(tmp_path / name)


def test_a_broken_picture_is_an_answer_in_words(tmp_path):
    save_png(tmp_path / "a.png", moving_square(1)[0], TEXT)
    save_animation(tmp_path / "a.webp", moving_square(), 20, TEXT)
    save_animation(tmp_path / "a.gif", moving_square(), 20, TEXT)
    random = np.random.default_rng(4)
    for ending in ("png", "webp", "gif"):
        whole = (tmp_path / f"a.{ending}").read_bytes()
        for number in range(30):
            data = bytearray(whole[: random.integers(1, len(whole))] if number % 2 else whole)
            for place in random.integers(0, len(data), 20):
                data[place] = random.integers(256)
            path = tmp_path / f"broken.{ending}"
            path.write_bytes(data)
            try:
                read_origin(path)
            except PictureError as error:
                assert str(error).startswith(f"picture={path}: ")


def transparent_square() -> np.ndarray:
    frames = moving_square()
    alpha = np.zeros((*frames.shape[:3], 1), np.uint8)
    alpha[:, 5:30, 5:50], alpha[:, 30:35, 5:50], alpha[:, 35:40, 5:50] = 255, 128, 127
    return np.concatenate([frames, alpha], axis=3)


def test_webp_keeps_alpha(tmp_path):
    frames = transparent_square()
    save_animation(tmp_path / "a.webp", frames, 20, TEXT)
    with Image.open(tmp_path / "a.webp") as image:
        found = [np.asarray(frame.convert("RGBA")) for frame in ImageSequence.Iterator(image)]
    found = np.stack(found)
    np.testing.assert_array_equal(found[..., 3], frames[..., 3])
    # The colors of transparent pixels are lost when frames are composed.
    visible = frames[..., 3] > 0
    np.testing.assert_array_equal(found[visible], frames[visible])


def test_gif_keeps_one_bit_of_alpha(tmp_path):
    frames = transparent_square()
    save_animation(tmp_path / "a.gif", frames, 20, TEXT)
    with Image.open(tmp_path / "a.gif") as image:
        found = np.stack([np.asarray(frame.convert("RGBA")) for frame in ImageSequence.Iterator(image)])
    np.testing.assert_array_equal(found[..., 3] > 0, frames[..., 3] >= 128)
    visible = found[..., 3] > 0
    assert np.abs(found[visible][:, :3].astype(int) - frames[visible][:, :3]).mean() < 4
