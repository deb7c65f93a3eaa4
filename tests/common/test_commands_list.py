"""`python -m anime_gan`, and the help of every command that it lists."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from anime_gan.__main__ import COMMANDS

REPOSITORY = Path(__file__).parents[2]


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=REPOSITORY, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_list_names_every_command():
    listed = run("-m", "anime_gan")
    commands = {
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__main__")
        for path in REPOSITORY.glob("anime_gan/**/*.py")
        if '__name__ == "__main__"' in path.read_text("utf-8")
    }
    # The list itself, second names of commands, and programs that the benchmark starts as its own processes.
    commands -= {"anime_gan", "anime_gan.exports.pack", "anime_gan.faces.sampled", "anime_gan.judges"}
    commands -= {name for name in commands if name.startswith("anime_gan.benchmark.")}
    assert {line.split()[2] for line in listed.splitlines() if "python -m" in line} == commands


def test_the_list_imports_nothing_heavy():
    code = """
import sys
from anime_gan.__main__ import main
main(["--version"])
print({"numpy", "PIL", "tensorflow", "keras"} & set(sys.modules))
"""
    assert run("-c", code).splitlines()[1] == "set()"


@pytest.mark.parametrize("module", COMMANDS)
def test_help(module: str):
    assert "--version: show the version" in run("-m", module, "--help")


def test_an_option_that_is_given_twice_is_refused(capsys):
    from anime_gan.commands import train

    assert train.main(["--preset=tune", "--preset=hour"]) == 2
    assert capsys.readouterr().err == "train.py: --preset: was given 2 times; give it once\n"
