"""Standard output and error that cannot show everything, that are closed, or that nobody reads."""

from __future__ import annotations

import subprocess
import sys

import pytest

COMMAND = """
import sys
from anime_gan.common.command_line import Flags, run_command
flags = Flags()
flags.text("word", "", "a word")
def command():
    {body}
    return 0
sys.exit(run_command("x", "", flags, command, sys.argv[1:]))
"""


def run(body: str, *arguments: str, **options) -> subprocess.CompletedProcess:
    code = COMMAND.format(body=body)
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, **options)


def test_a_western_console(monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    done = run("print('蓝发 é'); raise ValueError('青髪')")
    assert (done.returncode, done.stdout.strip(), done.stderr.strip()) == (
        2,
        "\\u84dd\\u53d1 é".encode("cp1252"),
        b"x: \\u9752\\u9aea",
    )


def test_nobody_reads_the_output():
    code = COMMAND.format(body="[print('x' * 100) for _ in range(10_000)]")
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_a_pipe_of_the_commands_own_is_reported():
    done = run("raise BrokenPipeError(32, 'Broken pipe')")
    assert (done.returncode, done.stderr.strip()) == (2, b"x: [Errno 32] Broken pipe")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of Unix")
def test_no_standard_error():
    code = COMMAND.format(
        body="from anime_gan.common.quiet import _held_back_stderr as h\n    with h(): print(1)"
    )
    done = subprocess.run(["sh", "-c", '"$0" -c "$1" 2>&-', sys.executable, code], stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (0, b"1\n")


def test_a_long_input_is_not_echoed_whole():
    done = run("raise ValueError(flags.word + ': no such word')", "--word=" + "y" * 20_000)
    assert done.returncode == 2
    assert len(done.stderr) < 1_100
    assert done.stderr.strip().endswith(b"yyy: no such word")


def test_without_a_folder_for_temporary_files(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    body = "import tempfile; tempfile._candidate_tempdir_list = lambda: ['/proc/none']\n"
    body += "    from anime_gan.common.quiet import _held_back_stderr as h\n    with h(): print(1)"
    assert run(body).stdout.strip() == b"1"
