"""Calls from one host to another whose both sides are spans: four times that tell of two clocks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from voxtrace.events import CLOCK_SAMPLE, Event
from voxtrace.events.plain import sound_text
from voxtrace.importers.otlp.spans import CLIENT, SERVER, Span

MOST_OPEN = 20_000  # sides that wait for the other, which another service exports: about 10 MiB


class _Side(NamedTuple):
    """One side of a call; the client's is known by its own id, the server's by its parent's."""

    trace_id: str
    span_id: str
    service: str
    host: str
    start_ns: int
    end_ns: int


class Call(NamedTuple):
    """Both sides of a call, and the span by which its turn is found."""

    client: _Side
    server: _Side
    within: Span


class Calls:
    """Sides of calls, joined whichever comes first; the oldest that nobody answered are forgotten first."""

    def __init__(self, most: int = MOST_OPEN) -> None:
        self._most = most
        self._open: OrderedDict[tuple[str, str, int], _Side] = OrderedDict()

    def joined(self, spans: Iterable[Span]) -> Iterator[Call]:
        """Calls of which these spans bring a side and the other one is known."""
        for span in spans:
            if not span.host or span.kind not in (CLIENT, SERVER) or (span.kind == SERVER and not span.parent_id):
                continue
            side = _Side(span.trace_id, span.span_id, span.service, span.host, span.start_ns, span.end_ns)
            of = span.span_id if span.kind == CLIENT else span.parent_id
            other = self._open.get((span.trace_id, of, CLIENT + SERVER - span.kind))
            if other is None:
                self._open[span.trace_id, of, span.kind] = side
                if len(self._open) > self._most:
                    self._open.popitem(last=False)
                continue
            client, server = (side, other) if span.kind == CLIENT else (other, side)
            if client.host != server.host:
                yield Call(client, server, span)


def clock_of_host(host: str) -> str:
    """The name of a host's clock of which neither process nor boot is known."""
    return f"{host}//" if host else ""


def sample_of(call: Call, request_id: str, session_id: str | None) -> Event:
    """What the call tells of two clocks, as the event that the client's side would have noted."""
    client, server = call.client, call.server
    return Event(
        request_id,
        sound_text(client.service or "client", 256),
        CLOCK_SAMPLE,
        client.end_ns,
        f"otlp/{server.trace_id}/{server.span_id}#{CLOCK_SAMPLE}",
        clock=clock_of_host(client.host),
        session_id=session_id,
        metadata={
            "peer": server.host,
            "sent_wall_ns": client.start_ns,
            "received_wall_ns": server.start_ns,
            "answered_wall_ns": server.end_ns,
        },
    )
