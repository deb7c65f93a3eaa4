"""The supervisor and the manifest of docs/many_machines."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from absl import flags

from anime_gan.commands import train

FOLDER = Path(__file__).parents[2] / "docs" / "many_machines"
# Takes the next status from a file, and notes its options in another one.
PYTHON = """#!/bin/sh
echo "$@" >> "$FOLDER/calls"
status=$(head -n 1 "$FOLDER/statuses")
sed -i 1d "$FOLDER/statuses"
exit "$status"
"""


@pytest.mark.parametrize(
    ("statuses", "starts", "end"),
    [
        ([0], 1, 0),
        ([75, 137, 143, 75, 0], 5, 0),
        ([75, 2, 0], 2, 2),
        ([1, 0], 1, 1),
        ([130, 0], 1, 130),
    ],
)
def test_the_supervisor_starts_again_what_asks_for_it(statuses, starts, end, tmp_path):
    if shutil.which("sh") is None or os.name == "nt":
        pytest.skip("needs a POSIX shell")
    fake = tmp_path / "python"
    fake.write_text(PYTHON)
    fake.chmod(0o755)
    (tmp_path / "statuses").write_text("".join(f"{status}\n" for status in statuses))
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "FOLDER": str(tmp_path), "PAUSE_SECONDS": "0"}
    done = subprocess.run(["sh", FOLDER / "supervise.sh", "--run_dir=a b", "--worker=0"], env=environment)
    assert done.returncode == end
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == ["train.py --start_or_resume --run_dir=a b --worker=0"] * starts


def test_the_manifest_starts_as_many_workers_as_it_names():
    service, job = yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text("utf-8"))
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    command = pod["containers"][0]["args"][0]
    name = job["metadata"]["name"]
    assert service["metadata"]["name"] == pod["subdomain"] == name
    assert service["spec"]["selector"] == {"job-name": name}
    port = pod["containers"][0]["ports"][0]["containerPort"]
    expected = ",".join(f"{name}-{number}.{name}:{port}" for number in range(spec["completions"]))
    assert f"--workers={expected} " in command
    assert spec["completions"] == spec["parallelism"]
    # The shell is replaced, so that signals reach the program.
    assert command.startswith("exec python train.py ")
    known = flags.FlagValues()
    train._define_flags(known)
    assert {option for option in re.findall(r"--(\w+)", command)} <= set(known)


def test_the_manifest_knows_what_each_status_means():
    _, job = yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text("utf-8"))
    actions = {
        value: rule["action"]
        for rule in job["spec"]["podFailurePolicy"]["rules"]
        for value in rule.get("onExitCodes", {}).get("values", [])
    }
    assert actions == {1: "FailJob", 2: "FailJob", 75: "Ignore", 137: "Ignore", 143: "Ignore"}
