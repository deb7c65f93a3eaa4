"""The parts of a layered face, their labels, and their random choice."""

from __future__ import annotations

import colorsys
import dataclasses
import math
from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from anime_gan.datasets.sutemo import tints

Color = tuple[float, float, float]
Labels = dict[str, str | bool | None]
_Choice = TypeVar("_Choice")

# (Center, top) of the head in pixels of the art.
HEADS: Mapping[str, tuple[float, float]] = {"female": (495, 180), "male": (495, 75)}

BODY = "01_body/00_body"
HEADPHONES = ("05_headphones_base/00_headphones_base", "11_headphones_up/00_headphones_up")
CHOKER = "03_neck/00_choker"
EYE_COVER = "10_eye_cover_hair/00_side"
FLOWER = "12_accessories/00_flower"
BLUSHES = ("00_blush_1", "01_blush_2")
# The circle glasses are left out, because their white lenses hide the color of the eyes.
GLASSES = ("00_red_glasses", "01_black_glasses")
SCARF = "03_winter"
OUTFITS = (
    "00_school_uniform_1", "01_school_uniform_2", "02_school_uniform_3", SCARF, "04_pe_uniform",
    "05_fancy", "07_casual_1-1", "08_casual_1-2", "09_casual_2-1", "10_casual_2-2",
    "11_casual_3-1", "12_casual_3-2", "13_casual_3-3",
)  # fmt: skip

BACK_HAIR: Mapping[str, tuple[str, ...]] = {
    "short": ("00_short_1", "01_short_2", "02_short_3"),
    "bob": ("04_medium", "05_bob"),
    "medium": ("06_shoulder-length",),
    "long": ("07_long",),
    "twin_tails": ("03_twin_tail",),
}
HAIR_STYLES: Mapping[str, Mapping[str, float]] = {
    "female": {"short": 12, "bob": 22, "medium": 20, "long": 22, "twin_tails": 24},
    "male": {"short": 38, "bob": 16, "medium": 22, "long": 18, "twin_tails": 6},
}
FRONT_HAIR: Mapping[str, tuple[str, ...]] = {
    "jagged": ("00_short_1",),
    "swept": ("01_short_2",),
    "crossed": ("02_short_3", "04_side_bangs_1", "09_long_bangs"),
    "parted": ("03_short_4", "05_side_bangs_2"),
    "curly": ("06_curly",),
    "blunt": ("07_bob", "08_hime_cut"),
    "over_eye": ("02_short_3", "04_side_bangs_1"),  # visible beside `EYE_COVER`
}
# Front hair -> the only hair styles that fit its side locks.
ONLY_WITH: Mapping[str, tuple[str, ...]] = {
    "07_bob": ("bob",),
    "08_hime_cut": ("medium", "long", "twin_tails"),
    "09_long_bangs": ("medium", "long", "twin_tails"),
}

# Small eyes, then big eyes. Sleepy eyes and big determined eyes are left out: they look neutral at 64x64.
EYES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "neutral": (("00_neutral_small",), ("06_neutral_big",)),
    "closed": (("01_closed_small",), ("07_closed_big",)),
    "surprised": (("02_surprised_small",), ("08_surprised_big",)),
    "angry": (("03_determined_small", "04_angry_small"), ("11_angry_big",)),
    "sad": (("05_sad_small",), ("05_sad_small", "09_sad_big")),  # the small ones look sadder
}
BIG_EYES = {"female": 0.75, "male": 0.25}
# Mouths that look like another one at 64x64 are left out, such as smiles with closed lips.
MOUTHS: Mapping[str, tuple[str, ...]] = {
    "neutral": ("00_neutral", "08_frown_1"),
    "grin": ("05_open_smile",),  # with the teeth together
    "laugh": ("07_laugh_2",),
    "frown": ("09_frown_2", "10_frown_3", "15_annoyed"),
    "open": ("11_open_mouth_1", "12_open_mouth_2", "13_open_mouth_3"),
    "shout": ("13_open_mouth_3", "14_open_mouth_4"),
}
SMILES = ("grin", "laugh")
OPEN_MOUTHS = ("laugh", "open", "shout")
# (Weight, eyes, mouths with their weights) of the combinations that look natural.
MOODS: tuple[tuple[float, str, Mapping[str, float]], ...] = (
    (22, "neutral", {"neutral": 8, "open": 2}),
    (26, "neutral", {"grin": 4, "laugh": 6}),
    (8, "closed", {"grin": 4, "laugh": 6}),
    (6, "closed", {"neutral": 6, "open": 3, "frown": 1}),
    (14, "angry", {"neutral": 2, "frown": 4, "shout": 3, "grin": 1}),
    (12, "sad", {"neutral": 3, "frown": 5, "open": 2}),
    (12, "surprised", {"neutral": 2, "open": 5, "shout": 1, "laugh": 2}),
)
EXTRAS = {"glasses": 0.2, "blush": 0.35, "headphones": 0.12, "flower": 0.15, "choker": 0.12}
PATTERNS = {"plain": 3, "gradient": 3, "stripes": 1, "dots": 1, "checks": 1}

ATTRIBUTES: dict[str, tuple[str, ...] | None] = {
    "hair_color": tuple(tints.HAIR),
    "eye_color": tuple(tints.EYES),
    "hair_style": tuple(BACK_HAIR),
    "bangs": tuple(FRONT_HAIR),
    "skin": tuple(tints.SKIN),
    **dict.fromkeys(("male", "smile", "open_mouth", "closed_eyes", "angry", "sad", "surprised")),
    **dict.fromkeys(EXTRAS),
}


@dataclasses.dataclass(frozen=True)
class LayeredFace:
    """All parameters of one face.

    Attributes:
        labels: Group -> value, or None if it is hidden; tag -> whether it is present.
        sex: "female" or "male", the folder of the layers.
        items: "NN_group/NN_item", in drawing order.
        tints: Part -> sRGB (0..255) by which its layers are multiplied.
        crop: Left, top, and side of the visible square, in pixels of the art.
        flip: Whether the picture is mirrored.
        pattern: A name in `PATTERNS`.
        backdrop: The two colors of the pattern, sRGB, 0..255.
        angle: Direction of the pattern in radians.
        repeats: Number of repetitions of the pattern across the picture.
    """

    labels: Labels
    sex: str
    items: tuple[str, ...]
    tints: Mapping[str, Color]
    crop: tuple[float, float, float]
    flip: bool
    pattern: str
    backdrop: tuple[Color, Color]
    angle: float
    repeats: float


def used_items() -> tuple[str, ...]:
    """Returns every "NN_group/NN_item" that a face may use, each once, sorted."""
    items = {BODY, *HEADPHONES, CHOKER, EYE_COVER, FLOWER}
    items.update(f"00_back_hair/{name}" for names in BACK_HAIR.values() for name in names)
    items.update(f"02_blushes/{name}" for name in BLUSHES)
    items.update(f"04_outfits/{name}" for name in OUTFITS)
    items.update(f"06_front_hair/{name}" for names in FRONT_HAIR.values() for name in names)
    items.update(f"07_eyes/{name}" for sizes in EYES.values() for names in sizes for name in names)
    items.update(f"08_mouths/{name}" for names in MOUTHS.values() for name in names)
    items.update(f"09_glasses/{name}" for name in GLASSES)
    return tuple(sorted(items))


def choose_face(rng: np.random.Generator) -> LayeredFace:
    """Chooses the parts, colors, and crop of a face at random."""
    sex = _pick(rng, ("female", "male"))
    extras = {name: bool(rng.random() < share) for name, share in EXTRAS.items()}
    style, bangs, hair = _choose_hair(rng, sex)
    eyes, mouth, expression = _choose_expression(rng, sex)
    colors = {part: _pick(rng, tuple(palette)) for part, palette in tints.PALETTES.items()}
    outfit = _pick(rng, OUTFITS)
    extras["choker"] &= outfit != SCARF  # the scarf would hide it
    items = [BODY, *hair, eyes, mouth, f"04_outfits/{outfit}"]
    items += [CHOKER] * extras["choker"] + [FLOWER] * extras["flower"]
    items += HEADPHONES * extras["headphones"]
    items += [f"09_glasses/{_pick(rng, GLASSES)}"] * extras["glasses"]
    items += [f"02_blushes/{_pick(rng, BLUSHES)}"] * extras["blush"]
    labels: Labels = {
        "hair_color": colors["hair"],
        "eye_color": None if expression["closed_eyes"] else colors["eyes"],
        "hair_style": style,
        "bangs": bangs,
        "skin": colors["skin"],
        "male": sex == "male",
        **expression,
        **extras,
    }
    side = rng.uniform(650, 720)  # from the crown to just below a choker
    middle, top = HEADS[sex]
    crop = (middle + rng.uniform(-20, 20) - side / 2, top - rng.uniform(0.04, 0.065) * side, side)
    return LayeredFace(
        labels=labels,
        sex=sex,
        items=tuple(sorted(items)),  # by the number of the group
        tints=_choose_tints(rng, colors),
        crop=crop,
        flip=bool(rng.random() < 0.5),
        pattern=_weighted(rng, PATTERNS),
        backdrop=_choose_backdrop(rng),
        angle=rng.uniform(0, 2 * math.pi),
        repeats=rng.uniform(2.5, 6),
    )


def _choose_hair(rng: np.random.Generator, sex: str) -> tuple[str, str, list[str]]:
    """Returns the hair style, the bangs, and their items."""
    style = _weighted(rng, HAIR_STYLES[sex])
    fitting = {
        bangs: [name for name in names if style in ONLY_WITH.get(name, (style,))]
        for bangs, names in FRONT_HAIR.items()
    }
    bangs = _pick(rng, [name for name, names in fitting.items() if names])
    back, front = _pick(rng, BACK_HAIR[style]), _pick(rng, fitting[bangs])
    cover = [EYE_COVER] if bangs == "over_eye" else []
    return style, bangs, [f"00_back_hair/{back}", f"06_front_hair/{front}", *cover]


def _choose_expression(rng: np.random.Generator, sex: str) -> tuple[str, str, dict[str, bool]]:
    """Returns the items of the eyes and the mouth, and the labels that they determine."""
    _, look, mouths = MOODS[_weighted(rng, {i: mood[0] for i, mood in enumerate(MOODS)})]
    big = bool(rng.random() < BIG_EYES[sex])
    eyes = _pick(rng, EYES[look][big])
    mouth = _weighted(rng, mouths)
    shown = {
        "smile": mouth in SMILES,
        "open_mouth": mouth in OPEN_MOUTHS,
        "closed_eyes": look == "closed",
        **{mood: look == mood for mood in ("angry", "sad", "surprised")},
    }
    return f"07_eyes/{eyes}", f"08_mouths/{_pick(rng, MOUTHS[mouth])}", shown


def _choose_tints(rng: np.random.Generator, colors: Mapping[str, str]) -> dict[str, Color]:
    """Returns the tint of each part: close to its named color, or any color for clothes and flowers."""
    chosen: dict[str, Color] = {
        part: tints.jittered(tints.PALETTES[part], name, rng) for part, name in colors.items()
    }
    red, green, blue = chosen["skin"]
    chosen["blush"] = (red, green * 0.85, blue * 0.85)  # a fixed pink would look wrong on dark skin
    chosen["outfit"] = _hsv(rng.random(), rng.uniform(0, 0.5), rng.uniform(0.85, 1))
    chosen["flower"] = _hsv(rng.random(), rng.uniform(0, 0.6), 1)
    return chosen


def _choose_backdrop(rng: np.random.Generator) -> tuple[Color, Color]:
    """Returns two related colors, mostly light and not too saturated."""
    hue, saturation = rng.random(), rng.uniform(0, 0.45)
    value = rng.uniform(0.25, 0.6) if rng.random() < 0.25 else rng.uniform(0.65, 1)
    second = (hue + rng.uniform(-0.12, 0.12)) % 1
    change = rng.uniform(0.08, 0.22) * (-1 if value > 0.6 else 1)
    return _hsv(hue, saturation, value), _hsv(second, saturation * 0.8, value + change)


def _hsv(hue: float, saturation: float, value: float) -> Color:
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return red * 255, green * 255, blue * 255


def _pick(rng: np.random.Generator, choices: tuple[_Choice, ...] | list[_Choice]) -> _Choice:
    return choices[int(rng.integers(len(choices)))]


def _weighted(rng: np.random.Generator, weights: Mapping[_Choice, float]) -> _Choice:
    """Returns one of the keys, with probability proportional to its weight."""
    left = rng.random() * sum(weights.values())
    for choice, weight in weights.items():
        left -= weight
        if left < 0:
            return choice
    return choice  # reached only after rounding errors
