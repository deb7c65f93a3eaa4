"""Sizes of drawn faces."""

import sys

import numpy as np
import pytest

from anime_gan.common.errors import InputError
from anime_gan.faces.request import FaceRequest, origin_from_text, request_text
from anime_gan.faces.resizing import Scaling, has_upscaler, resized


def disk(side: int) -> np.ndarray:
    """A red disk on a transparent ground whose hidden color is green."""
    y, x = np.mgrid[:side, :side] + 0.5 - side / 2
    inside = np.hypot(x, y) < side * 0.4
    image = np.zeros((side, side, 4), np.uint8)
    image[..., 1] = 255
    image[inside] = (200, 0, 0, 255)
    return image


@pytest.fixture(params=["installed", "missing"])
def upscaler(request, monkeypatch):
    if request.param == "missing":
        monkeypatch.setitem(sys.modules, "pyanime4k", None)
    elif not has_upscaler():
        pytest.skip("pyanime4k is not installed")


@pytest.mark.usefixtures("upscaler")
@pytest.mark.parametrize("size", [20, 33, 100])
def test_hidden_colors_do_not_reach_the_edge(size):
    """Green lies under alpha 0 only; filters of straight colors would mix it into the rim."""
    result = resized(disk(32), size)
    assert result.shape == (size, size, 4)
    visible = result[..., 3] > 40
    assert result[visible][:, 1].max() <= 40
    # The area stays that of the disk.
    assert np.mean(result[..., 3] / 255) == pytest.approx(np.pi * 0.16, rel=0.06)


def test_opaque_pictures_stay_opaque():
    assert resized(disk(32)[..., :3].copy(), 48).shape == (48, 48, 3)


def test_the_same_size_changes_nothing():
    np.testing.assert_array_equal(resized(disk(32), 32), disk(32))


def test_pixels_become_squares():
    image = disk(16)
    large = Scaling(pixel=3).apply(image)
    assert large.shape == (48, 48, 4)
    for row, column in ((0, 0), (1, 2), (2, 1)):
        np.testing.assert_array_equal(large[row::3, column::3], image)


@pytest.mark.parametrize(
    "scaling", [Scaling(95), Scaling(1025), Scaling(-1), Scaling(pixel=5), Scaling(128, 2)]
)
def test_sizes_out_of_range_are_refused(scaling):
    with pytest.raises(InputError):
        scaling.checked()


def test_the_size_is_part_of_the_settings_in_a_file():
    request = FaceRequest("smile", (3,), scaling=Scaling(size=256))
    text = {"model": "ab", **request_text(request)}
    assert text["size"] == "256"
    assert origin_from_text(text).request == request
    assert "size" not in request_text(FaceRequest())
