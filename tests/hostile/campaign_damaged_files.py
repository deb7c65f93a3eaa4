"""Damages one JSON file of a run or of an exported model, and uses it; no traceback may come out."""

from __future__ import annotations

import contextlib
import io
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from anime_gan.commands import generate, train
from anime_gan.common.quiet import import_tensorflow

TITLE = "damaged files: one JSON file of a run or model with a wrong type, a missing key, or broken text"
SHORT, FULL = 3, 150

# Files of a run, and files of its export.
OF_RUN = ("config.json", "attributes.json", "data.json", "stats.jsonl")
OF_EXPORT = ("attributes.json", "training.json")
WRONG: tuple[Any, ...] = (None, 1, -1, 1.5, "word", "", [], [1], {}, {"a": 1}, True, 10**30)


def run(count: int, seed: int, folder: Path) -> list[str]:
    """See `run.py`."""
    import_tensorflow()
    run_directory = folder / "run"
    status, said = answer(train.main, [*TINY, f"--run_dir={run_directory}"])
    assert status == 0, said
    failures = []
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        copy = folder / f"copy{number}"
        shutil.copytree(run_directory, copy)
        export = copy / "export" / "2"
        of_run = chance.random() < 0.5
        path = copy / chance.choice(OF_RUN) if of_run else export / chance.choice(OF_EXPORT)
        change = damage(path, chance)
        if of_run:
            status, said = answer(train.main, ["--resume", f"--run_dir={copy}", "--steps=2"])
        else:
            arguments = [f"--model={export}", "--seeds=1", f"--out={copy / 'face.png'}"]
            status, said = answer(generate.main, arguments)
        lines = [line for line in said.splitlines() if line.strip()]
        # A change that does no harm is fine.
        if status not in (0, 2) or (status == 2 and (path.name not in said or len(lines[-1]) > 500)):
            failures.append(f"{path.name}, {change}: status {status}, {' / '.join(lines[-2:])[:300]}")
        shutil.rmtree(copy)
    return failures


TINY = (
    "--architecture=published",
    "--gradient_penalty=none",
    "--num_images=40",
    "--batch_size=4",
    "--steps=2",
    "--log_interval=1",
)


def answer(main: Callable[[list[str]], int], arguments: list[str]) -> tuple[int | str, str]:
    """Runs a command in this process; returns its status, or the name of an exception, and its messages."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            return main(arguments), said.getvalue()
        except SystemExit as error:
            return int(error.code or 0), said.getvalue()
        except BaseException as error:
            return type(error).__name__, f"{said.getvalue()}\n{error}"


def damage(path: Path, chance: random.Random) -> str:
    """Damages a JSON file; returns what was changed."""
    text = path.read_text("utf-8")
    kind = chance.choice(("type", "type", "type", "missing", "cut", "byte"))
    if kind == "cut":
        end = chance.randrange(len(text))
        path.write_text(text[:end], "utf-8")
        return f"cut after {end} characters"
    if kind == "byte":
        data = bytearray(text.encode())
        place = chance.randrange(len(data))
        data[place] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        return f"byte {place} flipped"
    lines = text.splitlines() if path.suffix == ".jsonl" else [text]
    values = json.loads(lines[0])
    places = list(all_places(values))
    parent, key = chance.choice(places)
    if kind == "missing" and isinstance(parent, dict):
        del parent[key]
        change = f"{key} missing"
    else:
        parent[key] = chance.choice(WRONG)
        change = f"{key} = {parent[key]!r}"
    path.write_text("\n".join([json.dumps(values), *lines[1:]]) + "\n", "utf-8")
    return change


def all_places(values: Any) -> Any:
    """Yields (container, key) of every value in a JSON value."""
    keys = values if isinstance(values, dict) else range(len(values)) if isinstance(values, list) else ()
    for key in keys:
        yield values, key
        yield from all_places(values[key])
