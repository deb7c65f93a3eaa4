"""The learning rates of a run that was resumed with lower ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from anime_gan.common.files import write_text
from anime_gan.common.json_files import read_json
from anime_gan.runs.run_lock import RunError
from anime_gan.training.config import LEARNING_RATES as OPTIONS
from anime_gan.training.config import TrainConfig
from anime_gan.training.run_files import CONFIG, LEARNING_RATES


class LearningRates:
    """Reads and writes the learning rates of a run, with the step from which they apply."""

    def __init__(self, run: Path) -> None:
        """Reads them from a run directory; at first, those of its configuration apply from step 0."""
        self._file = run / LEARNING_RATES
        if self._file.is_file():
            self._entries = read_json(self._file, list[dict[str, Any]], RunError)
        else:
            saved = read_json(run / CONFIG, dict[str, Any], RunError)
            self._entries = [{"step": 0, **{name: saved.get(name, 0.0) for name in OPTIONS}}]

    def changes_after(self, step: int, config: TrainConfig) -> bool:
        """Returns whether steps after this one would now be trained with other rates than before."""
        return self._entries[-1]["step"] > step or self._entries[-1] != self._entry(config)

    def change(self, step: int, config: TrainConfig) -> None:
        """Writes that the rates of the configuration apply from a step on."""
        entries = [entry for entry in self._entries if entry["step"] < step]
        self._entries = [*entries, {**self._entry(config), "step": step}]
        write_text(self._file, json.dumps(self._entries, indent=2))

    def entries_until(self, step: int) -> list[dict[str, Any]]:
        """Returns the rates by the step from which they apply, for the steps up to this one."""
        return [entry for entry in self._entries if entry["step"] < step]

    def _entry(self, config: TrainConfig) -> dict[str, Any]:
        return {"step": self._entries[-1]["step"], **{name: getattr(config, name) for name in OPTIONS}}
