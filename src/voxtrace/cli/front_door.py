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
from starlette.types import ASGIApp, Receive, Scope, Send

# An allow-list: a method that nobody thought of counts as one that changes something.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SAME_SITE = frozenset({"same-origin", "none"})


class FrontDoor:
    """Wraps an app and turns strangers away, on HTTP and on WebSockets."""

    def __init__(self, app: ASGIApp, names: Iterable[str] = ()) -> None:
        """
        Args:
            app: what is behind the door.
            names: host names, besides localhost and this machine's own, under which it may be asked.
        """
        self._app = app
        self._names = frozenset({"localhost", socket.gethostname().lower(), *(name.lower() for name in names)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        # Of two Host headers, the one that was checked may not be the one that somebody behind us believes.
        hosts = sum(name == b"host" for name, _ in scope["headers"])
        if hosts != 1 or not self._is_own_name(headers["host"]):
            await _refuse(scope, receive, send, "unknown_host", "the Host header names no address of this machine")
        elif _may_change(scope) and not _comes_from_here(headers, scope):
            await _refuse(scope, receive, send, "other_origin", "pages of another origin may not do this")
        else:
            await self._app(scope, receive, send)

    def _is_own_name(self, host: str) -> bool:
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
