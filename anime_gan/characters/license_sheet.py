"""The license sheet of a pack: what may be done with the pictures, in plain words."""

from __future__ import annotations

import anime_gan
from anime_gan.exports.read import Export


def license_sheet(export: Export) -> str:
    """Returns the text of `LICENSE.txt`.

    Args:
        export: The model that drew the pictures.
    """
    steps = export.record.get("steps", 0)
    resolution = export.record["config"]["resolution"]
    return f"""The pictures in this folder
===========================

They were drawn by a computer program, not by a person. They do not show real people.

Model:    {export.name} ({resolution}x{resolution} pixels, {steps:,} training steps)
Program:  anime_gan {anime_gan.__version__}, Apache License 2.0. This license covers the program, not the
          pictures that it draws.

What the model learned from, whom to credit, and what you may do
----------------------------------------------------------------

{_terms(export.record["statement"])}

The makers of anime_gan claim no rights in these pictures. Whether pictures drawn by a program are protected
by copyright differs from country to country, so others may be free to copy them. Shops and contests often
require you to say that pictures were generated.

The scripts and data files in this folder (.rpy, .tres, .meta, .json, .csv) are free to use: CC0 1.0.
"""


def _terms(statement: str) -> str:
    """Returns the statement about the training pictures, one sentence a line, each sentence once."""
    sentences = statement.replace("; ", ". ").split(". ")
    unique = dict.fromkeys(sentence.strip().rstrip(".") for sentence in sentences if sentence.strip())
    return (
        "\n".join(f"- {sentence[0].upper()}{sentence[1:]}." for sentence in unique)
        or "- The model does not state this."
    )
