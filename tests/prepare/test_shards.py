"""Shards of the work give the same dataset as one run, also where a near-duplicate is in another shard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2")

from test_extraction import NOTHING, OPTIONS, TABLE, BlackMarks, contents, draw_picture, prepare, save

from anime_gan.common.errors import InputError
from anime_gan.common.shards import Shard, parse_shard
from anime_gan.prepare.extraction import FaceExtraction
from anime_gan.prepare.results import write_results


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Six pictures; the fifth is a copy of the first, and the fourth a brighter second one."""
    folder = tmp_path / "source"
    for number in range(4):
        save(folder, f"{number}.png", draw_picture((number, 100), (number + 10, 300)))
    bright = draw_picture((1, 100), (11, 300)).astype(int)
    # The marks of the faces stay as they are.
    bright[(bright > 0) & (bright < 255)] += 1
    save(folder, "3.png", bright.astype(np.uint8))
    (folder / "4.png").write_bytes((folder / "0.png").read_bytes())
    save(folder, "5.png", np.full((200, 300, 3), 90, np.uint8))
    return folder


def run(source: Path, destination: Path, shard: Shard | None = None) -> FaceExtraction:
    extraction = FaceExtraction(
        str(source), destination, OPTIONS, BlackMarks(), TABLE, TABLE.attributes, shard=shard
    )
    extraction.run()
    return extraction


@pytest.mark.parametrize("total", [1, 2, 3, 8])
def test_joined_shards_are_what_one_run_makes(source, tmp_path, total):
    prepare(source, tmp_path / "whole")
    # In another order than that of the pictures.
    for number in reversed(range(total)):
        run(source, tmp_path / "joined", Shard(number, total))
    joined = run(source, tmp_path / "joined")
    write_results(source, tmp_path / "joined", joined.journal, NOTHING, TABLE.attributes)

    expected = contents(tmp_path / "whole")
    assert contents(tmp_path / "joined") == expected
    assert sum(name.startswith("faces/") for name in expected) == 6
    reasons = expected["rejected.csv"].decode()
    assert "near-duplicate: of faces/1-png-1.png" in reasons and "exact copy: of 0.png" in reasons
    whole = run(source, tmp_path / "whole")
    assert list(joined.journal.records()) == list(whole.journal.records())
    # Nothing is left of the shards, and the pictures are not read again.
    assert [path.name for path in (tmp_path / "joined/.prepare").iterdir()] == ["journal.jsonl"]


def test_pictures_are_not_read_again_to_join_them(source, tmp_path):
    for number in range(2):
        run(source, tmp_path / "out", Shard(number, 2))
    detector = BlackMarks()
    extraction = FaceExtraction(str(source), tmp_path / "out", OPTIONS, detector, TABLE, TABLE.attributes)
    extraction.run()
    assert detector.looked == 0
    assert len(extraction.journal) == 6


def test_a_missing_or_unfinished_shard_is_named(source, tmp_path):
    run(source, tmp_path / "out", Shard(1, 2))
    with pytest.raises(ValueError, match="shard 0/2 is missing; run it with --shard=0/2"):
        run(source, tmp_path / "out")
    unfinished = run(source, tmp_path / "out", Shard(0, 2))
    unfinished.journal.truncate(1)
    with pytest.raises(ValueError, match="shard 0/2 is not finished"):
        run(source, tmp_path / "out")
    # A shard that is run again goes on, and then all is joined.
    assert len(run(source, tmp_path / "out", Shard(0, 2)).journal) == 3
    assert len(run(source, tmp_path / "out").journal) == 6


def test_shards_of_different_numbers_are_refused(source, tmp_path):
    for shard in (Shard(0, 2), Shard(1, 3)):
        run(source, tmp_path / "out", shard)
    with pytest.raises(ValueError, match="2 shards and 3 shards"):
        run(source, tmp_path / "out")


def test_a_picture_that_has_changed_since_is_named(source, tmp_path):
    for number in range(2):
        run(source, tmp_path / "out", Shard(number, 2))
    Image.fromarray(draw_picture((7, 100))).save(source / "3.png")
    with pytest.raises(ValueError, match=r"3\.png has changed; run all shards again, such as --shard=1/2"):
        run(source, tmp_path / "out")


def test_shards_are_read_from_text():
    assert parse_shard("3/64") == Shard(3, 64)
    assert parse_shard("") is None
    for wrong in ("4/4", "1", "-1/4", "a/b", "1/0"):
        with pytest.raises(InputError, match="such as 0/4 to 3/4"):
            parse_shard(wrong)
