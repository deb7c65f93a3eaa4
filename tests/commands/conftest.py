"""Fixtures of all tests of commands."""

from __future__ import annotations

import functools

import pytest

from anime_gan.commands import generate
from anime_gan.faces.generator import FaceGenerator


@pytest.fixture(scope="module", autouse=True)
def loaded_once():
    """Loading a model takes most of the time of a command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "FaceGenerator", functools.cache(FaceGenerator))
        yield


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
