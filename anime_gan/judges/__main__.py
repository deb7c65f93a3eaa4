"""`python -m anime_gan.metrics --data=...`: trains a dataset's two judges, says how good they are."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from anime_gan.common.command_line import print_lines, run_command
from anime_gan.common.quiet import import_tensorflow
from anime_gan.datasets.load import load_dataset
from anime_gan.datasets.reading.pictures import MIN_SIDE

if TYPE_CHECKING:
    from anime_gan.judges.critic import Critic
    from anime_gan.judges.tagger import Tagger

SUMMARY = """Trains the judges of a dataset on its real pictures, which takes minutes, and keeps them: the
tagger, which says what is on a picture, and the critic, which says how intact it is. Prints how often they
are right on real pictures they have not seen."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flag_values = flags.FlagValues()
    flags.DEFINE_string("data", "drawn", "the data source, as train.py takes it", flag_values=flag_values)
    flags.DEFINE_integer(
        "num_images", 0, "at most this many (0 = all, or 16,000 drawn ones)", 0, flag_values=flag_values
    )
    flags.DEFINE_integer(
        "resolution",
        64,
        f"pixels along a side ({max(MIN_SIDE, 32)} to 256)",
        max(MIN_SIDE, 32),
        256,
        flag_values=flag_values,
    )
    flags.DEFINE_integer("seed", 0, "decides what is drawn (0 and up)", 0, flag_values=flag_values)
    arguments = sys.argv[1:] if argv is None else argv
    return run_command("anime_gan.metrics", SUMMARY, flag_values, lambda: _judge(flag_values), arguments)


def _judge(flag_values: Any) -> int:
    names = ("data", "num_images", "resolution", "seed")
    dataset = load_dataset(*(flag_values[name].value for name in names))
    print_lines(dataset.report.lines())
    import_tensorflow()
    from anime_gan.judges.critic import load_critic
    from anime_gan.judges.tagger import load_tagger

    if dataset.schema.num_labels:
        tagger = load_tagger(dataset)
        print("\n".join(describe_tagger(tagger)))
        print_lines(tagger.notes())
    print("\n".join(describe_critic(load_critic(dataset))))
    return 0


def describe_tagger(tagger: Tagger) -> list[str]:
    """A table of an attribute a line, with its values behind it."""
    width = max(len(slot.name) for slot in tagger.schema.slots)
    lines = [
        "tagger: recognized on held-out real pictures (of a group, also each value; of a tag, where it is)"
    ]
    for slot in tagger.schema.slots:
        columns = tagger.schema.columns[slot.columns]
        shares = [f"{name.split('=')[-1]} {_percent(tagger.column_accuracy[name])}" for name in columns]
        lines.append(f"  {slot.name:{width}} {_percent(tagger.accuracy[slot.name]):>6}  {', '.join(shares)}")
    known = [share for share in tagger.accuracy.values() if not math.isnan(share)]
    mean = sum(known) / len(known) if known else math.nan
    lines.append(f"  {'mean':{width}} {_percent(mean):>6}")
    if tagger.hardest:
        lines.append("  least often, in pictures that have something else:")
    for case in tagger.hardest:
        right, where = _percent(case["right"]), f"{case['images']} with {case['given']}"
        lines.append(f"  {case['attribute']:{width}} {right:>6}  of {where}")
    return [*lines, f"  checksum {tagger.checksum}"]


def describe_critic(critic: Critic) -> list[str]:
    """A table of a kind of damage a line."""
    width = max(len(name) for name in critic.detection)
    return [
        f"critic: the floor, above which 95% of held-out real pictures score, is {critic.floor:.3f}",
        "  so many of them fall below it when damaged:",
        *(f"  {name:{width}} {_percent(share):>6}" for name, share in critic.detection.items()),
        f"  checksum {critic.checksum}",
    ]


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{share:.1%}"


if __name__ == "__main__":
    sys.exit(main())
