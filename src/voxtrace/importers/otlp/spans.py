"""One span of a trace, however it was written down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct, field

from voxtrace.errors import VoxtraceError
from voxtrace.events import Unreadable
from voxtrace.events.codec import EARLIEST_NS, LATEST_NS, RAW_KEPT_BYTES

ERROR = 2  # the status code of a span that failed
SERVER, CLIENT = 2, 3  # kinds of spans: of the two sides of one call
# What tells whose clock it is, best first: containers of one node share its clock, and have names of their own.
HOST_ATTRIBUTES = ("k8s.node.name", "host.name", "host.id")
MAX_NAME_CHARS = 256
MAX_DEPTH = 16  # of values within values


class NotOtlp(VoxtraceError):
    """The bytes are no export of traces."""


class Span(NamedTuple):
    """What a span says, as plain values. Ids are lower-case hexadecimal."""

    trace_id: str
    span_id: str
    parent_id: str  # "" for the first span of a trace
    name: str
    scope: str  # the instrumentation that made it
    service: str  # `service.name` of its resource
    start_ns: int  # Unix time
    end_ns: int
    attributes: Mapping[str, object]
    moments: tuple[tuple[int, str], ...] = ()  # its span events: Unix time and name
    is_error: bool = False
    host: str = ""  # whose clock stamped it, by its resource; "" where that is not told
    kind: int = 0  # SERVER, CLIENT or another of the format's numbers


def host_of(resource: Mapping[str, object]) -> str:
    """The machine that a resource names; "" where it names none."""
    told = (resource.get(name) for name in HOST_ATTRIBUTES)
    return next((each.replace("/", "_")[:MAX_NAME_CHARS] for each in told if isinstance(each, str) and each), "")


class Export(Struct):
    """What one export request holds."""

    spans: list[Span] = field(default_factory=list)
    refused: list[tuple[int, Unreadable]] = field(default_factory=list)  # the place among all of them, and why
    other_signals: int = 0  # documents of metrics or logs, which are nothing for us

    @property
    def received(self) -> int:
        return len(self.spans) + len(self.refused)

    def add(self, span: Span) -> None:
        """Keep the span, or why it can't be one."""
        why = why_unusable(span)
        if why is None:
            self.spans.append(span)
            return
        # As JSON, of which a store keeps what is no word: the lengths of the ids and the times, which may be wrong.
        facts: dict[str, object] = {"name": span.name, "trace_id": span.trace_id, "span_id": span.span_id}
        facts |= {"start_ns": span.start_ns, "end_ns": span.end_ns}
        self.refuse(*why, json.dumps(facts, default=str).encode("ascii"))

    def refuse(self, reason: str, detail: str, raw: bytes) -> None:
        """Count a span that can't be used."""
        self.refused.append((self.received, Unreadable(reason, detail, raw[:RAW_KEPT_BYTES], len(raw))))


def why_unusable(span: Span) -> tuple[str, str] | None:
    """The reason and its detail, or None for a span that is sound."""
    if not _is_id(span.trace_id, 32) or not _is_id(span.span_id, 16):
        return "span_id", "a trace id is 16 bytes and a span id 8, and neither is all zeros"
    if span.parent_id and not _is_id(span.parent_id, 16):
        return "span_id", "a parent's span id is 8 bytes"
    if not span.end_ns and EARLIEST_NS <= span.start_ns <= LATEST_NS:
        return "timestamp", "it has no end: the span was not over, or its program died before it was"
    if not EARLIEST_NS <= span.start_ns <= LATEST_NS or not EARLIEST_NS <= span.end_ns <= LATEST_NS:
        return "timestamp", "start and end must lie between 2001 and 2100"
    if span.end_ns < span.start_ns:
        return "end_before_start", f"it ends {span.start_ns - span.end_ns} ns before it starts"
    return None


def _is_id(text: str, length: int) -> bool:
    return len(text) == length and text.strip("0") != "" and not text.strip("0123456789abcdef")
