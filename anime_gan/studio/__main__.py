"""`anime-gan-studio`: starts the studio, a web page for drawing, changing, and blending faces."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import re
import secrets
import socket
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from anime_gan.common.command_line import MODEL_HELP, Flags, print_lines, run_command
from anime_gan.common.errors import InputError
from anime_gan.common.files import written_whole
from anime_gan.common.user_paths import user_folder
from anime_gan.exports.read import PRETRAINED

SUMMARY = """Starts the studio, and prints an address to open in a browser. Everything stays on this computer.
Needs extra packages: pip install "anime_gan[studio]\""""
LOCAL = "127.0.0.1"
TOKEN = "token"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flags = Flags()
    flags.path("model", None, MODEL_HELP)
    flags.text("host", LOCAL, f"address to listen on (default {LOCAL}, which only this computer can reach)")
    flags.integer("port", 8642, "port to listen on; 0 = any free port (0 to 65535; default 8642)", 0, 65_535)
    flags.path("history", None, "folder of the history (default: anime_gan/studio in the user's data folder)")
    flags.integer(
        "keep",
        200,
        "maximum number of history entries and of kept faces (1 to 10000; default 200)",
        1,
        10_000,
    )
    flags.switch("open", False, "open the page in the browser (true or false; default false)")
    return run_command("anime-gan-studio", SUMMARY, flags, lambda: _serve(flags), argv)


def _serve(flags: Flags) -> int:
    missing = [name for name in ("starlette", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        packages = " and ".join(missing)
        raise InputError(f"the studio needs {packages}; to install them: pip install 'anime_gan[studio]'")
    # Imported here, because the packages may be missing.
    import uvicorn

    from anime_gan.studio.connections import PatientProtocol
    from anime_gan.studio.server import create_app
    from anime_gan.studio.studio import Studio

    folder = Path(flags.history) if flags.history else _data_folder()
    studio = Studio(Path(flags.model) if flags.model else None, folder, flags.keep)
    # The page need not wait for that.
    studio.stored_faces()
    host = flags.host
    listening = _listen(host, flags.port)
    token = _token(folder)
    port = listening.getsockname()[1]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/?token={token}"
    print(f"{url}   (press Ctrl-C to stop)", flush=True)
    if host not in (LOCAL, "localhost", "::1"):
        print_lines(["anyone who knows this address can use the studio and see its history"])
    others = {
        path.name: functools.partial(Studio, path, folder, flags.keep)
        for path in sorted(PRETRAINED.iterdir())
        if path.name != studio.label
    }
    config = uvicorn.Config(
        create_app(studio, [host], token, others),
        http=PatientProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    if flags.open:
        webbrowser.open(url)
    with listening:
        uvicorn.Server(config).run(sockets=[listening])
    return 0


def _token(folder: Path) -> str:
    """Returns the token of the studio with this data folder. It stays the same, so bookmarks stay valid."""
    path = folder / TOKEN
    with contextlib.suppress(OSError, ValueError):
        token = path.read_text("ascii").strip()
        if re.fullmatch("[0-9a-f]{32}", token):
            return token
    token = secrets.token_hex(16)
    with written_whole(path) as partial:
        # Only this user may read it.
        partial.touch(0o600)
        partial.write_text(token, "ascii")
    return token


def _data_folder() -> Path:
    return user_folder("XDG_DATA_HOME", ".local/share") / "anime_gan" / "studio"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        # Python appends the address, which the message already contains.
        reason = str(error.strerror or error).partition(" (while")[0]
        hint = "to use any free port, add --port=0"
        raise InputError(f"cannot listen on {host} port {port}: {reason}; {hint}") from error


if __name__ == "__main__":
    sys.exit(main())
