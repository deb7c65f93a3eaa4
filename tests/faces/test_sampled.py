"""Labeled image folders that a model draws."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from anime_gan.benchmark.synthetic import untrained_export
from anime_gan.datasets.load import load_dataset
from anime_gan.faces import sampled
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.request import FaceRequest


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    return untrained_export(tmp_path_factory.mktemp("run") / "export")


def sample(export, out, *arguments):
    return sampled.main([f"--model={export}", f"--out={out}", *arguments])


def contents(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_training_reads_what_the_model_drew(export, tmp_path, monkeypatch):
    monkeypatch.setattr(sampled, "FOLDER_SIZE", 16)
    assert sample(export, tmp_path / "faces", "--num=24", "--truncation=0.5") == 0
    dataset = load_dataset(str(tmp_path / "faces"), 0, 64, 0)
    generator = FaceGenerator(export)
    assert dataset.schema == generator.schema
    latents, labels = generator.inputs(FaceRequest(seeds=tuple(range(24)), truncation=0.5))
    np.testing.assert_array_equal(dataset.labels, labels)
    np.testing.assert_array_equal(dataset.images, generator.render(latents, labels))
    # The license of the model is included.
    assert "Color noise." in dataset.statement and generator.name in dataset.statement
    assert "own" not in dataset.statement
    assert (tmp_path / "faces" / "0001" / "0000020.png").is_file()


def test_stopped_it_goes_on_and_a_larger_number_adds(export, tmp_path, monkeypatch, capsys):
    assert sample(export, tmp_path / "whole", "--num=5") == 0
    save = sampled.save_png

    def interrupted(path, *arguments):
        if path.name == "0000002.png":
            raise KeyboardInterrupt
        save(path, *arguments)

    out = tmp_path / "parts"
    with monkeypatch.context() as patch:
        patch.setattr(sampled, "save_png", interrupted)
        assert sample(export, out, "--num=3") == 130
    assert not (out / "labels.csv").exists(), "no table of pictures that are not there"
    Image.new("RGB", (64, 64)).save(out / "0000" / "0000001.png")
    capsys.readouterr()
    assert sample(export, out, "--num=5") == 0
    assert "5 images" in (said := capsys.readouterr().out) and "3 of them new" in said
    kept = {"0000/0000001.png"}
    assert {n: c for n, c in contents(out).items() if n not in kept} == {
        n: c for n, c in contents(tmp_path / "whole").items() if n not in kept
    }


@pytest.mark.parametrize("other", ["model", "truncation", "folder"])
def test_other_folders_are_left_alone(export, tmp_path, other, capsys):
    out = tmp_path / "faces"
    if other == "folder":
        out.mkdir()
        (out / "mine.txt").write_text("precious")
    else:
        assert sample(export, out, "--num=1") == 0
    before = contents(out)
    model = "anime_gan/pretrained/sutemo-64" if other == "model" else export
    arguments = ["--truncation=0.7"] if other == "truncation" else []
    assert sample(model, out, "--num=2", *arguments) == 2
    assert f"--out={out}: " in capsys.readouterr().err
    assert contents(out) == before
