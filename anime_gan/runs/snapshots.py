"""Removes exported snapshots of a run that need not be kept."""

from __future__ import annotations

import logging
from pathlib import Path

from anime_gan.common.files import remove
from anime_gan.exports.read import CRITIC
from anime_gan.runs.run_directory import RunDirectory
from anime_gan.training.config import TrainConfig
from anime_gan.training.run_files import EVALUATION, EXPORTS

FID = "evaluation/fid"

logger = logging.getLogger(__name__)


def remove_old_snapshots(run: RunDirectory, config: TrainConfig) -> None:
    """Keeps the best snapshots by FID if the run measures it, else the newest ones.

    The final export and exports that the user has evaluated always stay.
    """
    if not config.export_interval:
        return
    fid = {line["step"]: line[FID] for line in run.read_stats(EVALUATION) if FID in line}
    snapshots = [
        int(path.name)
        for path in (run.path / EXPORTS).glob("[0-9]*")
        if path.name.isdecimal() and _is_snapshot(path, config)
    ]
    # Without FID, the order is that of the steps.
    order = sorted(snapshots, key=lambda step: (fid.get(step, float("inf")), -step))
    for step in order[config.keep_exports :]:
        logger.info("removing the snapshot of step %d", step)
        remove(run.export_path(step))


def _is_snapshot(path: Path, config: TrainConfig) -> bool:
    step = int(path.name)
    return step % config.export_interval == 0 and step != config.steps and not (path / CRITIC).is_dir()
