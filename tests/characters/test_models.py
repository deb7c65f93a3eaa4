"""The model of a cast."""

from __future__ import annotations

import json
import shutil

import pytest

from anime_gan.characters import models
from anime_gan.exports.read import PRETRAINED

# The files that are read to choose a model.
FILES = ("attributes.json", "training.json", "evaluation.json", "saved_model.pb")


@pytest.fixture
def bundled(tmp_path, monkeypatch):
    """Copies of the bundled models, except for their weights."""
    for name in ("sutemo-64", "sutemo-128", "sutemo-256"):
        folder = tmp_path / name / "1"
        for part in ("tagger", "variables"):
            (folder / part).mkdir(parents=True)
        for file in FILES:
            shutil.copyfile(PRETRAINED / name / "1" / file, folder / file)
    monkeypatch.setattr(models, "PRETRAINED", tmp_path)
    return tmp_path


def measured(model, share):
    path = model / "1" / "evaluation.json"
    numbers = json.loads(path.read_text("utf-8"))
    numbers["details"]["success"]["model"] = share
    path.write_text(json.dumps(numbers), "utf-8")


def chosen_side():
    return models.choose_model(None, None).record["config"]["resolution"]


def test_the_largest_model_whose_details_are_mostly_intact_is_chosen(bundled):
    for side, share in ((64, 0.9), (128, 0.7), (256, 0.5)):
        measured(bundled / f"sutemo-{side}", share)
    assert chosen_side() == 256
    measured(bundled / "sutemo-256", 0.49)
    assert chosen_side() == 128
    (bundled / "sutemo-128" / "1" / "evaluation.json").unlink()
    assert chosen_side() == 64


def test_a_model_without_a_tagger_is_chosen_only_if_none_has_one(bundled):
    """The faces of its characters cannot be checked."""
    for side in (64, 128, 256):
        measured(bundled / f"sutemo-{side}", 0.9)
    (bundled / "sutemo-256" / "1" / "tagger").rmdir()
    assert chosen_side() == 128
    for side in (64, 128):
        (bundled / f"sutemo-{side}" / "1" / "tagger").rmdir()
    assert chosen_side() == 256
