"""Measurement of hair and eye colors."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("cv2")

from anime_gan.datasets.drawn.faces import DrawnFaces
from anime_gan.prepare.boxes import Box  # noqa: E402
from anime_gan.prepare.colors import measure_colors  # noqa: E402

# Forehead to chin in a drawn picture of 200 pixels.
FACE = Box(46, 62, 108, 108)


@pytest.mark.parametrize("color", ["brown", "blue", "pink", "purple", "green", "red", "orange", "aqua"])
def test_hair_colors_of_drawn_faces(color: str) -> None:
    faces = DrawnFaces(2)
    measured = [
        measure_colors(faces.draw_with(index, 200, hair_color=color, hat=False)[0], FACE)["hair_color"]
        for index in range(6)
    ]
    confident = [answer.name for answer in measured if answer.confidence >= 0.5]

    assert len(confident) >= 3
    assert sum(name == color for name in confident) >= 0.8 * len(confident)


def test_a_color_between_two_names_is_not_sure() -> None:
    def confidence(rgb: tuple[int, int, int]) -> float:
        picture = np.full((200, 200, 3), (255, 228, 208), np.uint8)
        picture[:80, 45:155] = rgb
        return measure_colors(picture, FACE)["hair_color"].confidence

    # Between red and orange, and red itself.
    assert confidence((222, 87, 50)) < 0.5 < confidence((206, 46, 54))


def test_nothing_is_said_where_only_skin_is_seen() -> None:
    assert measure_colors(np.full((200, 200, 3), (255, 228, 208), np.uint8), FACE) == {}
