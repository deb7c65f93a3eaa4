"""Illustrated faces: reproducible, exact in labels and alpha, mirrored by mirroring, moved by depth."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import pickle

import numpy as np
import pytest

from anime_gan.attributes.scales import Scale
from anime_gan.attributes.schema import Schema
from anime_gan.datasets.dataset import DataError
from anime_gan.datasets.drawn import palette
from anime_gan.datasets.illustrator import labels, parameters, passes
from anime_gan.datasets.illustrator.faces import StyledFaces, paint, parse_styles
from anime_gan.datasets.illustrator.looks import LOOKS
from anime_gan.datasets.illustrator.parameters import STYLES, Portrait
from anime_gan.datasets.load import load_dataset

SIDE = 64
FACES = StyledFaces(seed=5)
# A bare face that looks straight ahead.
BARE = {
    "tags": frozenset(),
    "animal_ears": "none",
    "turn": 0.0,
    "nod": 0.0,
    "tilt": 0.0,
    "zoom": 0.9,
    "shift": (0.0, 0.04),
}


def face(index: int, **changes) -> Portrait:
    return dataclasses.replace(FACES.describe(index), **changes)


def picture(portrait: Portrait) -> np.ndarray:
    """Draws a face, as int, so that differences do not wrap around."""
    return paint(portrait, SIDE).astype(int)


def changed(first: Portrait, second: Portrait, least: int = 24) -> np.ndarray:
    """Which pixels [height, width] clearly differ."""
    return np.abs(picture(first) - picture(second)).max(axis=-1) > least


@functools.cache
def many() -> list[Portrait]:
    return [FACES.describe(index) for index in range(2500)]


def test_picture_and_labels_have_the_promised_form():
    for resolution in (32, 96):
        image, known = FACES.draw(3, resolution)
        assert image.shape == (resolution, resolution, 3)
        assert image.dtype == np.uint8
    assert list(known) == list(FACES.attributes)
    for name, values in FACES.attributes.items():
        if isinstance(values, Scale):
            assert values.low <= known[name] <= values.high
        else:
            assert known[name] in (None, *(values if values is not None else (True, False)))
    assert Schema.from_names(FACES.attributes).encode(known).shape == (
        len(Schema.from_names(FACES.attributes).columns),
    )


def test_a_face_depends_on_seed_and_index_alone():
    alone, known = StyledFaces(5, transparent=True).draw(7, SIDE)
    other = StyledFaces(5, transparent=True)
    other.draw(2, SIDE)
    again, same = pickle.loads(pickle.dumps(other)).draw(7, SIDE)
    np.testing.assert_array_equal(alone, again)
    assert known == same
    assert (alone != StyledFaces(6, transparent=True).draw(7, SIDE)[0]).any()


def test_another_list_of_styles_shows_the_same_person():
    for index in range(20):
        one = StyledFaces(5, ("ink",)).describe(index)
        assert one == dataclasses.replace(FACES.describe(index), style="ink")


def test_a_large_picture_reduced_is_the_small_picture():
    for index in range(6):
        small = paint(FACES.describe(index), 64).astype(float)
        large = paint(FACES.describe(index), 256).astype(float)
        for image in (small, large):
            image[..., :3] *= image[..., 3:] / 255
        reduced = large.reshape(64, 4, 64, 4, 4).mean(axis=(1, 3))
        assert np.abs(small - reduced).mean() < 6
        assert np.abs(small - reduced)[..., 3].mean() < 3


def test_every_value_occurs_and_styles_are_equally_frequent():
    known = [labels.labels_of(portrait) for portrait in many()]
    for name, values in FACES.attributes.items():
        seen = {row[name] for row in known}
        if isinstance(values, Scale):
            # Angles come close to both ends.
            assert min(seen) < 0.8 * values.low, name
            assert max(seen) > 0.8 * values.high, name
            continue
        assert seen - {None} == set(values if values is not None else (True, False)), name
    shares = [sum(row["style"] == style for row in known) / len(known) for style in STYLES]
    assert np.abs(np.array(shares) - 1 / 6).max() < 0.035


@pytest.mark.parametrize(
    ("first", "second"),
    list(itertools.combinations(("style", "eye_shape", "expression", "age", "skin", "animal_ears"), 2)),
)
def test_values_of_two_groups_occur_together(first, second):
    pairs = {(getattr(portrait, first), getattr(portrait, second)) for portrait in many()}
    names = [FACES.attributes[name] for name in (first, second)]
    # The rarest pair is expected nine times in 2,500 faces.
    assert pairs == set(itertools.product(*names))


@pytest.mark.parametrize("style", STYLES)
def test_passes_keep_alpha_and_colors_stay_premultiplied(style):
    noise = np.random.default_rng(0)
    alpha = noise.integers(0, 256, (32, 32, 1))
    image = np.concatenate([(noise.random((32, 32, 3)) * alpha).astype(int), alpha], axis=-1).astype(np.uint8)
    finished = passes.finish(image, LOOKS[style], 1)
    np.testing.assert_array_equal(finished[..., 3], image[..., 3])
    assert (finished[..., :3] <= finished[..., 3:]).all()


def test_the_head_has_no_holes_and_the_background_is_clear():
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    for index in range(60):
        portrait = face(index, shift=(0.0, 0.04), zoom=0.9, tilt=0.0)
        alpha = paint(portrait, SIDE)[..., 3]
        # Half a head around the middle of the face.
        inside = ((columns - 31.5) / 11) ** 2 + ((rows - 32) / 13) ** 2 < 1
        assert (alpha[inside] == 255).all(), index
        assert alpha[0, 0] == alpha[0, -1] == 0
        assert ((alpha > 0) & (alpha < 255)).any()


@pytest.mark.parametrize("style", STYLES)
def test_a_mirrored_face_is_the_mirrored_picture(style):
    for index in range(4):
        portrait = face(index, style=style)
        one, two = picture(portrait), picture(portrait.mirrored())[:, ::-1]
        difference = np.abs(one - two)
        # The edges of polygons are rounded differently on the two sides.
        assert difference.mean() < 4, index
        assert (difference.max(axis=-1) > 80).mean() < 0.03, index
        plain = np.abs(one - picture(portrait.mirrored()))
        assert plain.mean() > 3 * difference.mean()


def test_mirroring_exchanges_left_and_right_in_the_labels():
    for portrait in many()[:200]:
        plain, mirrored = labels.labels_of(portrait), labels.labels_of(portrait.mirrored())
        for name, value in plain.items():
            assert mirrored[name] == (-value if name in ("turn", "tilt") else value)
        assert portrait.mirrored().mirrored() == portrait


def test_the_labels_of_angles_are_exact():
    known = labels.labels_of(face(0, turn=12.5, nod=-3.0, tilt=1.0))
    assert (known["turn"], known["nod"], known["tilt"]) == (12.5, -3.0, 1.0)


def middle(first: Portrait, second: Portrait) -> np.ndarray:
    """Returns the mean place (x, y) of what differs between two faces."""
    rows, columns = np.nonzero(changed(first, second))
    return np.array([columns.mean(), rows.mean()])


@pytest.mark.parametrize("side", [-1, 1])
def test_near_layers_move_more_than_far_ones(side):
    """The eyes move farthest, the hat on the crown less, the shoulders hardly, and tails the other way."""
    parts = {
        "eyes": ({"eye_color": "red"}, {"eye_color": "green"}),
        "hat": ({"hat_color": (200, 30, 40)}, {"hat_color": (40, 60, 200)}),
        "outfit": ({"outfit_color": (200, 30, 40)}, {"outfit_color": (40, 60, 200)}),
        "tails": ({"hair_length": 0.85}, {"hair_length": 1.1}),
    }
    plain = {"style": "flat", "eye_shape": "round", "expression": "neutral", "outfit": "sweater"}
    hat = {"tags": frozenset({"hat"}), "hat_kind": "beanie"}
    common = {**BARE, **plain, **hat, "hair_style": "twin_tails", "side": side}
    moves = {}
    for name, (one, two) in parts.items():
        places = [
            middle(face(1, **{**common, "turn": turn}, **one), face(1, **{**common, "turn": turn}, **two))
            for turn in (-20.0, 20.0)
        ]
        moves[name] = (places[1] - places[0])[0]
    assert moves["eyes"] > 4
    assert moves["eyes"] > 2 * moves["hat"] > 0
    assert abs(moves["outfit"]) < 0.4 * moves["eyes"]
    assert moves["tails"] < 0


def test_a_nod_moves_the_eyes_down_and_a_turn_makes_the_far_eye_narrower():
    common = {
        **BARE,
        "style": "flat",
        "eye_shape": "round",
        "expression": "neutral",
        "fringe": "back",
        "side": 1,
    }
    up, down = (
        middle(*(face(2, **{**common, "nod": nod, "eye_color": color}) for color in ("red", "green")))
        for nod in (-15.0, 15.0)
    )
    assert down[1] - up[1] > 2
    assert abs(down[0] - up[0]) < 0.5
    turned = changed(*(face(2, **{**common, "turn": 30.0, "eye_color": color}) for color in ("red", "green")))
    widths = [
        part.any(axis=0).sum() for part in np.array_split(turned, [int(np.nonzero(turned)[1].mean())], axis=1)
    ]
    assert widths[1] < widths[0]  # looking to the right, the right eye is the far one


PATCHED_WINK = {"tags": frozenset({"eye_patch"}), "expression": "wink", "wink_side": 1}

# Attribute -> another value, for each attribute that can be hidden completely.
OTHERS = {
    "eye_color": lambda p: {"eye_color": "red" if p.eye_color != "red" else "blue"},
    "eye_shape": lambda p: {"eye_shape": "tall" if p.eye_shape != "tall" else "narrow"},
    "animal_ears": lambda p: {"animal_ears": "cat" if p.animal_ears != "cat" else "bear"},
    "outfit": lambda p: {"outfit": "shirt" if p.outfit != "shirt" else "sailor"},
    "glasses_shape": lambda p: {"glasses_shape": "round" if p.glasses_shape != "round" else "half_rim"},
    **{
        tag: lambda p, tag=tag: {"tags": p.tags ^ {tag}}
        for tag in ("horns", "pointed_ears", "earrings", "ahoge", "choker", "eye_patch")
    },
}


def test_unknown_is_what_changes_nothing_in_the_picture_and_known_is_what_does():
    counts = {name: [0, 0] for name in OTHERS}
    for portrait in many():
        known = labels.labels_of(portrait)
        for name, other in OTHERS.items():
            hidden = known[name] is None
            if counts[name][hidden] >= 4:
                continue
            counts[name][hidden] += 1
            pixels = changed(portrait, dataclasses.replace(portrait, **other(portrait)), 8).sum()
            if name == "outfit" and portrait.has("scarf") and not portrait.has("hood"):
                continue  # The collar is hidden, but shoulders differ.
            assert (pixels == 0) == hidden, (name, portrait)
    assert all(min(seen) > 0 for seen in counts.values())


@pytest.mark.parametrize(
    ("changes", "unknown"),
    [
        ({"tags": frozenset({"hood"})}, {"animal_ears", "pointed_ears", "earrings", "outfit", "hair_style"}),
        ({"tags": frozenset({"hat"})}, {"ahoge"}),
        ({"tags": frozenset({"scarf"})}, {"choker", "outfit"}),
        ({"hair_style": "bald"}, {"hair_color", "hair_pattern"}),
        ({"expression": "laugh"}, {"eye_color", "eye_shape"}),
        ({"tags": frozenset({"glasses"}), "glasses_shape": "sunglasses"}, {"eye_color", "expression"}),
        ({**PATCHED_WINK, "patch_side": -1}, {"eye_color", "expression"}),
        ({**PATCHED_WINK, "patch_side": 1}, {"expression"}),
        ({"expression": "wink"}, set()),
    ],
)  # fmt: skip
def test_what_is_hidden_is_unknown(changes, unknown):
    known = labels.labels_of(
        face(0, **{**BARE, "hair_style": "ponytail", "expression": "gentle_smile", **changes})
    )
    always = set() if "glasses" in changes.get("tags", ()) else {"glasses_shape"}
    covered = unknown | always
    assert covered <= {name for name, value in known.items() if value is None}
    if changes.get("expression") == "wink":
        assert known["eye_color"] is None or "eye_color" not in unknown


@pytest.mark.parametrize("tag", parameters.TAGS)
def test_a_tag_can_be_seen(tag):
    counted = 0
    for portrait in many():
        if tag in ("hat", "hood", "beard", "headphones") or labels.labels_of(portrait)[tag] is None:
            portrait = dataclasses.replace(portrait, **{**BARE, "hair_style": "ponytail", "age": "grown"})
        with_it, without = (
            dataclasses.replace(portrait, tags=tags)
            for tags in (portrait.tags | {tag}, portrait.tags - {tag})
        )
        if labels.labels_of(with_it)[tag] is None:
            continue
        assert changed(with_it, without, 12).sum() >= 3, portrait
        counted += 1
        if counted == 6:
            break
    assert counted == 6


def test_expressions_and_eye_shapes_differ_clearly_at_64_pixels():
    plain = {**BARE, "style": "cel", "fringe": "parted", "hair_style": "ponytail"}
    for name, values in (
        ("expression", FACES.attributes["expression"]),
        ("eye_shape", FACES.attributes["eye_shape"]),
    ):
        images = [picture(face(3, **{**plain, "expression": "neutral", name: value})) for value in values]
        for one, two in itertools.combinations(images, 2):
            assert (np.abs(one - two).max(axis=-1) > 40).sum() >= 10


@pytest.mark.parametrize("style", ["cel", "ink", "flat", "soft"])
def test_hair_has_the_color_of_its_label(style):
    names = list(palette.HAIR)
    bases = np.array([palette.HAIR[name][0] for name in names])
    right = []
    for index in range(22):
        portrait = face(index, **BARE, style=style, hair_style="long", hair_pattern="plain", age="young")
        portrait = dataclasses.replace(portrait, hair_color=names[index % len(names)])
        dyed = [picture(dataclasses.replace(portrait, hair_color=color)) for color in ("black", "silver")]
        hair = np.abs(dyed[0] - dyed[1])[..., :3].min(axis=-1) > 60
        nearest = np.linalg.norm(picture(portrait)[hair][:, None, :3] - bases, axis=-1).argmin(axis=1)
        right.append(names[np.bincount(nearest, minlength=len(names)).argmax()] == portrait.hair_color)
    assert np.mean(right) >= 0.95


def test_styles_are_listed_in_one_order():
    assert parse_styles("all") == STYLES
    assert parse_styles("ink, cel") == parse_styles("cel,ink") == ("cel", "ink")
    assert "style" not in StyledFaces(0, ("cel",)).attributes
    assert StyledFaces(0, ("cel", "ink")).attributes["style"] == ("cel", "ink")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "cle",
            "pastel, night, flat, or drawn:all for all of them; did you mean 'cel'?",
        ),
        ("cel,", "no style ''"),
        ("Cel", "no style 'Cel'"),
        ("al", "did you mean 'all'?"),
        ("cel,all", "no style 'all'"),
        ("ink,ink", "the style ink is listed twice"),
    ],
)
def test_an_unknown_style_is_refused(text, reason):
    with pytest.raises(DataError) as error:
        load_dataset(f"drawn:{text}", 2, 32, 0)
    assert reason in str(error.value)
    assert error.value.field == "data"


def test_a_list_of_styles_is_a_data_source():
    dataset = load_dataset("drawn:cel,night", 5, 32, 1, "auto")
    expected = StyledFaces(1, ("cel", "night"), transparent=True)
    assert dataset.name == "drawn-cel-night"
    for index in range(5):
        image, known = expected.draw(index, 32)
        np.testing.assert_array_equal(dataset.images[index], image)
        # Attributes without two values among five faces are left out.
        named = {slot.name: known[slot.name] for slot in dataset.schema.slots}
        np.testing.assert_array_equal(dataset.labels[index], dataset.schema.encode(named))
