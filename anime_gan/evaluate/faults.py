"""`python -m anime_gan.evaluate.faults --data=...`: shows which measures detect known faults."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from anime_gan.attributes.schema import Schema
from anime_gan.common.alpha import has_alpha
from anime_gan.common.command_line import Flags, run_command
from anime_gan.common.files import write_text
from anime_gan.common.markdown import markdown_table
from anime_gan.common.quiet import import_tensorflow
from anime_gan.datasets.data_flags import data_flags, load_flagged
from anime_gan.datasets.dataset import Dataset
from anime_gan.datasets.splits import TEST_EVERY, split_dataset
from anime_gan.judges.details import MIN_SIDE
from anime_gan.metrics import control
from anime_gan.metrics.distances import frechet_distance
from anime_gan.metrics.edge import alpha_texture, edge_length_ratio
from anime_gan.metrics.texture import sliced_wasserstein

SUMMARY = """Puts known faults into held-out real images and measures them like the faces of a model: enlarged
small images, dithered hair edges, a halo, mismatched eyes, a smeared outline. Shows which measures detect
which fault, on whole images and on details. Writes faults.json. Trains the data's judges if necessary."""

MAX_IMAGES = 2000
# Measure -> title of its column.
COLUMNS: Mapping[str, str] = {
    "attributes": "attributes, of real",
    "success": "success rate",
    "fid": "FID / real",
    "detail_attributes": "details: attributes",
    "detail_success": "details: success rate",
    "detail_fid": "details: FID / real",
    "texture": "finest texture / real",
    "edge_width": "edge width / real",
    "edge_texture": "edge texture / real",
}
# These are shown as percentages.
SHARES = ("attributes", "success", "detail_attributes", "detail_success")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flags = data_flags(2 * MIN_SIDE)
    flags.path("out", "results", "folder for faults.json (default: results)")
    return run_command("anime_gan.evaluate.faults", SUMMARY, flags, lambda: _measure(flags), argv)


def _measure(flags: Flags) -> int:
    dataset = load_flagged(flags)
    import_tensorflow()
    rows = measure_faults(dataset)
    out = Path(flags.out) / "faults.json"
    numbers = {"data": {"name": dataset.name, "checksum": dataset.checksum}, "faults": rows}
    write_text(out, json.dumps(numbers, indent=1) + "\n")
    print(f"{table(rows)}\n\nresults: {out}")
    return 0


def measure_faults(dataset: Dataset) -> dict[str, dict[str, float]]:
    """Measures real images without a fault, and with each fault.

    Returns:
        Fault, or "none" -> measure, as in `COLUMNS` -> value. Distances are relative to those of real images.

    Raises:
        DataError: The dataset has too few images.
    """
    from anime_gan.judges.faults import faults_for
    from anime_gan.judges.load import load_judges

    judges = load_judges(dataset)
    split = split_dataset(dataset.labels, np.zeros((0, dataset.labels.shape[1]), np.int8), TEST_EVERY)
    random = np.random.default_rng(0)
    # Split the held-out images in half: one half gets the faults, and the other is for comparison.
    held_out = random.permutation(split.test)[: 2 * MAX_IMAGES]
    count = len(held_out) // 2
    reference = np.asarray(dataset.images[np.sort(random.permutation(split.train)[: 2 * MAX_IMAGES])])
    halves = held_out[:count], held_out[count : 2 * count]
    real, images = (np.asarray(dataset.images[half]) for half in halves)
    labels = dataset.labels[halves[1]]
    faults = faults_for(images)
    measured = _Measures(judges, dataset.schema, reference, real, dataset.labels[halves[0]])
    rows = {}
    for name in tqdm(["none", *faults], desc="faults", unit="fault"):
        faulty = images if name == "none" else faults[name](images, judges.crops)
        rows[name] = measured(faulty, labels)
    return rows


class _Measures:
    """Measures sets of images relative to real images."""

    def __init__(
        self, judges: Any, schema: Schema, reference: np.ndarray, real: np.ndarray, labels: np.ndarray
    ) -> None:
        self._judges, self._schema, self._reference = judges, schema, reference
        self._features = self._features_of(reference)
        self._real: dict[str, float] = {}
        self._real = self(real, labels)

    def __call__(self, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        values: dict[str, float] = {}
        pairs = {"": (self._judges.whole, images)}
        pairs["detail_"] = (self._judges.detail, self._judges.crops.mosaic(images))
        for prefix, (judges, seen) in pairs.items():
            values[f"{prefix}success"] = float(np.mean(judges.critic.score(seen) >= judges.critic.floor))
            if judges.tagger is not None:
                values.update(self._tagged(prefix, judges.tagger, seen, labels))
        finest = sliced_wasserstein(self._reference, images)
        values["texture"] = finest[max(finest)]
        if has_alpha(images):
            values["edge_width"] = edge_length_ratio(images)
            values["edge_texture"] = alpha_texture(self._reference, images)
        if not self._real:
            return values
        kept = [name for name in values if name.endswith("success")]
        return {name: value if name in kept else value / self._real[name] for name, value in values.items()}

    def _tagged(self, prefix: str, tagger: Any, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        from anime_gan.judges.tagger import decide, visible

        judgement = tagger.judge(images)
        counts = control.count_confirmations(
            labels, decide(judgement.probabilities, self._schema), visible(labels, self._schema)
        )
        precision = control.attribute_precision(self._schema, counts, counts)["model"]
        distance = frechet_distance(self._features[prefix], judgement.features)
        return {f"{prefix}attributes": precision, f"{prefix}fid": distance}

    def _features_of(self, images: np.ndarray) -> dict[str, np.ndarray]:
        if self._judges.whole.tagger is None:
            return {}
        mosaics = self._judges.crops.mosaic(images)
        return {
            "": self._judges.whole.tagger.judge(images).features,
            "detail_": self._judges.detail.tagger.judge(mosaics).features,
        }


def table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Returns the measures of each fault as a Markdown table."""
    columns = [name for name in COLUMNS if name in rows["none"]]
    return markdown_table(
        ("fault", *(COLUMNS[name] for name in columns)),
        [(fault, *(_shown(name, values[name]) for name in columns)) for fault, values in rows.items()],
    )


def _shown(name: str, value: float) -> str:
    return f"{value:.1%}" if name in SHARES else f"{value:.2f}"


if __name__ == "__main__":
    sys.exit(main())
