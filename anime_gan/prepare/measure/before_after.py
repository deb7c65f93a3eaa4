"""Draws a picture that illustrates the preparation: a page with faces, and the crops of these faces."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from anime_gan.common.layout import GAP, INK, PAPER
from anime_gan.datasets.drawn.faces import DrawnFaces
from anime_gan.prepare.colors import measure_colors
from anime_gan.prepare.crops import crop_box, cut
from anime_gan.prepare.detection import CascadeDetector
from anime_gan.prepare.measure.parts import CONFIDENT
from anime_gan.prepare.per_picture import Options

_WIDTH, _CROP, _LINE = 420, 128, 18
# The size of a page, and the left, top, and side of each panel, in pixels.
PAGE = (800, 600)
PANELS = ((20, 20, 360), (420, 60, 240), (20, 400, 180), (220, 400, 160), (420, 320, 260))


def drawn_page(seed: int) -> np.ndarray:
    """Draws a page with a face in each panel, uint8 [600, 800, 3]."""
    illustrator = DrawnFaces(seed)
    page = Image.new("RGB", PAGE, PAPER)
    pen = ImageDraw.Draw(page)
    for number, (left, top, side) in enumerate(PANELS):
        page.paste(Image.fromarray(illustrator.draw(number, side)[0]), (left, top))
        pen.rectangle((left - 2, top - 2, left + side + 1, top + side + 1), outline=INK, width=2)
    return np.asarray(page)


def before_and_after(detector: CascadeDetector, picture: np.ndarray) -> Image.Image:
    """Draws a picture with marked faces on the left, and the crops with their hair colors on the right.

    Args:
        detector: The face detector.
        picture: uint8 [height, width, 3], RGB.
    """
    options = Options(size=_CROP)
    height = round(_WIDTH * picture.shape[0] / picture.shape[1])
    columns = 3 * (_CROP + 2 * GAP)
    sheet = Image.new("RGB", (_WIDTH + 30 + columns, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=13)
    marked = Image.fromarray(picture)
    pen = ImageDraw.Draw(marked)
    for place, found in enumerate(sorted(detector.detect(picture), key=lambda found: found.box)):
        box = crop_box(found.box, options.margin, options.lift, found.angle)
        crop = cut(picture, box, options.size, found.angle)
        left, top, side, _ = crop.box
        pen.rectangle((left, top, left + side, top + side), outline=(255, 40, 60), width=4)
        x = _WIDTH + 30 + place % 3 * (_CROP + 2 * GAP)
        y = place // 3 * (_CROP + _LINE + GAP)
        sheet.paste(Image.fromarray(crop.image), (x, y))
        color = measure_colors(picture, found.box, found.angle).get("hair_color")
        text = f"{color.name} hair" if color and color.confidence >= CONFIDENT else "hair unknown"
        draw.text((x + _CROP / 2, y + _CROP + 1), text, fill=INK, font=font, anchor="ma")
    sheet.paste(marked.resize((_WIDTH, height), Image.Resampling.LANCZOS), (0, 0))
    tip, middle = _WIDTH + 22, height // 2
    draw.polygon([(tip, middle), (tip - 14, middle - 9), (tip - 14, middle + 9)], fill=INK)
    return sheet
