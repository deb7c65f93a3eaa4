"""`python -m anime_gan`: lists the commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from anime_gan.common.command_line import Flags, run_command

COMMANDS = {
    "anime_gan.commands.generate": "draw faces, sheets, and animations with a model (generate.py)",
    "anime_gan.characters": "make characters for games, with all expressions",
    "anime_gan.studio": "draw faces in the browser",
    "anime_gan.prepare": "turn a folder of pictures into a labeled dataset of faces",
    "anime_gan.commands.train": "train or fine-tune a model and export it (train.py)",
    "anime_gan.evaluate": "measure the control, variety, and quality of a model",
    "anime_gan.pack": "make an exported model smaller and faster",
    "anime_gan.portable": "write a model for programs and pages without TensorFlow",
    "anime_gan.datasets.build": "write a dataset as TFRecord shards",
    "anime_gan.datasets.sampled": "draw a labeled dataset with a model",
    "anime_gan.importers.webdnn": "convert the model published by make.girls.moe",
    "anime_gan.metrics": "train the tagger and the critic that evaluation uses",
    "anime_gan.evaluate.faults": "show which measures detect known faults",
    "anime_gan.evaluate.imagenet": "measure FID with features of an ImageNet network",
    "anime_gan.evaluate.projection": "measure GAN inversion (generate.py --project)",
    "anime_gan.prepare.measure": "measure the accuracy of anime_gan.prepare",
    "anime_gan.benchmark": "measure speed and memory on this machine",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    width = max(map(len, COMMANDS))
    lines = [f"  python -m {name:{width}}  {purpose}" for name, purpose in COMMANDS.items()]
    summary = "\n".join(["Commands of anime_gan; use --help to list the options of a command:", "", *lines])

    def print_commands() -> int:
        print(summary)
        return 0

    return run_command("anime_gan", summary, Flags(), print_commands, argv)


if __name__ == "__main__":
    sys.exit(main())
