"""The expressions: what each one does to eyes, brows, and mouth."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from anime_gan.datasets.illustrator.parameters import Portrait


@dataclasses.dataclass(frozen=True)
class Expression:
    """One expression.

    Attributes:
        eyes: "open", "happy" (closed, arched upward), or "wink" (one of them closed).
        openness: Factor of the height of the upper lids.
        iris: Factor of the size of the irises.
        brow: Heights of the inner end, the middle, and the outer end of the brows; above 0 is lower.
        mouth: Name of the mouth; see `mouths`.
        smile, open_mouth: Whether it is labeled as a smile, and as an open mouth.
        tears, sweat: Whether there are tears, and drops of sweat.
        gaze: Extra sideways movement of the irises.
    """

    eyes: str = "open"
    openness: float = 1.0
    iris: float = 1.0
    brow: tuple[float, float, float] = (0.0, 0.0, 0.0)
    mouth: str = "line"
    smile: bool = False
    open_mouth: bool = False
    tears: bool = False
    sweat: bool = False
    gaze: float = 0.0


EXPRESSIONS: Mapping[str, Expression] = MappingProxyType(
    {
        "neutral": Expression(),
        "gentle_smile": Expression(brow=(-0.002, -0.008, 0.0), mouth="smile", smile=True),
        "laugh": Expression(
            "happy", brow=(-0.014, -0.026, -0.008), mouth="laugh", smile=True, open_mouth=True
        ),
        "angry": Expression(openness=0.9, brow=(0.04, 0.006, -0.024), mouth="shout", open_mouth=True),
        "sad": Expression(openness=0.86, brow=(-0.04, 0.0, 0.032), mouth="frown"),
        "crying": Expression(
            openness=0.95, brow=(-0.036, -0.002, 0.022), mouth="wail", open_mouth=True, tears=True
        ),
        "surprised": Expression(
            openness=1.14, iris=0.74, brow=(-0.036, -0.046, -0.03), mouth="round", open_mouth=True
        ),
        "wink": Expression("wink", brow=(-0.002, -0.012, 0.0), mouth="cat_open", smile=True, open_mouth=True),
        "pout": Expression(openness=0.92, brow=(0.022, 0.002, -0.008), mouth="pout"),
        "smug": Expression(openness=0.7, brow=(0.014, -0.012, -0.018), mouth="smirk", smile=True),
        "fang": Expression(brow=(0.012, -0.006, -0.014), mouth="fang", smile=True, open_mouth=True),
        "nervous": Expression(iris=0.88, brow=(-0.026, -0.006, 0.016), mouth="wave", sweat=True, gaze=0.014),
    }
)


def expression_of(face: Portrait) -> Expression:
    """Returns the expression of a face."""
    return EXPRESSIONS[face.expression]
