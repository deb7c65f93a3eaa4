"""`python -m anime_gan.metrics --data=...`: trains the two judges of a dataset and prints their accuracy."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from anime_gan.common.command_line import Flags, print_lines, run_command
from anime_gan.common.quiet import import_tensorflow
from anime_gan.datasets.data_flags import data_flags, load_flagged
from anime_gan.datasets.reading.pictures import MIN_SIDE

if TYPE_CHECKING:
    from anime_gan.judges.critic import Critic
    from anime_gan.judges.tagger import Tagger

SUMMARY = """Trains the two judges of a dataset on its real images and stores them in the cache; this takes
a few minutes. The tagger recognizes attributes; the critic detects damaged images. Prints their accuracy on
held-out real images."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flags = data_flags(max(MIN_SIDE, 32))
    return run_command("anime_gan.metrics", SUMMARY, flags, lambda: _judge(flags), argv)


def _judge(flags: Flags) -> int:
    import_tensorflow()
    dataset = load_flagged(flags)
    from anime_gan.judges.critic import load_critic
    from anime_gan.judges.tagger import load_tagger

    if dataset.schema.num_labels:
        tagger = load_tagger(dataset)
        print("\n".join(describe_tagger(tagger)))
        print_lines(tagger.notes())
    print("\n".join(describe_critic(load_critic(dataset))))
    return 0


def describe_tagger(tagger: Tagger) -> list[str]:
    """Returns one line per attribute: its accuracy, then the accuracy of each value."""
    width = max(len(slot.name) for slot in tagger.schema.slots)
    lines = [
        "tagger: accuracy on held-out real images (by attribute; by value, among the images that have it)"
    ]
    known_columns = tagger.column_accuracy
    for slot in tagger.schema.slots:
        columns = tagger.schema.columns[slot.columns]
        shares = [
            f"{name.split('=')[-1]} {_percent(tagger.column_accuracy[name])}"
            for name in columns
            if name in known_columns
        ]
        lines.append(f"  {slot.name:{width}} {_percent(tagger.accuracy[slot.name]):>6}  {', '.join(shares)}")
    known = [share for share in tagger.accuracy.values() if not math.isnan(share)]
    mean = sum(known) / len(known) if known else math.nan
    lines.append(f"  {'mean':{width}} {_percent(mean):>6}")
    if tagger.hardest:
        lines.append("  lowest accuracy, in images that also have another attribute:")
    for case in tagger.hardest:
        right, where = _percent(case["right"]), f"{case['images']} with {case['given']}"
        lines.append(f"  {case['attribute']:{width}} {right:>6}  of {where}")
    return [*lines, f"  checksum {tagger.checksum}"]


def describe_critic(critic: Critic) -> list[str]:
    """Returns one line per kind of damage: the share that the critic detects."""
    width = max(len(name) for name in critic.detection)
    return [
        f"critic: 95% of held-out real images score above {critic.floor:.3f}",
        "  share of damaged images below that score, by kind of damage:",
        *(f"  {name:{width}} {_percent(share):>6}" for name, share in critic.detection.items()),
        f"  checksum {critic.checksum}",
    ]


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{share:.1%}"


if __name__ == "__main__":
    sys.exit(main())
