"""What the analysis answers with: frozen records, in nanoseconds from the turn's own zero.

Every view (terminal, page, JSON) shows these records and computes nothing itself. What is kept of a turn by the
thousand (metrics, labels, parts, findings), and what a turn has by the dozen, are msgspec's structs: they are read from
a store in a fifth of the time and half of the memory of dataclasses, and made in a tenth of the time;
`msgspec.structs.replace` changes a copy of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from voxtrace.analysis.alignment import ZERO, ClockView
from voxtrace.analysis.clocks import Sample
from voxtrace.events.model import NOTHING
from voxtrace.units import Nanos

Origin = Literal["client", "server", "turn"]
"""Whose events a number was computed from; numbers of different origin are never averaged together."""

Kind = Literal["speech", "conversation", "events"]
"""One speech request, a turn of a conversation, or events that are neither."""

Outcome = Literal["ok", "error", "cancelled", "interrupted", "unknown"]
Cache = Literal["miss", "partial", "hit", "unknown"]
Start = Literal["cold", "warm", "unknown"]
Source = Literal["real", "probe", "bench", "load"]
Mode = Literal["fast", "balanced", "high", ""]
Transport = Literal["http", "live", "wyoming", "wyoming-live", ""]
"""How a text came to the server: whole (`http`, `wyoming`), or in pieces while it was being written. A request whose
text comes in pieces begins with the first of them, and its numbers count from there."""

Truth = Literal["L0", "L1", "L2", "L3", "L4", "L5", "unknown"]


DISORDERED = "effect_before_cause"
"""The rule that clocks of a turn's services break where they disagree: what happened first, nothing tells then."""


class Metric(Struct, frozen=True, gc=False, omit_defaults=True):
    """A number in one of three states: measured, missing with its reason, or rejected with its rule.

    Exactly one of `value`, `missing` and `rejected` is set. `value` is in the unit of the metric's
    name (`ttfa_ms` in milliseconds, `rtf` a ratio, `stall_count` a count).
    """

    value: float | None = None
    missing: str | None = None
    rejected: str | None = None
    origin: Origin = "client"
    start: str = ""  # the event where it starts
    end: str = ""  # the event where it ends
    bound: Literal["exact", "lower"] = "exact"  # lower: the truth is at least this much
    note: str = ""
    uncertainty: float | None = None  # either way, in the unit of the value; None: its two ends are of one clock

    def __post_init__(self) -> None:
        states = (self.value is not None) + (self.missing is not None) + (self.rejected is not None)
        if states != 1:
            raise ValueError(f"a metric is in one state, not {states}: {self!r}")

    @property
    def measured(self) -> bool:
        return self.value is not None


class Labels(Struct, frozen=True, gc=False, omit_defaults=True):
    """The population that a turn belongs to. Populations are never mixed in one percentile."""

    outcome: Outcome = "unknown"
    cache: Cache = "unknown"
    start: Start = "unknown"
    source: Source = "real"
    truth: Truth = "unknown"
    origin: Origin = "turn"  # whose events tell of the request: its caller's, only the server's, or several services'
    engine: str = ""
    provider: str = ""  # what the engine ran on, such as cpu
    voice: str = ""
    format: str = ""
    model: str = ""  # of the language where a conversation has one, else of the speech
    version: str = ""  # of the software that answered, as it says itself
    tags: str = ""  # what its events were labelled with, such as a feature's flag: "name=value", sorted, ";" between
    text_chars: int | None = None
    error: str = ""  # the cause's code where the outcome is error
    hedged: str = ""  # the engine whose voice was heard first, where it stood in for the one that was asked
    mode: Mode = ""  # in which the engine spoke, where it has any
    transport: Transport = ""


class Part(Struct, frozen=True, gc=False, array_like=True):
    """One tile of the total. Parts never overlap and leave no hole."""

    name: str  # "llm", "queue", …, or "unattributed"
    begin: Nanos
    end: Nanos
    explained: bool = True  # False: no event says what happened in this time
    waited: bool = True  # False: before anybody waited, or behind the moment in which they first heard something
    uncertainty: int = 0  # nanoseconds by which its length may be wrong, because its ends are of two clocks

    @property
    def length(self) -> Nanos:
        return Nanos(self.end - self.begin)

    @property
    def is_doubtful(self) -> bool:
        """Whether it is shorter than what it may be wrong by: then it is drawn hatched."""
        return self.length < self.uncertainty


class Span(Struct, frozen=True, gc=False):
    """One bar of the waterfall: two events of one service, or one event whose end never came."""

    name: str
    service: str
    begin: Nanos
    end: Nanos | None  # None: drawn open, "no end event"
    detail: Mapping[str, object] = NOTHING
    stage: str = ""  # the stage that ends it; "" where a log's own names do
    depth: int = 1  # where spans overlap, the deeper one names the time
    uncertainty: Nanos = ZERO  # by which its length may be wrong, because its ends are of two clocks

    @property
    def is_doubtful(self) -> bool:
        """Whether it is shorter than what it may be wrong by: then it is drawn hatched."""
        return self.end is not None and self.end - self.begin < self.uncertainty


class Mark(Struct, frozen=True, gc=False):
    """One event on the turn's own axis."""

    at: Nanos
    service: str
    name: str  # as written by its source
    stage: str  # "" where the stage table does not know it
    metadata: Mapping[str, object] = NOTHING
    raw: Nanos | None = None  # where its own wall clock puts it, where that was corrected
    clock: str = ""  # name of its clock, where the turn has several


class Chunk(Struct, frozen=True, gc=False):
    """One arrival of audio."""

    at: Nanos
    audio: Nanos
    bytes: int


class Finding(Struct, frozen=True, gc=False, array_like=True):
    """Something a person should know about this turn, with the rule that says so."""

    rule: str  # stable name, such as "end_of_speech_not_logged"
    message: str


class Measured(Struct, frozen=True, gc=False):
    """What is kept of a turn beside its events: enough for every percentile and every list."""

    request_id: str
    session_id: str | None
    kind: Kind
    started_wall_ns: int
    total: Nanos
    labels: Labels
    metrics: Mapping[str, Metric]
    parts: tuple[Part, ...]
    findings: tuple[Finding, ...]

    @property
    def is_order_known(self) -> bool:
        """Whether clocks of its services tell, as far as anybody can see, what happened before what."""
        return all(finding.rule != DISORDERED for finding in self.findings)

    @property
    def slowest(self) -> Part | None:
        """The longest part that somebody waited for, or None where nothing was measured.

        A total is never one of its own parts, and time that nobody waits for is no bottleneck.
        """
        # A loop, and not max() with a key: a report asks this of a hundred thousand turns.
        slowest, most = None, -1
        for part in self.parts:
            if part.waited and part.end - part.begin > most:
                slowest, most = part, part.end - part.begin
        return slowest


class Turn(Measured, frozen=True, gc=False):
    """One request from the first event to the last, on one axis whose zero is the first event."""

    spans: tuple[Span, ...] = ()
    marks: tuple[Mark, ...] = ()
    chunks: tuple[Chunk, ...] = ()
    clocks_compared: bool = True  # False: some events come from another machine whose clock's offset is not known
    clocks: tuple[ClockView, ...] = ()  # where there are several: how each was brought to the first one's time
    clock_note: str = ""  # how events of different clocks were put on one axis; "" where there was one clock
    clock_samples: tuple[Sample, ...] = ()  # what its own messages tell of its clocks, for other turns
