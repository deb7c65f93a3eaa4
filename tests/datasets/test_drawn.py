"""Drawn faces: they are reproducible, and they show what their labels say."""

from __future__ import annotations

import colorsys
import dataclasses
import pickle

import numpy as np
import pytest

from anime_gan.common.alpha import on_background
from anime_gan.datasets.drawn import palette
from anime_gan.datasets.drawn.canvas import Pose
from anime_gan.datasets.drawn.faces import DrawnFaces, paint

RESOLUTION = 64
UPRIGHT = Pose()

# Parts of the frame of an upright face: (left, top, right, bottom) in frame units.
EYES = (-0.28, -0.07, 0.28, 0.2)
CHEEKS = (-0.27, 0.1, 0.27, 0.24)
MOUTH = (-0.12, 0.15, 0.12, 0.3)
CROWN = (-0.5, -0.5, 0.5, -0.1)


@pytest.fixture(scope="module")
def faces() -> DrawnFaces:
    return DrawnFaces(seed=3)


def draw(faces: DrawnFaces, index: int, **changes) -> np.ndarray:
    """Draws a face upright, as int, so that differences do not wrap around."""
    return faces.draw_with(index, RESOLUTION, pose=UPRIGHT, **changes)[0].astype(int)


def changed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Which pixels [height, width] clearly differ."""
    return np.abs(first - second).max(axis=-1) > 24


def inside(box: tuple[float, float, float, float], margin: float = 0.0) -> np.ndarray:
    """Which pixels [height, width] are in a part of the frame."""
    place = (np.arange(RESOLUTION) + 0.5) / RESOLUTION - 0.5
    left, top, right, bottom = box
    columns = (place > left - margin) & (place < right + margin)
    rows = (place > top - margin) & (place < bottom + margin)
    return rows[:, None] & columns[None, :]


def hair_mask(faces: DrawnFaces, index: int, **changes) -> np.ndarray:
    """Finds the hair: the pixels that change with the hair color."""
    dyed = [draw(faces, index, hair_color=color, **changes) for color in ("black", "silver")]
    return np.abs(dyed[0] - dyed[1]).min(axis=-1) > 60


def test_picture_and_label_have_the_promised_form(faces):
    picture, label = faces.draw(0, 96)
    assert picture.shape == (96, 96, 3)
    assert picture.dtype == np.uint8
    assert list(label) == list(faces.attributes)
    for name, values in faces.attributes.items():
        assert label[name] in (values if values is not None else (True, False))


def test_a_face_depends_on_seed_and_index_alone(faces):
    alone, label = DrawnFaces(seed=3).draw(7, RESOLUTION)
    for index in range(7):
        faces.draw(index, RESOLUTION)
    after_others, same_label = faces.draw(7, RESOLUTION)
    sent = pickle.loads(pickle.dumps(faces)).draw(7, RESOLUTION)[0]
    np.testing.assert_array_equal(alone, after_others)
    np.testing.assert_array_equal(alone, sent)
    assert label == same_label == faces.describe(7).labels


def test_other_seeds_and_indices_are_other_faces(faces):
    sets = (faces, DrawnFaces(seed=4))
    pictures = {s.draw(index, 32)[0].tobytes() for s in sets for index in range(20)}
    assert len(pictures) == 40


def test_every_value_comes_up_as_often_as_expected(faces):
    count = 2000
    labels = [faces.describe(index).labels for index in range(count)]
    expected = {
        ("smile", True): 0.5,
        ("open_mouth", True): 0.35,
        ("blush", True): 0.45,
        ("glasses", True): 0.25,
        ("hat", True): 0.15,
        ("ribbon", True): 0.25,
    }
    for name, values in faces.attributes.items():
        expected.update({(name, value): 1 / len(values) for value in values or ()})
    for (name, value), share in expected.items():
        found = sum(label[name] == value for label in labels)
        deviation = (count * share * (1 - share)) ** 0.5
        assert abs(found - count * share) < 4.5 * deviation, (name, value, found)


def test_a_large_picture_reduced_is_the_small_picture(faces):
    for index in range(8):
        small = faces.draw(index, 64)[0].astype(float)
        large = faces.draw(index, 256)[0].astype(float)
        reduced = large.reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
        assert np.abs(small - reduced).mean() < 5.0
        assert (np.abs(small - reduced).max(axis=-1) > 60).mean() < 0.01


def test_hair_has_the_color_of_its_label(faces):
    names = list(palette.HAIR)
    bases = np.array([palette.HAIR[name][0] for name in names])
    right = []
    for index in range(40):
        face = faces.describe(index)
        hair = draw(faces, index)[hair_mask(faces, index)]
        nearest = np.linalg.norm(hair[:, None] - bases, axis=-1).argmin(axis=1)
        winner = names[np.bincount(nearest, minlength=len(names)).argmax()]
        right.append(winner == face.hair_color)
    assert np.mean(right) >= 0.95


def test_named_colors_stay_apart_under_the_tint_of_a_face(faces):
    for index in range(500):
        face = faces.describe(index)
        names = list(palette.HAIR)
        distances = [palette.distance(face.hair.base, palette.HAIR[name][0]) for name in names]
        nearest, second = sorted(distances)[:2]
        assert names[int(np.argmin(distances))] == face.hair_color
        assert second > 2 * nearest


def test_eyes_have_the_color_of_their_label(faces):
    names = list(palette.EYES)
    right = []
    for index in range(40):
        face = faces.describe(index)
        other = "green" if face.eye_color != "green" else "red"
        picture = draw(faces, index, glasses=False)
        iris = changed(picture, draw(faces, index, glasses=False, eye_color=other))
        assert iris.sum() > 40
        assert not (iris & ~inside(EYES, 0.02)).any()
        pixels = picture[iris]
        vivid = pixels[np.argsort(np.ptp(pixels, axis=1))[-len(pixels) // 2 :]].mean(axis=0)
        found = names[_most_alike(vivid, list(palette.EYES.values()))]
        right.append(found == face.eye_color)
    assert np.mean(right) >= 0.95


def _most_alike(color: np.ndarray, others: list[palette.Color]) -> int:
    """Returns the index of the color with the most similar hue, or brightness if hues are equal."""

    def features(rgb) -> np.ndarray:
        hue, saturation, value = colorsys.rgb_to_hsv(*(np.asarray(rgb) / 255))
        angle = 2 * np.pi * hue
        return np.array([np.cos(angle), np.sin(angle), 0.5 * saturation, 0.8 * value])

    return int(np.argmin([np.linalg.norm(features(color) - features(o)) for o in others]))


@pytest.mark.parametrize(
    ("tag", "fixed", "box", "least"),
    [
        ("glasses", {}, EYES, 60),
        ("blush", {"glasses": False}, CHEEKS, 30),
        ("smile", {"glasses": False, "open_mouth": True}, MOUTH, 10),
        ("smile", {"glasses": False, "open_mouth": False}, MOUTH, 3),
        ("open_mouth", {"glasses": False, "smile": True}, MOUTH, 10),
        ("open_mouth", {"glasses": False, "smile": False}, MOUTH, 8),
        ("hat", {"ribbon": False}, CROWN, 250),
        ("ribbon", {"hat": False}, CROWN, 80),
        ("ribbon", {"hat": True}, (-0.5, -0.35, 0.5, 0.15), 80),
    ],
)
def test_a_tag_is_visible_where_it_belongs_and_nowhere_else(faces, tag, fixed, box, least):
    for index in range(12):
        without = draw(faces, index, **{**fixed, tag: False})
        difference = changed(without, draw(faces, index, **{**fixed, tag: True}))
        assert (difference & inside(box)).sum() >= least, index
        assert not (difference & ~inside(box, 0.06)).any(), index


def test_blush_reddens_the_cheeks(faces):
    for index in range(12):
        pale, red = (draw(faces, index, glasses=False, blush=blush) for blush in (False, True))
        cheeks = changed(pale, red)
        redness = [(p[cheeks][:, 0] - p[cheeks][:, 1:].mean(axis=1)).mean() for p in (pale, red)]
        assert redness[1] > redness[0] + 15


def test_a_closed_smile_is_wide_with_raised_corners_and_a_neutral_mouth_is_narrow(faces):
    box = inside((-0.12, 0.17, 0.12, 0.23))
    middle, corners = np.zeros((2, RESOLUTION), bool)
    middle[30:34], corners[27:29], corners[35:37] = True, True, True

    def darkness(index: int, smile: bool) -> np.ndarray:
        changes = {"open_mouth": False, "blush": False, "glasses": False, "chin": 0.0}
        picture = draw(faces, index, smile=smile, **changes).sum(axis=-1)
        return np.where(box, picture[box].max() - picture, 0) ** 2

    rows = np.arange(RESOLUTION)[:, None]
    for index in range(20):
        smile, neutral = (darkness(index, smile) for smile in (True, False))
        heights = [(smile * rows)[:, c].sum() / smile[:, c].sum() for c in (middle, corners)]
        assert heights[0] - heights[1] > 0.4  # rows count downward
        assert neutral[:, corners].sum() < 0.3 * smile[:, corners].sum()


def test_each_hair_style_has_its_silhouette(faces):
    at_hips, under_chin = inside((-0.5, 0.42, 0.5, 0.5)), inside((-0.5, 0.3, 0.5, 0.38))
    beside_chin = inside((-0.33, 0.21, 0.33, 0.26)) & ~inside((-0.25, 0.21, 0.25, 0.26))
    far_left, far_right = inside((-0.5, -0.1, -0.405, 0.1)), inside((0.405, -0.1, 0.5, 0.1))
    for index in range(30):
        face = faces.describe(index)
        hair = hair_mask(faces, index, ribbon=False)
        tails = int(hair[far_left].mean() > 0.3) + int(hair[far_right].mean() > 0.3)
        assert tails == {"twin_tails": 2, "ponytail": 1}.get(face.hair_style, 0)
        if not tails:
            assert (hair[at_hips].mean() > 0.1) == (face.hair_style == "long")
            assert (hair[beside_chin].mean() > 0.6) == (face.hair_style in ("long", "bob"))
            assert (hair[under_chin].mean() < 0.02) == (face.hair_style == "short")


def test_a_hat_leaves_the_hair_to_see(faces):
    for index in range(12):
        bare, covered = (hair_mask(faces, index, hat=hat).sum() for hat in (False, True))
        assert covered > 0.45 * bare


def test_transparent_faces_are_the_same_without_the_background(faces):
    color = (200, 120, 40)
    for index in range(8):
        face = dataclasses.replace(faces.describe(index), backdrop="none", backdrop_colors=(color, color))
        transparent = paint(face, RESOLUTION, transparent=True)
        assert transparent.shape == (RESOLUTION, RESOLUTION, 4)
        difference = np.abs(on_background(transparent, color).astype(int) - paint(face, RESOLUTION))
        # Only rounding differs, except at single pixels where outlines meet.
        assert np.mean(difference > 2) < 1e-3
        # The middle of the face is opaque, the upper corners are not.
        assert transparent[RESOLUTION // 2, RESOLUTION // 2, 3] == 255
        assert transparent[0, 0, 3] == transparent[0, -1, 3] == 0


# Pixels of faces 0 and 5 of seed 3 at 64x64, as in the first version: (transparent, index) -> hexadecimal
# values of every 13th pixel from (6, 6).
FIXED = {
    (False, 0): "edf6fd842232ac91a1d6423ed8ebfaedf6fdd53e3ae0706dbb737ad6eafaedf6fd802032c73739876980bc3138"
    "edf6fdb37a5bbe8462be8462d6eafad8ebfad6eafab2785bd6eafad6eafa",
    (False, 5): "512e2da599a8fafafcf8dbc2f8dbc269483efcfcfda093a2fcfcfdf8dbc24c2a2b7851365a3537785136f8dbc2"
    "633e2eee6d6afffffff7d6baf7d6baf0b078f0b078fcd6b8f0b078f1b580",
    (
        True,
        0,
    ): "00000000842232ff5d142d71d6423eff0000000000000000d53e3affe0706dffbb737aff0000000000000000802032"
    "ffc73739ff876980ffbc3138ff00000000b37a5bffbe8462ffbe8462ff000000000000000000000000b2785bff00000000"
    "00000000",
    (
        True,
        5,
    ): "512e2dffa599a8fffafafcff000000000000000069483efffcfcfdffa093a2fffcfcfdff000000004c2a2bff785136"
    "ff5a3537ff785136ff00000000633e2effee6d6affffffffff00000000000000000000000000000000fcd6b8ff00000000"
    "00000000",
}


@pytest.mark.parametrize(("transparent", "index"), FIXED)
def test_the_same_seed_keeps_its_pixels_in_every_version(transparent, index):
    picture = DrawnFaces(3, transparent).draw(index, 64)[0]
    found = picture[6:64:13, 6:64:13].reshape(-1, picture.shape[-1]).astype(int)
    expected = np.frombuffer(bytes.fromhex(FIXED[transparent, index]), np.uint8).reshape(found.shape)
    # Versions of Pillow may round edges differently.
    assert (np.abs(found - expected).max(axis=-1) > 2).sum() <= 1
