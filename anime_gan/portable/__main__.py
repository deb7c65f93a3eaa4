"""`python -m anime_gan.portable`: writes a model for programs without TensorFlow and for web pages."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from anime_gan.common.command_line import MODEL_HELP, Flags, run_command
from anime_gan.common.errors import InputError
from anime_gan.common.files import write_text
from anime_gan.common.quiet import import_tensorflow
from anime_gan.exports.portable_form import FOLDER
from anime_gan.exports.read import Export, read_export
from anime_gan.portable.site import RUNTIME_VERSION, write_site

SUMMARY = """Writes the portable form of a model: ONNX files with float16 weights, and schema.json, which
docs/portable_format.md defines. generate.py --engine=onnx, the JavaScript package anime_gan/js, and game
engines read it. With --site, writes a web page that draws faces without a server."""
COMPARED_FACES = 64


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flags = Flags()
    flags.path("model", None, MODEL_HELP)
    flags.path("out", None, f"folder to write (must not exist yet; default: {FOLDER}/ in the exported model)")
    flags.path(
        "site", None, "folder for a web page that draws faces without a server; only the page is written"
    )
    flags.path("runtime", None, f"folder with onnxruntime-web {RUNTIME_VERSION} (default: npm downloads it)")
    flags.switch(
        "webgpu",
        False,
        "with --site: use the GPU where the browser offers one (true or false; default false)",
    )
    flags.path(
        "vectors",
        None,
        "JSON file for requests with their latent vectors and labels; only this file is written",
    )
    flags.integer("num_vectors", 100, "number of these requests (1 and up; default 100)", 1)
    return run_command("anime_gan.portable", SUMMARY, flags, lambda: _command(flags), argv)


def _command(flags: Flags) -> int:
    export = read_export(Path(flags.model) if flags.model else None)
    if flags.runtime and not flags.site:
        raise InputError("--runtime needs --site")
    if flags.webgpu and not flags.site:
        raise InputError("--webgpu needs --site")
    if flags.site:
        return _write_site(
            export, Path(flags.site), Path(flags.runtime) if flags.runtime else None, flags.webgpu
        )
    if flags.vectors:
        return _write_vectors(export, Path(flags.vectors), flags.num_vectors)
    return _write_form(export, Path(flags.out) if flags.out else export.directory / FOLDER)


def _write_form(export: Export, out: Path) -> int:
    if out.exists():
        raise InputError("already exists; choose another folder, or delete it", "out", out)
    import_tensorflow()
    # Imported here because it imports TensorFlow.
    from anime_gan.portable.convert import compare, write_portable

    write_portable(export, out)
    difference = compare(export, out, COMPARED_FACES)
    size = sum(path.stat().st_size for path in out.iterdir()) / 1e6
    print(
        f"{out}: {size:.1f} MB; pixel values (0 to 255) of {difference.faces} faces differ from the "
        f"SavedModel by at most {difference.maximum}"
    )
    return 0


def _write_site(export: Export, out: Path, runtime: Path | None, webgpu: bool) -> int:
    if out.exists():
        raise InputError("already exists; choose another folder, or delete it", "site", out)
    write_site(export, out, runtime, webgpu)
    print(
        f"page written to {out}. To try it: python -m http.server --directory={out}, then open http://localhost:8000"
    )
    return 0


def _write_vectors(export: Export, path: Path, count: int) -> int:
    if path.is_dir():
        raise InputError("is a folder; give the name of a file", "vectors", path)
    import_tensorflow()
    from anime_gan.faces.engines import load_engine
    from anime_gan.portable.vectors import make_vectors

    vectors = make_vectors(export.schema, load_engine("tensorflow", export).draw_inputs, count)
    write_text(path, json.dumps({"model": export.name, "vectors": vectors}, ensure_ascii=False) + "\n")
    print(f"{path}: {count} requests")
    return 0


if __name__ == "__main__":
    sys.exit(main())
