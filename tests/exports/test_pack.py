"""Packed copies of exports."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from anime_gan.datasets.dataset import Dataset
from anime_gan.exports import pack
from anime_gan.exports.model_card import with_measured_section
from anime_gan.exports.read import read_label_rows
from anime_gan.exports.write import export_model
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.request import FaceRequest
from anime_gan.training.trainer import Trainer
from tests.training.test_trainer import CONFIG


@pytest.fixture(scope="module")
def export(schema, labels, tmp_path_factory):
    """A model whose batch statistics and gains are far from their initial values."""
    images = np.random.default_rng(1).integers(0, 256, (len(labels), 64, 64, 3), np.uint8)
    dataset = Dataset("noise", images, labels, schema, "Random pixels, made by a test.", checksum="")
    trainer = Trainer(CONFIG, schema, labels)
    random = np.random.default_rng(3)
    for variable in trainer.ema_generator.variables:
        if any(part in variable.path for part in ("bn", "bias", "normalization")):
            variable.assign(random.uniform(0.5, 1.5, variable.shape))
    return export_model(trainer, dataset, CONFIG, tmp_path_factory.mktemp("export") / "3")


@pytest.fixture(scope="module")
def packed(export, tmp_path_factory) -> tuple[Path, str]:
    """The packed copy, and the output of the command."""
    out = tmp_path_factory.mktemp("packed") / "1"
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert pack.main([f"--model={export}", f"--out={out}"]) == 0
    return out, printed.getvalue()


def test_pictures_stay_and_size_halves(export, packed):
    out, printed = packed
    request = FaceRequest("blue hair", tuple(range(8)))
    before, after = FaceGenerator(export), FaceGenerator(out)
    inputs = before.inputs(request)
    pictures = before.render(*inputs).astype(int)
    error = np.abs(pictures - after.render(*inputs))
    assert error.mean() < 0.2 and error.max() <= 4
    assert pictures.std() > 10, "flat pictures would agree whatever happens"
    said = json.loads((out / "training.json").read_text())["packing"]["picture_error"]
    assert said["mean"] == pytest.approx(error.mean(), abs=0.02)
    assert f"change by {said['mean']:.3f} on average" in printed

    def size(folder):
        return sum(file.stat().st_size for file in folder.glob("variables/*"))

    assert size(out) < 0.52 * size(export)
    # Open attributes are drawn as before.
    np.testing.assert_array_equal(after.inputs(request)[1], inputs[1])


def test_in_bfloat16_pictures_are_rounded_more_and_the_card_says_so(export, tmp_path, capsys):
    out = tmp_path / "packed"
    assert pack.main([f"--model={export}", f"--out={out}", "--precision=bfloat16"]) == 0
    request = FaceRequest("blue hair", tuple(range(8)))
    before, after = FaceGenerator(export), FaceGenerator(out)
    inputs = before.inputs(request)
    error = np.abs(before.render(*inputs).astype(int) - after.render(*inputs))
    # bfloat16 has 8 significant bits; the 11 of float16 would leave a mean error of 0.01.
    assert 0.06 < error.mean() < 1
    said = json.loads((out / "training.json").read_text())["packing"]
    assert said["precision"] == "bfloat16"
    assert said["picture_error"]["mean"] == pytest.approx(error.mean(), rel=0.2)
    assert (
        "bfloat16, which is slow on processors without bfloat16 instructions"
        in (out / "MODEL_CARD.md").read_text()
    )
    assert pack.main([f"--model={export}", f"--out={tmp_path / 'none'}", "--precision=bfloat"]) == 2
    assert "--precision=bfloat" in capsys.readouterr().err


def test_packing_again_changes_nothing_more(packed, tmp_path):
    first, second = packed[0], tmp_path / "second"
    assert pack.main([f"--model={first}", f"--out={second}"]) == 0
    weights = [tf.saved_model.load(str(path)).weights for path in (first, second)]
    for one, two in zip(*weights, strict=True):
        assert one.dtype == two.dtype == tf.float16
        np.testing.assert_allclose(one.numpy(), two.numpy(), rtol=2e-3, atol=1e-6)


def test_label_rows_lie_beside_the_model(export, labels):
    rows = read_label_rows(export)
    assert rows.counts.sum() == len(labels)
    assert {row.tobytes() for row in rows.rows} == {row.tobytes() for row in labels}


def test_an_existing_folder_is_not_overwritten(export, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    assert pack.main([f"--model={export}", f"--out={tmp_path / 'mine'}"]) == 2
    assert "already exists" in capsys.readouterr().err


def test_critic_and_evaluation_are_kept_and_marked(export, tmp_path):
    original = shutil.copytree(export, tmp_path / "evaluated" / "3")
    (original / "critic").mkdir()
    (original / "critic" / "weights.npz").write_bytes(b"critic")
    (original / "EVALUATION.md").write_text("# Results\n")
    (original / "evaluation.json").write_text("{}")
    card = original / "MODEL_CARD.md"
    card.write_text(with_measured_section(card.read_text(), "FID 1.5"))
    out = tmp_path / "packed"
    assert pack.main([f"--model={original}", f"--out={out}"]) == 0
    assert (out / "critic" / "weights.npz").read_bytes() == b"critic"
    assert (out / "evaluation.json").read_text() == "{}"
    assert (out / "EVALUATION.md").read_text().endswith("measured before packing.\n")
    measured = (out / "MODEL_CARD.md").read_text().split("## Measured")[1]
    assert "measured before packing.\n\nFID 1.5\n" in measured
    assert measured.count("Full results") == 1
