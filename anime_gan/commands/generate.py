"""`generate.py`: draws what was asked for with an exported model."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from absl import flags
from tqdm import tqdm

from anime_gan.attributes import AttributeRequestError, Schema
from anime_gan.commands.command_line import run_command
from anime_gan.generation import (
    MAX_CANDIDATES,
    MAX_FACES,
    FaceGenerator,
    FaceRequest,
    PictureOrigin,
    check_critic,
    find_export,
    parse_seeds,
    read_origin,
    read_schema,
    save_png,
)
from anime_gan.showcase import grid, usual_spelling

SUMMARY = """Draws faces with an exported model, for example
  generate.py --attrs="blue hair, red eyes, smile, no glasses" --num=8
What is left open is drawn as the training pictures have it. The same seed draws the same face."""

DEFAULT_FACES = 16
SHEET_FACES = 8
MAX_GRID_FACES = 4_096
CHUNK = 256


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flag_values = flags.FlagValues()
    _define_flags(flag_values)
    arguments = sys.argv[1:] if argv is None else argv
    return run_command("generate.py", SUMMARY, flag_values, lambda: _generate(flag_values), arguments)


def _define_flags(flag_values: flags.FlagValues) -> None:
    def text(name: str, default: str | None, help_text: str) -> None:
        flags.DEFINE_string(name, default, help_text, flag_values=flag_values)

    text(
        "model",
        None,
        "a run, an export, or a folder of runs, of which the newest counts (default: the model that comes "
        "with the package)",
    )
    text("attrs", None, "what to draw, separated by commas (see --list_attrs; default: anything)")
    flags.DEFINE_integer(
        "num", None, f"how many faces, seeds 0 and up (1 to {MAX_FACES}; default 16)", flag_values=flag_values
    )
    text("seeds", None, "which faces, such as 0-7,12 (0 to 2^63-1; instead of --num)")
    flags.DEFINE_float(
        "truncation",
        None,
        "scales the latents: less variety, fewer odd faces (above 0, to 1; default 1 = off)",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "candidates",
        None,
        f"faces drawn for each seed, of which the best is kept (1 to {MAX_CANDIDATES}; default 1); more "
        "than 1 need a model that python -m anime_gan.evaluate has judged",
        flag_values=flag_values,
    )
    text("out", "faces", "a folder, or a file ending in .png for one grid")
    text(
        "sheet",
        None,
        "show the same faces with every value of this attribute (a name from --list_attrs), or with each of "
        "several requests ('smile; angry; closed eyes, no smile')",
    )
    text("like", None, "make this picture again (a PNG made by generate.py)")
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
    like = flag_values["like"].value
    settings = ("attrs", "num", "seeds", "truncation", "sheet", "candidates")
    clashing = [name for name in settings if flag_values[name].present]
    if like and clashing:
        raise ValueError(f"--{clashing[0]}: goes not with --like, which takes everything from the picture")
    origin = read_origin(Path(str(like))) if like else None
    request = _checked(origin.request if origin else _request(flag_values), schema)
    if request.candidates > 1:
        check_critic(export)
    out = Path(str(flag_values["out"].value))
    as_grid = out.suffix.lower() == ".png"
    if (as_grid or request.sheet) and len(request.seeds) > MAX_GRID_FACES:
        raise ValueError(f"{len(request.seeds)} faces are too many for one picture: at most {MAX_GRID_FACES}")

    generator = FaceGenerator(export)
    if origin:
        _check_origin(origin, generator, f"--like={like}")
    if request.sheet:
        path = out if as_grid else out / f"sheet-{_file_name(request.sheet)}.png"
        save_png(path, generator.sheet(request), generator.picture_text(request))
        print(path)
    elif as_grid:
        images = np.stack([image for _, image, _ in _draw(generator, request)])
        picture = grid(images, columns=math.ceil(math.sqrt(len(images))))
        save_png(out, picture, generator.picture_text(request))
        print(out)
    else:
        for seed, image, labels in _draw(generator, request):
            single = dataclasses.replace(request, seeds=(seed,))
            save_png(_free_name(out, request.attributes, seed), image, generator.picture_text(single, labels))
        print(f"{len(request.seeds)} faces in {out}/")
    return 0


def _check_origin(origin: PictureOrigin, generator: FaceGenerator, flag: str) -> None:
    """Makes sure that a picture can be made again with this model.

    Raises:
        ValueError: Another model drew it, or another critic chose it.
    """
    if origin.model != generator.name:
        raise ValueError(
            f"{flag}: was made by model {origin.model}, but {generator.directory} is {generator.name}; "
            "name its model with --model"
        )
    if origin.critic is not None and origin.critic != generator.critic_name:
        raise ValueError(
            f"{flag}: was chosen by critic {origin.critic}, but that of {generator.directory} is "
            f"{generator.critic_name}: the model was judged anew since"
        )


def _request(flag_values: flags.FlagValues) -> FaceRequest:
    """What the flags ask for."""
    seeds_text, num = flag_values["seeds"].value, flag_values["num"].value
    candidates = flag_values["candidates"].value
    if seeds_text is not None and num is not None:
        raise ValueError("--num: goes not with --seeds, which says how many by itself")
    if num is not None and not 1 <= num <= MAX_FACES:
        raise ValueError(f"--num={num}: must be 1 to {MAX_FACES}")
    default_num = SHEET_FACES if flag_values["sheet"].value else DEFAULT_FACES
    truncation = flag_values["truncation"].value
    return FaceRequest(
        attributes=flag_values["attrs"].value or "",
        seeds=tuple(range(num or default_num)) if seeds_text is None else parse_seeds(seeds_text),
        truncation=1.0 if truncation is None else truncation,
        sheet=flag_values["sheet"].value,
        candidates=1 if candidates is None else candidates,
    )


def _checked(request: FaceRequest, schema: Schema) -> FaceRequest:
    """The request with its attributes in their usual spelling.

    Raises:
        ValueError: Something in it is not allowed or not known.
    """
    if not 0 < request.truncation <= 1:
        raise ValueError(f"--truncation={request.truncation}: must be above 0 and at most 1")
    if not 1 <= request.candidates <= MAX_CANDIDATES:
        raise ValueError(f"--candidates={request.candidates}: must be 1 to {MAX_CANDIDATES}")
    try:
        attributes = schema.describe(schema.parse(request.attributes))
        sheet = usual_spelling(request.sheet, schema) if request.sheet else None
    except AttributeRequestError as error:
        raise ValueError(f"{error}; --list_attrs shows what there is") from error
    return dataclasses.replace(request, attributes=attributes, sheet=sheet)


def _draw(generator: FaceGenerator, request: FaceRequest) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Seed, uint8 image and complete labels of each face, one after the other."""
    with tqdm(total=len(request.seeds), unit="face", desc="drawing", file=sys.stderr, delay=1) as progress:
        # The candidates of a chunk are all drawn before its first face is: smaller chunks, steady progress.
        size = max(1, CHUNK // request.candidates)
        for start in range(0, len(request.seeds), size):
            part = dataclasses.replace(request, seeds=request.seeds[start : start + size])
            latents, labels = generator.inputs(part)
            for i, seed in enumerate(part.seeds):
                yield seed, generator.render(latents[i : i + 1], labels[i : i + 1])[0], labels[i]
                progress.update()


def _file_name(request: str) -> str:
    """What is asked for, as a part of a file's name."""
    return re.sub(r"[^\w]+", "-", request.replace(", ", "_").replace("; ", "_")).strip("-")[:80]


def _free_name(folder: Path, attributes: str, seed: int) -> Path:
    """A file name that says what is drawn and is not taken: nothing made before is overwritten."""
    words = _file_name(attributes)
    stem = f"{words}_seed{seed}" if words else f"seed{seed}"
    names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    return next(path for path in (folder / f"{name}.png" for name in names) if not path.exists())


if __name__ == "__main__":
    sys.exit(main())
