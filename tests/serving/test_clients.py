"""The clients in docs/serving, against a stand-in for TF Serving."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

CLIENTS = Path(__file__).parents[2] / "docs" / "serving"
# A number of JavaScript, a double, would become an even one.
LARGE_SEED = 2**53 + 1


def command(client: str) -> list[str]:
    """The command that starts a client; skips the test if its packages are missing."""
    if client.endswith(".py"):
        if client == "grpc_client.py":
            pytest.importorskip("tensorflow_serving.apis")
        return [sys.executable, str(CLIENTS / client)]
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    if client == "grpc_client.js" and not (CLIENTS / "node_modules/@grpc/grpc-js").is_dir():
        pytest.skip("needs `npm install` in docs/serving")
    return [node, str(CLIENTS / client)]


def run(client, server, folder, *words, **variables):
    address = server.grpc if client.startswith("grpc") else server.rest
    return subprocess.run(
        [*command(client), *words],
        cwd=folder,
        env={**os.environ, "SERVER": address, "no_proxy": "*", "TF_CPP_MIN_LOG_LEVEL": "3", **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


CLIENT_NAMES = ("rest_client.py", "grpc_client.py", "rest_client.js", "grpc_client.js")


@pytest.mark.parametrize("client", CLIENT_NAMES)
def test_a_bad_row_fails_alone_and_large_seeds_arrive(client, server, tmp_path):
    server.seeds.clear()
    words = ["blue hair, 微笑", str(LARGE_SEED), "blu hair", "8", "", "3"]
    done = run(client, server, tmp_path, *words)
    assert (done.returncode, done.stdout.split()) == (1, [f"{LARGE_SEED}.png", "3.png"]), done.stderr
    assert "seed 8: unknown attribute 'blu hair'; see attributes.json beside the model" in done.stderr
    assert server.seeds == [LARGE_SEED, 8, 3]
    expected = server.servables["sutemo-64"].model.signatures["png"](
        attributes=tf.constant(["blue hair, smile", "red hair", ""]),
        seed=tf.constant([LARGE_SEED, 8, 3], tf.int64),
        truncation=tf.ones([3]),
    )["png_bytes"]
    for name, row in ((LARGE_SEED, 0), (3, 2)):
        drawn, right = (
            tf.io.decode_png(data) for data in ((tmp_path / f"{name}.png").read_bytes(), expected[row])
        )
        assert drawn.shape == (64, 64, 3)
        assert abs(drawn.numpy().astype(int) - right.numpy()).max() <= 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["3.png", f"{LARGE_SEED}.png"])


@pytest.mark.parametrize("client", CLIENT_NAMES)
def test_an_unknown_model_is_one_line(client, server, tmp_path):
    done = run(client, server, tmp_path, "", "1", MODEL="elsewhere")
    assert (done.returncode, done.stdout) == (1, "")
    # TensorFlow, which one client imports, prints lines of its own before.
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last == "Servable not found for request: Specific(elsewhere, stable)"


@pytest.mark.parametrize("client", CLIENT_NAMES)
def test_a_single_face(client, server, tmp_path):
    # Over gRPC, the truncation is left out.
    done = run(client, server, tmp_path, "red hair", "5")
    assert (done.returncode, done.stdout) == (0, "5.png\n"), done.stderr
