"""Columns of numbers in label tables."""

import numpy as np
import pytest

from anime_gan.attributes import Scale, Schema
from anime_gan.datasets.folder.label_table import read_label_table
from anime_gan.datasets.prepared import learnable

SCHEMA = Schema.from_names({"smile": None, "turn": Scale("turn", "head turn", -40, 40, "degrees")})


def read(*cells: str) -> np.ndarray:
    rows = "".join(f"{number}.png,yes,{cell}\n" for number, cell in enumerate(cells))
    return read_label_table(f"filename,smile,turn\n{rows}".encode(), SCHEMA).labels[:, 1]


def test_numbers_are_stored_in_bins_and_empty_cells_are_unknown():
    cells = ("-40", "-20", "0", "", "unknown", "+20", "\u221220", " 40 ", "20 degrees", "20°", "2e1", "0.5")
    assert read(*cells).tolist() == [1, 6, 11, 0, 0, 16, 6, 21, 16, 16, 16, 11]


@pytest.mark.parametrize("cell", ["41", "left", "20 years", "--5", "1,5", "yes", "5 5"])
def test_other_cells_are_refused(cell):
    with pytest.raises(ValueError, match="row 3: column 'turn': .* is not a number from -40 degrees to 40"):
        read("0", f'"{cell}"')


def test_a_scale_that_does_not_vary_is_dropped():
    labels = np.array([[1, 3], [-1, 3], [1, 0]], np.int8)
    schema, columns, notes = learnable(SCHEMA, labels)
    assert not schema.scales
    assert columns.tolist() == [0]
    assert "turn (all known values are the same)" in notes[0]
    schema, columns, _ = learnable(SCHEMA, np.array([[1, 3], [-1, 4], [1, 0]], np.int8))
    assert list(schema.scales) == [1]
