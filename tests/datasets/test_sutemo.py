"""The source `sutemo`, on a synthetic folder of layers instead of the art.

Set ANIME_GAN_SUTEMO to a clone of ShatReal/sutemo to also test pictures of the real layers.
"""

import collections
import os
import pickle
import shutil

import numpy as np
import pytest
from PIL import Image

from anime_gan.common.alpha import on_background
from anime_gan.datasets.sutemo import tints
from anime_gan.datasets.sutemo.faces import SutemoFaces, SutemoFacesOnWhite
from anime_gan.datasets.sutemo.parts import used_items
from anime_gan.datasets.sutemo.siblings import EXPRESSION_LABELS, SutemoSiblings

BODY, HAIR, HIGHLIGHT = (220, 200, 180), (240, 230, 250), (255, 255, 255)
IRIS, GLINT, CLOTHES, PETALS = (64, 64, 64), (255, 250, 240), (200, 100, 50), (250, 240, 230)

# (Group, kind) -> color with alpha, left, top, right, bottom for female faces; male faces are 105 higher.
BANDS = {
    ("00_back_hair", "base"): ((*HAIR, 255), 0, 0, 1000, 1200),  # the body lies above it
    ("01_body", "skin"): ((*BODY, 255), 0, 0, 1000, 1200),
    ("06_front_hair", "base"): ((*HAIR, 255), 0, 0, 1000, 400),
    ("06_front_hair", "highlights"): ((*HIGHLIGHT, 255), 0, 300, 1000, 400),
    ("07_eyes", "base"): ((*IRIS, 255), 0, 480, 1000, 540),
    ("07_eyes", "static"): ((*GLINT, 255), 0, 510, 1000, 540),
    ("04_outfits", "base"): ((*CLOTHES, 128), 0, 740, 1000, 1200),
    ("12_accessories", "base"): ((*PETALS, 255), 0, 600, 480, 680),
}


def band_of(item, kind, sex):
    nothing = ((0, 0, 0, 0), 0, 0, 1, 1)
    color, left, top, right, bottom = BANDS.get((item.split("/")[0], kind), nothing)
    up = 105 if sex == "male" else 0
    picture = Image.new("RGBA", (1000, 1200), (90, 160, 30, 0))  # a color that must not be visible
    picture.paste(color, (left, max(0, top - up), right, bottom - up))
    return picture


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A folder that looks like a clone of the public repository."""
    directory = tmp_path_factory.mktemp("clone")
    written = {}
    for sex in ("female", "male"):
        for item in used_items():
            folder = directory / "sprites" / sex / item
            folder.mkdir(parents=True)
            kinds = [kind for group, kind in BANDS if group == item.split("/")[0]] or ["base"]
            for kind in ["skin"] if "closed" in item else kinds:
                key = (sex, kind, item.split("/")[0] if "closed" not in item else "")
                if key not in written:
                    band_of(item, kind, sex).save(folder / f"{kind}.png", compress_level=1)
                    written[key] = (folder / f"{kind}.png").read_bytes()
                (folder / f"{kind}.png").write_bytes(written[key])
    return directory


@pytest.fixture(scope="module")
def faces(clone):
    return SutemoFaces(clone, seed=3)


@pytest.fixture(scope="module")
def described(faces):
    """The first 2500 faces, not drawn."""
    return [faces.describe(index) for index in range(2500)]


@pytest.fixture(scope="module")
def real_faces():
    directory = os.environ.get("ANIME_GAN_SUTEMO")
    if not directory:
        pytest.skip("ANIME_GAN_SUTEMO does not name a clone of ShatReal/sutemo")
    return SutemoFaces(directory, seed=11)


def lab(color):
    """CIELAB of one sRGB color, implemented from the definitions, independently of the package."""
    parts = (c / 255 for c in color)
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.0890,
    )
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz)
    return np.array((116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)))


def nearest(color, palette, shade=1.0):
    """The name of the palette's color, darkened by `shade`, that is closest to `color`."""
    seen = lab(color)
    shaded = {name: lab(np.multiply(rgb, shade)) for name, rgb in palette.items()}
    return min(shaded, key=lambda name: np.linalg.norm(shaded[name] - seen))


def pixel_at(pixels, face, x, y):
    """The pixel at a point of the art, which is given for a female face."""
    left, top, side = face.crop
    column = int((x - left) / side * pixels.shape[1])
    row = int((y - (105 if face.sex == "male" else 0) - top) / side * pixels.shape[0])
    return pixels[row, -1 - column if face.flip else column].astype(float)


def first(faces, condition, start=0):
    return next(i for i in range(start, 5000) if condition(faces.describe(i)))


@pytest.mark.parametrize("sex", ["female", "male"])
def test_layers_are_tinted_and_stacked_in_order(faces, sex):
    index = first(faces, lambda f: f.sex == sex and not f.labels["closed_eyes"])
    face = faces.describe(index)
    pixels, _ = faces.draw(index, 256)
    skin, hair, eyes, outfit = (
        np.array(face.tints[part]) / 255 for part in ("skin", "hair", "eyes", "outfit")
    )
    body = np.array(BODY) * skin
    expected = {
        250: np.array(HAIR) * hair,
        350: np.array(HAIR) * hair * (105 / 255) + np.array(HIGHLIGHT) * (150 / 255),
        440: body,
        495: 255 * (64 / 255) ** 0.4 * eyes,  # irises are lightened, because they would look black
        525: np.array(GLINT),
        770: body * (127 / 255) + np.array(CLOTHES) * outfit * (128 / 255),
    }
    for y, color in expected.items():
        np.testing.assert_allclose(pixel_at(pixels, face, 550, y), color, atol=2.5, err_msg=f"{y}")


def test_a_flipped_face_is_mirrored(faces):
    for flip in (False, True):
        index = first(faces, lambda f, flip=flip: f.labels["flower"] and f.flip == flip)
        face = faces.describe(index)
        pixels, _ = faces.draw(index, 256)
        petals = np.array(PETALS) * face.tints["flower"] / 255
        np.testing.assert_allclose(pixel_at(pixels, face, 300, 640), petals, atol=2.5)
        body = np.array(BODY) * face.tints["skin"] / 255
        np.testing.assert_allclose(pixel_at(pixels, face, 700, 640), body, atol=2.5)


def test_what_is_transparent_leaves_no_trace_at_edges(faces):
    index = first(faces, lambda f: f.labels["flower"])
    face = faces.describe(index)
    pixels, _ = faces.draw(index, 64)
    column = [pixel_at(pixels, face, 300, y) for y in range(590, 690, 2)]
    petals = np.array(PETALS) * face.tints["flower"] / 255
    body = np.array(BODY) * face.tints["skin"] / 255
    # Lanczos may overshoot by a tenth of the step; bleeding of the green would be much larger.
    slack = 3 + 0.12 * np.abs(petals - body)
    low, high = np.minimum(petals, body) - slack, np.maximum(petals, body) + slack
    assert all((low <= color).all() and (color <= high).all() for color in column)


def test_on_white_only_the_backdrop_is_another(tmp_path, clone):
    behind = ("00_back_hair", "01_body")
    for sex in ("female", "male"):
        (tmp_path / sex).mkdir()
        for group in (clone / "sprites" / sex).iterdir():
            if group.name not in behind:
                (tmp_path / sex / group.name).symlink_to(group)
        for item in (item for item in used_items() if item.startswith(behind)):
            kind = "skin" if item.startswith("01_body") else "base"
            half = Image.new("RGBA", (1000, 1200))
            half.paste((*BODY, 255), (550, 0, 1000, 1200))
            (tmp_path / sex / item).mkdir(parents=True)
            half.save(tmp_path / sex / item / f"{kind}.png", compress_level=1)
    plain, on_white = SutemoFaces(tmp_path, seed=3), SutemoFacesOnWhite(tmp_path, seed=3)
    transparent = SutemoFaces(tmp_path, seed=3, transparent=True)
    for index in range(4):
        (pixels, labels), (white, same_labels) = plain.draw(index, 128), on_white.draw(index, 128)
        assert labels == same_labels
        face = plain.describe(index)
        np.testing.assert_array_equal(pixel_at(white, face, 300, 440), 255)
        assert (pixel_at(pixels, face, 300, 440) < 250).any()
        np.testing.assert_array_equal(pixel_at(white, face, 700, 440), pixel_at(pixels, face, 700, 440))
        alpha, same_labels = transparent.draw(index, 128)
        assert labels == same_labels
        assert pixel_at(alpha, face, 300, 440)[3] == 0
        assert pixel_at(alpha, face, 700, 440)[3] == 255
        # Sharpening clips differently at outlines; elsewhere only rounding differs.
        difference = np.abs(on_background(alpha, (255, 255, 255)).astype(int) - white)
        assert np.mean(difference > 2) < 0.05


def test_folder_may_be_the_clone_or_its_sprites(clone, faces):
    other = SutemoFaces(str(clone / "sprites"), seed=3)
    np.testing.assert_array_equal(other.draw(5, 32)[0], faces.draw(5, 32)[0])


def test_pictures_have_the_asked_size(faces):
    for resolution in (16, 33, 64):
        pixels, labels = faces.draw(1, resolution)
        assert pixels.shape == (resolution, resolution, 3)
        assert pixels.dtype == np.uint8
        assert pixels.flags["C_CONTIGUOUS"]
        assert labels == faces.describe(1).labels


def test_same_face_at_every_resolution(faces):
    for index in range(6):
        large = Image.fromarray(faces.draw(index, 128)[0])
        shrunk = np.asarray(large.resize((32, 32), Image.Resampling.BOX), float)
        small = faces.draw(index, 32)[0].astype(float)
        assert np.abs(shrunk - small).mean() < 4
        assert np.abs(shrunk - faces.draw(index + 1, 32)[0]).mean() > 8


def test_faces_depend_on_seed_and_index_only(clone, faces):
    again = pickle.loads(pickle.dumps(faces))
    for index in (7, 2, 7):
        np.testing.assert_array_equal(again.draw(index, 32)[0], faces.draw(index, 32)[0])
        assert again.describe(index) == faces.describe(index)
    assert SutemoFaces(clone, seed=4).describe(2) != faces.describe(2)


def test_layers_are_neither_sent_to_workers_nor_read_again_by_them(clone, tmp_path):
    copy = tmp_path / "sprites"
    shutil.copytree(clone / "sprites", copy)
    faces = SutemoFaces(copy)
    sent = pickle.dumps(faces)
    pixels, _ = faces.draw(0, 32)
    assert len(pickle.dumps(faces)) == len(sent) < 5000
    shutil.rmtree(copy)  # a source that is unpickled later in this process needs no files
    np.testing.assert_array_equal(pickle.loads(sent).draw(0, 32)[0], pixels)


def test_no_two_pictures_are_the_same(faces):
    assert len({faces.draw(index, 32)[0].tobytes() for index in range(100)}) == 100


def test_labels_say_what_is_drawn(described):
    for face in described:
        labels, items = face.labels, " ".join(face.items)
        assert list(labels) == list(SutemoFaces.attributes)
        for name, values in SutemoFaces.attributes.items():
            known = (True, False) if values is None else (*values, None)
            assert labels[name] in known
        assert labels["male"] == (face.sex == "male")
        assert labels["closed_eyes"] == ("closed_" in items)
        assert (labels["eye_color"] is None) == labels["closed_eyes"]
        assert labels["smile"] == ("open_smile" in items or "laugh" in items)
        assert labels["open_mouth"] == ("open_mouth" in items or "laugh" in items)
        assert labels["angry"] == ("angry_" in items or "determined_" in items)
        for word in ("sad", "surprised"):
            assert labels[word] == (f"_{word}_" in items)
        for tag, part in (("blush", "02_"), ("choker", "03_"), ("glasses", "09_")):
            assert labels[tag] == any(item.startswith(part) for item in face.items)
        assert labels["flower"] == ("flower" in items)
        assert labels["headphones"] == (items.count("headphones") == 4)  # both halves or none
        assert (labels["bangs"] == "over_eye") == ("10_eye_cover_hair" in items)


def test_hair_labels_agree_with_the_back_and_front_hair(described):
    seen = collections.defaultdict(set)
    for face in described:
        for item in face.items:
            if item.startswith("00_back_hair"):
                seen[item.split("/")[1]].add(face.labels["hair_style"])
            if item.startswith("06_front_hair/07_bob"):
                assert face.labels["hair_style"] == "bob"
    assert seen == {
        "00_short_1": {"short"},
        "01_short_2": {"short"},
        "02_short_3": {"short"},
        "04_medium": {"bob"},
        "05_bob": {"bob"},
        "03_twin_tail": {"twin_tails"},
        "06_shoulder-length": {"medium"},
        "07_long": {"long"},
    }


def test_every_value_is_common_enough_to_learn(described):
    rows = [face.labels for face in described]
    for name, values in SutemoFaces.attributes.items():
        counts = collections.Counter(row[name] for row in rows)
        if values is None:
            assert 0.08 < counts[True] / len(rows) < 0.55, name
        else:
            known = len(rows) - counts[None]
            shares = {value: counts[value] * len(values) / known for value in values}
            assert min(shares.values()) > 0.55 and max(shares.values()) < 1.5, shares


@pytest.mark.parametrize("part", ["hair", "eyes", "skin"])
def test_tints_of_two_colors_never_overlap(described, part):
    palette = tints.PALETTES[part]
    label = {"hair": "hair_color", "eyes": "eye_color", "skin": "skin"}[part]
    pairs = [(face.labels[label], face.tints[part]) for face in described if face.labels[label]]
    right = sum(nearest(color, palette) == name for name, color in pairs)
    assert right >= 0.99 * len(pairs)
    assert len({color for _, color in pairs}) > 0.5 * len(pairs)  # and they do vary


def test_lab_goes_there_and_back():
    colors = np.random.default_rng(0).integers(0, 256, (500, 3))
    np.testing.assert_allclose(tints.lab_to_rgb(tints.rgb_to_lab(colors)), colors, atol=1e-6)
    np.testing.assert_allclose(tints.rgb_to_lab(colors), [lab(c) for c in colors], atol=0.1)


def test_a_missing_folder_is_named_with_the_remedy(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        SutemoFaces(tmp_path / "nowhere")
    message = str(caught.value)
    assert str(tmp_path / "nowhere") in message
    assert "clone https://github.com/ShatReal/sutemo" in message
    assert "\n" not in message


def test_a_missing_item_is_named(tmp_path, clone):
    for sex in ("female", "male"):
        (tmp_path / "sprites" / sex).mkdir(parents=True)
        for group in (clone / "sprites" / sex).iterdir():
            if (sex, group.name) != ("male", "07_eyes"):
                (tmp_path / "sprites" / sex / group.name).symlink_to(group)
    with pytest.raises(FileNotFoundError, match=r"^11 of .*male.07_eyes.*clone https") as caught:
        SutemoFaces(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["no picture", "other size"])
def test_a_damaged_layer_is_named(tmp_path, clone, damage):
    for sex in ("female", "male"):
        (tmp_path / sex / "01_body" / "00_body").mkdir(parents=True)
        for group in (clone / "sprites" / sex).iterdir():
            if group.name != "01_body":
                (tmp_path / sex / group.name).symlink_to(group)
        path = tmp_path / sex / "01_body" / "00_body" / "skin.png"
        if damage == "no picture":
            path.write_text("not a PNG")
        else:
            Image.new("RGBA", (10, 12)).save(path)
    with pytest.raises(ValueError, match=r"01_body.00_body.skin\.png") as caught:
        SutemoFaces(tmp_path).draw(0, 32)
    assert "\n" not in str(caught.value)


def test_a_negative_seed_is_refused(clone):
    with pytest.raises(ValueError, match="seed must be 0 or more, not -1"):
        SutemoFaces(clone, seed=-1)


def test_statement_gives_credit_and_terms():
    for words in ("Sutemo", "ShatReal/sutemo", "CC0", "Exuin", "not sold by themselves"):
        assert words in SutemoFaces.statement


def test_real_hair_looks_like_its_label(real_faces):
    right = total = 0
    for index in range(150):
        pixels, labels = real_faces.draw(index, 64)
        if not labels["headphones"]:  # their band lies on the crown
            crown = np.median(pixels[7:13, 26:38].reshape(-1, 3), axis=0)
            right += nearest(crown, tints.HAIR) == labels["hair_color"]
            total += 1
    assert right >= 0.99 * total


def test_real_eyes_look_like_their_label(real_faces):
    sprites = os.environ["ANIME_GAN_SUTEMO"]
    if "sprites" in os.listdir(sprites):
        sprites = os.path.join(sprites, "sprites")
    right = total = 0
    for index in range(150):
        face = real_faces.describe(index)
        if face.labels["eye_color"] is None or face.labels["bangs"] == "over_eye":
            continue
        eyes = next(item for item in face.items if item.startswith("07_eyes"))
        iris = Image.open(os.path.join(sprites, face.sex, eyes, "base.png")).convert("RGBA")
        left, top, side = face.crop
        cover = iris.getchannel("A").resize(
            (64, 64), Image.Resampling.BOX, (left, top, left + side, top + side)
        )
        cover = np.asarray(cover)[:, ::-1] if face.flip else np.asarray(cover)
        pixels, _ = real_faces.draw(index, 64)
        art = np.asarray(iris, float)
        shade = ((art[art[..., 3] > 200][:, :3] / 255) ** 0.4).mean()
        right += nearest(pixels[cover > 150].mean(0), tints.EYES, shade) == face.labels["eye_color"]
        total += 1
    assert right >= 0.97 * total


def test_real_skin_looks_like_its_label(real_faces):
    right = total = 0
    for index in range(150):
        face = real_faces.describe(index)
        if not face.labels["blush"] and face.labels["bangs"] != "over_eye":
            pixels, _ = real_faces.draw(index, 64)
            cheek = pixel_at(pixels, face, 430, 650)
            right += nearest(cheek, tints.SKIN) == face.labels["skin"]
            total += 1
    assert right >= 0.97 * total


def test_siblings_differ_in_their_expressions_only(clone):
    siblings = SutemoSiblings(clone, seed=4, transparent=True)
    for person in range(30):
        first, second = siblings.describe(2 * person), siblings.describe(2 * person + 1)
        assert (first.sex, first.tints, first.crop, first.flip) == (
            second.sex,
            second.tints,
            second.crop,
            second.flip,
        )
        changed = set(first.items) ^ set(second.items)
        assert changed and {item.partition("/")[0] for item in changed} <= {
            "02_blushes",
            "07_eyes",
            "08_mouths",
        }
        eyes = {
            item.rpartition("_")[2] for face in (first, second) for item in face.items if "07_eyes" in item
        }
        assert len(eyes) == 1
        names = {name for name in first.labels if first.labels[name] != second.labels[name]}
        assert names <= {*EXPRESSION_LABELS, "eye_color"}
    # The first of each pair is the face of the same number in the training data.
    assert siblings.describe(6) == SutemoFaces(clone, seed=4, transparent=True).describe(3)
    image, labels = siblings.draw(7, 32)
    assert image.shape == (32, 32, 4) and labels == siblings.describe(7).labels
