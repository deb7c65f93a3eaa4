"""The time to the first face, and the part of it that importing TensorFlow takes."""

from __future__ import annotations

from statistics import median

from anime_gan.benchmark.measure import Numbers, Options, run_python, take_turns, timed
from anime_gan.benchmark.synthetic import untrained_export
from anime_gan.common.markdown import in_words, markdown_table

# Names in the table.
FACE, BARE = "generate.py --num=1", "python -c 'import tensorflow'"


def measure(options: Options) -> Numbers:
    """Runs the command and a bare `import tensorflow` alternately; first runs are not counted."""
    export = untrained_export(options.scratch)
    faces = options.scratch / "faces"
    # The code of generate.py is passed, because the script may not be installed.
    code = "import sys; from anime_gan.commands.generate import main; sys.exit(main())"
    runs = {
        FACE: timed(lambda: run_python("-c", code, f"--model={export}", "--num=1", f"--out={faces}")),
        BARE: timed(lambda: run_python("-c", "import tensorflow")),
    }
    seconds = take_turns(runs, options.repetitions, "startup")
    # One face per run, including the warm-up.
    assert len(list(faces.iterdir())) == options.repetitions + 1
    return {
        "seconds_generate": seconds[FACE],
        "seconds_import": seconds[BARE],
        "difference_seconds": median(seconds[FACE]) - median(seconds[BARE]),
    }


def report(numbers: Numbers) -> str:
    """Returns the table."""
    rows = [
        [FACE, in_words(median(numbers["seconds_generate"]))],
        [BARE, in_words(median(numbers["seconds_import"]))],
        ["difference", in_words(numbers["difference_seconds"])],
    ]
    return markdown_table(["startup", "s"], rows)
