"""What can go wrong in the studio, as sentences that the page has in every language."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from anime_gan.common.errors import InputError

PAGE = Path(__file__).parent / "page"
LANGUAGES = ("en", "zh", "ja")


class StudioError(Exception):
    """Something that the user is told.

    Attributes:
        code: Names the sentence: `error.CODE` in the files of `page/languages`.
        status: For HTTP.
        values: What stands in the gaps of the sentence.
    """

    def __init__(self, code: str, status: int = 400, **values: Any) -> None:
        super().__init__(code)
        self.code, self.status, self.values = code, status, values

    def to_json(self) -> dict[str, Any]:
        """The code and its values for the page, and the sentence in English for everybody else."""
        sentence = read_language("en")["strings"][f"error.{self.code}"]
        return {"error": self.code, "values": self.values, "message": sentence.format(**self.values)}


def as_studio_error(error: InputError) -> StudioError:
    """Puts an error about a face request into the studio's words."""
    return StudioError("words", reason=str(error)[:500])


@functools.cache
def read_language(language: str) -> dict[str, Any]:
    """What the page says in one of `LANGUAGES`: its own `strings`, and names of `attributes`."""
    return json.loads((PAGE / "languages" / f"{language}.json").read_text("utf-8"))
