"""`python -m anime_gan.characters`: makes characters for games."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

import numpy as np
from tqdm import tqdm

from anime_gan.attributes.schema import Schema
from anime_gan.characters import animation
from anime_gan.characters.cast import MAX_TRIES, CastMaker, Member
from anime_gan.characters.checks import Checker
from anime_gan.characters.expressions import NEUTRAL, Expressions, read_expressions
from anime_gan.characters.license_sheet import license_sheet
from anime_gan.characters.manifest import MANIFEST, TABLE, manifest, names_in, table
from anime_gan.characters.models import choose_model, model_of_picture
from anime_gan.characters.names import Name, choose_names, read_names, tag_of
from anime_gan.characters.pack import Character, Pack
from anime_gan.characters.person import found_person
from anime_gan.characters.shares import parse_shares, share_requests
from anime_gan.characters.write import ENGINES, write_pack
from anime_gan.common.command_line import MODEL_HELP, Flags, given_flags, print_lines, run_command
from anime_gan.common.errors import InputError
from anime_gan.common.files import filled_whole, write_text
from anime_gan.common.suggestions import nearest
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.output_paths import check_output
from anime_gan.faces.picture_files import read_origin
from anime_gan.faces.request import SEED_LIMIT, TRUNCATION_HELP, FaceRequest, PictureOrigin, checked
from anime_gan.faces.resizing import UPSCALE_NOTE, Scaling, define_scaling, has_upscaler

SUMMARY = """Makes game characters. Each is one person with all expressions, and with frames for talking and
blinking. For example:
  python -m anime_gan.characters --attrs="silver hair, red eyes, glasses" --num=3 --for=renpy --out=cast
Every face is checked: the attributes, the person, and whether it is intact. The same command always makes the
same characters."""

MAX_CHARACTERS = 2_000
# A larger cast is a crowd, and shows neutral faces only.
CROWD = 20
ALL = "all"
DEFAULT_OUT = "cast"
OPAQUE_NOTE = "the model draws a background, so the pictures are opaque squares"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flags = Flags()
    flags.text("attrs", None, "attributes that all characters have, separated by commas (default: any)")
    flags.integer(
        "num", None, f"number of characters (1 to {MAX_CHARACTERS:,}; default 1)", 1, MAX_CHARACTERS
    )
    flags.path(
        "like", None, "picture from generate.py or from a cast; the person in it becomes the character"
    )
    flags.path("out", DEFAULT_OUT, f"folder to write; must be new or empty (default: {DEFAULT_OUT})")
    flags.texts(
        "for", [], f"game engines, separated by commas: {', '.join(ENGINES)} (default: plain PNG files only)"
    )
    flags.texts(
        "animate", [], f"talking and blinking animations, separated by commas: {', '.join(animation.KINDS)}"
    )
    flags.path(
        "expressions",
        None,
        f"names of expressions, separated by commas, {ALL}, or a .json file with a table of your own "
        f"(default: {ALL}, and {NEUTRAL} alone for more than {CROWD} characters)",
    )
    flags.text("share", None, "shares of attributes in a crowd, such as 'male 50%, glasses 10%'")
    flags.path("names", None, "text file with one name per line (default: a built-in list of given names)")
    flags.texts(
        "beside", [], "other casts of the same game, separated by commas; their names are not used again"
    )
    flags.path(
        "model",
        None,
        f"{MODEL_HELP.partition(': sutemo')[0]} (default: the largest one that draws the expressions well)",
    )
    flags.integer("seed", 0, "seed of the first character; the others follow (0 to 2^63-1; default 0)", 0)
    flags.integer(
        "tries", MAX_TRIES, f"people drawn until one passes all checks (1 to 64; default {MAX_TRIES})", 1, 64
    )
    flags.number("truncation", 1.0, TRUNCATION_HELP)
    define_scaling(flags)
    return run_command("anime_gan.characters", SUMMARY, flags, lambda: _make(flags), argv)


def _make(flags: Flags) -> int:
    # The name is a keyword of Python.
    engines = _listed("for", flags["for"].value or (), tuple(ENGINES))
    animations = _listed("animate", flags.animate, animation.KINDS)
    scaling = Scaling(flags.size or 0, flags.pixel or 0).checked()
    num = flags.num or 1
    if flags.seed + num > SEED_LIMIT:
        raise InputError(
            "is too large: the seed of the last character must be below 2^63", "seed", flags.seed
        )
    out = Path(flags.out)
    _check_folder(out)
    names = read_names(Path(flags.names) if flags.names else None)
    earlier = _earlier_names(flags, out)
    table_file, only = _expressions(flags.expressions)
    model = Path(flags.model) if flags.model else None
    origin = _origin(flags)
    if origin is None:
        export = choose_model(model, table_file)
    else:
        try:
            export = model_of_picture(origin, model)
        except InputError as error:
            raise InputError(error.reason, "like", flags.like) from error
    schema = export.schema
    expressions = read_expressions(table_file, schema)
    is_crowd = num > CROWD and flags.expressions is None
    wanted = only or ((NEUTRAL,) if is_crowd else expressions.names)
    # The neutral face is what the others are compared with.
    expressions = expressions.only(tuple(dict.fromkeys((NEUTRAL, *wanted))), moving=not is_crowd)
    requests = _requests(flags, schema, num)
    _print_notes(flags, schema, expressions)

    generator = FaceGenerator(export.directory)
    checker = Checker(export.directory, schema)
    print_lines(checker.notes)
    if export.channels == 3:
        print_lines([OPAQUE_NOTE])
    maker = CastMaker(generator, checker, expressions, flags.tries, flags.truncation)
    seconds: list[float] = []
    if origin is not None:
        try:
            person = found_person(generator, checked(origin.request, schema))
        except InputError as error:
            raise InputError(error.reason, "like", flags.like) from error
        members = [maker.given(person)]
    else:
        members = []
        progress = tqdm(requests, unit="character", desc="drawing", file=sys.stderr, delay=1)
        for seed, request in enumerate(progress, flags.seed):
            started = time.process_time()
            members.append(maker.sampled(request, seed))
            seconds.append(time.process_time() - started)
    males = [_is_male(schema, member) for member in members]
    characters = []
    chosen = choose_names(names, males, flags.seed, earlier)
    for name, member in zip(chosen, members, strict=True):
        faces = {face.frame.name: face for face in member.faces}
        texts = {
            frame: {
                **generator.picture_text(face.request, face.labels),
                "character": name.shown,
                "expression": frame,
            }
            for frame, face in faces.items()
        }
        characters.append(Character(name, faces, texts))
    cast = list(zip(characters, members, strict=True))
    pack = Pack(tag_of(out.resolve().name), tuple(characters), scaling, license_sheet(export))
    drawn = len(members[0].faces[0].image)
    if not has_upscaler() and (scaling.size > drawn or "renpy" in engines):
        print_lines([UPSCALE_NOTE])
    with filled_whole(out) as partial:
        partial.mkdir()
        write_pack(pack, partial, engines, animations)
        options = {name: value for name, value in given_flags(flags).items() if name != "out"}
        write_text(partial / MANIFEST, manifest(options, generator, checker.names, expressions, cast))
        write_text(partial / TABLE, table(schema, expressions, cast))
    print(_report(members, seconds, expressions, out))
    return 0


def _listed(flag: str, values: Sequence[str], known: Sequence[str]) -> list[str]:
    """Checks a list of names.

    Raises:
        InputError: One is unknown.
    """
    found = [value.strip().lower() for value in values]
    for value in found:
        if value not in known:
            raise InputError(f"must be one or more of {', '.join(known)}{nearest(value, known)}", flag, value)
    return list(dict.fromkeys(found))


def _check_folder(out: Path) -> None:
    check_output(out, is_folder=True)
    if out.is_dir() and any(out.iterdir()):
        raise InputError("already contains files; choose a new folder", "out", out)


def _earlier_names(flags: Flags, out: Path) -> list[Name]:
    """Returns the names in the other casts of the game.

    Raises:
        InputError: A cast cannot be read, or has the name of the new one, by which engines tell them apart.
    """
    found: list[Name] = []
    for folder in map(Path, flags.beside or ()):
        found += names_in(folder)
        if tag_of(folder.resolve().name) == tag_of(out.resolve().name):
            raise InputError(f"has the same name as the cast {folder}; choose another one", "out", out)
    return found


def _expressions(value: str | None) -> tuple[Path | None, tuple[str, ...]]:
    """Returns the user's table and the names of the wanted expressions; empty for all."""
    if value is None or value == ALL:
        return None, ()
    if value.lower().endswith(".json"):
        return Path(value), ()
    return None, tuple(filter(None, (name.strip().lower() for name in value.split(","))))


def _origin(flags: Flags) -> PictureOrigin | None:
    if flags.like is None:
        return None
    for name in ("attrs", "num", "share", "seed", "truncation"):
        if flags[name].present:
            raise InputError(f"--{name} cannot be combined with --like: everything is taken from the picture")
    try:
        return read_origin(Path(flags.like))
    except InputError as error:
        raise error.about("like") from error


def _requests(flags: Flags, schema: Schema, num: int) -> list[str]:
    """Returns the attributes of each character: those of all, and those of the shares."""
    attributes = checked(FaceRequest(flags.attrs or "", truncation=flags.truncation), schema).attributes
    shares = [""] * num
    if flags.share is not None:
        try:
            shares = share_requests(parse_shares(flags.share, schema), schema, num, flags.seed)
        except InputError as error:
            raise InputError(error.reason, "share", flags.share) from error
    requests = [", ".join(filter(None, (attributes, share))) for share in shares]
    for request in dict.fromkeys(requests):
        schema.parse(request)
    return requests


def _print_notes(flags: Flags, schema: Schema, expressions: Expressions) -> None:
    """Says what the model cannot draw, and which wishes the expressions overrule."""
    if expressions.missing and flags.expressions in (None, ALL):
        print_lines([f"the model has no attributes for: {', '.join(expressions.missing)}"])
    wishes = ", ".join(filter(None, [flags.attrs or ""]))
    wanted = checked(FaceRequest(wishes), schema).attributes
    overruled = np.where(expressions.columns, schema.parse(wanted), 0)
    if overruled.any():
        print_lines([f"ignored, because each expression sets it: {schema.describe(overruled)}"])


def _is_male(schema: Schema, member: Member) -> bool | None:
    """Returns whether a character is male; None if the model has no such attribute."""
    if "male" not in schema.columns:
        return None
    return bool(member.person.labels[0, schema.columns.index("male")] > 0)


def _report(members: Sequence[Member], seconds: Sequence[float], expressions: Expressions, out: Path) -> str:
    """Returns what was made, what it took, and what is wrong with it.

    Args:
        members: The cast.
        seconds: Processor time of each member; empty if it was not measured.
        expressions: What was drawn.
        out: Where it is.
    """
    count, faces = len(members), len(expressions.frames)
    lines = [
        f"{count} character{'s' * (count > 1)} with {faces} face{'s' * (faces > 1)} each in {out}/ "
        f"({sum(member.is_complete for member in members)} complete)"
    ]
    if count > 1 and seconds:
        lines.append(
            f"per character: {mean(member.tries for member in members):.1f} people drawn, "
            f"{mean(seconds):.1f} s of processor time (at most {max(seconds):.1f} s)"
        )
    faults: dict[str, int] = {}
    for member in members:
        for face in member.faces:
            for fault in face.faults:
                faults[fault] = faults.get(fault, 0) + 1
    if faults:
        listed = ", ".join(f"{fault} ({number})" for fault, number in sorted(faults.items()))
        lines.append(
            f"faces with faults, marked in {MANIFEST}: {listed}; more --tries or another --seed may help"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
