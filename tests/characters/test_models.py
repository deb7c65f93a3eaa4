"""The model of a cast."""

from __future__ import annotations

import pytest

from anime_gan.characters import models
from anime_gan.exports.read import PRETRAINED


@pytest.mark.parametrize(
    ("bundled", "chosen"),
    [(("sutemo-64", "sutemo-128"), 128), (("sutemo-64", "sutemo-256"), 64), (("sutemo-256",), 256)],
)
def test_the_largest_model_with_a_tagger_is_chosen(bundled, chosen, tmp_path, monkeypatch):
    """`sutemo-256` has none yet, so the faces of its characters could not be checked."""
    for name in bundled:
        (tmp_path / name).symlink_to(PRETRAINED / name)
    monkeypatch.setattr(models, "PRETRAINED", tmp_path)
    assert models.choose_model(None, None).record["config"]["resolution"] == chosen
