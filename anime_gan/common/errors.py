"""The error for an invalid value from the user, with the field, the value, and the reason.

Code below the command line does not know whether a value came from a flag, a web page, or a file. It raises
an `InputError`, and each entry point formats it: a command prints `--steps=0: must be ...`.
"""

from __future__ import annotations

from typing import TypeVar

Self = TypeVar("Self", bound="InputError")


class InputError(ValueError):
    """A value that the user gave cannot be used.

    Attributes:
        reason: What is wrong and what to do, without the name of the field.
        field: Name of the option or request field; empty if the error is not about a single field.
        value: The value that was given; None if it is not shown.
    """

    def __init__(self, reason: str, field: str = "", value: object = None) -> None:
        super().__init__(reason)
        self.reason, self.field, self.value = reason, field, value

    def __str__(self) -> str:
        return self._text("")

    def as_flag(self) -> str:
        """Returns the error as a command prints it: `--field=value: reason`."""
        return self._text("--")

    def about(self: Self, field: str) -> Self:
        """Returns the same error about another field."""
        return type(self)(self.reason, field, self.value)

    def _text(self, prefix: str) -> str:
        if not self.field:
            return self.reason
        value = "" if self.value is None else f"={self.value}"
        return f"{prefix}{self.field}{value}: {self.reason}"
