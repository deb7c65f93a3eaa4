"""One picture that shows what the preparation does: pictures with faces, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from anime_gan.common.layout import GAP, INK, PAPER
from anime_gan.datasets.drawn.faces import DrawnFaces
from anime_gan.prepare.colors import measure_colors
from anime_gan.prepare.crops import crop_box, cut
from anime_gan.prepare.detection import Detector
from anime_gan.prepare.per_picture import Options

_WIDTH, _CROP, _LINE = 420, 128, 18
# Of a page with panels: its size, and left, top and side of each, in pixels.
PAGE = (800, 600)
PANELS = ((20, 20, 360), (420, 60, 240), (20, 400, 180), (220, 400, 160), (420, 320, 260))


def drawn_page(seed: int) -> np.ndarray:
    """A page with panels, on each of which the program has drawn a face: uint8 [600, 800, 3]."""
    illustrator = DrawnFaces(seed)
    page = Image.new("RGB", PAGE, PAPER)
    pen = ImageDraw.Draw(page)
    for number, (left, top, side) in enumerate(PANELS):
        page.paste(Image.fromarray(illustrator.draw(number, side)[0]), (left, top))
        pen.rectangle((left - 2, top - 2, left + side + 1, top + side + 1), outline=INK, width=2)
    return np.asarray(page)


def before_and_after(detector: Detector, pictures: Sequence[np.ndarray], least: float) -> Image.Image:
    """Pictures with what is cut out of them to the left, the crops with their hair color to the right.

    Args:
        detector: What finds the faces.
        pictures: uint8 [height, width, 3], RGB, all of one size.
        least: Colors that are less sure are not shown.
    """
    options = Options(size=_CROP)
    height = round(_WIDTH * pictures[0].shape[0] / pictures[0].shape[1])
    columns = 3 * (_CROP + 2 * GAP)
    sheet = Image.new("RGB", (_WIDTH + 30 + columns, len(pictures) * (height + 8) - 8), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=13)
    for row, picture in enumerate(pictures):
        top = row * (height + 8)
        marked = Image.fromarray(picture)
        pen = ImageDraw.Draw(marked)
        for place, found in enumerate(sorted(detector.detect(picture), key=lambda found: found.box)):
            box = crop_box(found.box, options.margin, options.lift, found.angle)
            crop = cut(picture, box, options.size, found.angle)
            left, upper, side, _ = crop.box
            pen.rectangle((left, upper, left + side, upper + side), outline=(255, 40, 60), width=4)
            x = _WIDTH + 30 + place % 3 * (_CROP + 2 * GAP)
            y = top + place // 3 * (_CROP + _LINE + GAP)
            sheet.paste(Image.fromarray(crop.image), (x, y))
            color = measure_colors(picture, found.box, found.angle).get("hair_color")
            text = f"{color.name} hair" if color and color.confidence >= least else "hair unknown"
            draw.text((x + _CROP / 2, y + _CROP + 1), text, fill=INK, font=font, anchor="ma")
        sheet.paste(marked.resize((_WIDTH, height), Image.Resampling.LANCZOS), (0, top))
        tip, middle = _WIDTH + 22, top + height // 2
        draw.polygon([(tip, middle), (tip - 14, middle - 9), (tip - 14, middle + 9)], fill=INK)
    return sheet
