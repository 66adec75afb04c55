"""What every answer carries, errors included: the request's id, times for clock offset, where time went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voxtrace.clock import mono_ns, wall_ns
from voxtrace.tracker import generate_request_id, outgoing_headers, request_id_from_headers
from voxtrace.units import NANOS_PER_MILLI

KEY = "voxtrace.exchange"  # in the ASGI scope
SESSION_ID = "x-session-id"
SOURCE = "x-voxtrace-source"
CACHE_CONTROL = "cache-control"
# A page of another origin may not take an answer for a script, an image or a sound of its own.
_FOR_BROWSERS = ((b"x-content-type-options", b"nosniff"), (b"cross-origin-resource-policy", b"same-origin"))
_READ = frozenset(name.encode() for name in ("x-request-id", "traceparent", SESSION_ID, SOURCE, CACHE_CONTROL))
MAX_SESSION_CHARS = 128
TRACEPARENT_CHARS = 55  # of version 00; what a later version may add means nothing to us


@dataclass(slots=True)
class Exchange:
    """One request and its answer."""

    request_id: str
    session_id: str | None
    source: str | None  # "probe", "bench" or "load", where the client says so
    traceparent: str  # "" where there is none
    received_mono_ns: int
    received_wall_ns: int
    transport: str = "http"  # how its text comes; `Transport` of the analysis has all there are
    is_fresh: bool = False  # the client wants to hear an engine, and no cache
    timings: list[tuple[str, int]] = field(default_factory=list)  # (stage, nanoseconds), for Server-Timing

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers that go in front of the answer's own."""
        timings = self.timings or [("total", mono_ns() - self.received_mono_ns)]
        headers = [
            (b"x-request-id", self.request_id.encode("ascii")),
            (b"server-timing", ", ".join(f"{name};dur={ns / NANOS_PER_MILLI:.3f}" for name, ns in timings).encode()),
            (b"x-voxtrace-received", b"%d" % self.received_wall_ns),
            (b"x-voxtrace-sent", b"%d" % wall_ns()),
            *_FOR_BROWSERS,
        ]
        if self.traceparent:
            headers.append((b"traceparent", self.traceparent.encode("ascii")))
        return headers


class ExchangeHeaders:
    """ASGI middleware: opens an `Exchange` for each request and writes its headers into the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = open_exchange(scope["headers"])
        scope[KEY] = exchange

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *exchange.headers()]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def open_exchange(headers: Iterable[tuple[bytes, bytes]]) -> Exchange:
    """Read who asks; a request without an id gets one."""
    received_mono_ns, received_wall_ns = mono_ns(), wall_ns()
    found = {name.decode("ascii"): value.decode("latin-1") for name, value in headers if name in _READ}
    request_id = request_id_from_headers(found) or generate_request_id()
    # A caller's own traceparent is echoed when it is one; else one is made where the id allows it.
    traceparent = found.get("traceparent", "")[:TRACEPARENT_CHARS]
    if request_id_from_headers({"traceparent": traceparent}) is None:
        traceparent = outgoing_headers(request_id).get("traceparent", "")
    session_id = found.get(SESSION_ID, "")[:MAX_SESSION_CHARS] or None
    source = found.get(SOURCE)
    return Exchange(
        request_id,
        session_id,
        source if source in ("real", "probe", "bench", "load") else None,
        traceparent,
        received_mono_ns,
        received_wall_ns,
        is_fresh=any(word in found.get(CACHE_CONTROL, "").lower() for word in ("no-cache", "no-store")),
    )
