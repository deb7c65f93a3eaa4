"""Reads JSON and checks the types of its values, so that a damaged file is one clear error."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from anime_gan.common.errors import InputError

T = TypeVar("T")


class JsonError(InputError):
    """A text is not JSON, or a value in it has the wrong type. The message says where."""


def parse_json(text: str | bytes, kind: type[T]) -> T:
    """Parses JSON and checks the types of all values.

    Args:
        text: The JSON text.
        kind: Any type that msgspec supports, such as a dataclass, a `msgspec.Struct`, or `dict[str, int]`.
            Fields that a class does not have are ignored.

    Returns:
        An object of this type.

    Raises:
        JsonError: The text is not JSON, or a value is missing or has another type.
    """
    return _converted(_loaded(text), kind)


def parse_record(text: str | bytes, kind: type[Any]) -> dict[str, Any]:
    """Parses a JSON object, and checks only the fields that a class has.

    Args:
        text: The JSON text.
        kind: A dataclass or a `msgspec.Struct`.

    Returns:
        The whole object.

    Raises:
        JsonError: The text is not a JSON object, or a checked field is missing or has another type.
    """
    record = _loaded(text)
    _converted(record, kind)
    return _converted(record, dict[str, Any])


def read_json(path: Path, kind: type[T], error: type[InputError] = JsonError, advice: str = "") -> T:
    """Reads a file with `parse_json`; see `read_parsed`."""
    return read_parsed(path, lambda text: parse_json(text, kind), error, advice)


def read_record(
    path: Path, kind: type[Any], error: type[InputError] = JsonError, advice: str = ""
) -> dict[str, Any]:
    """Reads a file with `parse_record`; see `read_parsed`."""
    return read_parsed(path, lambda text: parse_record(text, kind), error, advice)


def read_parsed(path: Path, parse: Callable[[bytes], T], error: type[InputError], advice: str = "") -> T:
    """Reads a file.

    Args:
        path: The file.
        parse: Parses its bytes; raises `ValueError` if they are damaged.
        error: The error to raise.
        advice: What to do if the file is damaged, appended to the message; empty for nothing.

    Raises:
        InputError: `error` is raised. The file is missing or damaged.
    """
    suffix = f"; {advice}" if advice else ""
    try:
        return parse(path.read_bytes())
    except OSError as reason:
        raise error(f"{path}: cannot be read: {reason.strerror or reason}{suffix}") from reason
    except ValueError as reason:
        raise error(f"{path}: is damaged: {reason}{suffix}") from reason


def _loaded(text: str | bytes) -> Any:
    try:
        # msgspec's own parser refuses names of files that are not valid Unicode.
        return json.loads(text)
    except RecursionError as error:
        raise JsonError("not JSON: nested too deeply") from error
    # Also raised for bytes that are not text.
    except ValueError as error:
        raise JsonError(f"not JSON: {error}") from error


def _converted(value: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise JsonError(str(error)) from error
