"""Puts the events of one request on one axis, in nanoseconds from the first of them.

Events of one clock domain are subtracted on their monotonic clock. Between domains there are three ways,
best first: four timestamps of one request and its answer (as NTP does, RFC 5905 section 8), the wall
clocks of both machines taken at their word, or, for events without any monotonic clock, wall time alone.
Which one was used is said, and nothing is moved to look right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import NamedTuple

from voxtrace.events import Event, stage_of
from voxtrace.units import Nanos, millis

WALL = ""  # the domain of events that carry wall time only


class Placed(NamedTuple):
    """An event and its place on the turn's axis."""

    at: Nanos
    event: Event
    stage: str  # key of the stage table, or ""
    domain: str  # whose clock placed it; WALL: the time of day


@dataclass(frozen=True, slots=True)
class Axis:
    """All events of one request in order of time."""

    placed: tuple[Placed, ...]
    started_wall_ns: int
    note: str  # how clocks were brought together; "" where there was only one
    uncertainty: Nanos | None  # of places that come from another clock domain; None: not known

    @property
    def offset_unknown(self) -> bool:
        """Whether monotonic clocks of several machines were brought together without knowing their offset."""
        return self.uncertainty is None and len({placed.domain for placed in self.placed} - {WALL}) > 1

    def comparable(self, one: Placed, other: Placed) -> bool:
        """Whether the time between two events means anything: one clock, a known offset, or wall time at its word."""
        if one.domain == other.domain or self.uncertainty is not None:
            return True
        return WALL in (one.domain, other.domain)


@dataclass(frozen=True, slots=True)
class _Shift:
    """What to add to a domain's monotonic (or wall) time to get time on the reference's wall clock."""

    nanos: int
    how: str
    uncertainty: int | None


class _Staged(NamedTuple):
    """An event, its stage ("" where it has none), and whose clock it carries."""

    event: Event
    stage: str
    domain: str


def place(events: Sequence[Event]) -> Axis:
    """Order the events of one request on one axis whose zero is the earliest of them."""
    staged = [_Staged(event, _stage_key(event), _domain(event)) for event in events]
    domains: dict[str, list[Event]] = {}
    for each in staged:
        domains.setdefault(each.domain, []).append(each.event)
    reference = _reference(domains, staged)
    shifts = {domain: _shift(domain, members, reference, domains, staged) for domain, members in domains.items()}
    nanos = {domain: shift.nanos for domain, shift in shifts.items()}
    on_wall = [(_time(each.event) + nanos[each.domain], each) for each in staged]
    on_wall.sort(key=lambda item: (item[0], item[1].event.clock, item[1].event.seq or 0))
    zero = on_wall[0][0] if on_wall else 0
    foreign = [shift for domain, shift in shifts.items() if domain != reference or domain == WALL]
    known = [shift.uncertainty for shift in foreign if shift.uncertainty is not None]
    return Axis(
        placed=tuple(Placed(Nanos(at - zero), *each) for at, each in on_wall),
        started_wall_ns=zero,
        note="; ".join(sorted({shift.how for shift in foreign})),
        uncertainty=Nanos(max(known)) if foreign and len(known) == len(foreign) else None,
    )


def _stage_key(event: Event) -> str:
    stage = stage_of(event.service, event.name)
    return stage.key if stage else ""


def _domain(event: Event) -> str:
    return event.clock_domain if event.mono_ns is not None and event.clock else WALL


def _time(event: Event) -> int:
    return event.mono_ns if event.mono_ns is not None and event.clock else event.wall_ns


def _reference(domains: dict[str, list[Event]], staged: Iterable[_Staged]) -> str:
    """The domain everything is told in: the client's, for it is the one who waits; else the busiest."""
    for _, stage, domain in staged:
        if stage in ("client.request_start", "client.request_sent") and domain != WALL:
            return domain
    return max(sorted(domains), key=lambda domain: (domain != WALL, len(domains[domain])), default=WALL)


def _wall_anchor(members: Sequence[Event]) -> int:
    """Wall minus monotonic time of one domain: the median, so that one stepped reading moves nothing."""
    return median_low(event.wall_ns - (event.mono_ns or 0) for event in members)


def _shift(
    domain: str,
    members: Sequence[Event],
    reference: str,
    domains: dict[str, list[Event]],
    staged: Sequence[_Staged],
) -> _Shift:
    if domain == WALL:
        return _Shift(0, "events without a monotonic clock are placed by wall time, whose steps nobody can see", None)
    anchor = _wall_anchor(members)
    if domain == reference:
        return _Shift(anchor, "", 0)
    sample = _four_timestamps(staged, reference, _wall_anchor(domains[reference]) if reference != WALL else 0)
    if sample is None or not any(event.service == "server" for event in members):
        return _Shift(anchor, "two machines are compared by their wall clocks: their offset is not known", None)
    offset, uncertainty = sample
    how = f"server clock is {millis(offset):+.3f} ms off the client's, ± {millis(uncertainty):.3f} ms"
    return _Shift(anchor - offset, how, uncertainty)


def _four_timestamps(staged: Sequence[_Staged], reference: str, anchor: int) -> tuple[int, int] | None:
    """(offset of the server's wall clock against the client's, half the round trip), in nanoseconds."""
    sent = headers = None
    for event, stage, domain in staged:
        if domain != reference:
            continue
        if stage == "client.request_sent":
            sent = _time(event) + anchor
        elif stage == "client.headers_received":
            headers = event
    if sent is None or headers is None:
        return None
    received, answered = (headers.metadata.get(name) for name in ("server_recv_wall_ns", "server_sent_wall_ns"))
    if not (isinstance(received, int) and isinstance(answered, int)):
        return None
    back = _time(headers) + anchor
    round_trip = (back - sent) - (answered - received)
    if round_trip < 0:
        return None
    return ((received - sent) + (answered - back)) // 2, round_trip // 2
