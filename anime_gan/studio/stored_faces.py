"""The faces that come with a model: varied ones, which the page shows before all else, and the best ones.

A bundled model has a file for each of the two, a grid with the settings of each face. For another model, the
varied ones are drawn once and kept beside the history.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from anime_gan.datasets.reading.pictures import PictureError
from anime_gan.exports.read import CRITIC
from anime_gan.faces.generator import FaceGenerator, candidate_seed
from anime_gan.faces.picture_files import png_bytes, read_text, save_picture
from anime_gan.faces.request import FaceRequest, checked
from anime_gan.studio.history import Entry, History

# The kinds of the history entries, and the names of the files.
ARRIVAL, BEST = "arrival", "best"
KINDS = (ARRIVAL, BEST)
FACES, COLUMNS = 16, 4
CANDIDATES = {ARRIVAL: 8, BEST: 64}
# The text field of the grid.
FIELD = "faces"


def chosen(generator: FaceGenerator, has_critic: bool, kind: str = ARRIVAL) -> list[FaceRequest]:
    """Returns the requests of the faces. Each is the most intact of several candidates.

    To start with, each face has another color, and everything else is open. The best faces differ in all
    groups of attributes; otherwise, most would have the hair that is drawn most easily. The most intact one
    comes first. The requests name what was drawn, so they need no critic.

    Args:
        generator: The model.
        has_critic: Whether the model has critics. Otherwise, there is one candidate for each face.
        kind: One of `KINDS`.
    """
    schema = generator.schema
    groups = sorted(schema.groups, key=lambda group: not group.name.endswith("color"))
    if kind == ARRIVAL:
        groups = groups[:1]
    found = []
    for number in range(FACES):
        values = [f"{group.name}={group.values[number % len(group.values)].name}" for group in groups]
        wanted = checked(FaceRequest(", ".join(values)), schema).attributes
        count = CANDIDATES[kind] if has_critic else 1
        first_seed = FACES * KINDS.index(kind) + number
        seeds = [candidate_seed(first_seed, candidate) for candidate in range(count)]
        latents, labels = generator.draw_inputs([wanted] * count, seeds, 1.0)
        margins = generator.selector.margins(generator.render(latents, labels)) if has_critic else np.zeros(1)
        best = int(np.argmax(margins))
        found.append((margins[best], FaceRequest(schema.describe(labels[best]), (seeds[best],))))
    if kind == BEST:
        found.sort(key=lambda pair: -pair[0])
    return [request for _, request in found]


def add_stored(directory: Path, kind: str, store: History) -> Entry | None:
    """Adds the faces of a model's file to a store; returns None if the model has no such file."""
    path = _file(directory, kind)
    try:
        texts = json.loads(read_text(path)[FIELD])
        with Image.open(path) as image:
            pixels = np.asarray(image)
    except (PictureError, OSError, KeyError, ValueError):
        return None
    side = pixels.shape[1] // COLUMNS
    with store.new() as draft:
        for number, text in enumerate(texts):
            top, left = (side * part for part in divmod(number, COLUMNS))
            draft.add_file(png_bytes(pixels[top : top + side, left : left + side], text), text)
        return draft.finish(kind, {})


def write(directory: Path) -> None:
    """Draws the faces of a model and writes its files. Without critics, nobody knows the best faces."""
    generator = FaceGenerator(directory)
    has_critic = (generator.directory / CRITIC).is_dir()
    for kind in KINDS if has_critic else (ARRIVAL,):
        faces = [next(generator.faces(request)) for request in chosen(generator, has_critic, kind)]
        texts = [generator.picture_text(face.request, face.labels) for face in faces]
        rows = [faces[start : start + COLUMNS] for start in range(0, FACES, COLUMNS)]
        grid = np.concatenate([np.concatenate([face.image for face in row], axis=1) for row in rows])
        save_picture(_file(generator.directory, kind), grid, {FIELD: json.dumps(texts)})


def _file(directory: Path, kind: str) -> Path:
    return directory / f"{kind}.webp"
