"""The parameters of one illustrated face, and the values that they can have."""

from __future__ import annotations

import dataclasses

from anime_gan.datasets.drawn import palette
from anime_gan.datasets.drawn.canvas import Color

STYLES = ("cel", "soft", "ink", "pastel", "night", "flat")
HAIR_COLORS = tuple(palette.HAIR)
EYE_COLORS = tuple(palette.EYES)
EYE_SHAPES = ("round", "tall", "narrow", "sharp", "droopy", "sleepy")
# Hair style -> its share.
HAIR_STYLES = {
    "short": 10, "medium": 8, "long": 10, "bob": 9, "hime": 7, "wolf": 8, "curly": 7, "twin_tails": 9,
    "ponytail": 9, "drill": 7, "buns": 7, "braids": 8, "shaved": 3, "bald": 2,
}  # fmt: skip
HAIR_PATTERNS = {"plain": 70, "two_tone": 15, "streaks": 15}
FRINGES = ("blunt", "spiky", "swept", "parted", "strand", "choppy", "curtain", "airy", "back")
SKINS = {"pale": 24, "light": 34, "tan": 18, "dark": 14, "very_dark": 10}
AGES = {"child": 20, "young": 42, "grown": 26, "old": 12}
EXPRESSIONS = {
    "neutral": 14, "gentle_smile": 16, "laugh": 9, "angry": 8, "sad": 8, "crying": 6, "surprised": 8,
    "wink": 7, "pout": 6, "smug": 6, "fang": 6, "nervous": 6,
}  # fmt: skip
ANIMAL_EARS = {"none": 76, "cat": 8, "dog": 5, "rabbit": 6, "bear": 5}
GLASSES = ("round", "square", "half_rim", "sunglasses")
HATS = ("beret", "sunhat", "beanie", "cap", "witch")
OUTFITS = ("sailor", "shirt", "hoodie", "kimono", "sweater", "dress", "suit")
HIGHLIGHTS = ("zigzag", "band", "bubbles", "gloss")
BACKDROPS = ("plain", "gradient", "dots", "sunburst", "halves", "stripes", "circle", "sparkles")

# Tag -> share of the faces that have it. A hood excludes a hat.
TAGS = {
    "male": 0.35,
    "blush": 0.35,
    "freckles": 0.1,
    "glasses": 0.18,
    "eye_patch": 0.06,
    "hat": 0.12,
    "hood": 0.07,
    "headphones": 0.08,
    "horns": 0.08,
    "pointed_ears": 0.1,
    "ribbon": 0.16,
    "hairpin": 0.14,
    "flower": 0.1,
    "earrings": 0.2,
    "choker": 0.14,
    "scarf": 0.1,
    "ahoge": 0.18,
    "beard": 0.08,
}

# Largest angles of the head, in degrees.
MAX_TURN, MAX_NOD, MAX_TILT = 35.0, 18.0, 16.0


@dataclasses.dataclass(frozen=True)
class Portrait:
    """All parameters of one face. Left and right are the viewer's.

    The face is designed with all asymmetric details on fixed sides; `side` mirrors the whole picture.

    Attributes:
        style: How the picture is rendered; see `looks`.
        hair_color, eye_color, eye_shape, hair_style, hair_pattern, skin, age: Values of the groups.
        expression, animal_ears, outfit, glasses_shape: More groups; the last is used with `glasses` only.
        tags: The tags that the face has.
        turn: Turn of the head in degrees; above 0, it looks to the right.
        nod: Nod of the head in degrees; above 0, it looks down.
        tilt: Tilt of the head in degrees, clockwise.
        side: 1, or -1 for a mirrored design.
        second_color: Name of the hair's second color, for two-tone hair and streaks.
        fringe, hat_kind, highlight, backdrop: Names of the designs.
        part_side, bow_side, pin_side, patch_side, wink_side: Sides of details, before mirroring.
        hair_tint, eye_tint: Small changes of (hue, saturation, value); see `palette.tinted`.
        skin_tone: -1 (darker) to 1 (lighter) within the skin's range.
        head_width, jaw_width, eye_size, eye_spacing, hair_volume, hair_length, line_weight: Factors around 1.
        chin, mouth_lift, brow_lift: Changes of heights in frame units.
        gaze: Sideways and downward movement of the irises.
        zoom, shift: Scale and movement of the figure in the frame.
        outfit_color, accent_color, hat_color, bow_color, flower_color, glasses_color: Colors.
        backdrop_colors: The two colors of the background.
        wobble: Random numbers in [-1, 1] that make strands irregular.
    """

    style: str
    hair_color: str
    eye_color: str
    eye_shape: str
    hair_style: str
    hair_pattern: str
    skin: str
    age: str
    expression: str
    animal_ears: str
    outfit: str
    glasses_shape: str
    tags: frozenset[str]
    turn: float
    nod: float
    tilt: float
    side: int
    second_color: str
    fringe: str
    hat_kind: str
    highlight: str
    backdrop: str
    part_side: int
    bow_side: int
    pin_side: int
    patch_side: int
    wink_side: int
    hair_tint: tuple[float, float, float]
    eye_tint: tuple[float, float, float]
    skin_tone: float
    head_width: float
    jaw_width: float
    eye_size: float
    eye_spacing: float
    hair_volume: float
    hair_length: float
    line_weight: float
    chin: float
    mouth_lift: float
    brow_lift: float
    gaze: tuple[float, float]
    zoom: float
    shift: tuple[float, float]
    outfit_color: Color
    accent_color: Color
    hat_color: Color
    bow_color: Color
    flower_color: Color
    glasses_color: Color
    backdrop_colors: tuple[Color, Color]
    wobble: tuple[float, ...]

    def has(self, tag: str) -> bool:
        """Whether the face has a tag."""
        return tag in self.tags

    def mirrored(self) -> Portrait:
        """Returns the parameters of the mirrored picture."""
        flipped = (-self.shift[0], self.shift[1])
        return dataclasses.replace(
            self,
            side=-self.side,
            turn=-self.turn,
            tilt=-self.tilt,
            gaze=(-self.gaze[0], self.gaze[1]),
            shift=flipped,
        )
