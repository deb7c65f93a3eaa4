"""The names of the files in a run directory; exports are made from them too."""

from __future__ import annotations

CONFIG = "config.json"
SCHEMA = "attributes.json"
DATA = "data.json"
STATS, EVALUATION = "stats.jsonl", "evaluation.jsonl"
CHECKPOINTS = "checkpoints"
# Learning rates by the step from which they apply; only in runs that were resumed with lower ones.
LEARNING_RATES = "learning_rates.json"
EXPORTS = "export"
# The parent folder of runs that grow from each other has this file. It contains their common options.
STAGES = "stages.json"
# The full report on skipped files.
REPORT = "data_report.json"
# The step that a run has reached, so that missing checkpoints are noticed.
PROGRESS = "progress.json"
