"""Presets with several stages: each run grows from the one before; one command trains and resumes them."""

from __future__ import annotations

import dataclasses
import json
import shlex
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from anime_gan.commands import train
from anime_gan.exports.read import find_export
from anime_gan.training import config, presets
from tests.noise_pictures import write_pictures
from tests.runs.test_loop import train_until_signal

ARGUMENTS = ["--preset=flagship-128", "--data=faces", "--batch_size=4", "--precision=float32"]


@pytest.fixture
def short_stages(monkeypatch) -> None:
    """Two steps at 64 pixels, then one at 128."""
    for name, steps in (("flagship", 2), ("flagship-128", 1)):
        preset = presets.PRESETS[name]
        options = {**preset.options, "steps": steps, "log_interval": 1, "penalty_interval": 1}
        monkeypatch.setitem(presets.PRESETS, name, dataclasses.replace(preset, options=options))


def test_each_stage_grows_from_the_one_before_and_can_be_resumed(tmp_path, short_stages, monkeypatch, capsys):
    write_pictures(tmp_path / "faces", 12, 128, channels=4)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "staged_losses.py").write_text(
        "from anime_gan.training.losses import ADVERSARIAL_LOSSES\nHINGE = ADVERSARIAL_LOSSES['hinge']\n"
    )
    code = "--adversarial_loss=staged_losses:HINGE"
    assert train_until_signal(*ARGUMENTS, code, step=1, number=signal.SIGTERM) == 128 + signal.SIGTERM
    resume = capsys.readouterr().err.split("To resume: ")[1].splitlines()[0]
    parent = Path("runs", "0001-flagship-128")
    assert resume == f"python train.py --resume --run_dir={parent} {code}"
    # Saved options may name code that somebody else wrote.
    assert train.main(["--resume"]) == 2
    assert f"imported only if the command names it: add {code}" in capsys.readouterr().err
    assert train.main(["--resume", code, "--steps=9"]) == 2
    assert "--steps cannot be combined with --resume of several stages" in capsys.readouterr().err

    assert train.main(shlex.split(resume)[2:]) == 0
    said = capsys.readouterr().out
    assert "stage 2 of 2: flagship-128" in said and "from 64 to 128 pixels" in said
    saved = json.loads((parent / "128" / "config.json").read_text())
    assert Path(saved["init_from"]).resolve() == (parent / "64" / "checkpoints" / "step-00000002").resolve()
    assert (saved["resolution"], saved["base_resolution"], saved["penalty_weight"]) == (128, 64, 4.0)
    export = find_export(parent)
    assert export == parent / "128" / "export" / "1"

    # Killed in the second stage, and resumed: the same model.
    weights = json.loads((export / "training.json").read_text())["weights_sha256"]
    first = (parent / "64" / "stats.jsonl").read_bytes()
    shutil.rmtree(parent / "128")
    assert train.main(["--resume", code]) == 0
    assert json.loads((export / "training.json").read_text())["weights_sha256"] == weights
    assert (parent / "64" / "stats.jsonl").read_bytes() == first


@pytest.mark.parametrize("option", ["--steps=3", "--resolution=64"])
def test_options_that_every_stage_decides_are_refused(option, tmp_path, capsys):
    assert train.main([*ARGUMENTS, option]) == 2
    name = option.partition("=")[0]
    assert f"{name} cannot be combined with --preset=flagship-128" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_chain_of_presets_doubles_the_resolution():
    assert presets.stages_of("flagship-256") == ["flagship", "flagship-128", "flagship-256"]
    sides = [config.resolve_config(name, {}).resolution for name in presets.stages_of("flagship-256")]
    np.testing.assert_array_equal(sides, [64, 128, 256])
