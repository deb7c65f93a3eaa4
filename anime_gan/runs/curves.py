"""A chart of a run's numbers over time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anime_gan.common.files import written_whole

PANELS = ("loss", "logits", "attributes", "gradient_norm")


def draw_curves(stats: Sequence[dict[str, Any]], path: Path) -> None:
    """Draws the lines of `stats.jsonl`, a panel for each family of values, as a PNG.

    Args:
        stats: One dictionary a report, with "step" and values named "family/what".
        path: The PNG to write.
    """
    # Imported here: it takes a second, and only the end of a run needs it.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7), layout="constrained")
    steps = [line["step"] for line in stats]
    for panel, axes in zip(PANELS, figure.subplots(2, 2).flat, strict=True):
        names = [name for name in (stats[0] if stats else ()) if name.startswith(f"{panel}/")]
        # What is zero throughout, such as the penalty of a run without one, is left out.
        for name in (name for name in names if any(line[name] for line in stats)):
            axes.plot(steps, [line[name] for line in stats], label=name.partition("/")[2], linewidth=1)
        axes.set(title=panel.replace("_", " "), xlabel="step")
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(fontsize=7)
    with written_whole(path) as partial:
        figure.savefig(partial, dpi=100)
