"""The command that measures known faults, with judges whose verdicts are known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from anime_gan.common.alpha import premultiplied
from anime_gan.evaluate import faults as command
from anime_gan.judges import load as loading
from anime_gan.judges.details import find_details
from anime_gan.judges.load import Judges, Pair
from anime_gan.judges.tagger import Judgement


class SharpnessCritic:
    """Scores the mean second difference between neighboring pixels: enlarged images have the lowest."""

    def __init__(self, real: np.ndarray) -> None:
        self.floor = np.quantile(self.score(real), 0.05)

    def score(self, images):
        return np.abs(np.diff(premultiplied(images)[..., :3], n=2, axis=2)).mean(axis=(1, 2, 3))


class YesTagger:
    """Says that every attribute is present; its features are the mean colors of the image."""

    def __init__(self, schema) -> None:
        self.schema = schema

    def judge(self, images):
        probabilities = np.ones((len(images), self.schema.num_labels), np.float32)
        return Judgement(probabilities, premultiplied(images).mean(axis=(1, 2)))


@pytest.fixture
def judges(monkeypatch):
    def load(dataset):
        crops, images = find_details(dataset), np.asarray(dataset.images)
        pairs = (
            Pair(YesTagger(dataset.schema), SharpnessCritic(seen)) for seen in (images, crops.mosaic(images))
        )
        return Judges(*pairs, crops)

    monkeypatch.setattr(loading, "load_judges", load)


def test_faults_are_measured_relative_to_real_images(judges, tmp_path, capsys):
    arguments = ["--num_images=400", "--transparent=yes", f"--out={tmp_path}"]
    assert command.main(arguments) == 0
    rows = json.loads((tmp_path / "faults.json").read_text("utf-8"))["faults"]
    assert list(rows) == [
        "none",
        "enlarged",
        "dithered hair edges",
        "halo",
        "mismatched eyes",
        "smeared outline",
    ]
    none, enlarged, halo = rows["none"], rows["enlarged"], rows["halo"]
    # Two halves of the held-out images differ by chance alone.
    for name in ("texture", "edge_width", "edge_texture", "attributes"):
        assert none[name] == pytest.approx(1.0, abs=0.35), name
    assert none["success"] > 0.8 > 0.5 > enlarged["success"]
    assert enlarged["texture"] > 1.5 * none["texture"]
    assert halo["edge_width"] > 1.5 * none["edge_width"]
    # Mean colors tell a white rim from real images.
    assert halo["fid"] > 1.3 * none["fid"]
    out = capsys.readouterr().out
    (line,) = [line for line in out.splitlines() if line.startswith("| enlarged")]
    assert f"{enlarged['success']:.1%}" in line and f"{enlarged['texture']:.2f}" in line


def test_opaque_images_have_no_edges_to_measure(judges, tmp_path):
    assert command.main(["--num_images=200", "--transparent=no", f"--out={tmp_path}"]) == 0
    rows = json.loads((tmp_path / "faults.json").read_text("utf-8"))["faults"]
    assert "halo" not in rows and "edge_width" not in rows["none"]
