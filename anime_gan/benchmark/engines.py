"""The engines that draw the bundled models: size, start, speed, memory, and difference."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from anime_gan.benchmark.measure import Numbers, Options, run_python, take_turns
from anime_gan.common.markdown import in_words, markdown_table
from anime_gan.exports.portable_form import FOLDER, MODEL
from anime_gan.exports.read import PRETRAINED, read_export

FACES = 64
REFERENCE = "tensorflow"
ENGINES = (REFERENCE, "onnx")
# Runs in a process of its own, which knows how long its own start took.
CODE = """
import json, sys, time
from pathlib import Path
start = time.perf_counter()
import numpy as np
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.request import FaceRequest
engine, model, out, faces = sys.argv[1:]


def peak():
    status = Path("/proc/self/status")
    if status.is_file():
        # On Linux, `resource` would count the memory of the process that started this one.
        (line,) = (line for line in status.read_text("utf-8").splitlines() if line.startswith("VmHWM:"))
        return 1024 * int(line.split()[1])
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


generator = FaceGenerator(Path(model), engine)
next(generator.faces(FaceRequest()))
ready = time.perf_counter()
first_peak = peak()
next(generator.faces(FaceRequest()))
one = time.perf_counter()
images = [face.image for face in generator.faces(FaceRequest(seeds=tuple(range(int(faces)))))]
end = time.perf_counter()
np.save(out, np.stack(images))
print(
    json.dumps(
        {
            "start": ready - start,
            "one": one - ready,
            "all": end - one,
            "first_peak_bytes": first_peak,
            "peak_bytes": peak(),
        }
    )
)
"""


def measure(options: Options) -> Numbers:
    """Draws each bundled model with each engine in new processes, alternately."""
    variants: dict[str, Callable[[], dict[str, Any]]] = {}
    sizes: dict[str, int] = {}
    exports = [read_export(path) for path in sorted(PRETRAINED.iterdir()) if path.is_dir()]
    exports.sort(key=lambda export: export.record["config"]["resolution"])
    for directory in (export.directory for export in exports):
        for engine in ENGINES:
            key = f"{engine}, {directory.parent.name}"
            files = _saved_model(directory) if engine == REFERENCE else [directory / FOLDER / MODEL]
            sizes[key] = sum(file.stat().st_size for file in files)
            variants[key] = functools.partial(_run, engine, directory, options.scratch / f"{key}.npy")
    runs = take_turns(variants, options.repetitions, "engines")
    numbers = {}
    for key, size in sizes.items():
        model = key.partition(", ")[2]
        images, expected = (
            np.load(options.scratch / f"{name}.npy").astype(float) for name in (key, f"{REFERENCE}, {model}")
        )
        numbers[key] = {"bytes": size, "runs": runs[key], "difference": _difference(images, expected)}
    return numbers


def _run(engine: str, directory: Path, out: Path) -> dict[str, Any]:
    printed = run_python("-c", CODE, engine, str(directory), str(out), str(FACES))
    found: dict[str, Any] = json.loads(printed.strip().splitlines()[-1])
    return found


def _difference(images: np.ndarray, expected: np.ndarray) -> int:
    """Returns the largest difference; of transparent pictures, on a black and on a white background."""
    if images.shape[-1] == 3:
        return int(np.abs(images - expected).max())

    def on(pictures: np.ndarray, background: int) -> np.ndarray:
        colors, alpha = pictures[..., :3], pictures[..., 3:] / 255
        return np.asarray(np.rint(colors * alpha + background * (1 - alpha)))

    return int(max(np.abs(on(images, color) - on(expected, color)).max() for color in (0, 255)))


def report(numbers: Numbers) -> str:
    """Returns the table."""
    rows = []
    for key, measured in numbers.items():
        engine, model = key.split(", ")
        start, one, several = (
            median(run[key] for run in measured["runs"]) for key in ("start", "one", "all")
        )
        memory = [[run[key] for run in measured["runs"]] for key in ("first_peak_bytes", "peak_bytes")]
        rows.append(
            [
                f"`{engine}`, `{model}`",
                f"{measured['bytes'] / 1e6:.1f} MB",
                f"{in_words(start)} s",
                f"{in_words(1000 * one)} ms",
                f"{in_words(several)} s",
                *("unknown" if None in peaks else f"{median(peaks) / 1e6:.0f} MB" for peaks in memory),
                str(measured["difference"]),
            ]
        )
    head = [
        "engine, model",
        "size on disk",
        "start and first face",
        "one face",
        f"{FACES} faces",
        "memory, one face",
        f"memory, {FACES} faces",
        "largest difference from the reference, of 255",
    ]
    return markdown_table(head, rows)


def _saved_model(directory: Path) -> list[Path]:
    """Returns the files that TensorFlow loads."""
    return [directory / "saved_model.pb", *(directory / "variables").iterdir()]
