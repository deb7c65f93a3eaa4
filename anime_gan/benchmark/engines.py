"""The engines that draw the default model: size, start, speed, memory, and difference."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from anime_gan.benchmark.measure import Numbers, Options, run_python, take_turns
from anime_gan.common.markdown import in_words, markdown_table
from anime_gan.exports.portable_form import FOLDER, MODEL
from anime_gan.exports.read import SHIPPED, read_export

FACES = 64
# Runs in a process of its own, which knows how long its own start took.
CODE = """
import json, sys, time
from pathlib import Path
start = time.perf_counter()
import numpy as np
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.request import FaceRequest
engine, model, out, faces = sys.argv[1:]
generator = FaceGenerator(Path(model), engine)
next(generator.faces(FaceRequest()))
ready = time.perf_counter()
next(generator.faces(FaceRequest()))
one = time.perf_counter()
images = [face.image for face in generator.faces(FaceRequest(seeds=tuple(range(int(faces)))))]
end = time.perf_counter()
np.save(out, np.stack(images))
try:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
except ImportError:
    peak = None
print(json.dumps({"start": ready - start, "one": one - ready, "all": end - one, "peak_bytes": peak}))
"""


def measure(options: Options) -> Numbers:
    """Runs each engine in new processes, alternately."""
    export = read_export(SHIPPED)
    sizes = {
        "tensorflow": sum(file.stat().st_size for file in _saved_model(export.directory)),
        "onnx": (export.directory / FOLDER / MODEL).stat().st_size,
    }

    def run(engine: str) -> dict[str, Any]:
        out = options.scratch / f"{engine}.npy"
        printed = run_python("-c", CODE, engine, str(export.directory), str(out), str(FACES))
        found: dict[str, Any] = json.loads(printed.strip().splitlines()[-1])
        return found

    variants = {engine: functools.partial(run, engine) for engine in sizes}
    runs = take_turns(variants, options.repetitions, "engines")
    expected = np.load(options.scratch / "tensorflow.npy").astype(int)
    return {
        engine: {
            "bytes": size,
            "runs": runs[engine],
            "difference": int(np.abs(np.load(options.scratch / f"{engine}.npy") - expected).max()),
        }
        for engine, size in sizes.items()
    }


def report(numbers: Numbers) -> str:
    """Returns the table."""
    rows = []
    for engine, measured in numbers.items():
        start, one, several = (
            median(run[key] for run in measured["runs"]) for key in ("start", "one", "all")
        )
        peaks = [run["peak_bytes"] for run in measured["runs"]]
        rows.append(
            [
                f"--engine={engine}",
                f"{measured['bytes'] / 1e6:.1f} MB",
                f"{in_words(start)} s",
                f"{in_words(1000 * one)} ms",
                f"{in_words(several)} s",
                "unknown" if None in peaks else f"{median(peaks) / 1e6:.0f} MB",
                str(measured["difference"]),
            ]
        )
    head = [
        "engine",
        "size",
        "start and first face",
        "one face",
        f"{FACES} faces",
        "memory",
        "difference of 255",
    ]
    return markdown_table(head, rows)


def _saved_model(directory: Path) -> list[Path]:
    """Returns the files that TensorFlow loads."""
    return [directory / "saved_model.pb", *(directory / "variables").iterdir()]
