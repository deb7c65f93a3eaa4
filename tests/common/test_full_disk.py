"""The error about a full disk names the path and the way out."""

from __future__ import annotations

import errno

import pytest

from anime_gan.common.files import naming, written_whole


def test_the_path_is_named(tmp_path):
    with (
        pytest.raises(OSError, match="No space left on device: '.*a.png'"),
        written_whole(tmp_path / "a.png"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_advice_and_other_errors(tmp_path):
    with pytest.raises(OSError, match="full; set X: '.*cache'"), naming(tmp_path / "cache", "set X"):
        raise OSError(errno.ENOSPC, "full")
    with pytest.raises(OSError, match=r"^\[Errno 13\] no$"), naming(tmp_path, "set X"):
        raise OSError(errno.EACCES, "no")
