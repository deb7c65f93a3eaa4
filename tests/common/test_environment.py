"""The environment of the product: a user's Keras settings change nothing."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

REPOSITORY = Path(__file__).parents[2]
# Each of these settings stops Keras from being imported, or changes what the networks compute.
HOSTILE = {"backend": "torch", "floatx": "float16", "epsilon": 0.1, "image_data_format": "channels_first"}
DRAW = ["generate.py", "--seeds=0-1", "--attrs=blue hair"]
TRAIN = [
    "train.py",
    "--preset=published",
    "--data=pictures",
    "--batch_size=4",
    "--steps=2",
    "--penalty_interval=1",
    "--log_interval=1",
]


def run(home: Path, *arguments: str, **variables: str) -> str:
    """Runs Python on a user's machine whose home directory is `home`; returns what was printed."""
    (home / ".keras").mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KERAS")}
    # `expanduser` takes USERPROFILE on Windows.
    own = {"HOME": str(home), "USERPROFILE": str(home), "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=home,
        env={**kept, **own, **variables},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def hostile_home(folder: Path) -> Path:
    home = folder / "hostile"
    (home / ".keras").mkdir(parents=True)
    (home / ".keras" / "keras.json").write_text(json.dumps(HOSTILE), "utf-8")
    return home


def drawn_and_trained(home: Path, **variables: str) -> tuple[list[str], list[dict[str, float]]]:
    """Digests of two faces, and the numbers of two training steps."""
    (home / "pictures").mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for number in range(8):
        pixels = random.integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(home / "pictures" / f"{number}.png")
    run(home, str(REPOSITORY / DRAW[0]), *DRAW[1:], "--out=faces", **variables)
    run(home, str(REPOSITORY / TRAIN[0]), *TRAIN[1:], "--run_dir=run", **variables)
    faces = [hashlib.sha256(face.read_bytes()).hexdigest() for face in sorted((home / "faces").glob("*.png"))]
    stats = [json.loads(line) for line in (home / "run" / "stats.jsonl").read_text("utf-8").splitlines()]
    return faces, [{name: value for name, value in row.items() if "second" not in name} for row in stats]


def test_keras_settings_of_the_user_change_nothing(tmp_path: Path):
    faces, stats = drawn_and_trained(tmp_path / "plain")
    assert len(faces) == 2
    assert [row["step"] for row in stats] == [1, 2]
    assert drawn_and_trained(hostile_home(tmp_path), KERAS_BACKEND="jax") == (faces, stats)


@pytest.mark.parametrize(
    "module, variables",
    [("attributes.label_sampler", {}), ("models.published", {"KERAS_BACKEND": "jax"})],
)
def test_modules_that_a_program_imports_ignore_the_users_keras_settings(
    tmp_path: Path, module: str, variables: dict[str, str]
):
    code = f"""
import anime_gan.{module}, keras
layer = keras.layers.Conv2D(1, 3)
print(keras.config.backend(), layer.compute_dtype, layer.data_format, keras.config.epsilon())
"""
    printed = run(hostile_home(tmp_path), "-c", code, **variables)
    assert printed.split() == ["tensorflow", "float32", "channels_last", "1e-07"]


def test_keras_that_runs_on_another_backend_is_an_error_that_says_what_to_do(tmp_path: Path):
    code = """
import keras
keras.config.backend = lambda: "torch"  # Neither Torch nor JAX is installed here.
try:
    import anime_gan.models.published
except ImportError as error:
    print(error)
"""
    printed = run(tmp_path, "-c", code)
    assert "uses torch" in printed
    assert "KERAS_BACKEND=tensorflow" in printed


def test_importing_the_package_changes_nothing(tmp_path: Path):
    code = """
import os, sys
before = dict(os.environ), set(sys.modules)
import anime_gan
assert dict(os.environ) == before[0]
print(*sorted(set(sys.modules) - before[1]))
"""
    assert run(tmp_path, "-c", code).split() == ["anime_gan"]
