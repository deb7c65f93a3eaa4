"""Fixtures for several tests of datasets."""

from __future__ import annotations

import pytest

from anime_gan.datasets.reading import decoding


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """The names of the files that were decoded."""
    names: list[str] = []
    whole = decoding.decode

    def note(files):
        names.extend(files.names)
        return whole(files)

    monkeypatch.setattr(decoding, "decode", note)
    return names
