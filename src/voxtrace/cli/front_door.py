"""Who may come in: only what was sent to this machine under its own name, and no page of somebody else.

A service on the loopback address is within reach of every page that the user's browser has open. Two checks keep
such pages out. The Host header must be an address or a name of this machine, which stops names that an attacker
points at 127.0.0.1. And what changes something, or opens a WebSocket, must not come from another origin: cookies
and loopback do not tell one port from another, but the Origin header does.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voxtrace.errors import InvalidOption

# An allow-list: a method that nobody thought of counts as one that changes something.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PREFLIGHT = [
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"authorization, cache-control, content-type, traceparent, x-request-id"),
    (b"access-control-max-age", b"600"),
]
EXPOSED = (b"access-control-expose-headers", b"*, server-timing, x-request-id, retry-after")
MOST_LET_IN = 64  # spellings of this machine's names that are remembered
SAME_SITE = frozenset({"same-origin", "none"})


class FrontDoor:
    """Wraps an app and turns strangers away, on HTTP and on WebSockets."""

    def __init__(self, app: ASGIApp, names: Iterable[str] = (), origins: Iterable[str] = ()) -> None:
        """
        Args:
            app: what is behind the door.
            names: host names, besides localhost and this machine's own, under which it may be asked.
            origins: those whose pages may do what our own may; see `read_origins`.
        """
        self._app = app
        self._origins = frozenset(origins)
        self._let_in: set[str] = set()  # as they were written: to read one takes 10 µs of each request
        self._names = frozenset({"localhost", socket.gethostname().lower(), *(name.lower() for name in names)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        # Of two Host headers, the one that was checked may not be the one that somebody behind us believes.
        hosts = [name for name, _ in scope["headers"]].count(b"host")
        if hosts != 1 or not self._is_own_name(headers["host"]):
            await _refuse(scope, receive, send, "unknown_host", "the Host header names no address of this machine")
        elif (origin := headers.get("origin", "")) in self._origins:
            await self._share(origin, headers, scope, receive, send)
        elif _may_change(scope) and not _comes_from_here(headers, scope):
            await _refuse(scope, receive, send, "other_origin", "pages of another origin may not do this")
        else:
            await self._app(scope, receive, send)

    async def _share(self, origin: str, headers: Mapping[str, str], scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a page of another origin that may read it, and tell its browser so."""
        allowed = [(b"access-control-allow-origin", origin.encode("ascii")), (b"vary", b"Origin")]
        if scope["type"] == "http" and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await send({"type": "http.response.start", "status": HTTPStatus.NO_CONTENT, "headers": allowed + PREFLIGHT})
            await send({"type": "http.response.body", "body": b""})
            return

        async def send_shared(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *allowed, EXPOSED]
            await send(message)

        await self._app(scope, receive, send_shared)

    def _is_own_name(self, host: str) -> bool:
        if host in self._let_in:
            return True
        is_own = self._is_own(host)
        if is_own and len(self._let_in) < MOST_LET_IN:
            self._let_in.add(host)
        return is_own

    def _is_own(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            # A page that was loaded from an address, and not from a name, can't be pointed at another one later.
            ip_address(name)
        except ValueError:
            return False
        return True


def read_origins(written: str) -> list[str]:
    """Origins from the setting `allowed_origins`.

    Raises:
        InvalidOption: one of them is not what a browser would send: scheme, host and port, without a path.
    """
    origins = [origin.strip().lower().rstrip("/") for origin in written.split(",") if origin.strip()]
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.hostname or origin != f"{parts.scheme}://{parts.netloc}":
            why = "an origin is written as http://host:port; whole networks or * can't be let in"
            raise InvalidOption("allowed_origins", origin, why)
    return origins


def _may_change(scope: Scope) -> bool:
    return scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS


def _comes_from_here(headers: Mapping[str, str], scope: Scope) -> bool:
    """Programs send neither header. Browsers send Origin, and for HTTP also where the page stands to us."""
    site = headers.get("sec-fetch-site")
    if scope["type"] == "http" and site is not None:
        return site in SAME_SITE
    origin = headers.get("origin")
    # An origin is written in lower case and without a path; anything else is not one of ours.
    scheme = "https" if scope["scheme"] in ("https", "wss") else "http"
    return origin is None or origin == f"{scheme}://{headers['host'].lower()}"


async def _refuse(scope: Scope, receive: Receive, send: Send, code: str, message: str) -> None:
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        # Closed before it was accepted: the server answers the handshake with 403.
        await send({"type": "websocket.close", "code": 1008, "reason": message})
        return
    status = HTTPStatus.BAD_REQUEST if code == "unknown_host" else HTTPStatus.FORBIDDEN
    # All four keys that OpenAI's clients look for: the speech server stands behind this door too.
    kind = "invalid_request_error" if code == "unknown_host" else "permission_error"
    error = {"message": message, "type": kind, "param": None, "code": code}
    await JSONResponse({"error": error}, status)(scope, receive, send)
