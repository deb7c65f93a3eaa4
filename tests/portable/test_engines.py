"""Both engines draw the same faces, and the ONNX engine does not import TensorFlow."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from anime_gan.attributes.label_rows import LabelRows
from anime_gan.common.alpha import premultiplied
from anime_gan.common.errors import InputError
from anime_gan.exports.read import SMALLEST, ModelError, read_export
from anime_gan.exports.write import make_generator, make_record, write_export
from anime_gan.faces import engines
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.request import FaceRequest
from anime_gan.judges.critic import Critic, make_network
from anime_gan.portable import __main__ as command
from anime_gan.training.config import TrainConfig

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def transparent(small_schema, rows, tmp_path_factory) -> Path:
    """An RGBA model with a critic and its portable form."""
    folder = tmp_path_factory.mktemp("export") / "3"
    options = {**vars(TrainConfig(architecture="published", latent_dim=7)), "channels": 4}
    options["resolution"] = 64
    generator = make_generator(options, small_schema)
    random = np.random.default_rng(2)
    # Half-precision weights, as a packed model has them, and pictures that are not flat.
    weights = [
        random.normal(0, 0.05, w.shape).astype(np.float16).astype(np.float32) for w in generator.get_weights()
    ]
    weights = [np.abs(w) if w.ndim == 1 else w for w in weights]
    generator.set_weights(weights)
    record = make_record(
        options,
        generator,
        steps=3,
        seconds=0,
        learning_rates=(),
        earlier_runs=(),
        images=60,
        statement="",
        data_checksum="",
    )
    write_export(folder, generator, small_schema, rows, record)
    Critic(make_network(64, 4, "float32"), 0.0, {}).save(folder / "critic")
    assert command.main([f"--model={folder}"]) == 0
    return folder


@pytest.mark.parametrize("truncation", [1.0, 0.5])
def test_a_transparent_model_in_both_engines(transparent, truncation):
    first, second = (FaceGenerator(transparent, engine) for engine in ("tensorflow", "onnx"))
    assert (first.latent_dim, first.resolution) == (second.latent_dim, second.resolution) == (7, 64)
    request = FaceRequest(
        "red hair, glasses 30%, turned left", tuple(range(6)), truncation, changes="smile 80%"
    )
    latents, labels = first.inputs(request)
    assert np.abs(latents - second.inputs(request)[0]).max() < 1e-6
    np.testing.assert_array_equal(labels, second.inputs(request)[1])
    before, after = first.render(latents, labels), second.render(latents, labels)
    assert before.shape == (6, 64, 64, 4)
    assert before.std() > 10, "flat pictures would agree whatever happens"
    assert np.abs(premultiplied(before) - premultiplied(after)).max() <= 2


def test_candidates_in_both_engines(transparent):
    first, second = (FaceGenerator(transparent, engine) for engine in ("tensorflow", "onnx"))
    images = first.render(*first.inputs(FaceRequest(seeds=(0, 1, 2))))
    np.testing.assert_allclose(first.selector.margins(images), second.selector.margins(images), rtol=5e-3)
    assert first.critic_name == second.critic_name
    request = FaceRequest(seeds=(4,), candidates=3)
    np.testing.assert_allclose(first.inputs(request)[0], second.inputs(request)[0], atol=1e-6)


def test_the_form_of_another_model_is_refused(transparent, tmp_path):
    shutil.copytree(transparent, tmp_path / "3")
    (tmp_path / "3" / "portable" / "model.onnx").write_bytes(
        (SMALLEST / "1/portable/model.onnx").read_bytes()
    )
    with pytest.raises(ModelError, match="another model"):
        FaceGenerator(tmp_path / "3", "onnx")
    (tmp_path / "3" / "portable" / "model.onnx").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="damaged"):
        FaceGenerator(tmp_path / "3", "onnx")
    shutil.rmtree(tmp_path / "3" / "portable")
    with pytest.raises(InputError, match=r"python -m anime_gan\.portable"):
        FaceGenerator(tmp_path / "3", "onnx")


def test_which_engine(monkeypatch):
    export = read_export(SMALLEST)
    assert engines.chosen_engine("auto", export) == "tensorflow"
    assert engines.chosen_engine("onnx", export) == "onnx"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert engines.chosen_engine("auto", export) == "onnx"
    with pytest.raises(InputError, match="pip install tensorflow"):
        engines.chosen_engine("tensorflow", export)


def test_existing_files_stay(transparent, tmp_path, capsys):
    assert command.main([f"--model={transparent}"]) == 2
    assert "already exists" in capsys.readouterr().err
    assert command.main([f"--model={transparent}", "--runtime=x"]) == 2
    assert "--runtime needs --site" in capsys.readouterr().err


def test_schema_file(transparent, small_schema, rows: LabelRows):
    content = json.loads((transparent / "portable" / "schema.json").read_text("utf-8"))
    assert (content["version"], content["channels"], content["num_labels"]) == (2, 4, small_schema.num_labels)
    assert content["phrases"]["blue hair"] == 2 * small_schema.column("hair_color", "blue")
    assert sum(content["label_counts"]) == 60
    assert len(content["label_rows"]) == len(rows.rows)


def test_the_onnx_engine_draws_without_tensorflow(tmp_path):
    code = (
        "import sys; from anime_gan.commands.generate import main; status = main(); "
        "print(sorted({'tensorflow', 'keras'} & set(sys.modules)), status)"
    )
    arguments = ["--engine=onnx", "--num=1", "--candidates=2", f"--out={tmp_path / 'faces'}"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1] == "[] 0", done.stderr
    assert len(list((tmp_path / "faces").iterdir())) == 1
