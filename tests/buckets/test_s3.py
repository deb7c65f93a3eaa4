"""`s3://` as data, as a destination, as a run directory, and as a model, on moto's server."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anime_gan.commands import generate, train
from anime_gan.common.stores import S3Store, open_store, walk
from anime_gan.datasets import build
from anime_gan.datasets.load import load_dataset
from anime_gan.exports.read import SMALLEST, find_export

# Small networks would still be compiled; most of the time goes there.
OPTIONS = [
    "--preset=published",
    "--batch_size=2",
    "--precision=float32",
    "--test_every=0",
    "--log_interval=1",
    "--sample_interval=100",
    "--checkpoint_interval=1",
]


@pytest.fixture
def faces(tmp_path) -> str:
    root = tmp_path / "faces"
    (root / "more").mkdir(parents=True)
    for number in range(4):
        folder = root / "more" if number == 3 else root
        Image.new("RGB", (64, 64), (60 * number, 9, 9)).save(folder / f"{number}.png")
    (root / "labels.csv").write_text("filename,smile\n0.png,1\n1.png,0\n2.png,1\nmore/3.png,0\n")
    return str(root)


def upload(folder, url: str) -> None:
    store = open_store(url)
    for path in folder.rglob("*"):
        if path.is_file():
            store.upload(path, f"{url}/{path.relative_to(folder).as_posix()}")


def the_line(capsys) -> str:
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if not line.startswith("note: ")]
    return lines[-1]


def test_a_store_lists_reads_and_removes(s3, tmp_path):
    store = open_store(s3)
    file = tmp_path / "a"
    file.write_bytes(b"0123456789")
    for name in ("list/b.png", "list/sub/c.png"):
        store.upload(file, f"{s3}/{name}")
    file, folder = store.entries(f"{s3}/list")
    assert (file.name, file.is_folder, file.size) == ("b.png", False, 10)
    assert (folder.name, folder.is_folder) == ("sub", True)
    assert [entry.name for entry in walk(store, f"{s3}/list")] == ["b.png", "sub/c.png"]
    assert store.read(f"{s3}/list/b.png") == b"0123456789"
    assert [store.read(f"{s3}/list/b.png", limit) for limit in (4, 0)] == [b"0123", b""]
    store.download(f"{s3}/list/sub/c.png", tmp_path / "new" / "c")
    assert (tmp_path / "new" / "c").read_bytes() == b"0123456789"
    # The same size within the same second is another stamp.
    (tmp_path / "a").write_bytes(b"9876543210")
    store.upload(tmp_path / "a", f"{s3}/list/b.png")
    assert store.entries(f"{s3}/list")[0].stamp != file.stamp
    store.remove(f"{s3}/list/b.png")
    assert [entry.name for entry in store.entries(f"{s3}/list")] == ["sub"]
    assert store.is_folder(s3) and store.is_folder(f"{s3}/list")
    assert not store.is_folder(f"{s3}/none") and not store.is_folder("s3://none")
    for call in (store.entries, store.read):
        with pytest.raises(FileNotFoundError):
            call(f"{s3}/none")


def test_pictures_and_shards_are_read_as_local_ones(s3, tmp_path, faces, capsys):
    upload(tmp_path / "faces", f"{s3}/faces")
    here, there = load_dataset(faces, 0, 64, 0), load_dataset(f"{s3}/faces", 0, 64, 0)
    np.testing.assert_array_equal(there.images, here.images)
    np.testing.assert_array_equal(there.labels, here.labels)
    for _ in range(2):
        assert build.main([f"{s3}/faces", f"{s3}/shards/"]) == 0
    assert capsys.readouterr().out == f"4 images in 1 shards: {s3}/shards/\n" * 2
    assert load_dataset(f"{s3}/shards", 0, 64, 0).checksum == here.checksum
    assert build.main([faces, f"{s3}/faces"]) == 2
    assert "contains other files" in the_line(capsys)


def test_a_run_survives_a_cut_connection_and_goes_on_on_another_machine(
    s3, tmp_path, faces, capsys, monkeypatch
):
    place = f"--run_dir={s3}/run"
    upload = S3Store.upload

    def cut(self: S3Store, path: Path, url: str) -> None:
        # From the first checkpoint on.
        if "checkpoints" in url:
            raise OSError("the connection was cut")
        upload(self, path, url)

    with monkeypatch.context() as patch:
        patch.setattr(S3Store, "upload", cut)
        assert train.main([f"--data={faces}", place, "--steps=2", *OPTIONS]) == 2
    reason = "cannot be written to (the connection was cut); the run is kept in "
    assert the_line(capsys).startswith(f"train.py: {place}: {reason}")
    assert train.main(["--resume", place]) == 0
    assert "complete at step 2" in capsys.readouterr().out
    assert train.main([f"--data={faces}", place, "--steps=2", *OPTIONS]) == 2
    assert the_line(capsys).startswith(f"train.py: {place}: is not empty;")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache_of_another_machine"))
    assert train.main(["--resume", place, "--steps=3"]) == 0
    names = [entry.name for entry in walk(open_store(s3), f"{s3}/run")]
    assert "export/3/saved_model.pb" in names
    # The last two checkpoints are kept, in the store as well.
    assert {name.split("/")[1] for name in names if name.startswith("checkpoints/")} == {
        "step-00000002",
        "step-00000003",
    }
    statistics = open_store(s3).read(f"{s3}/run/stats.jsonl").decode().splitlines()
    assert len(statistics) == 3
    capsys.readouterr()
    assert train.main(["--start_or_resume", place]) == 0
    assert "complete at step 3" in capsys.readouterr().out

    assert find_export(f"{s3}/run").name == "3"
    assert generate.main([f"--model={s3}/run", "--num=1", "--out=face.png"]) == 0
    assert Image.open("face.png").size == (64, 64)


def test_a_model_in_a_bucket(s3, tmp_path, capsys):
    (version,) = [folder for folder in SMALLEST.iterdir() if folder.is_dir()]
    upload(version, f"{s3}/models/sutemo/1")
    for place in ("models/sutemo", "models/sutemo/1"):
        found = find_export(f"{s3}/{place}")
        assert (found / "training.json").read_bytes() == (version / "training.json").read_bytes()
    # An export whose upload was cut off has no graph yet.
    open_store(s3).upload(version / "training.json", f"{s3}/models/sutemo/2/training.json")
    assert find_export(f"{s3}/models/sutemo").name == "1"
    assert generate.main([f"--model={s3}/models/sutemo/2", "--num=1"]) == 2
    assert the_line(capsys) == "generate.py: --model=s3://bucket/models/sutemo/2: no exported model found"


@pytest.mark.parametrize("bucket", ["s3://none", "s3://bucket"])
def test_what_cannot_be_used_is_one_line(s3, faces, capsys, monkeypatch, bucket):
    if bucket == "s3://bucket":
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
        monkeypatch.setenv("AWS_CONFIG_FILE", "none")
        from anime_gan.datasets.reading import storage

        storage._store_of.cache_clear()
    for main, arguments, said in (
        (train.main, [f"--data={faces}", f"--run_dir={bucket}/new", *OPTIONS], f"--run_dir={bucket}/new: "),
        (train.main, ["--resume", f"--run_dir={bucket}/new"], f"--run_dir={bucket}/new: "),
        (train.main, [f"--data={bucket}/new"], f"--data={bucket}/new: "),
        (generate.main, [f"--model={bucket}/new"], f"--model={bucket}/new: "),
        (build.main, [faces, f"{bucket}/new"], f"{bucket}/new: cannot be written"),
    ):
        assert main(arguments) == 2
        assert said in the_line(capsys)


def test_a_package_that_is_missing_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    assert generate.main(["--model=s3://bucket/model"]) == 2
    error = capsys.readouterr().err
    assert 'pip install "anime_gan[s3]"' in error and error.count("\n") == 1
