"""`generate.py`: draws faces with an exported model."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from anime_gan.attributes.schema import AttributeRequestError
from anime_gan.common.alpha import Color, on_background, parse_background
from anime_gan.common.command_line import MODEL_HELP, Flags, print_lines, run_command
from anime_gan.common.errors import InputError
from anime_gan.common.files import filled_whole, write_text
from anime_gan.common.layout import TINT, grid
from anime_gan.exports.read import Export, check_critic, read_export
from anime_gan.faces.engines import ENGINE_HELP, ENGINES, chosen_engine
from anime_gan.faces.generator import DrawnFace, FaceGenerator
from anime_gan.faces.output_paths import (
    LONGEST_STEM,
    OTHER_PICTURES,
    PICTURES,
    check_output,
    free_name,
    shortened_name,
)
from anime_gan.faces.palette import MAX_COLORS, MIN_COLORS
from anime_gan.faces.picture_files import (
    ANIMATIONS,
    check_animation,
    check_jpeg,
    file_stem,
    name_part,
    read_origin,
    read_own_picture,
    save_animation,
    save_picture,
    save_png,
)
from anime_gan.faces.request import (
    MAX_CANDIDATES,
    MAX_FACES,
    MAX_FRAMES,
    MAX_FRAMES_PER_SECOND,
    MIN_FRAMES,
    TRUNCATION_HELP,
    FaceRequest,
    Interpolation,
    PictureOrigin,
    changed,
    checked,
    parse_keyframes,
    parse_seeds,
    request_text,
)
from anime_gan.faces.resizing import PALETTE_HELP, UPSCALE_NOTE, Scaling, define_scaling, has_upscaler
from anime_gan.faces.sheets import sides
from anime_gan.faces.unseen import unseen_notes

SUMMARY = """Draws faces with an exported model, for example:
  generate.py --attrs="blue hair, red eyes, smile, no glasses" --num=8
Other attributes are sampled from the training distribution. The same command always draws the same faces."""

DEFAULT_FACES = 16
SHEET_FACES = 8
# Keyframes of an animation if neither its text nor --num determines them.
INTERPOLATION_FACES = 4
MAX_GRID_FACES = 4_096
DEFAULT_OUT = "faces"
# File types without transparency.
OPAQUE = {".mp4": "an .mp4 file", ".jpg": "a JPEG", ".jpeg": "a JPEG"}
# A picture is read at this resolution to check it before the model is loaded.
MIN_RESOLUTION = 16
# Flags whose values --like and --project take from the picture.
TAKEN_FROM_PICTURE = ("attrs", "num", "seeds", "truncation", "candidates", "interpolate", "frames", "fps")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flags = Flags()
    flags.path("model", None, MODEL_HELP)
    flags.text(
        "attrs", None, "requested attributes, separated by commas (see --list_attrs; default: any face)"
    )
    flags.switch("list_attrs", False, "list the attributes that can be requested, and exit")
    flags.integer(
        "num", None, f"number of faces; seeds start at 0 (1 to {MAX_FACES:,}; default {DEFAULT_FACES})"
    )
    flags.text("seeds", None, "seeds of the faces, such as 0-7,12 (0 to 2^63-1); replaces --num")
    flags.number("truncation", None, TRUNCATION_HELP)
    flags.integer(
        "candidates",
        None,
        f"number of faces drawn per seed; the best one is kept (1 to {MAX_CANDIDATES}; default 1). More "
        "than 1 requires a critic, which python -m anime_gan.evaluate adds to the model",
    )
    flags.path(
        "out",
        DEFAULT_OUT,
        "output folder, or a .png, .jpg, or .webp file for one grid; with --interpolate also a .gif or .mp4 "
        "file, and .webp is animated",
    )
    flags.integer(
        "columns",
        None,
        f"faces per row of a grid (1 to {MAX_GRID_FACES:,}; default: about as many as rows)",
        1,
        MAX_GRID_FACES,
    )
    flags.text(
        "background",
        None,
        "background of faces from a transparent model: transparent, or a color such as white or #c8d8f0 "
        "(default: transparent; a soft tint in grids, sheets, .jpg, and .mp4 files)",
    )
    define_scaling(flags)
    flags.integer("palette", None, PALETTE_HELP, MIN_COLORS, MAX_COLORS)
    flags.text(
        "sheet",
        None,
        "grid of the same faces with every value of an attribute ('hair_color') or with each of several "
        "requests ('smile; angry; closed eyes, no smile'). Join two of these with x to show one face with "
        "every pair ('hair_color x eye_color')",
    )
    flags.text(
        "interpolate",
        None,
        "keyframes of an animation that returns to its start ('blonde hair, blue eyes -> black hair'). Each "
        "keyframe has its own seed; with a single seed, one face changes",
    )
    flags.integer(
        "frames", None, f"number of frames ({MIN_FRAMES} to {MAX_FRAMES:,}; default {Interpolation.frames})"
    )
    flags.integer(
        "fps",
        None,
        f"frames per second (1 to {MAX_FRAMES_PER_SECOND}; default {Interpolation.frames_per_second})",
    )
    flags.path(
        "project",
        None,
        "your own picture (PNG, JPEG, WebP, ...); GAN inversion finds the face closest to its center square",
    )
    flags.path("like", None, "picture, animation, or .json file from generate.py to draw again")
    flags.text(
        "set",
        None,
        "attributes to change in a face from --like or --project, such as 'silver hair, smile'",
    )
    flags.choice("engine", ENGINES, ENGINE_HELP)
    return run_command("generate.py", SUMMARY, flags, lambda: _generate(flags), argv)


def _generate(flags: Flags) -> int:
    chosen = flags.model
    export = read_export(Path(chosen) if chosen else None)
    if flags.list_attrs:
        print(export.schema.listing() or "none: this model was trained without labels")
        return 0
    try:
        if flags.project is not None:
            return _project(flags, export)
        origin = _origin(flags, export)
        request = checked(origin.request if origin else _request(flags), export.schema)
    except AttributeRequestError as error:
        hint = " (--list_attrs lists all)" if export.schema.slots else ""
        raise AttributeRequestError(error.reason + hint, error.field, error.value) from error
    if request.candidates > 1:
        check_critic(export.directory)
    chosen_engine(flags.engine, export)
    out = _checked_out(flags, request)
    background = _background(flags, export, out, request)
    generator = FaceGenerator(export.directory, flags.engine)
    if origin and origin.critic is not None and origin.critic != generator.critic_name:
        raise InputError(
            "the model has been re-evaluated since this picture was made (critic "
            f"{origin.critic}, now {generator.critic_name}), so the same candidate cannot be selected again",
            "like",
            flags.like,
        )
    print_lines(unseen_notes(export, request))
    if request.scaling.size > generator.resolution and not has_upscaler():
        print_lines([UPSCALE_NOTE])
    print(_write(generator, request, out, background))
    return 0


def _background(flags: Flags, export: Export, out: Path, request: FaceRequest | None = None) -> Color | None:
    """Returns the background color; None if faces stay transparent or the model is opaque.

    Raises:
        InputError: There is no such color, the model draws its own background, or the file type has no alpha.
    """
    name, opaque = flags.background, out.suffix.lower() in OPAQUE
    if name is None:
        several = request is not None and (
            bool(request.sheet) or (_is_picture(out, request) and request.num_faces > 1)
        )
        return TINT if export.channels == 4 and (several or opaque) else None
    if export.channels == 3:
        raise InputError("this model draws its own background; omit this option", "background", name)
    color = parse_background(name)
    if color is None and opaque:
        raise InputError(f"{OPAQUE[out.suffix.lower()]} cannot be transparent; use .webp", "background", name)
    return color


def _project(flags: Flags, export: Export) -> int:
    """Inverts a picture; writes the face and its settings, and prints its attributes."""
    source, changes = Path(flags.project), flags.set
    _refuse_with("project", flags, (*TAKEN_FROM_PICTURE, "like", "sheet"))
    scaling = _scaling(flags)
    # Check everything before the search, which takes a while.
    if chosen_engine(flags.engine, export) != "tensorflow":
        reason = '--project needs the package "tensorflow": pip install tensorflow, and omit --engine=onnx'
        raise InputError(reason)
    if changes is not None:
        changed(FaceRequest(), changes, export.schema)
    out = Path(flags.out)
    _refuse_animation(out)
    check_output(out, is_folder=not _is_picture(out))
    settings = out.with_suffix(".json")
    if _is_picture(out) and settings.exists():
        raise InputError(f"{settings.name} already exists beside it; choose another name", "out", out)
    with _about("project"):
        read_own_picture(source, MIN_RESOLUTION)
    background = _background(flags, export, out)
    generator = FaceGenerator(export.directory, flags.engine)
    picture = read_own_picture(source, generator.resolution, export.channels)
    # Imported here because it imports TensorFlow.
    from anime_gan.faces.projector import STEPS, Projector

    with tqdm(total=STEPS, unit="step", desc="searching", file=sys.stderr) as progress:
        found = Projector(generator).project(picture, progress.update)
    # Shortened first, so that the end of the name stays.
    stem = shortened_name(source.stem, LONGEST_STEM - len("_projected"))
    path = out if _is_picture(out) else free_name(out, f"{stem}_projected", ".png", ".json")
    found = found._replace(request=dataclasses.replace(found.request, scaling=scaling))
    text = generator.picture_text(found.request)
    save_picture(path, on_background(scaling.apply(found.image), background), text)
    write_text(path.with_suffix(".json"), json.dumps({**text, **found.measured()}, indent=1) + "\n")
    print(f"{found.request.attributes}\n{found.describe()}\n{path}")
    if changes is not None:
        request = changed(found.request, changes, export.schema)
        (face,) = generator.faces(request)
        changed_part = f"_{name_part(request.changes)}"
        stem = shortened_name(path.stem, LONGEST_STEM - len(changed_part))
        edited = free_name(path.parent, f"{stem}{changed_part}", path.suffix)
        image = on_background(request.scaling.apply(face.image), background)
        save_picture(edited, image, generator.picture_text(request))
        print(edited)
    return 0


def _write(generator: FaceGenerator, request: FaceRequest, out: Path, background: Color | None) -> str:
    """Draws a request and writes the result; returns where it was written."""
    if request.sheet:
        path = out if _is_picture(out, request) else out / f"sheet-{name_part(request.sheet)}.png"
        save_picture(path, generator.sheet(request, background), generator.picture_text(request))
        return str(path)
    if _is_picture(out, request):
        images = np.stack([face.image for face in _draw(generator, request, background)])
        picture = grid(images, columns=request.columns or math.ceil(math.sqrt(len(images))))
        save_picture(out, picture, generator.picture_text(request))
        return str(out)
    if request.interpolation is not None and request.interpolation.frame is None:
        return _write_animation(generator, request, request.interpolation, out, background)
    for face in _draw(generator, request, background):
        path = free_name(out, file_stem(face.request), ".png")
        save_png(path, face.image, generator.picture_text(face.request, face.labels))
    return str(path) if request.num_faces == 1 else f"{request.num_faces} faces in {out}/"


def _write_animation(
    generator: FaceGenerator,
    request: FaceRequest,
    interpolation: Interpolation,
    out: Path,
    background: Color | None,
) -> str:
    if out.suffix.lower() in ANIMATIONS:
        frames = np.stack([face.image for face in _draw(generator, request, background)])
        save_animation(out, frames, interpolation.frames_per_second, generator.picture_text(request))
        return str(out)
    # All frame numbers have the same length, so that programs list the frames in order.
    digits = len(str(interpolation.frames - 1))
    with filled_whole(out) as partial:
        for number, face in enumerate(_draw(generator, request, background)):
            text = generator.picture_text(face.request, face.labels)
            save_png(partial / f"frame{number:0{digits}}.png", face.image, text)
    return f"{interpolation.frames} frames in {out}/"


def _is_picture(out: Path, request: FaceRequest | None = None) -> bool:
    """Whether the result is a single still picture; a WebP of a whole animation moves."""
    ending = out.suffix.lower()
    return ending in PICTURES and not (ending == ".webp" and request is not None and _is_animation(request))


def _is_animation(request: FaceRequest) -> bool:
    return not request.sheet and request.interpolation is not None and request.interpolation.frame is None


def _refuse_animation(out: Path) -> None:
    ending = out.suffix.lower()
    if ending in ANIMATIONS and ending not in PICTURES:
        raise InputError("an animation needs --interpolate", "out", out)
    if ending in OTHER_PICTURES and not out.is_dir():
        raise InputError(f"a picture is a {', '.join(PICTURES[:-1])}, or {PICTURES[-1]} file", "out", out)


def _refuse_with(name: str, flags: Flags, others: Sequence[str]) -> None:
    """Refuses flags whose values are taken from a picture.

    Raises:
        InputError: One of them was given.
    """
    for other in others:
        if flags[other].present:
            raise InputError(
                f"--{other} cannot be combined with --{name}: everything is taken from the picture. "
                "Use --set to change attributes"
            )


@contextlib.contextmanager
def _about(field: str) -> Iterator[None]:
    """Adds the name of the flag to errors about its file."""
    try:
        yield
    except InputError as error:
        raise error.about(field) from error


def _checked_out(flags: Flags, request: FaceRequest) -> Path:
    """Returns the path of the result.

    Raises:
        InputError: The request cannot be written there.
    """
    out = Path(flags.out)
    is_picture = _is_picture(out, request)
    if (is_picture or request.sheet) and request.num_faces > MAX_GRID_FACES:
        raise InputError(f"{request.num_faces} faces are too many for one picture (at most {MAX_GRID_FACES})")
    if request.columns and (request.sheet or not is_picture):
        raise InputError("needs a grid, such as --out=grid.png", "columns", request.columns)
    if is_picture or not _is_animation(request):
        _refuse_animation(out)
        check_output(out, is_folder=not is_picture)
        check_jpeg(out, request_text(request))
        return out
    if not flags["out"].present:
        # By default, an animation is a single file, not a folder of frames.
        check_output(out, is_folder=True)
        return free_name(out, file_stem(request), ".webp")
    check_output(out, is_folder=not out.suffix or out.is_dir())
    if out.suffix and not out.is_dir():
        check_animation(out)
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError("already exists; choose a new folder for the frames", "out", out)
    return out


def _origin(flags: Flags, export: Export) -> PictureOrigin | None:
    """Reads the picture of --like and applies --set and --sheet to its request.

    Raises:
        InputError: The file has no settings, another model drew it, or a change is not possible.
    """
    like, changes, sheet = flags.like, flags.set, flags.sheet
    if not like:
        if changes is not None:
            raise InputError("--set needs a picture to change: add --like=FILE or --project=FILE")
        return None
    _refuse_with("like", flags, TAKEN_FROM_PICTURE)
    with _about("like"):
        origin = read_origin(Path(like))
    # Checked before the attributes, because another model may have other attributes.
    if origin.model != export.name:
        raise InputError(
            f"was drawn by model {origin.model}, but {export.directory} is model {export.name}; choose the "
            "right one with --model",
            "like",
            like,
        )
    request = checked(origin.request, export.schema)
    if changes is not None:
        request = changed(request, changes, export.schema)
    if sheet is not None:
        request = dataclasses.replace(request, sheet=sheet, columns=0)
    asked, kept = _scaling(flags), request.scaling
    if flags.size is not None or flags.pixel is not None:
        kept = dataclasses.replace(kept, size=asked.size, pixel=asked.pixel)
    kept = dataclasses.replace(kept, palette=asked.palette or kept.palette)
    request = dataclasses.replace(request, scaling=kept.checked())
    if flags.columns is not None:
        request = dataclasses.replace(request, columns=flags.columns)
    elif not _is_picture(Path(flags.out), request):
        # The faces of a grid are drawn one by one.
        request = dataclasses.replace(request, columns=0)
    return origin._replace(request=request)


def _request(flags: Flags) -> FaceRequest:
    """Builds the request from the flags."""
    num, sheet = flags.num, flags.sheet
    if flags.seeds is not None and num is not None:
        raise InputError(
            "--num cannot be combined with --seeds; the list of seeds already sets how many faces are drawn"
        )
    if num is not None and not 1 <= num <= MAX_FACES:
        raise InputError(f"must be 1 to {MAX_FACES:,}", "num", num)
    interpolation, default_num = None, DEFAULT_FACES
    if sheet:
        default_num = SHEET_FACES if sides(sheet)[1] is None else 1
    if flags.interpolate is not None:
        if sheet:
            raise InputError(
                "--sheet cannot be combined with --interpolate. To make a sheet of one frame: "
                "--like=FRAME.png --sheet=..."
            )
        keyframes = parse_keyframes(flags.interpolate)
        default_num = len(keyframes) if len(keyframes) > 1 else INTERPOLATION_FACES
        interpolation = Interpolation(
            keyframes,
            Interpolation.frames if flags.frames is None else flags.frames,
            Interpolation.frames_per_second if flags.fps is None else flags.fps,
        )
    elif flags.frames is not None or flags.fps is not None:
        raise InputError("--frames and --fps need --interpolate")
    return FaceRequest(
        attributes=flags.attrs or "",
        seeds=tuple(range(num or default_num)) if flags.seeds is None else parse_seeds(flags.seeds),
        truncation=1.0 if flags.truncation is None else flags.truncation,
        sheet=sheet,
        candidates=1 if flags.candidates is None else flags.candidates,
        interpolation=interpolation,
        columns=flags.columns or 0,
        scaling=_scaling(flags),
    )


def _scaling(flags: Flags) -> Scaling:
    """Returns the size of the pictures.

    Raises:
        InputError: Both options are given.
    """
    return Scaling(flags.size or 0, flags.pixel or 0, flags.palette or 0).checked()


def _draw(generator: FaceGenerator, request: FaceRequest, background: Color | None) -> Iterator[DrawnFace]:
    """Draws the faces of a request on a background, with a progress bar if drawing takes long."""
    for face in tqdm(
        generator.faces(request),
        total=request.num_faces,
        unit="face",
        desc="drawing",
        file=sys.stderr,
        delay=1,
    ):
        yield face._replace(image=on_background(request.scaling.apply(face.image), background))


if __name__ == "__main__":
    sys.exit(main())
