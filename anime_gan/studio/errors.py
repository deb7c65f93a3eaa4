"""The studio's errors, which the page can show in each language, and the list of languages."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from anime_gan.common.errors import InputError
from anime_gan.faces.request import UnlabeledError

PAGE = Path(__file__).parent / "page"
LANGUAGES = ("en", "zh", "ja")


class StudioError(Exception):
    """An error that is shown to the user.

    Attributes:
        code: The error code. Its sentence is `error.CODE` in the files of `page/languages`.
        status: The HTTP status.
        values: Values for the placeholders in the sentence.
    """

    def __init__(self, code: str, status: int = 400, **values: Any) -> None:
        super().__init__(code)
        self.code, self.status, self.values = code, status, values

    def to_json(self) -> dict[str, Any]:
        """Returns the code and the values for the page, and the English sentence for other clients."""
        sentence = read_language("en")["strings"][f"error.{self.code}"]
        return {"error": self.code, "values": self.values, "message": sentence.format(**self.values)}


def as_studio_error(error: InputError) -> StudioError:
    """Converts an error in a face request to a studio error."""
    if isinstance(error, UnlabeledError):
        return StudioError("unlabeled")
    if error.field:
        return StudioError("wrong_setting", name=error.field, reason=error.reason)
    return StudioError("words", reason=error.reason)


@functools.cache
def read_language(language: str) -> dict[str, Any]:
    """Reads the texts of a language: the `strings` of the page, and the names of `attributes`."""
    return json.loads((PAGE / "languages" / f"{language}.json").read_text("utf-8"))
