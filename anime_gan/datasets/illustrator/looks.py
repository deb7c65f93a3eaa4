"""The styles: how colors, lines, shadows, and highlights of a picture look."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from anime_gan.datasets.drawn import palette
from anime_gan.datasets.drawn.canvas import Color
from anime_gan.datasets.drawn.palette import Shades, mix


@dataclasses.dataclass(frozen=True)
class Look:
    """The settings of one style.

    Attributes:
        line_width: Width of outlines in frame units; 0 for none.
        line_variation: How much outlines grow toward the lower right, 0 (even) to 1.
        line_ink: The color that lines are mixed with, and its share.
        paper: The color that all fills are mixed with, and its share.
        shadow: Opacity of shadows.
        shading: "hard", "soft", "hatch", or "flat" (few, hard shadows).
        gradient: Strength of the gradients inside shapes.
        shine: Opacity of highlights.
        rim: Color of the light that falls on the silhouette from behind, or None.
        bounce: Color of the light that comes back from below, or None.
        ambient: The color that everything is multiplied by at the end, or None.
        grain: Strength of the texture of the paper.
        bloom: Strength of the glow around bright parts.
    """

    line_width: float
    line_variation: float
    line_ink: tuple[Color, float]
    paper: tuple[Color, float]
    shadow: float
    shading: str
    gradient: float
    shine: float
    rim: Color | None = None
    bounce: Color | None = None
    ambient: Color | None = None
    grain: float = 0.0
    bloom: float = 0.0

    def color(self, color: Color) -> Color:
        """Returns a color as this style fills shapes with it."""
        return mix(color, *self.paper) if self.paper[1] else color

    def shades(self, base: Color, shadow: Color | None = None) -> Shades:
        """Returns the shades of a color in this style."""
        plain = palette.shades(base, shadow)
        return Shades(
            self.color(plain.base),
            self.color(plain.shadow),
            mix(plain.line, *self.line_ink),
            self.color(plain.shine),
        )


LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "cel": Look(0.0085, 0.35, ((36, 20, 40), 0.45), ((255, 255, 255), 0.0), 1.0, "hard", 0.25, 0.85),
        "soft": Look(
            0.0048, 0.3, ((150, 70, 90), 0.32), ((255, 246, 240), 0.08), 0.95, "soft", 1.15, 0.85,
            bounce=(255, 206, 170), bloom=0.4,
        ),
        "ink": Look(
            0.0105, 0.95, ((22, 18, 26), 0.9), ((255, 252, 244), 0.16), 0.8, "hatch", 0.0, 0.9, grain=0.02
        ),
        "pastel": Look(
            0.006, 0.4, ((160, 110, 150), 0.5), ((255, 240, 248), 0.3), 0.75, "soft", 0.5, 0.8, grain=0.035
        ),
        "night": Look(
            0.007, 0.3, ((16, 12, 40), 0.6), ((60, 60, 110), 0.06), 1.0, "hard", 0.6, 0.55,
            rim=(150, 220, 255), ambient=(188, 180, 224),
        ),
        "flat": Look(0.0, 0.0, ((60, 40, 70), 0.2), ((255, 255, 255), 0.0), 0.9, "flat", 0.0, 0.8),
    }
)  # fmt: skip
