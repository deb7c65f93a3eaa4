"""`gs://` by TensorFlow, on an emulator behind a proxy."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from anime_gan.common.stores import open_store, walk
from anime_gan.datasets import build
from anime_gan.datasets.load import load_dataset
from anime_gan.exports.read import SMALLEST, find_export
from anime_gan.runs.mirror import Mirror
from anime_gan.runs.run_lock import RunError


def test_data_and_shards(gs, tmp_path, capsys):
    root = tmp_path / "faces"
    root.mkdir()
    for number in range(3):
        Image.new("RGB", (40, 40), (60 * number, 9, 9)).save(root / f"{number}.png")
    store = open_store(gs)
    for path in root.iterdir():
        store.upload(path, f"{gs}/faces/{path.name}")
    here, there = load_dataset(str(root), 0, 40, 0), load_dataset(f"{gs}/faces", 0, 40, 0)
    np.testing.assert_array_equal(there.images, here.images)
    assert build.main([f"{gs}/faces", f"{gs}/shards", "--resolution=40"]) == 0
    assert load_dataset(f"{gs}/shards", 0, 40, 0).checksum == here.checksum


def test_a_run_is_mirrored(gs, tmp_path, monkeypatch):
    here = Mirror.at(f"{gs}/run")
    here.check_is_free()
    (here.copy / "checkpoints" / "step").mkdir(parents=True)
    (here.copy / "config.json").write_text("{}")
    (here.copy / "checkpoints" / "step" / "state").write_bytes(b"\0\1" * 70_000)
    here.push()
    (here.copy / "config.json").write_text("{} ")
    here.push()
    with pytest.raises(RunError, match="is not empty"):
        here.check_is_free()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    there = Mirror.at(f"{gs}/run")
    assert there.pull()
    assert (there.copy / "config.json").read_text() == "{} "
    assert (there.copy / "checkpoints" / "step" / "state").read_bytes() == b"\0\1" * 70_000
    (there.copy / "checkpoints" / "step" / "state").unlink()
    there.push()
    names = [entry.name for entry in walk(open_store(gs), f"{gs}/run")]
    assert names == ["config.json", "mirror.json"]


def test_a_model(gs):
    (version,) = [folder for folder in SMALLEST.iterdir() if folder.is_dir()]
    store = open_store(gs)
    for name in ("training.json", "attributes.json", "saved_model.pb"):
        store.upload(version / name, f"{gs}/model/1/{name}")
    found = find_export(f"{gs}/model")
    assert (found / "saved_model.pb").read_bytes() == (version / "saved_model.pb").read_bytes()


def test_a_bucket_that_does_not_exist(gs):
    with pytest.raises(RunError, match="bucket does not exist"):
        Mirror.at("gs://none/run").check_is_free()
    with pytest.raises(OSError, match="404"):
        open_store(gs).upload(SMALLEST / "1" / "training.json", "gs://none/x")
