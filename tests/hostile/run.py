"""Runs campaigns of hostile inputs against the program, and prints how many it answered well.

    python tests/hostile/run.py
    python tests/hostile/run.py --short
    python tests/hostile/run.py --campaign=label_files --count=500 --seed=7

Each file `campaign_NAME.py` is one campaign: a sentence in TITLE, the numbers of inputs SHORT and FULL, and
`run(count, seed, folder)`, which tries `count` inputs made from `seed` and returns one line for each that the
program answered badly. The exit status is 1 if there is any.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parent
# Failures shown of each campaign.
SHOWN = 10


def campaigns() -> dict[str, ModuleType]:
    """Imports all campaigns; returns them by name."""
    names = sorted(path.stem.removeprefix("campaign_") for path in FOLDER.glob("campaign_*.py"))
    return {name: importlib.import_module(f"campaign_{name}") for name in names}


def run(campaign: ModuleType, count: int, seed: int) -> list[str]:
    """Runs one campaign in a temporary folder; returns a line for each input that was answered badly."""
    with tempfile.TemporaryDirectory() as folder:
        failures: list[str] = campaign.run(count, seed, Path(folder))
    return failures


def main() -> int:
    """Prints a table of all campaigns, and the failures; returns the exit status."""
    found = campaigns()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--campaign", choices=found, action="append", help="run only this one; repeatable")
    parser.add_argument("--short", action="store_true", help="try few inputs")
    parser.add_argument("--count", type=int, help="number of inputs of each campaign")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    print("| campaign | tried | answered well | seconds |\n|---|---|---|---|")
    failures = {}
    for name in arguments.campaign or found:
        campaign = found[name]
        count = arguments.count or (campaign.SHORT if arguments.short else campaign.FULL)
        start = time.monotonic()
        failures[name] = run(campaign, count, arguments.seed)
        well = count - len(failures[name])
        print(f"| {campaign.TITLE} | {count:,} | {well:,} | {time.monotonic() - start:.0f} |", flush=True)
    for name, lines in failures.items():
        for line in lines[:SHOWN]:
            print(f"{name}: {line}")
        if len(lines) > SHOWN:
            print(f"{name}: {len(lines) - SHOWN} more")
    return 1 if any(failures.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
