"""Protects the server against other web pages in the same browser and other users of the computer."""

from __future__ import annotations

import hmac
import ipaddress
import re
import socket
from collections.abc import Iterable

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anime_gan.studio.errors import LANGUAGES, StudioError, read_language

# The page may load only from this server and may send only to it.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; connect-src 'self' data: blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


# Maximum time for the body of a request to arrive, in seconds.
BODY_SECONDS = 60.0
COOKIE_SECONDS = 365 * 24 * 3_600


class Guard:
    """Refuses requests that do not come from the studio's own page.

    All users of a computer can connect to its ports, so a request must prove that it knows the token: the
    address that the studio prints contains it. The first page stores it in a cookie. Other clients can send
    it in the header `Authorization: Bearer TOKEN`.

    An attacker can make another host name point to this computer (DNS rebinding), so only known names are
    accepted. Numeric addresses are safe. Requests that change something must come from the same origin.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str], token: str | None = None) -> None:
        """Wraps an application.

        Args:
            app: The application to protect.
            names: Further host names of the server, besides those of this computer.
            token: The token that requests must know; None if everyone may use the application.
        """
        self._app = app
        self._token = token
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
            answer = self._welcome(HTTPConnection(scope))
        except StudioError as error:
            answer = JSONResponse(error.to_json(), error.status)
        await (answer or self._app)(scope, receive, send_guarded)

    def _welcome(self, request: HTTPConnection) -> Response | None:
        """Checks the token; returns a response if the address contains it, or if a browser lacks it.

        Raises:
            StudioError: The token is missing or wrong.
        """
        if self._token is None:
            return None
        # Browsers share cookies between all ports of a computer.
        cookie = f"studio-{request.url.port or 80}"
        if self._is_token(request.query_params.get("token")):
            welcome = RedirectResponse(request.url.path, 303)
            # A link to the page from elsewhere works: reading is all that such a visit can do.
            welcome.set_cookie(cookie, self._token, max_age=COOKIE_SECONDS, httponly=True, samesite="lax")
            return welcome
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if self._is_token(request.cookies.get(cookie)) or (
            scheme.lower() == "bearer" and self._is_token(given.strip())
        ):
            return None
        if request.url.path == "/":
            # The page, which knows the language, is not shown.
            told = [read_language(code)["strings"]["error.wrong_token"] for code in LANGUAGES]
            return PlainTextResponse("\n".join(told), 403)
        raise StudioError("wrong_token", 403)

    def _is_token(self, given: str | None) -> bool:
        return given is not None and hmac.compare_digest(given.encode(), (self._token or "").encode())

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
        StudioError: The body has another type, is too large, or does not arrive in time.
    """
    given = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if given != content_type:
        raise StudioError("wrong_type", 415, wanted=content_type)
    body = bytearray()
    try:
        with anyio.fail_after(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise StudioError("too_long", 413, limit=limit // 1_024)
    except TimeoutError as error:
        raise StudioError("too_slow", 408) from error
    return bytes(body)
