"""Makes a character pack of a face for games: all expressions, with talking and blinking frames."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from anime_gan.characters.cast import MAX_TRIES, CastMaker
from anime_gan.characters.checks import Checker
from anime_gan.characters.expressions import read_expressions
from anime_gan.characters.license_sheet import license_sheet
from anime_gan.characters.manifest import MANIFEST, manifest
from anime_gan.characters.names import choose_names, read_names
from anime_gan.characters.pack import Character, Pack
from anime_gan.characters.person import found_person
from anime_gan.characters.write import write_pack
from anime_gan.common.files import write_text
from anime_gan.exports.read import read_export
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.request import FaceRequest
from anime_gan.faces.resizing import Scaling

# Plain packs get animations for web pages; game engines animate the frames themselves.
PLAIN_ANIMATIONS = ("webp",)


def pack_character(generator: FaceGenerator, checker: Checker, request: FaceRequest, engine: str) -> bytes:
    """Returns a zip file with the pack of a face.

    Args:
        generator: The model.
        checker: The judges beside the model.
        request: The face, from `checked`.
        engine: One of `anime_gan.characters.write.ENGINES`, or an empty text for plain PNG files.

    Raises:
        InputError: The face is one between two others.
    """
    schema = generator.schema
    expressions = read_expressions(None, schema)
    member = CastMaker(generator, checker, expressions, MAX_TRIES, request.truncation).given(
        found_person(generator, request)
    )
    (name,) = choose_names(read_names(None), [None], 0)
    faces = {face.frame.name: face for face in member.faces}
    texts = {
        frame: {
            **generator.picture_text(face.request, face.labels),
            "character": name.shown,
            "expression": frame,
        }
        for frame, face in faces.items()
    }
    character = Character(name, faces, texts)
    export = read_export(generator.directory)
    pack = Pack(name.tag, (character,), Scaling(), license_sheet(export))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_pack(pack, folder, [engine] if engine else [], () if engine else PLAIN_ANIMATIONS)
        options = {"for": engine} if engine else {}
        write_text(
            folder / MANIFEST, manifest(options, generator, checker.names, expressions, [(character, member)])
        )
        return _zipped(folder)


def _zipped(folder: Path) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return stream.getvalue()
