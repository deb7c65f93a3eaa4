"""Draws the chart of a run's training statistics."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anime_gan.common.files import written_whole

PANELS = ("loss", "logits", "attributes", "gradient_norm")


def draw_curves(stats: Sequence[dict[str, Any]], path: Path) -> None:
    """Draws the statistics as a PNG file with one panel per group of values.

    Args:
        stats: The lines of `stats.jsonl`, each with a "step" and values named "group/name".
        path: The PNG file to write.
    """
    # Imported here, because the import takes a second and is needed only at the end of a run.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7), layout="constrained")
    steps = [line["step"] for line in stats]
    for panel, axes in zip(PANELS, figure.subplots(2, 2).flat, strict=True):
        names = [name for name in dict.fromkeys(itertools.chain(*stats)) if name.startswith(f"{panel}/")]
        # Values that are always zero, such as the penalty in a run without one, are omitted.
        for name in (name for name in names if any(line.get(name) for line in stats)):
            axes.plot(
                steps, [line.get(name, math.nan) for line in stats], label=name.partition("/")[2], linewidth=1
            )
        axes.set(title=panel.replace("_", " "), xlabel="step")
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(fontsize=7)
    with written_whole(path) as partial:
        figure.savefig(partial, dpi=100)
