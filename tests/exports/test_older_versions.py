"""A run directory and an export of an older version, and what that version made of them.

Commit af41952 wrote `tests/data/older_run.zip`. It contains 24 labeled pictures (`faces`), a run of 20 steps
with its checkpoint and its export (`run`), and what the same commit did next (`recorded`): the faces it drew
from the export, and the losses and faces after 4 more steps. The networks are the compact pair with six
channels a layer, which keeps the checkpoint small.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anime_gan.commands import train
from anime_gan.exports import pack
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.request import FaceRequest
from anime_gan.models import compact

ARCHIVE = Path(__file__).parents[1] / "data" / "older_run.zip"
# Largest difference of a pixel value, of 255: other processors round differently.
TOLERANCE = 2


@pytest.fixture(autouse=True)
def older(tmp_path, monkeypatch) -> Path:
    """A copy of the archive, which is also the working folder."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def recorded(older) -> dict:
    return json.loads((older / "recorded" / "recorded.json").read_text("utf-8"))


def recorded_faces(step: int) -> np.ndarray:
    """The recorded pictures as int [n, 64, 64, 3]."""
    row = np.asarray(Image.open(f"recorded/step-{step}.png")).astype(int)
    return np.stack(np.split(row, row.shape[1] // 64, axis=1))


def check_faces(model: FaceGenerator, recorded: dict, step: int) -> None:
    """Asserts that the recorded requests get the recorded labels and, nearly, the recorded pictures."""
    expected = recorded_faces(step)
    assert expected.std() > 20, "flat pictures would agree whatever happens"
    details = zip(recorded["requests"], recorded["seeds"], recorded["truncation"], strict=True)
    for number, (attributes, seed, truncation) in enumerate(details):
        latents, labels = model.inputs(FaceRequest(attributes, (seed,), truncation=truncation))
        np.testing.assert_array_equal(labels[0], recorded["labels"][number])
        assert np.abs(model.render(latents, labels)[0] - expected[number]).max() <= TOLERANCE


def test_an_older_export_draws_the_same_faces(recorded):
    check_faces(FaceGenerator(Path("run")), recorded, step=20)


def test_an_older_run_is_resumed(recorded, monkeypatch):
    monkeypatch.setitem(compact.GENERATOR_FILTERS, 64, (6,) * 5)
    monkeypatch.setitem(compact.DISCRIMINATOR_FILTERS, 64, (6,) * 4)
    assert train.main(["--resume", "--run_dir=run", "--steps=24"]) == 0
    lines = [json.loads(line) for line in Path("run/stats.jsonl").read_text("utf-8").splitlines()]
    assert [line["step"] for line in lines] == list(range(2, 25, 2))
    for name, value in recorded["stats"].items():
        assert lines[-1][name] == pytest.approx(value, rel=1e-2, abs=1e-3), name
    check_faces(FaceGenerator(Path("run")), recorded, step=24)


def test_a_run_with_a_removed_architecture_names_the_version_that_has_it(capsys):
    for file in ("run/config.json", "run/export/20/training.json"):
        text = Path(file).read_text("utf-8")
        Path(file).write_text(text.replace('"architecture": "compact"', '"architecture": "light"'), "utf-8")
    for command in (
        lambda: train.main(["--resume", "--run_dir=run"]),
        lambda: train.main(["--init_from=run", "--data=faces"]),
        lambda: pack.main(["--model=run", "--out=packed"]),
    ):
        assert command() == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1 and "light" in lines[0]
        assert lines[0].endswith("was removed; the last version that has it is 0.1.0")


def test_a_resumed_run_keeps_its_data(capsys):
    (Path("faces") / "03.png").write_bytes((Path("faces") / "04.png").read_bytes())
    assert train.main(["--resume", "--run_dir=run", "--steps=24"]) == 2
    assert "--data" in capsys.readouterr().err
