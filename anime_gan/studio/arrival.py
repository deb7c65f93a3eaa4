"""The faces that the page shows before anything is drawn: varied, and stored with the model.

A bundled model has them in `arrival.png`, a grid with the settings of each face. Those of another model are
drawn once and kept beside the history.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from anime_gan.exports.read import CRITIC
from anime_gan.faces.generator import FaceGenerator, candidate_seed
from anime_gan.faces.picture_files import png_bytes, save_png
from anime_gan.faces.request import FaceRequest, checked
from anime_gan.studio.history import Entry, History

FILE = "arrival.png"
FACES, COLUMNS, CANDIDATES = 16, 4, 8
KIND = "arrival"
# The text field of the grid.
FIELD = "faces"


def chosen(generator: FaceGenerator, has_critic: bool) -> list[FaceRequest]:
    """Returns the requests of the faces. Each has another color, and everything else is open.

    Each is the most intact of several candidates. The request names what was drawn, so it needs no critic.
    """
    schema = generator.schema
    groups = sorted(schema.groups, key=lambda group: not group.name.endswith("color"))
    values = [f"{group.name}={value.name}" for group in groups[:1] for value in group.values] or [""]
    found = []
    for number in range(FACES):
        wanted = checked(FaceRequest(values[number % len(values)]), schema).attributes
        seeds = [candidate_seed(number, candidate) for candidate in range(CANDIDATES if has_critic else 1)]
        latents, labels = generator.draw_inputs([wanted] * len(seeds), seeds, 1.0)
        best = 0
        if has_critic:
            best = int(np.argmax(generator.selector.margins(generator.render(latents, labels))))
        found.append(FaceRequest(schema.describe(labels[best]), (seeds[best],)))
    return found


def add_stored(directory: Path, store: History) -> Entry | None:
    """Adds the faces of a model's file to a store; returns None if the model has no such file."""
    try:
        with Image.open(directory / FILE) as image:
            texts = json.loads(image.text[FIELD])
            pixels = np.asarray(image)
    except (OSError, AttributeError, KeyError, ValueError):
        return None
    side = pixels.shape[1] // COLUMNS
    with store.new() as draft:
        for number, text in enumerate(texts):
            top, left = (side * part for part in divmod(number, COLUMNS))
            draft.add_file(png_bytes(pixels[top : top + side, left : left + side], text), text)
        return draft.finish(KIND, {})


def write(directory: Path) -> None:
    """Draws the faces of a model and writes its file."""
    generator = FaceGenerator(directory)
    has_critic = (generator.directory / CRITIC).is_dir()
    faces = [next(generator.faces(request)) for request in chosen(generator, has_critic)]
    texts = [generator.picture_text(face.request, face.labels) for face in faces]
    rows = [faces[start : start + COLUMNS] for start in range(0, FACES, COLUMNS)]
    images = np.concatenate([np.concatenate([face.image for face in row], axis=1) for row in rows])
    save_png(generator.directory / FILE, images, {FIELD: json.dumps(texts, ensure_ascii=False)})
