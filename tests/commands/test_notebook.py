"""The notebook of the documentation runs from top to bottom."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook.ipynb"
SHORT = ("STEPS, NUM_IMAGES, BATCH = 2000, 16000, 32", "STEPS, NUM_IMAGES, BATCH = 2, 40, 4")


def test_notebook(monkeypatch):
    # IPython is not needed for what the notebook computes.
    shown: list[str] = []
    display = types.ModuleType("IPython.display")
    display.Image, display.display = str, shown.append
    package = types.ModuleType("IPython")
    # Matplotlib asks for it.
    package.version_info = (9, 0, 0)
    monkeypatch.setitem(sys.modules, "IPython", package)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    cells = [cell for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    sources = ["".join(cell["source"]) for cell in cells]
    assert sum(SHORT[0] in source for source in sources) == 1
    variables: dict[str, object] = {}
    for source in sources:
        exec(source.replace(*SHORT), variables)
    assert [Path(path).stem for path in shown] == [
        "published",
        "bundled",
        "sheet",
        "pairs",
        "face",
        "changed",
    ]
    assert all(Path(path).is_file() for path in shown)
