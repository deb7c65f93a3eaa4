"""The folder of a run's checkpoints, each the whole training state after a step."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from anime_gan.common.files import flush_to_disk, remove, written_whole
from anime_gan.common.plain_paths import readable

if TYPE_CHECKING:
    from anime_gan.common.backend import tf

# The prefix of TensorFlow's files in the folder of a checkpoint.
STATE = "state"
_NAME = re.compile(r"step-(\d{8,})")


class Restored(NamedTuple):
    """The result of reading the newest checkpoint that can be read.

    Attributes:
        step: Its step; 0 if there is none.
        damaged: Step -> reason, for newer checkpoints that could not be read.
    """

    step: int
    damaged: dict[int, str]


class Checkpoints:
    """Writes, reads, and removes the checkpoints in a folder. Files with other names are ignored."""

    def __init__(self, folder: Path) -> None:
        """Stores the folder, which need not exist yet."""
        self.folder = folder

    def path(self, step: int) -> Path:
        """Returns the folder of the checkpoint after `step` steps."""
        return self.folder / f"step-{step:08d}"

    def steps(self, at_most: int | None = None) -> list[int]:
        """Returns the steps of all checkpoints, or of those up to a step, in ascending order."""
        steps = (checkpoint_step(path) for path in self.folder.glob("step-*") if path.is_dir())
        return sorted(step for step in steps if step and (at_most is None or step <= at_most))

    def newest(self, at_most: int | None = None) -> int:
        """Returns the step of the newest checkpoint, or of the newest up to a step; 0 if there is none."""
        return max(self.steps(at_most), default=0)

    def save(self, checkpoint: tf.train.Checkpoint, step: int, keep: int) -> None:
        """Writes a checkpoint, then removes all but the newest `keep` up to its step.

        Checkpoints after the step are kept. They belong to a run that was resumed from an earlier step.
        """
        target = self.path(step)
        if not target.is_dir():
            with written_whole(target) as partial:
                checkpoint.write(str(partial / STATE))
                flush_to_disk(partial)
            flush_to_disk(self.folder)
        for old in self.steps(step)[:-keep]:
            shutil.rmtree(self.path(old))

    def save_apart(self, checkpoint: tf.train.Checkpoint) -> None:
        """Writes a checkpoint that nobody keeps, on a worker that is not the chief.

        TensorFlow documents that all workers must write, because values of all of them may be read.
        """
        with tempfile.TemporaryDirectory() as folder:
            checkpoint.write(str(Path(folder) / STATE))

    def restore_step(self, checkpoint: tf.train.Checkpoint, step: int) -> None:
        """Restores the checkpoint of a step; raises whatever TensorFlow raises if it cannot be read."""
        with readable(self.path(step)) as folder:
            status = checkpoint.read(str(folder / STATE))
        # Without these checks, a variable that the checkpoint lacks would silently stay random.
        status.assert_consumed()
        status.assert_existing_objects_matched()

    def restore(self, checkpoint: tf.train.Checkpoint, at_most: int) -> Restored:
        """Restores the newest checkpoint up to a step that can be read.

        Damaged checkpoints stay in the folder under another name if an older one can be read.
        """
        damaged: dict[int, str] = {}
        for step in reversed(self.steps(at_most)):
            try:
                self.restore_step(checkpoint, step)
            except Exception as error:  # TensorFlow raises almost anything on a damaged file.
                damaged[step] = " ".join(str(error).split())[:120]
                continue
            for newer in damaged:
                self._rename(newer, "damaged")
            return Restored(step, damaged)
        return Restored(0, damaged)

    def set_aside(self, after: int) -> list[Path]:
        """Renames all checkpoints after a step, so that they no longer count; returns their new paths."""
        return [self._rename(step, "replaced") for step in self.steps() if step > after]

    def _rename(self, step: int, reason: str) -> Path:
        path = self.path(step)
        aside = path.with_name(f"{reason}-{path.name}")
        remove(aside)
        return path.rename(aside)


def checkpoint_step(path: Path) -> int:
    """Returns the step in the name of a checkpoint's folder; 0 for any other name."""
    found = _NAME.fullmatch(path.name)
    return int(found[1]) if found else 0
