"""Folders whose names TensorFlow takes for patterns, or cannot read."""

from __future__ import annotations

import os

import numpy as np
import pytest
import tensorflow as tf

from anime_gan.common.plain_paths import readable
from anime_gan.runs.run_directory import RunDirectory, RunError, run_label

NAMES = ["plain", "faces[1]", "back\\slash", "what?*", "{a,b}", "蓝", os.fsdecode(b"\x83\x65\x83")]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_checkpoint_is_read(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    value = tf.Variable([1.0, 2.0])
    tf.train.Checkpoint(value=value).write(str(tmp_path / "state"))
    for file in tmp_path.glob("state*"):
        file.rename(folder / file.name)
    value.assign([0.0, 0.0])
    with readable(folder) as plain:
        tf.train.Checkpoint(value=value).read(str(plain / "state")).assert_consumed()
        assert (plain == folder) == (name in ("plain", "蓝"))
    np.testing.assert_array_equal(value, [1, 2])
    assert not plain.is_symlink() and folder.is_dir()


def test_a_run_cannot_be_in_a_folder_that_tensorflow_cannot_write_to(tmp_path):
    with pytest.raises(RunError, match="run_dir='r.udc83': the name is not valid UTF-8"):
        RunDirectory.check_is_free(tmp_path.relative_to(tmp_path) / os.fsdecode(b"r\x83"))


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("drawn-published", "drawn-published"),
        ("faces[1]-compact", "faces-1-compact"),
        ("module:NAME-compact", "module-NAME-compact"),
        ("back\\slash", "back-slash"),
        ("\\udc83テ-compact", "udc83テ-compact"),
        ("[x]*?", "x"),
        ("x" * 300, "x" * 60),
    ],
)
def test_default_names_of_runs(name, label):
    assert run_label(name) == label
