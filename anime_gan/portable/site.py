"""Writes a page that draws faces in the browser: static files for any host, without a server."""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from anime_gan.common.errors import InputError
from anime_gan.common.files import written_whole
from anime_gan.exports.portable_form import FOLDER, MODEL, SCHEMA
from anime_gan.exports.read import Export

PACKAGE = Path(__file__).parents[1]
STUDIO_PAGE = PACKAGE / "studio" / "page"
OWN_PAGE = Path(__file__).parent / "page"
JAVASCRIPT = PACKAGE / "js"
RUNTIME_VERSION = "1.30.0"
# The files of onnxruntime-web that the page needs, and their SHA-256.
RUNTIME: Mapping[str, str] = MappingProxyType(
    {
        "ort.wasm.min.mjs": "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b",
        "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
        "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
    }
)
# The files that it also needs to use graphics cards.
WEBGPU_RUNTIME: Mapping[str, str] = MappingProxyType(
    {
        "ort.webgpu.min.mjs": "3dffff71811bc13a3a3d9591c57ca5ee5735b8f5f3eaf789510b02bb040ae3a0",
        "ort-wasm-simd-threaded.asyncify.mjs": (
            "3d1c85995364bb643302fc6fd877a0c3ba5ae72401815e0f24828a53d9191e28"
        ),
        "ort-wasm-simd-threaded.asyncify.wasm": (
            "39f9f0894d478800487ed9f7dbe92618498db320cf55c8e3d89adff8dce658da"
        ),
    }
)
# Where a folder may have these files: itself, an unpacked package, or a project that uses the package.
RUNTIME_FOLDERS = ("", "dist", "package/dist", "node_modules/onnxruntime-web/dist")
ADVICE = f"onnxruntime-web {RUNTIME_VERSION} is needed"


def write_site(export: Export, out: Path, runtime: Path | None, webgpu: bool = False) -> None:
    """Writes the page into a new folder, completely or not at all.

    Args:
        export: The model; it must have its portable form.
        out: The folder to write.
        runtime: A folder with the files of onnxruntime-web; None to fetch them with npm.
        webgpu: Whether the page uses graphics cards, where the browser offers one.

    Raises:
        InputError: The portable form or the runtime is missing, or a file of the runtime is another version.
    """
    form = export.directory / FOLDER
    if not (form / MODEL).is_file() or not (form / SCHEMA).is_file():
        raise InputError(
            f"{export.directory} has no portable form; first: "
            f"python -m anime_gan.portable --model={export.directory}",
            "site",
        )
    checksums = {**RUNTIME, **(WEBGPU_RUNTIME if webgpu else {})}
    with tempfile.TemporaryDirectory(prefix="anime_gan-runtime-") as empty:
        source = runtime if runtime is not None else _fetched(Path(empty), checksums)
        files = _runtime_files(source, checksums)
        with written_whole(out) as partial:
            shutil.copytree(STUDIO_PAGE, partial)
            for file in OWN_PAGE.iterdir():
                shutil.copyfile(file, partial / file.name)
            modules = partial / "anime_gan"
            modules.mkdir()
            for file in JAVASCRIPT.glob("*.js"):
                shutil.copyfile(file, modules / file.name)
            for folder, parts in (("model", [form / MODEL, form / SCHEMA]), ("runtime", files)):
                (partial / folder).mkdir()
                for part in parts:
                    shutil.copyfile(part, partial / folder / part.name)
            _add_credits(partial / "index.html", export.record["statement"])
            if webgpu:
                _fill(partial / "engine.js", "HAS_WEBGPU", True)
            _fill_worker(partial)


def _runtime_files(folder: Path, checksums: Mapping[str, str]) -> list[Path]:
    """Returns the files of the runtime in a folder, with the right checksums."""
    for name in RUNTIME_FOLDERS:
        found = [folder / name / file for file in checksums]
        if all(path.is_file() for path in found):
            break
    else:
        raise InputError(f"has no {', '.join(checksums)}; {ADVICE}", "runtime", folder)
    for path in found:
        if hashlib.sha256(path.read_bytes()).hexdigest() != checksums[path.name]:
            raise InputError(f"{path.name} has another checksum; {ADVICE}", "runtime", folder)
    return found


def _fetched(folder: Path, names: Iterable[str]) -> Path:
    """Downloads onnxruntime-web with npm and unpacks what is needed; returns the folder."""
    npm = shutil.which("npm")
    if npm is None:
        raise InputError("npm, which downloads onnxruntime-web, is not installed; use --runtime=DIR", "site")
    command = [npm, "pack", "--silent", f"onnxruntime-web@{RUNTIME_VERSION}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    archives = list(folder.glob("*.tgz"))
    if done.returncode or not archives:
        reason = (done.stderr.strip().splitlines() or ["no file"])[-1][:200]
        raise InputError(f"npm cannot download onnxruntime-web ({reason}); use --runtime=DIR", "site")
    with tarfile.open(archives[0]) as archive:
        for name in names:
            # Only the contents are read: names in an archive may lead out of the folder.
            member = archive.extractfile(f"package/dist/{name}")
            if member is not None:
                (folder / name).write_bytes(member.read())
    return folder


def _add_credits(index: Path, statement: str) -> None:
    """Adds the statement on the training data to the page, where every visitor sees it."""
    credit = f'    <footer class="credits"><p class="facts">{html.escape(statement)}</p></footer>\n'
    text = index.read_text("utf-8")
    index.write_text(text.replace("    </main>\n", f"    </main>\n{credit}", 1), "utf-8")


def _fill_worker(folder: Path) -> None:
    """Names all files in the service worker; their checksum replaces its cache after an update."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "worker.js")
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
    names = {path.relative_to(folder).as_posix(): path.name in WEBGPU_RUNTIME for path in files}
    worker = folder / "worker.js"
    _fill(worker, "FILES", ["./", *(name for name, is_webgpu in names.items() if not is_webgpu)])
    _fill(worker, "WEBGPU_FILES", [name for name, is_webgpu in names.items() if is_webgpu])
    _fill(worker, "NAME", f"anime_gan-{digest}")


def _fill(script: Path, name: str, value: Any) -> None:
    """Gives a constant of a script its value, where a comment asks for it."""
    pattern = rf"const {name} = .*; // Filled in by anime_gan\.portable\."
    line = f"const {name} = {json.dumps(value)};"
    script.write_text(re.sub(pattern, lambda _: line, script.read_text("utf-8"), count=1), "utf-8")
