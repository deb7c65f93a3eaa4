"""Paths with `~`, and the folders that the environment names."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

import pytest
from absl import flags as absl_flags
from filelock import FileLock

from anime_gan.commands import train
from anime_gan.common.command_line import Flags, PathParser, run_command
from anime_gan.common.errors import InputError
from anime_gan.common.locks import locked_if_possible
from anime_gan.common.user_paths import expand_user, user_folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return folder


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("~", "{home}"),
        ("~/made", "{home}/made"),
        ("sutemo:~/art", "sutemo:{home}/art"),
        ("sutemo-white:~/art", "sutemo-white:{home}/art"),
        ("a/~/b", "a/~/b"),
        ("~backup.png", "~backup.png"),
        ("./~/made", "./~/made"),
        ("gs://bucket/~x", "gs://bucket/~x"),
        ("module:NAME", "module:NAME"),
        ("drawn", "drawn"),
        ("", ""),
    ],
)
def test_a_tilde_is_the_home_folder(home, given, read):
    assert expand_user(given) == read.format(home=home)


def test_an_unknown_home_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="there is no user nobody-here; write the whole path"):
        expand_user("~nobody-here/made")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(InputError, match="HOME is not set"):
        expand_user("~/made")
    (tmp_path / "~").mkdir()
    assert expand_user("~/made") == "~/made"


def test_every_command_expands_its_path_flags(home):
    values = absl_flags.FlagValues()
    train._define_flags(values)
    values(["train.py", "--data=~/faces", "--run_dir=~/r", "--init_from", "~/old", "--hold_out=~x"])
    assert [values[name].value for name in ("data", "run_dir", "init_from", "hold_out")] == [
        f"{home}/faces",
        f"{home}/r",
        f"{home}/old",
        "~x",
    ]
    flags, seen = Flags(), []
    flags.path("out", "~/by default", "folder")
    status = run_command("x", "", flags, lambda *rest: seen.append(rest) or 0, ["~/a", "b"], ("A", "B"))
    assert (status, seen, flags.out) == (0, [(f"{home}/a", "b")], f"{home}/by default")


def test_every_flag_whose_help_names_a_path_is_one(monkeypatch):
    """The flags of the commands that can be read without extras."""
    import anime_gan.commands.generate as generate
    import anime_gan.exports.pack as pack
    import anime_gan.faces.sampled as sampled

    for module in (generate, pack, sampled):
        found = []
        monkeypatch.setattr(
            module, "run_command", lambda name, text, flags, *rest, found=found: found.append(flags)
        )
        module.main([])
        parsers = {name: flag.parser for name, flag in found[0]._flags().items()}
        for name in {"model", "out", "data", "project", "like"} & parsers.keys():
            assert isinstance(parsers[name], PathParser), (module, name)


def test_user_folders(home, tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert user_folder("XDG_CACHE_HOME", ".cache") == home / ".cache"
    monkeypatch.setenv("XDG_CACHE_HOME", "~/c")
    assert user_folder("XDG_CACHE_HOME", ".cache") == home / "c"
    (home / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", "~/file/c")
    with pytest.raises(InputError, match="XDG_CACHE_HOME=~/file/c: the folder cannot be created"):
        user_folder("XDG_CACHE_HOME", ".cache")


def test_without_a_home_folder_the_cache_is_private_and_temporary(home, tmp_path, monkeypatch):
    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", unknown)
    folder = user_folder("XDG_CACHE_HOME", ".cache")
    assert folder.parent == tmp_path / "temporary"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    # A home folder that is a file, or that cannot be written to, is none.
    monkeypatch.setattr(Path, "home", lambda: home / "file")
    (home / "file").touch()
    assert user_folder("XDG_CACHE_HOME", ".cache") == folder
    folder.rmdir()
    folder.symlink_to(home)
    with pytest.raises(InputError, match="belongs to another user; set XDG_CACHE_HOME to a folder"):
        user_folder("XDG_CACHE_HOME", ".cache")


@pytest.mark.parametrize(
    "error", [NotImplementedError(), *(OSError(number, "") for number in (37, 38, 95, errno.ENOLCK))]
)
def test_a_file_system_without_locks_is_used_without(tmp_path, monkeypatch, error):
    def fail(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(FileLock, "acquire", fail)
    with locked_if_possible(tmp_path / "x.lock"):
        pass


def test_other_errors_of_a_lock_are_reported(tmp_path, monkeypatch):
    def fail(*args: object, **options: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(FileLock, "acquire", fail)
    with pytest.raises(OSError, match="Read-only"), locked_if_possible(tmp_path / "x.lock"):
        pass
