"""Puts the events of one request on one axis, in nanoseconds from the first of them.

Events of one clock domain are subtracted on their monotonic clock. Between domains there are four ways, best first:
messages with four times, of this turn or of others near it; that no effect is before its cause; the wall
clocks of both machines taken at their word, of which nothing is then subtracted; and, for events of which nobody knows
whose clock they carry, wall time alone. Which one was used is said, and nothing is moved to look right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from msgspec import Struct, field

from voxtrace.analysis.alignment import Alignment, ClockView, align
from voxtrace.analysis.elsewhere import LookUp, nowhere
from voxtrace.analysis.messages import BY_WALL, WALL, Staged, anchor_of, clock_of
from voxtrace.events import CLOCK_SAMPLE, STAGES, Event, domain_of, stage_of
from voxtrace.units import Nanos

WALL_NOTE = "events without a monotonic clock are placed by wall time, whose steps nobody can see"
# What only happens where somebody waits for an answer.
_WAITING = (
    ("client.request_start", "client.request_sent"),
    ("user.speech_end", "user.speech_start"),
    ("playback.first_sample", "playback.started"),
)
_USUAL_ORDER = {stage.key: number for number, stage in enumerate(STAGES)}
NOT_WHICH_BOOT = "//"  # behind a host's name in the clock of a trace, which knows neither process nor boot
NO_CORRECTIONS: Mapping[str, int] = {}


class Placed(NamedTuple):
    """An event and its place on the turn's axis."""

    at: Nanos
    event: Event
    stage: str  # key of the stage table, or ""
    domain: str  # whose clock placed it; WALL: the time of day


class Axis(Struct, frozen=True):
    """All events of one request in order of time."""

    placed: tuple[Placed, ...]
    started_wall_ns: int
    note: str  # how clocks were brought together; "" where there was only one
    alignment: Alignment | None = None  # None: one clock, or none that is known
    corrections: Mapping[str, int] = field(default_factory=dict)  # by domain: what was added to its own wall time

    @property
    def offset_unknown(self) -> bool:
        """Whether clocks of several machines were brought together without knowing their offset."""
        return self.alignment is not None and self.alignment.is_partly_unknown

    @property
    def clocks(self) -> tuple[ClockView, ...]:
        return self.alignment.views if self.alignment else ()

    def comparable(self, one: Placed, other: Placed) -> bool:
        """Whether the time between two events means anything: one clock, a known offset, or wall time at its word."""
        if one.domain == other.domain or WALL in (one.domain, other.domain):
            return True
        return self.alignment is not None and self.alignment.uncertainty(one.domain, other.domain) is not None

    def uncertainty(self, one: Placed, other: Placed) -> Nanos:
        """By how much the time between two comparable events may be wrong because of their clocks; 0: one clock."""
        if self.alignment is None or one.domain == other.domain:
            return Nanos(0)
        return Nanos(self.alignment.uncertainty(one.domain, other.domain) or 0)

    def raw(self, placed: Placed) -> Nanos:
        """Where the event would stand if every wall clock were taken at its word."""
        return Nanos(placed.at - self.corrections.get(placed.domain, 0))


def place(events: Sequence[Event], elsewhere: LookUp = nowhere) -> Axis:
    """Order the events of one request on one axis whose zero is the earliest of them.

    Args:
        events: of the request.
        elsewhere: asked about clocks that none of its messages compares.
    """
    if (one_wall := _on_one_wall(events)) is not None:
        return one_wall
    domains = _domains(events)
    only_samples = all(event.name == CLOCK_SAMPLE for event in events)
    known = [domain for domain in domains if domain != WALL]
    alignment = _aligned(domains, elsewhere) if len(known) > 1 else None
    corrections = alignment.corrections if alignment else NO_CORRECTIONS
    # In half nanoseconds: the middle of two bounds that is rounded may stand a nanosecond before its cause.
    halves = alignment.halves if alignment else NO_CORRECTIONS
    anchors = {domain: anchor_of(domains[domain]) for domain in known}
    placed: list[tuple[int, Event, str, str]] = []
    for domain, members in domains.items():
        anchor, half = anchors.get(domain, 0), halves.get(domain, 0)
        for event in members:
            # A sample tells of clocks and is no step of the turn: noted after its end, it would stretch it.
            if event.name == CLOCK_SAMPLE and not only_samples:
                continue
            mono_ns = event.mono_ns if event.clock else None
            on_wall = event.wall_ns if mono_ns is None else mono_ns + anchor
            placed.append((2 * on_wall + half, event, _stage_key(event.service, event.name), domain))
    if alignment is None and len({item[0] for item in placed}) == len(placed):
        placed.sort(key=itemgetter(0))
    else:
        placed.sort(key=_causes_first if alignment else _in_order)
    zero = placed[0][0] // 2 if placed else 0
    make = tuple.__new__  # past the class's own constructor, which takes twice as long
    is_by_wall = any(domain == WALL or domain.startswith(BY_WALL) for domain in domains)
    notes = [*([WALL_NOTE] if is_by_wall else []), *(alignment.notes if alignment else [])]
    return Axis(
        placed=tuple([make(Placed, (at // 2 - zero, event, stage, domain)) for at, event, stage, domain in placed]),
        started_wall_ns=zero,
        note="; ".join(notes),
        alignment=alignment,
        corrections=corrections,
    )


def _on_one_wall(events: Sequence[Event]) -> Axis | None:
    """Events in order of the time of day, of which nothing else is known: most logs are only that."""
    last = -1
    for event in events:
        wall_ns = event.wall_ns
        if event.clock or wall_ns <= last or event.name == CLOCK_SAMPLE:
            return None
        last = wall_ns
    if not events:
        return None
    zero, make = events[0].wall_ns, tuple.__new__
    placed = [
        make(Placed, (event.wall_ns - zero, event, _stage_key(event.service, event.name), WALL)) for event in events
    ]
    return Axis(tuple(placed), zero, WALL_NOTE, None, NO_CORRECTIONS)


def _in_order(item: tuple[int, Event, str, str]) -> tuple[int, str, int]:
    at, event, _, _ = item
    return (at, event.clock, event.seq or 0)


def _causes_first(item: tuple[int, Event, str, str]) -> tuple[int, int, str, int]:
    """At one moment the cause stands in front of its effect: with one bound only, they are put at one moment."""
    at, event, stage, _ = item
    return (at, _USUAL_ORDER.get(stage, len(_USUAL_ORDER)), event.clock, event.seq or 0)


def _domains(events: Sequence[Event]) -> dict[str, list[Event]]:
    domains: dict[str, list[Event]] = {}
    names = _domain_names({event.clock for event in events})
    if len(names) == 1 and WALL in names.values():
        return {WALL: list(events)}
    for event in events:
        domains.setdefault(names[event.clock], []).append(event)
    if WALL in domains and len(domains) == 1:
        return domains
    return {
        # A clock of which only the time of day is known is another one: it may step.
        domain if domain == WALL or any(event.mono_ns is not None for event in members) else BY_WALL + domain: members
        for domain, members in domains.items()
    }


def _domain_names(clocks: set[str]) -> dict[str, str]:
    names = {clock: domain_of(clock) if clock else WALL for clock in clocks}
    if len(names) < 2:
        return names
    hosts: dict[str, set[str]] = {}
    for clock, domain in names.items():
        if domain != WALL and not clock.endswith(NOT_WHICH_BOOT):
            hosts.setdefault(clock.partition("/")[0], set()).add(domain)
    # Who knows no more than the host means its wall clock, and that is the one of the host's other events too.
    for clock in clocks:
        known = hosts.get(clock.partition("/")[0], set()) if clock.endswith(NOT_WHICH_BOOT) else set()
        if len(known) == 1:
            (names[clock],) = known
    return names


def _aligned(domains: dict[str, list[Event]], elsewhere: LookUp) -> Alignment:
    staged = [
        Staged(event, _stage_key(event.service, event.name), domain)
        for domain, members in domains.items()
        for event in members
    ]
    clocks = {domain: clock_of(domain, members) for domain, members in domains.items() if domain != WALL}
    told = [each for each in staged if each.domain != WALL]
    return align(_reference(domains, staged), clocks, told, elsewhere)


# The same few names come again with every turn.
@lru_cache(maxsize=4096)
def _stage_key(service: str, name: str) -> str:
    stage = stage_of(service, name)
    return stage.key if stage else ""


def _reference(domains: dict[str, list[Event]], staged: Sequence[Staged]) -> str:
    """The domain everything is told in: the client's or the listener's, for they wait; else the busiest."""
    for waiting in _WAITING:
        for each in staged:
            if each.stage in waiting and each.domain != WALL:
                return each.domain
    return max(sorted(domains), key=lambda domain: (domain != WALL, len(domains[domain])), default=WALL)
