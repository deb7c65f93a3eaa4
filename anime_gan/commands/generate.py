"""`generate.py`: draws what was asked for with an exported model."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from absl import flags
from tqdm import tqdm

from anime_gan.attributes.schema import Schema
from anime_gan.common.command_line import MODEL_HELP, run_command
from anime_gan.common.files import write_text, written_whole
from anime_gan.common.layout import grid
from anime_gan.exports.read import NAME_DIGITS, check_critic, find_export, read_record, read_schema
from anime_gan.faces.generator import DrawnFace, FaceGenerator
from anime_gan.faces.picture_files import (
    ANIMATIONS,
    check_animation,
    file_stem,
    name_part,
    read_origin,
    read_own_picture,
    save_animation,
    save_png,
)
from anime_gan.faces.request import (
    MAX_CANDIDATES,
    MAX_FACES,
    MAX_FRAMES,
    MAX_FRAMES_PER_SECOND,
    MIN_FRAMES,
    FaceRequest,
    PictureOrigin,
    Walk,
    changed,
    checked,
    parse_seeds,
    parse_stations,
)
from anime_gan.faces.sheets import sides

SUMMARY = """Draws faces with an exported model, for example
  generate.py --attrs="blue hair, red eyes, smile, no glasses" --num=8
What is left open is drawn as the training pictures have it. The same seed draws the same face."""

DEFAULT_FACES = 16
SHEET_FACES = 8
# Stations of a walk, where neither the text nor --num says how many.
WALK_FACES = 4
MAX_GRID_FACES = 4_096
DEFAULT_OUT = "faces"
# At which a picture is read once to see whether it can be.
MIN_RESOLUTION = 16
# What --like takes from the picture, and --project from the user's own.
DECIDED = ("attrs", "num", "seeds", "truncation", "candidates", "interpolate", "frames", "fps")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flag_values = flags.FlagValues()
    _define_flags(flag_values)
    arguments = sys.argv[1:] if argv is None else argv
    return run_command("generate.py", SUMMARY, flag_values, lambda: _generate(flag_values), arguments)


def _define_flags(flag_values: flags.FlagValues) -> None:
    def text(name: str, default: str | None, help_text: str) -> None:
        flags.DEFINE_string(name, default, help_text, flag_values=flag_values)

    def integer(name: str, help_text: str) -> None:
        flags.DEFINE_integer(name, None, help_text, flag_values=flag_values)

    text("model", None, MODEL_HELP)
    text("attrs", None, "what to draw, separated by commas (see --list_attrs; default: anything)")
    integer("num", f"how many faces, seeds 0 and up (1 to {MAX_FACES}; default 16)")
    text("seeds", None, "which faces, such as 0-7,12 (0 to 2^63-1; instead of --num)")
    flags.DEFINE_float(
        "truncation",
        None,
        "scales the latents: less variety, fewer odd faces (above 0, to 1; default 1 = off)",
        flag_values=flag_values,
    )
    integer(
        "candidates",
        f"faces drawn for each seed, of which the best is kept (1 to {MAX_CANDIDATES}; default 1); more "
        "than 1 need a model that python -m anime_gan.evaluate has judged",
    )
    text(
        "out",
        DEFAULT_OUT,
        "a folder, a file ending in .png for one grid, or for --interpolate in .webp, .gif or .mp4",
    )
    text(
        "sheet",
        None,
        "show the same faces with every value of this attribute (a name from --list_attrs), or with each of "
        "several requests ('smile; angry; closed eyes, no smile'); with an x between two of them, one face "
        "with every pair ('hair_color x eye_color')",
    )
    text(
        "interpolate",
        None,
        "an animation from face to face and back to the first ('blonde hair, blue eyes -> black hair'): a "
        "seed for each, or one seed for one face that changes",
    )
    integer("frames", f"pictures of the animation ({MIN_FRAMES} to {MAX_FRAMES}; default {Walk.frames})")
    integer(
        "fps",
        f"of them a second (1 to {MAX_FRAMES_PER_SECOND}; default {Walk.frames_per_second})",
    )
    text(
        "project",
        None,
        "find the face that is closest to a picture of your own (PNG, JPEG, WebP ...; its middle square)",
    )
    text("like", None, "make this again (a picture, animation or .json made by generate.py)")
    text(
        "set",
        None,
        "with --like or --project: change this and keep the rest of the face ('silver hair, smile')",
    )
    flags.DEFINE_bool(
        "list_attrs", False, "list what can be asked for, and stop (true or false)", flag_values=flag_values
    )


def _generate(flag_values: flags.FlagValues) -> int:
    chosen = flag_values["model"].value
    export = find_export(Path(chosen) if chosen else None)
    schema = read_schema(export)
    if flag_values["list_attrs"].value:
        print(schema.listing() or "nothing: this model was trained without labels")
        return 0
    if flag_values["project"].value is not None:
        return _project(flag_values, export, schema)
    origin = _origin(flag_values, export, schema)
    request = checked(origin.request if origin else _request(flag_values), schema)
    if request.candidates > 1:
        check_critic(export)
    out = _checked_out(flag_values, request)
    generator = FaceGenerator(export)
    if origin:
        _check_critic_of(origin, generator, f"--like={flag_values['like'].value}")
    print(_write(generator, request, out))
    return 0


def _project(flag_values: flags.FlagValues, export: Path, schema: Schema) -> int:
    """Finds the face closest to a picture; writes it, its settings, and what it is set to."""
    source, changes = Path(str(flag_values["project"].value)), flag_values["set"].value
    clashing = [name for name in (*DECIDED, "like", "sheet") if flag_values[name].present]
    if clashing:
        raise ValueError(f"--{clashing[0]}: goes not with --project, which takes everything from the picture")
    # What is wrong is found out before the search, which takes a while.
    if changes is not None:
        changed(FaceRequest(), changes, schema)
    out = Path(str(flag_values["out"].value))
    if out.suffix.lower() in ANIMATIONS:
        raise ValueError(f"--out={out}: only --interpolate makes an animation")
    if _is_png(out) and out.with_suffix(".json").exists():
        raise ValueError(f"--out={out}: beside it {out.with_suffix('.json').name} would be overwritten")
    read_own_picture(source, MIN_RESOLUTION)
    generator = FaceGenerator(export)
    picture = read_own_picture(source, generator.resolution)
    # Here, since it imports TensorFlow at its top.
    from anime_gan.faces.projector import STEPS, Projector

    with tqdm(total=STEPS, unit="step", desc="searching", file=sys.stderr) as progress:
        found = Projector(generator).project(picture, progress.update)
    path = out if _is_png(out) else _free_name(out, f"{source.stem}_projected", ".png", ".json")
    text = generator.picture_text(found.request)
    save_png(path, found.image, text)
    write_text(path.with_suffix(".json"), json.dumps({**text, **found.measured()}, indent=1) + "\n")
    print(f"{found.request.attributes}\n{found.describe()}\n{path}")
    if changes is not None:
        request = changed(found.request, changes, schema)
        (face,) = generator.faces(request)
        edited = _free_name(path.parent, f"{path.stem}_{name_part(request.changes)}", ".png")
        save_png(edited, face.image, generator.picture_text(request))
        print(edited)
    return 0


def _write(generator: FaceGenerator, request: FaceRequest, out: Path) -> str:
    """Draws what is asked for and writes it where it is wanted; returns what to tell the user."""
    if request.sheet:
        path = out if _is_png(out) else out / f"sheet-{name_part(request.sheet)}.png"
        save_png(path, generator.sheet(request), generator.picture_text(request))
        return str(path)
    if _is_png(out):
        images = np.stack([face.image for face in _draw(generator, request)])
        picture = grid(images, columns=math.ceil(math.sqrt(len(images))))
        save_png(out, picture, generator.picture_text(request))
        return str(out)
    if request.walk is not None and request.walk.frame is None:
        return _write_walk(generator, request, request.walk, out)
    for face in _draw(generator, request):
        path = _free_name(out, file_stem(face.request), ".png")
        save_png(path, face.image, generator.picture_text(face.request, face.labels))
    return str(path) if request.num_faces == 1 else f"{request.num_faces} faces in {out}/"


def _write_walk(generator: FaceGenerator, request: FaceRequest, walk: Walk, out: Path) -> str:
    if out.suffix.lower() in ANIMATIONS:
        frames = np.stack([face.image for face in _draw(generator, request)])
        save_animation(out, frames, walk.frames_per_second, generator.picture_text(request))
        return str(out)
    # Numbered alike, so that what reads the folder meets the frames in order.
    digits = len(str(walk.frames - 1))
    with written_whole(out) as partial:
        for number, face in enumerate(_draw(generator, request)):
            text = generator.picture_text(face.request, face.labels)
            save_png(partial / f"frame{number:0{digits}}.png", face.image, text)
    return f"{walk.frames} frames in {out}/"


def _is_png(out: Path) -> bool:
    return out.suffix.lower() == ".png"


def _checked_out(flag_values: flags.FlagValues, request: FaceRequest) -> Path:
    """Where it goes.

    Raises:
        ValueError: What is asked for cannot go there.
    """
    out = Path(str(flag_values["out"].value))
    if (_is_png(out) or request.sheet) and request.num_faces > MAX_GRID_FACES:
        raise ValueError(f"{request.num_faces} faces are too many for one picture: at most {MAX_GRID_FACES}")
    if _is_png(out) or request.sheet or request.walk is None or request.walk.frame is not None:
        if out.suffix.lower() in ANIMATIONS:
            raise ValueError(f"--out={out}: only --interpolate makes an animation")
        return out
    if not flag_values["out"].present:
        # One file by itself says more than a folder of frames.
        return _free_name(out, file_stem(request), ".webp")
    if out.suffix and not out.is_dir():
        check_animation(out)
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"--out={out}: is there already; name a new folder for the frames")
    return out


def _origin(flag_values: flags.FlagValues, export: Path, schema: Schema) -> PictureOrigin | None:
    """What the picture of --like was made from, with what else it is to have.

    Raises:
        ValueError: It cannot be read, another model drew it, or what is to be set is not known.
    """
    like, changes, sheet = (flag_values[name].value for name in ("like", "set", "sheet"))
    if not like:
        if changes is not None:
            raise ValueError("--set: changes a picture, so name one with --like")
        return None
    clashing = [name for name in DECIDED if flag_values[name].present]
    if clashing:
        raise ValueError(f"--{clashing[0]}: goes not with --like, which takes everything from the picture")
    origin = read_origin(Path(str(like)))
    # Before its words are looked at: another model may know others.
    name = read_record(export)["weights_sha256"][:NAME_DIGITS]
    if origin.model != name:
        raise ValueError(
            f"--like={like}: was made by model {origin.model}, but {export} is {name}; name its model with "
            "--model"
        )
    request = checked(origin.request, schema)
    if changes is not None:
        request = changed(request, changes, schema)
    if sheet is not None:
        request = dataclasses.replace(request, sheet=sheet)
    return origin._replace(request=request)


def _check_critic_of(origin: PictureOrigin, generator: FaceGenerator, flag: str) -> None:
    """Makes sure that the critic that chose a picture is still the one that lies beside its model.

    Raises:
        ValueError: It is another.
    """
    if origin.critic is not None and origin.critic != generator.critic_name:
        raise ValueError(
            f"{flag}: was chosen by critic {origin.critic}, but that of {generator.directory} is "
            f"{generator.critic_name}: the model was judged anew since"
        )


def _request(flag_values: flags.FlagValues) -> FaceRequest:
    """What the flags ask for."""
    value = {name: flag_values[name].value for name in flag_values}
    seeds_text, num, candidates = value["seeds"], value["num"], value["candidates"]
    if seeds_text is not None and num is not None:
        raise ValueError("--num: goes not with --seeds, which says how many by itself")
    if num is not None and not 1 <= num <= MAX_FACES:
        raise ValueError(f"--num={num}: must be 1 to {MAX_FACES}")
    walk, default_num = None, DEFAULT_FACES
    if value["sheet"]:
        default_num = SHEET_FACES if sides(value["sheet"])[1] is None else 1
    if value["interpolate"] is not None:
        stations = parse_stations(value["interpolate"])
        default_num = len(stations) if len(stations) > 1 else WALK_FACES
        frames, rate = value["frames"], value["fps"]
        walk = Walk(
            stations,
            Walk.frames if frames is None else frames,
            Walk.frames_per_second if rate is None else rate,
        )
    elif value["frames"] is not None or value["fps"] is not None:
        raise ValueError("--frames, --fps: are for --interpolate")
    truncation = value["truncation"]
    return FaceRequest(
        attributes=value["attrs"] or "",
        seeds=tuple(range(num or default_num)) if seeds_text is None else parse_seeds(seeds_text),
        truncation=1.0 if truncation is None else truncation,
        sheet=value["sheet"],
        candidates=1 if candidates is None else candidates,
        walk=walk,
    )


def _draw(generator: FaceGenerator, request: FaceRequest) -> Iterator[DrawnFace]:
    """The faces of a request, with a progress bar if they take long."""
    yield from tqdm(
        generator.faces(request),
        total=request.num_faces,
        unit="face",
        desc="drawing",
        file=sys.stderr,
        delay=1,
    )


def _free_name(folder: Path, stem: str, *endings: str) -> Path:
    """A file name, with the first of the endings, that is taken with none of them: nothing is overwritten."""
    names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    return next(
        folder / f"{name}{endings[0]}"
        for name in names
        if not any((folder / f"{name}{ending}").exists() for ending in endings)
    )


if __name__ == "__main__":
    sys.exit(main())
