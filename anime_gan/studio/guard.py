"""Protects the server against other web pages that send requests from the same browser."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anime_gan.studio.errors import StudioError

# The page may load only from this server and may send only to it.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """Refuses requests that do not come from the studio's own page.

    An attacker can make another host name point to this computer (DNS rebinding), so only known names are
    accepted. Numeric addresses are safe. Requests that change something must come from the same origin.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        """Wraps an application.

        Args:
            app: The application to protect.
            names: Further host names of the server, besides those of this computer.
        """
        self._app = app
        host = socket.gethostname().lower()
        self._names = {"localhost", host, f"{host}.local", *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes permitted requests to the application, and answers others with an error."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                # Browsers must load a new version of the page at once.
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        try:
            self._check(scope["method"], Headers(scope=scope))
        except StudioError as error:
            await JSONResponse(error.to_json(), error.status)(scope, receive, send_guarded)
        else:
            await self._app(scope, receive, send_guarded)

    def _check(self, method: str, headers: Headers) -> None:
        host = headers.get("host", "")
        if not self._known(host):
            raise StudioError("wrong_host", 403)
        if method in ("GET", "HEAD"):
            return
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin not in (None, f"http://{host}", f"https://{host}") or site not in (
            None,
            "same-origin",
            "none",
        ):
            raise StudioError("wrong_origin", 403)

    def _known(self, host: str) -> bool:
        match = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]]+))(?::\d{1,5})?", host, re.ASCII)
        if match is None:
            return False
        name = (match[1] or match[2]).lower().rstrip(".")
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return True


async def limited_body(request: Request, content_type: str, limit: int) -> bytes:
    """Reads the body of a request.

    Args:
        request: The request.
        content_type: The required content type. Browsers do not send it to other origins without permission.
        limit: Maximum size in bytes.

    Raises:
        StudioError: The body has another type or is too large.
    """
    given = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if given != content_type:
        raise StudioError("wrong_type", 415, wanted=content_type)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise StudioError("too_long", 413, limit=limit // 1_024)
    return bytes(body)
