"""Listing and reading of local files and of files on file systems of TensorFlow."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from anime_gan.common.stores import is_remote
from anime_gan.datasets.reading.storage import is_folder, list_files, read_file


def write(path: Path, content: bytes = b"x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def listed(root: str | Path) -> tuple[list[str], list[tuple[str, str]]]:
    skipped: list[tuple[str, str]] = []
    return [file.name for file in list_files(str(root), skipped)], skipped


def test_all_sub_folders_in_a_fixed_order(tmp_path):
    for name in ("b.png", "a.png", "z/2.png", "z/10.png", "m/deep/er/x.png", "Z.png", ".hidden", ".git/x"):
        write(tmp_path / name)
    for folder in ("__MACOSX", "@eaDir", "m/@eaDir/b.png", "$RECYCLE.BIN", "System Volume Information"):
        write(tmp_path / folder / "a.png")
    names = ["Z.png", "a.png", "b.png", "m/deep/er/x.png", "z/10.png", "z/2.png"]
    assert listed(tmp_path) == (names, [])
    assert listed(f"{tmp_path}/") == (names, [])


def test_size_and_stamp_tell_of_a_change(tmp_path):
    write(tmp_path / "a.png", b"12345")
    (before,) = list_files(str(tmp_path), [])
    status = (tmp_path / "a.png").stat()
    assert before.size == 5
    assert before.stamp == (status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    # Other content with the same size and modification time.
    write(tmp_path / "new.png", b"54321")
    os.utime(tmp_path / "new.png", ns=(status.st_mtime_ns, status.st_mtime_ns))
    os.replace(tmp_path / "new.png", tmp_path / "a.png")
    (after,) = list_files(str(tmp_path), [])
    assert after.stamp != before.stamp


def test_links_to_files_and_folders_are_followed(tmp_path):
    write(tmp_path / "outside/c.png", b"123")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/link.png").symlink_to("../outside/c.png")
    (tmp_path / "root/folder").symlink_to("../outside")
    files = list(list_files(str(tmp_path / "root"), []))
    assert [(file.name, file.size) for file in files] == [("link.png", 3), ("folder/c.png", 3)]


def test_no_folder_is_entered_twice(tmp_path):
    write(tmp_path / "sub/real/a.png")
    (tmp_path / "sub/up").symlink_to("..")
    (tmp_path / "sub/itself").symlink_to("itself")
    # Sorted before "sub", but only a link to a folder inside the root.
    (tmp_path / "alias").symlink_to("sub/real")
    names, skipped = listed(tmp_path)
    assert names == ["sub/real/a.png"]
    assert sorted(skipped) == [
        ("alias", "folder already listed"),
        ("sub/itself", "symlink loop"),
        ("sub/up", "symlink loop"),
    ]


def test_what_is_no_file_is_told_and_not_opened(tmp_path):
    write(tmp_path / "a.png")
    (tmp_path / "broken.png").symlink_to("gone.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    assert listed(tmp_path) == (
        ["a.png"],
        [
            ("broken.png", "broken link"),
            ("pipe.png", "not a regular file"),
            ("zero.png", "not a regular file"),
        ],
    )
    # Opening a pipe without a writer, or reading all of /dev/zero, would never end.
    for name in ("pipe.png", "zero.png"):
        with pytest.raises(OSError, match="^not a regular file$"):
            read_file(str(tmp_path), name)


def test_a_forbidden_folder_does_not_end_the_listing(tmp_path, monkeypatch):
    write(tmp_path / "a/1.png")
    write(tmp_path / "b/2.png")
    listdir = os.listdir

    def forbidding(path):
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied", path)
        return listdir(path)

    monkeypatch.setattr(os, "listdir", forbidding)
    assert listed(tmp_path) == (["b/2.png"], [("a", "permission denied")])


def test_names_that_are_not_utf8(tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    write(tmp_path / name, b"abc")
    assert listed(tmp_path) == ([name], [])
    assert read_file(str(tmp_path), name) == b"abc"


def test_reading_whole_files_and_beginnings(tmp_path):
    write(tmp_path / "sub/a.png", b"0123456789")
    assert read_file(str(tmp_path), "sub/a.png") == b"0123456789"
    assert read_file(str(tmp_path), "sub/a.png", 4) == b"0123"
    assert read_file(str(tmp_path), "sub/a.png", 100) == b"0123456789"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone.png", "no such file or directory"),
        ("sub", "not a regular file"),
        (
            "nul\0.png",
            "embedded null byte|stat: embedded null character in path",
        ),  # Python 3.13 has the second text.
        ("x" * 300, "file name too long"),
    ],
)
def test_unreadable_files_say_why_in_one_line(tmp_path, name, said):
    (tmp_path / "sub").mkdir()
    with pytest.raises(OSError) as error:
        read_file(str(tmp_path), name)
    assert re.fullmatch(said, str(error.value))


def test_a_root_that_is_not_there(tmp_path):
    assert not is_folder(str(tmp_path / "gone"))
    assert is_folder(str(tmp_path))
    with pytest.raises(OSError, match="No such file"):
        listed(tmp_path / "gone")


@pytest.fixture
def bucket(tmp_path) -> str:
    import tensorflow as tf

    # TensorFlow's in-memory file system lives as long as the process, so each test uses its own folder.
    root = f"ram://{tmp_path.name}"
    for name, content in (
        ("b.png", b"0123"),
        ("sub/deep/a.png", b"56"),
        (".hidden/x.png", b""),
        ("__MACOSX/b.png", b""),
    ):
        tf.io.gfile.makedirs(os.path.dirname(f"{root}/{name}"))
        with tf.io.gfile.GFile(f"{root}/{name}", "wb") as stream:
            stream.write(content)
    return root


def test_remote_folders(bucket):
    assert is_remote(bucket)
    assert not is_remote("/data/faces")
    assert is_folder(bucket)
    assert not is_folder(bucket + "-gone")
    for root in (bucket, bucket + "/"):
        files = list(list_files(root, []))
        assert [(file.name, file.size) for file in files] == [("b.png", 4), ("sub/deep/a.png", 2)]
        assert all(len(file.stamp) == 1 for file in files)


def test_remote_files(bucket):
    assert read_file(bucket, "b.png") == b"0123"
    assert read_file(bucket + "/", "sub/deep/a.png", 1) == b"5"


def test_remote_failures_are_os_errors_in_one_line(bucket):
    for root, name in ((bucket, "gone.png"), ("nosuchscheme://x", "a.png")):
        with pytest.raises(OSError) as error:
            read_file(root, name)
        assert str(error.value)
        assert "\n" not in str(error.value)
    with pytest.raises(OSError, match="nosuchscheme"):
        listed("nosuchscheme://x")


def test_a_remote_folder_that_cannot_be_listed(bucket, monkeypatch):
    import tensorflow as tf

    listdir = tf.io.gfile.listdir

    def forbidding(path):
        if path.endswith("sub"):
            raise tf.errors.PermissionDeniedError(None, None, "403: not\nyours")
        return listdir(path)

    monkeypatch.setattr(tf.io.gfile, "listdir", forbidding)
    assert listed(bucket) == (["b.png"], [("sub", "403: not yours")])


def test_local_folders_need_no_tensorflow(tmp_path):
    write(tmp_path / "a.png")
    code = (
        "import sys; from anime_gan.datasets.folder import label_table, tags;"
        "from anime_gan.datasets.reading import storage;"
        f"names = [file.name for file in storage.list_files({str(tmp_path)!r}, [])];"
        "tags.TagTable.load(); label_table.read_label_table(b'file,smile\\na.png,1\\n');"
        "print(names, 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['a.png'] False\n"
