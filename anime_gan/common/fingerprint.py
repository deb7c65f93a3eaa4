"""Fingerprints of code: a cached result is reused only while the code that made it is unchanged."""

from __future__ import annotations

import ast
import functools
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
# Modules that store or transport results without changing them.
PLUMBING = (
    "anime_gan.common.files",
    "anime_gan.common.fingerprint",
    "anime_gan.common.quiet",
    "anime_gan.common.user_code",
    "anime_gan.common.workers",
)


@functools.cache
def code_fingerprint(modules: tuple[str, ...], without: tuple[str, ...] = ()) -> str:
    """Returns the SHA-256 of modules and of the modules that they import from this package or their folder.

    Comments, docstrings, and formatting do not count. JSON files beside these modules count if the modules
    belong to this package.

    Args:
        modules: Full names, such as `"anime_gan.judges.tagger"`. Modules outside this package must already be
            imported.
        without: Imported modules that cannot change the result, in addition to `PLUMBING`.

    Returns:
        64 hexadecimal digits.

    Raises:
        FileNotFoundError: This package has no such module.
    """
    sources: dict[str, str] = {}
    folders: set[Path] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in sources or name in PLUMBING or name in without:
            continue
        if name.split(".")[0] == PACKAGE.name:
            file = _source_file(name)
            folders.add(file.parent)
            sources[name] = file.read_text("utf-8")
            waiting += imported_modules(sources[name])
        else:
            outside = _sources_beside(Path(str(sys.modules[name].__file__)))
            sources.update({name: "", **outside})
            waiting += (module for source in outside.values() for module in imported_modules(source))
    digest = hashlib.sha256()
    for name in sorted(sources):
        digest.update(f"{name}\n{_normalized(sources[name])}\n".encode())
    for file in sorted(file for folder in folders for file in folder.glob("*.json")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def imported_modules(source: str) -> Iterator[str]:
    """Yields the modules of this package that a source text imports, including imports inside functions.

    Imports under `if TYPE_CHECKING:` are skipped.
    """
    nodes: list[ast.AST] = [ast.parse(source)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            nodes += node.orelse
            continue
        nodes += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("anime_gan."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "anime_gan":
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield submodule if _source_file(submodule).is_file() else str(node.module)


def _sources_beside(file: Path) -> dict[str, str]:
    """Returns file name -> source for a file outside this package and for its imports from its folder."""
    sources: dict[str, str] = {}
    waiting = [file]
    while waiting:
        file = waiting.pop()
        if file.name in sources:
            continue
        sources[file.name] = file.read_text("utf-8")
        for node in ast.walk(ast.parse(sources[file.name])):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
                parts = {part for name in names for part in name.split(".")}
                waiting += (path for part in parts if (path := file.with_name(f"{part}.py")).is_file())
    return sources


def _source_file(module: str) -> Path:
    # The file is found by its path, because the import system would import all parent packages.
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_name(f"{path.name}.py")


def _normalized(source: str) -> str:
    """Returns the source without comments and docstrings, in uniform formatting."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and (
            ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
