"""Loads objects from code outside the package, which options name as `module:NAME`."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import TypeVar

from anime_gan.common.errors import InputError
from anime_gan.common.quiet import import_tensorflow
from anime_gan.common.suggestions import nearest

Object = TypeVar("Object")


def is_reference(text: str) -> bool:
    """Whether a string has the form `module:NAME`, such as `my_losses:LEAST_SQUARES`."""
    return re.fullmatch(r"[A-Za-z_]\w*(\.\w+)*:[A-Za-z_]\w*", text) is not None


def load_object(reference: str, kind: type[Object], field: str) -> Object:
    """Imports the object that `module:NAME` names; the module may be in the current folder.

    Importing a module runs it. Call this only for a reference that the user typed, never for a reference
    from a file, which somebody else may have written.

    Args:
        reference: The module and the name, such as `my_losses:LEAST_SQUARES`.
        kind: The class of the object.
        field: Name of the option, for errors.

    Raises:
        InputError: There is no such module, it does not define the name, or the object is of another class.
    """
    # The module may import Keras, which keeps the settings that it is first imported with.
    import_tensorflow()
    module_name, _, name = reference.partition(":")
    folder = Path.cwd()
    # The folder comes last, so that a file in it does not replace an installed module.
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # If an import inside the module failed, the traceback shows where.
        if not f"{module_name}.".startswith(f"{error.name}."):
            raise
        hint = nearest(module_name, [file.stem for file in folder.glob("*.py")])
        raise InputError(
            f"no module {module_name!r} in {folder} or among the installed packages{hint}", field, reference
        ) from None
    values = vars(module)
    if name not in values:
        fitting = [key for key, value in values.items() if isinstance(value, kind)]
        reason = f"{module.__file__} does not define {name!r}{nearest(name, fitting)}"
        raise InputError(reason, field, reference)
    found = values[name]
    if not isinstance(found, kind):
        wanted = "a class" if kind is type else f"an instance of {kind.__module__}.{kind.__name__}"
        raise InputError(f"must be {wanted}, but has type {type(found).__name__}", field, reference)
    return found
