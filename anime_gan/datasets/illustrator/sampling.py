"""The random choice of the parameters of a face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from anime_gan.datasets.drawn import palette
from anime_gan.datasets.drawn.canvas import Color
from anime_gan.datasets.illustrator import parameters
from anime_gan.datasets.illustrator.parameters import Portrait

# Smallest `palette.distance` between the hair and things that must contrast with it.
CONTRAST = 170.0
# Share of the faces that look straight ahead, but for a few degrees.
STRAIGHT = 0.25
_FRAMES: tuple[Color, ...] = ((52, 40, 56), (150, 36, 48), (40, 56, 110), (96, 60, 40), (60, 110, 90))
_Value = TypeVar("_Value")


def sample_portrait(seed: int, index: int, styles: Sequence[str]) -> Portrait:
    """Samples the parameters of a face.

    The same seed and index always give the same face; it is rendered in one of the styles.
    """
    chance = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, index, 21])))

    def pick(values: Sequence[_Value]) -> _Value:
        return values[int(chance.integers(len(values)))]

    def weighted(shares: Mapping[str, float]) -> str:
        total = np.cumsum(list(shares.values()))
        return list(shares)[int(np.searchsorted(total, chance.random() * total[-1], side="right"))]

    def about(middle: float, reach: float) -> float:
        return float(chance.uniform(middle - reach, middle + reach))

    def apart(colors: Sequence[Color], *others: Color) -> Color:
        fit = [c for c in colors if all(palette.distance(c, o) > CONTRAST for o in others)]
        return pick(fit or colors)

    def side() -> int:
        return pick((-1, 1))

    style_place = chance.random()
    hair_color = pick(parameters.HAIR_COLORS)
    hair = palette.HAIR[hair_color][0]
    # Two colors of hair must differ clearly.
    others = [n for n in parameters.HAIR_COLORS if palette.distance(palette.HAIR[n][0], hair) > CONTRAST]
    tags = {name for name, share in parameters.TAGS.items() if chance.random() < share}
    if "hood" in tags:
        tags -= {"hat", "headphones", "ribbon", "flower"}
    eye_color, eye_shape = pick(parameters.EYE_COLORS), pick(parameters.EYE_SHAPES)
    hair_style, animal_ears = weighted(parameters.HAIR_STYLES), weighted(parameters.ANIMAL_EARS)
    age = weighted(parameters.AGES)
    if age == "child" or "male" not in tags:
        tags.discard("beard")
    elif chance.random() < 0.12:
        tags.add("beard")
    backdrop_color = apart(palette.BACKDROPS, hair)
    hat_color = apart(palette.ACCENTS + palette.CLOTHES, hair, backdrop_color)
    hat_kind = pick(parameters.HATS)
    straight = chance.random() < STRAIGHT
    tall = animal_ears == "rabbit" or "horns" in tags or "hat" in tags or animal_ears == "cat"
    wide = hair_style in ("twin_tails", "ponytail", "buns") or animal_ears != "none" or "hood" in tags
    very_tall = animal_ears == "rabbit" or ("hat" in tags and hat_kind == "witch")
    zoom = about(
        0.84 if very_tall else 0.9 if tall or hair_style == "twin_tails" else 0.94 if wide else 1.06, 0.035
    )
    rise = 0.095 if very_tall else 0.075 if tall else 0.03 if wide else 0.016
    return Portrait(
        style=styles[int(style_place * len(styles))],
        hair_color=hair_color,
        eye_color=eye_color,
        eye_shape=eye_shape,
        hair_style=hair_style,
        hair_pattern=weighted(parameters.HAIR_PATTERNS),
        skin=weighted(parameters.SKINS),
        age=age,
        expression=weighted(parameters.EXPRESSIONS),
        animal_ears=animal_ears,
        outfit=pick(parameters.OUTFITS),
        glasses_shape=pick(parameters.GLASSES),
        tags=frozenset(tags),
        turn=about(0, 4) if straight else about(0, parameters.MAX_TURN),
        nod=about(0, parameters.MAX_NOD),
        tilt=float(np.clip(chance.normal(0, 7), -parameters.MAX_TILT, parameters.MAX_TILT)),
        side=side(),
        second_color=pick(others),
        fringe=pick(parameters.FRINGES),
        hat_kind=hat_kind,
        highlight=pick(parameters.HIGHLIGHTS),
        backdrop=pick(parameters.BACKDROPS),
        part_side=side(),
        bow_side=side(),
        pin_side=side(),
        patch_side=side(),
        wink_side=side(),
        hair_tint=(about(0, 0.012), about(0, 0.06), about(0, 0.04)),
        eye_tint=(about(0, 0.012), about(0, 0.06), about(0, 0.05)),
        skin_tone=about(0, 1),
        head_width=about(1.0, 0.025),
        jaw_width=about(1.0, 0.05),
        eye_size=about(1.0, 0.07),
        eye_spacing=about(1.0, 0.03),
        hair_volume=about(1.0, 0.025),
        hair_length=about(1.0, 0.12),
        line_weight=about(1.0, 0.25),
        chin=about(0.0, 0.008),
        mouth_lift=about(0.0, 0.004),
        brow_lift=about(0.0, 0.008),
        gaze=(about(0, 0.011), about(0.002, 0.006)),
        zoom=zoom,
        shift=(about(0, 0.018), about(rise, 0.01)),
        outfit_color=pick(palette.CLOTHES),
        accent_color=pick(palette.ACCENTS),
        hat_color=hat_color,
        bow_color=apart(palette.ACCENTS, hair, backdrop_color, hat_color),
        flower_color=apart(palette.ACCENTS, hair, backdrop_color),
        glasses_color=pick(_FRAMES),
        backdrop_colors=(backdrop_color, palette.mix(backdrop_color, palette.WHITE, 0.55)),
        wobble=tuple(chance.uniform(-1, 1, 24).tolist()),
    )
