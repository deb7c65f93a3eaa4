"""The parameters of one drawn face, and their random choice."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from anime_gan.datasets.drawn import palette
from anime_gan.datasets.drawn.canvas import Color, Pose

HAIR_STYLES = ("long", "short", "bob", "twin_tails", "ponytail")
FRINGES = ("blunt", "spiky", "swept", "parted", "strand", "choppy", "curtain")
OUTFITS = ("sailor", "shirt", "hoodie", "round", "kimono", "pearls")
HATS = ("beret", "sunhat", "beanie")
GLASSES = ("round", "square")
BACKDROPS = ("plain", "gradient", "dots", "sunburst", "halves", "stripes", "circle", "sparkles")

# Sampled uniformly; a name is repeated in proportion to its frequency.
SKINS = ("porcelain", "porcelain", "fair", "fair", "fair", "warm", "warm", "tan", "brown")

# Tag -> share of the faces that have it.
TAGS = {
    "smile": 0.5,
    "open_mouth": 0.35,
    "blush": 0.45,
    "glasses": 0.25,
    "hat": 0.15,
    "ribbon": 0.25,
}

# Smallest `palette.distance` between the hair and things that must contrast with it.
CONTRAST = 170.0
_Value = TypeVar("_Value")


@dataclasses.dataclass(frozen=True)
class FaceParameters:
    """All parameters of one face; lengths are in frame units (see `canvas`).

    Attributes:
        hair_color, eye_color, hair_style: Values of the groups.
        smile, open_mouth, blush, glasses, hat, ribbon: Values of the tags.
        hair_tint, eye_tint: Small changes of (hue, saturation, value); see `palette.tinted`.
        skin: A name in `palette.SKIN`.
        fringe, outfit, hat_kind, glasses_kind, backdrop: Names of the designs.
        side: 1 or -1, the side of all asymmetric details.
        head_width, jaw_width, eye_width, eye_height, hair_volume: Factors around 1.
        chin: Extra length of the chin.
        eye_slant: Above 0, the outer corners are higher (sharp eyes); below 0, they are lower (gentle eyes).
        gaze: Sideways and downward movement of the irises.
        brow_angle, brow_lift: Angle in degrees and extra height of the eyebrows.
        pose: Pose of the head.
        ahoge: Whether a single strand stands up on the crown.
        backdrop_colors: The two colors of the background.
        outfit_color, accent_color, hat_color, ribbon_color, glasses_color: Colors.
        wobble: Random numbers in [-1, 1] that make strands irregular.
    """

    hair_color: str
    eye_color: str
    hair_style: str
    smile: bool
    open_mouth: bool
    blush: bool
    glasses: bool
    hat: bool
    ribbon: bool
    hair_tint: tuple[float, float, float]
    eye_tint: tuple[float, float, float]
    skin: str
    fringe: str
    outfit: str
    hat_kind: str
    glasses_kind: str
    backdrop: str
    side: int
    head_width: float
    jaw_width: float
    chin: float
    eye_width: float
    eye_height: float
    eye_slant: float
    gaze: tuple[float, float]
    brow_angle: float
    brow_lift: float
    hair_volume: float
    ahoge: bool
    pose: Pose
    backdrop_colors: tuple[Color, Color]
    outfit_color: Color
    accent_color: Color
    hat_color: Color
    ribbon_color: Color
    glasses_color: Color
    wobble: tuple[float, ...]

    @property
    def labels(self) -> dict[str, str | bool | None]:
        """All attributes of the face: a value for each group, True or False for each tag."""
        groups = ("hair_color", "eye_color", "hair_style")
        return {name: getattr(self, name) for name in (*groups, *TAGS)}

    @functools.cached_property
    def hair(self) -> palette.Shades:
        """The shades of the hair."""
        return palette.hair_shades(self.hair_color, self.hair_tint)


def sample_face(seed: int, index: int) -> FaceParameters:
    """Samples the parameters of a face; the same seed and index always give the same face."""
    chance = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, index])))

    def pick(values: Sequence[_Value]) -> _Value:
        return values[int(chance.integers(len(values)))]

    def about(middle: float, reach: float) -> float:
        return float(chance.uniform(middle - reach, middle + reach))

    def apart(colors: Sequence[Color], *others: Color) -> Color:
        """Picks one of the colors that contrast with all `others`."""
        fit = [c for c in colors if all(palette.distance(c, o) > CONTRAST for o in others)]
        return pick(fit or colors)

    hair_color = pick(tuple(palette.HAIR))
    eye_color = pick(tuple(palette.EYES))
    hair_style = pick(HAIR_STYLES)
    tags = {name: bool(chance.random() < share) for name, share in TAGS.items()}
    hair, _ = palette.HAIR[hair_color]
    backdrop_color = apart(palette.BACKDROPS, hair)
    hat_color = apart(palette.ACCENTS + palette.CLOTHES, hair, backdrop_color)
    return FaceParameters(
        hair_color=hair_color,
        eye_color=eye_color,
        hair_style=hair_style,
        smile=tags["smile"],
        open_mouth=tags["open_mouth"],
        blush=tags["blush"],
        glasses=tags["glasses"],
        hat=tags["hat"],
        ribbon=tags["ribbon"],
        hair_tint=(about(0, 0.012), about(0, 0.06), about(0, 0.04)),
        eye_tint=(about(0, 0.012), about(0, 0.06), about(0, 0.05)),
        skin=pick(SKINS),
        fringe=pick(FRINGES),
        outfit=pick(OUTFITS),
        hat_kind=pick(HATS),
        glasses_kind=pick(GLASSES),
        backdrop=pick(BACKDROPS),
        side=pick((-1, 1)),
        head_width=about(1.0, 0.03),
        jaw_width=about(1.0, 0.08),
        chin=about(0.0, 0.012),
        eye_width=about(1.0, 0.06),
        eye_height=about(1.0, 0.09),
        eye_slant=about(0.0, 1.0),
        gaze=(about(0, 0.012), about(0.002, 0.006)),
        brow_angle=about(0, 9),
        brow_lift=about(0, 0.01),
        hair_volume=about(1.0, 0.025),
        ahoge=bool(chance.random() < 0.3),
        pose=Pose(
            tilt=about(0, 7),
            zoom=about(0.98 if hair_style == "twin_tails" or tags["hat"] else 1.04, 0.03),
            shift=(about(0, 0.02), about(0.03 if tags["hat"] else 0.012, 0.012)),
            turn=about(0, 0.028),
        ),
        backdrop_colors=(backdrop_color, palette.mix(backdrop_color, palette.WHITE, 0.55)),
        outfit_color=pick(palette.CLOTHES),
        accent_color=pick(palette.ACCENTS),
        hat_color=hat_color,
        ribbon_color=apart(palette.ACCENTS, hair, backdrop_color, hat_color),
        glasses_color=pick(((52, 40, 56), (150, 36, 48), (40, 56, 110), (96, 60, 40))),
        wobble=tuple(chance.uniform(-1, 1, 24).tolist()),
    )
