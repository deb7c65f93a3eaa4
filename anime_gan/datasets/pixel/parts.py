"""The parts of a pixel-art portrait, their labels, and their random choice."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from anime_gan.attributes.scales import Scale
from anime_gan.attributes.schema import known_scale
from anime_gan.datasets.drawn import palette
from anime_gan.datasets.pixel import colors
from anime_gan.datasets.pixel.colors import Palette

Labels = dict[str, str | bool | float | None]
_Choice = TypeVar("_Choice")


class Layer(NamedTuple):
    """A picture in the folder `images`, without `.png`, its palette, and how far it is moved down."""

    name: str
    colors: Palette
    down: int = 0


class Hair(NamedTuple):
    """The parts of a hair style; each is a choice. An empty name means nothing."""

    base: tuple[str, ...]
    back: tuple[str, ...] = ("",)
    front: tuple[str, ...] = ("",)


FULL_BASES = ("female01", "female03", "female06", "female08", "female09", "female10")
FRINGES = ("", "", "", "female01", "female04", "female06", "female07", "female10")
SLICK = ("female12", "female13", "male02", "male06")
# Hair style -> its share and parts.
HAIR_STYLES: Mapping[str, tuple[float, Hair]] = {
    "short": (24, Hair(("male01", "male02", "male04", "male06", "male07", "female07"), ("", "short01"))),
    "bob": (14, Hair(("female06", "female10", "female08"), ("short01", "medium02"), ("", "", "female06"))),
    "medium": (14, Hair(FULL_BASES, ("medium01", "medium02", "medium03"), FRINGES)),
    "long": (20, Hair((*FULL_BASES, "female02"), ("long01", "long02", "long03"), (*FRINGES, "female11"))),
    "twin_tails": (11, Hair(("female06", "female09", "female10", "male01"), ("pigtails01",), FRINGES)),
    "ponytail": (9, Hair(SLICK, ("ponytail",), ("", "female10", "female12"))),
    "buns": (5, Hair(("female06", "female09", "female10", "male01"), ("", "short01"), ("female09",))),
    "bald": (3, Hair(("",))),
}


class Mood(NamedTuple):
    """The parts that make an expression."""

    share: float
    mouths: tuple[str, ...]
    brows: tuple[str, ...]
    brow_move: int = 0
    closed: tuple[str, ...] = ()


NEUTRAL_BROWS = ("neutral01", "neutral02", "neutral03", "flat02")
MOODS: Mapping[str, Mood] = {
    "neutral": Mood(
        24, ("neutral01", "neutral02", "small"), (*NEUTRAL_BROWS, "flat01"), closed=("closed01", "closed03")
    ),
    "gentle_smile": Mood(22, ("smile01", "smile02"), NEUTRAL_BROWS, closed=("closed02", "closed04")),
    "laugh": Mood(18, ("grin01", "grin02"), NEUTRAL_BROWS, closed=("closed02", "closed04")),
    "angry": Mood(13, ("sad01", "sad02", "neutral02", "grin01"), ("angry01", "angry02")),
    "sad": Mood(12, ("sad01", "sad02"), ("sad01", "sad02"), closed=("closed01", "closed03")),
    "surprised": Mood(11, ("O",), ("neutral01", "sad02"), brow_move=-1),
}
SMILES, OPEN_MOUTHS = ("smile01", "smile02", "grin01", "grin02"), ("grin01", "grin02", "O")
CLOSED_SHARE = 0.22
# Eye shape -> the eyes of women and of men.
EYES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "round": (("female01", "female02", "female03"), ("female02", "female03")),
    "tall": (("tall01",), ("tall01",)),
    "narrow": (("flat01", "flat02"), ("flat01", "flat02", "male01", "male02", "male03")),
    "sharp": (("angled01",), ("angled01",)),
}
EYE_SHAPES = {"female": (5, 4, 1.5, 2), "male": (2, 1, 6, 2)}
NOSES = ("neutral01", "neutral02", "pointy01", "pointy02", "small01", "small02", "large01")
BODIES = {"female": ("female01", "female02", "female03"), "male": ("male01", "male02", "male03")}
CLOTHES = {
    "female": tuple(f"female{number:02}" for number in range(1, 13)),
    "male": tuple(f"male{number:02}" for number in range(1, 9)),
}
# Clothes that leave the neck free, and what may be worn there.
LOW_CLOTHES = ("female01", "female03", "female04", "female05", "female09", "male07")
ANIMAL_EARS: Mapping[str, tuple[str, ...]] = {
    "cat": ("cat_ears01",),
    "dog": ("dog_ears01",),
    "rabbit": ("bunny_ears01",),
    "bear": ("bear_ears01",),
    "fox": ("fox_ears01", "fox_ears02"),
}
HORNS = ("dragon_horns01", "long01", "massive01", "short01")
GLASSES: Mapping[str, tuple[str, ...]] = {"round": ("glasses02",), "square": ("glasses01", "glasses03")}
EYE_PATCHES = ("eye_patch01_left", "eye_patch01_right", "eye_patch02_left", "eye_patch02_right")
BEARDS = ("beard01", "beard02", "beard03", "beard04", "beard05", "moustache")
SHARES = {
    "male": 0.45,
    "glasses": 0.18,
    "eye_patch": 0.06,
    "horns": 0.08,
    "headphones": 0.07,
    "ribbon": 0.1,
    "ahoge": 0.1,
    "choker": 0.3,
    "scarf": 0.25,
    "beard": 0.25,
    "animal_ears": 0.2,
}
# The heads look a little to the side.
TURN = 10.0

ATTRIBUTES: dict[str, tuple[str, ...] | Scale | None] = {
    "hair_color": tuple(palette.HAIR),
    "eye_color": tuple(palette.EYES),
    "eye_shape": tuple(EYES),
    "hair_style": tuple(HAIR_STYLES),
    "skin": tuple(colors.SKINS),
    "expression": tuple(MOODS),
    "animal_ears": ("none", *ANIMAL_EARS),
    "glasses_shape": tuple(GLASSES),
    "turn": known_scale("turn", -35.0, 35.0),
    **dict.fromkeys(("smile", "open_mouth", "closed_eyes")),
    **dict.fromkeys(name for name in SHARES if name != "animal_ears"),
}


@dataclasses.dataclass(frozen=True)
class PixelFace:
    """All parameters of a portrait.

    Attributes:
        labels: Its attributes by name.
        layers: From back to front.
        shift: Movement of the frame in pixels of the art: right, down.
        flip: Whether the picture is mirrored.
        backdrop: Color of the background.
    """

    labels: Labels
    layers: tuple[Layer, ...]
    shift: tuple[int, int]
    flip: bool
    backdrop: tuple[int, int, int]


def used_layers() -> tuple[str, ...]:
    """Returns the names of all layers that must exist, without shadows and other additions."""
    hair = [parts for _, parts in HAIR_STYLES.values()]
    names = {
        **{f"hair/base/{name}": 0 for parts in hair for name in parts.base if name},
        **{f"hair/back/{name}": 0 for parts in hair for name in parts.back if name},
        **{f"hair/front/{name}": 0 for parts in hair for name in parts.front if name},
        **{f"mouth/{name}": 0 for mood in MOODS.values() for name in mood.mouths},
        **{f"brows/{name}": 0 for mood in MOODS.values() for name in mood.brows},
        **{f"eyes/{name}": 0 for mood in MOODS.values() for name in mood.closed},
        **{f"eyes/{name}": 0 for sexes in EYES.values() for kinds in sexes for name in kinds},
        **{f"body/{name}": 0 for kinds in BODIES.values() for name in kinds},
        **{f"cloths/{name}_primary": 0 for kinds in CLOTHES.values() for name in kinds},
        **{f"ears/{name}": 0 for kinds in ANIMAL_EARS.values() for name in kinds},
        **{f"glasses/{name}": 0 for kinds in GLASSES.values() for name in kinds},
        **{f"nose/{name}": 0 for name in NOSES},
        **{f"horns/{name}": 0 for name in HORNS},
        **{f"glasses/{name}": 0 for name in EYE_PATCHES},
        **{f"beard/{name}": 0 for name in BEARDS},
    }
    fixed = ("hair/base/headset", "hair/base/ribbon", "hair/front/female08", "neck/collar", "neck/scarf")
    return (*names, *fixed)


def choose_face(rng: np.random.Generator) -> PixelFace:
    """Chooses the parts, colors, and frame of a portrait at random."""
    has = {name: bool(rng.random() < share) for name, share in SHARES.items()}
    sex = "male" if has["male"] else "female"
    style = _weighted(rng, {name: share for name, (share, _) in HAIR_STYLES.items()})
    hair_color, eye_color = _pick(rng, tuple(palette.HAIR)), _pick(rng, tuple(palette.EYES))
    skin_name = _pick(rng, tuple(colors.SKINS))
    expression = _weighted(rng, {name: mood.share for name, mood in MOODS.items()})
    mood = MOODS[expression]
    closed = bool(mood.closed) and bool(rng.random() < CLOSED_SHARE)
    shape = _weighted(rng, dict(zip(EYES, EYE_SHAPES[sex], strict=True)))
    eyes = _pick(rng, mood.closed if closed else EYES[shape][sex == "male"])
    mouth = _pick(rng, mood.mouths)
    clothes = _pick(rng, CLOTHES[sex])
    ears = _pick(rng, tuple(ANIMAL_EARS)) if has["animal_ears"] else "none"
    glasses = _pick(rng, tuple(GLASSES)) if has["glasses"] else None
    _exclude(has, style, ears, clothes)
    flip = bool(rng.random() < 0.5)
    is_bald = style == "bald"
    labels: Labels = {
        "hair_color": None if is_bald else hair_color,
        "eye_color": None if closed else eye_color,
        "eye_shape": None if closed else shape,
        "hair_style": style,
        "skin": skin_name,
        "expression": expression,
        "animal_ears": ears,
        "glasses_shape": glasses,
        "turn": -TURN if flip else TURN,
        "smile": mouth in SMILES,
        "open_mouth": mouth in OPEN_MOUTHS,
        "closed_eyes": closed,
        **{name: has[name] for name in SHARES if name != "animal_ears"},
    }
    hair, skin = colors.hair_palette(hair_color), colors.SKINS[skin_name]
    _, parts = HAIR_STYLES[style]
    base, back, front = (_pick(rng, choices) for choices in parts)
    cloth = [colors.cloth_palette(_pick(rng, palette.CLOTHES)) for _ in range(3)]
    metal = _pick(rng, colors.METALS)
    accent = colors.cloth_palette(_pick(rng, palette.ACCENTS))
    patch = _pick(rng, EYE_PATCHES)
    layers = [
        *_layer(f"hair/back/{back}", back, hair),
        Layer(f"body/{_pick(rng, BODIES[sex])}", skin),
        Layer(f"cloths/{clothes}_shadow", skin),
        *(Layer(f"cloths/{clothes}_{part}", c) for part, c in zip(_CLOTH_PARTS, cloth, strict=True)),
        *_layer("neck/collar", has["choker"], accent),
        *_layer("neck/scarf", has["scarf"], accent),
        Layer(f"mouth/{mouth}", skin),
    ]
    if has["beard"]:
        beard = _pick(rng, BEARDS)
        layers += [Layer(f"beard/{beard}_shadow", skin), Layer(f"beard/{beard}", hair)]
    layers += [
        Layer(f"nose/{_pick(rng, NOSES)}", skin),
        *_layer(f"hair/base/{base}_shadow", base, skin),
        *_layer(f"hair/front/{front}_shadow", front, skin),
        Layer(f"eyes/{eyes}_shadow", skin),
        Layer(f"eyes/{eyes}", colors.eye_palette(eye_color)),
        Layer(f"brows/{_pick(rng, mood.brows)}", hair, mood.brow_move),
        *_layer(f"hair/base/{base}", base, hair),
        *_layer(f"hair/front/{front}", front, hair),
        *_layer("hair/front/female08", has["ahoge"], hair),
        *_layer("hair/base/headset", has["headphones"], accent),
        *_layer("hair/base/ribbon", has["ribbon"], accent),
    ]
    if ears != "none":
        kind = _pick(rng, ANIMAL_EARS[ears])
        layers += [
            Layer(f"ears/{kind}", hair),
            Layer(f"ears/{kind}_skin", skin),
            Layer(f"ears/{kind}_fluff", colors.FLUFF),
        ]
    layers += _layer(f"horns/{_pick(rng, HORNS)}", has["horns"], metal)
    if glasses:
        kind = _pick(rng, GLASSES[glasses])
        layers += [Layer(f"glasses/{kind}_shadow", skin), Layer(f"glasses/{kind}", metal)]
    if has["eye_patch"]:
        layers += [Layer(f"glasses/{patch}_shadow", skin), Layer(f"glasses/{patch}", colors.METALS[2])]
    return PixelFace(
        labels,
        tuple(layers),
        (int(rng.integers(-2, 3)), int(rng.integers(2))),
        flip,
        _pick(rng, palette.BACKDROPS),
    )


_CLOTH_PARTS = ("primary", "secondary", "details")


def _exclude(has: dict[str, bool], style: str, ears: str, clothes: str) -> None:
    """Removes what would hide something else, or be hidden."""
    has["eye_patch"] &= not has["glasses"]
    has["horns"] &= ears == "none"
    has["headphones"] &= ears == "none" and not has["horns"] and style != "bald"
    has["ribbon"] &= ears == "none" and not has["horns"] and not has["headphones"] and not has["male"]
    has["ribbon"] &= style not in ("bald", "buns")
    has["ahoge"] &= not has["ribbon"] and style != "bald"
    has["beard"] &= has["male"]
    has["scarf"] &= clothes in LOW_CLOTHES and not has["beard"]
    has["choker"] &= clothes in LOW_CLOTHES and not has["scarf"]


def _layer(name: str, used: str | bool, palette_of_it: Palette) -> list[Layer]:
    return [Layer(name, palette_of_it)] if used else []


def _pick(rng: np.random.Generator, choices: Sequence[_Choice]) -> _Choice:
    return choices[int(rng.integers(len(choices)))]


def _weighted(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    shares = np.array(list(weights.values())) / sum(weights.values())
    return list(weights)[int(rng.choice(len(weights), p=shares))]
