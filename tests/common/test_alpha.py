"""Alpha: conversions compared with Pillow's compositing, and colors by name."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from anime_gan.common.alpha import on_background, parse_color, premultiplied, straight_alpha
from anime_gan.common.errors import InputError


@pytest.fixture
def images() -> np.ndarray:
    images = np.random.default_rng(0).integers(0, 256, (3, 20, 30, 4), np.uint8)
    images[0, :, :10, 3], images[0, :, 10:20, 3] = 0, 255
    return images


def test_a_background_is_what_pillow_composites(images):
    for color in ((255, 255, 255), (0, 0, 0), (12, 200, 99)):
        found = on_background(images, color)
        assert found.dtype == np.uint8
        for image, picture in zip(images, found, strict=True):
            canvas = Image.new("RGBA", (30, 20), color)
            canvas.alpha_composite(Image.fromarray(image))
            expected = np.asarray(canvas.convert("RGB")).astype(int)
            assert np.abs(picture - expected).max() <= 1


def test_opaque_pictures_have_no_background(images):
    np.testing.assert_array_equal(on_background(images[..., :3], (9, 9, 9)), images[..., :3])


def test_straight_alpha_undoes_premultiplication(images):
    again = straight_alpha(premultiplied(images))
    visible = images[..., 3] > 0
    np.testing.assert_array_equal(again[visible], images[visible])
    assert not again[~visible].any()


def test_colors_above_alpha_are_clipped():
    np.testing.assert_array_equal(straight_alpha(np.array([[200.0, 50, 0, 100]])), [[255, 128, 0, 100]])


@pytest.mark.parametrize(
    ("name", "color"),
    [("white", (255, 255, 255)), ("#c8d8f0", (200, 216, 240)), ("#f00", (255, 0, 0)), ("Red", (255, 0, 0))],
)
def test_colors_have_names_and_hexadecimal_digits(name, color):
    assert parse_color(name) == color


def test_an_unknown_color_says_which_was_meant():
    with pytest.raises(InputError, match=r"#rrggbb.*'white'") as raised:
        parse_color("whit")
    assert (raised.value.field, raised.value.value) == ("background", "whit")
