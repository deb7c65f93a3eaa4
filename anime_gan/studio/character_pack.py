"""Makes a character pack of a face for games: all expressions, with talking and blinking frames."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from anime_gan.characters.cast import MAX_TRIES, CastMaker, Member
from anime_gan.characters.checks import Checker
from anime_gan.characters.expressions import Expressions, read_expressions
from anime_gan.characters.license_sheet import license_sheet
from anime_gan.characters.manifest import MANIFEST, manifest
from anime_gan.characters.names import choose_names, read_names
from anime_gan.characters.pack import Character, Pack
from anime_gan.characters.person import found_person
from anime_gan.characters.write import write_pack
from anime_gan.common.errors import InputError
from anime_gan.common.files import write_text
from anime_gan.exports.read import read_export
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.request import FaceRequest
from anime_gan.faces.resizing import Scaling
from anime_gan.studio.errors import StudioError

# Plain packs get animations for web pages; game engines animate the frames themselves.
PLAIN_ANIMATIONS = ("webp",)


class DrawnCharacter(NamedTuple):
    """A person with the faces of a pack."""

    expressions: Expressions
    member: Member


def draw_character(
    generator: FaceGenerator, checker: Checker, request: FaceRequest, progress: Callable[[], None]
) -> DrawnCharacter:
    """Draws the person of a face with all expressions.

    Args:
        generator: The model.
        checker: The judges beside the model.
        request: The face, from `checked`.
        progress: Called after each face, drawn or judged.

    Raises:
        StudioError: The face is one between two others.
    """
    expressions = read_expressions(None, generator.schema)
    try:
        person = found_person(generator, request)
    except InputError as error:
        raise StudioError("between", 409) from error
    maker = CastMaker(generator, checker, expressions, MAX_TRIES, request.truncation, progress)
    return DrawnCharacter(expressions, maker.given(person))


def packed(generator: FaceGenerator, checker: Checker, drawn: DrawnCharacter, engine: str) -> bytes:
    """Returns a zip file with the pack of a character.

    Args:
        generator: The model, which draws nothing here.
        checker: The judges, which see nothing here.
        drawn: From `draw_character`.
        engine: One of `anime_gan.characters.write.ENGINES`, or an empty text for plain PNG files.
    """
    (name,) = choose_names(read_names(None), [None], 0)
    faces = {face.frame.name: face for face in drawn.member.faces}
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
    members = [(character, drawn.member)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_pack(pack, folder, [engine] if engine else [], () if engine else PLAIN_ANIMATIONS)
        options = {"for": engine} if engine else {}
        write_text(folder / MANIFEST, manifest(options, generator, checker.names, drawn.expressions, members))
        return _zipped(folder)


def _zipped(folder: Path) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return stream.getvalue()
