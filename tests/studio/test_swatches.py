"""The contrast of the page's colors."""

from __future__ import annotations

import re

import pytest

from anime_gan.studio.errors import PAGE

# Pairs of text and background colors. Large or bold text would need less contrast.
WRITTEN = [
    ("ink", "paper"),
    ("ink", "card"),
    ("ink", "field"),
    ("ink", "tint"),
    ("ink", "danger"),
    ("soft", "paper"),
    ("soft", "card"),
    ("soft", "field"),
    ("accent", "paper"),
    ("accent", "card"),
    ("accent", "field"),
    ("accent", "tint"),
    ("on-accent", "accent"),
]


def palettes() -> dict[str, dict[str, str]]:
    style = (PAGE / "studio.css").read_text("utf-8")
    light, dark = re.findall(r":root \{(.*?)\n *\}", style, re.DOTALL)[:2]
    read = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in (light, dark)]
    return {"light": read[0], "dark": {**read[0], **read[1]}}


def luminance(color: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", ["light", "dark"])
def test_contrast_is_enough_for_small_text(name):
    palette = palettes()[name]
    for ink, paper in WRITTEN:
        lighter, darker = sorted((luminance(palette[ink]), luminance(palette[paper])), reverse=True)
        contrast = (lighter + 0.05) / (darker + 0.05)
        assert contrast >= 4.5, (ink, paper, contrast)
