"""An export that is small, and a stand-in for TF Serving that serves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from anime_gan.benchmark.synthetic import untrained_export
from tests.serving.stand_in import StandIn


@pytest.fixture(scope="session")
def served_export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model that understands the attributes in the examples of the documentation."""
    folder = tmp_path_factory.mktemp("served")
    return untrained_export(folder, "compact").rename(folder / "1")


@pytest.fixture(scope="session")
def server(served_export: Path) -> Iterator[StandIn]:
    with StandIn({"sutemo-64": served_export}) as server:
        yield server
