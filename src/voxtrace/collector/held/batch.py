"""Some requests with all of their events, measured in a process of their own.

A module by itself, so that such a process loads nothing else.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from msgspec import Struct, field
from msgspec.msgpack import Decoder, Encoder

from voxtrace.analysis.model import Turn
from voxtrace.analysis.record import pack
from voxtrace.analysis.turns import assemble
from voxtrace.events import Event
from voxtrace.events.gaps import Exchange, Gap
from voxtrace.store.ports import ClockSample

_log = logging.getLogger(__name__)
# In a third of the time of pickle. What an event without metadata holds in its place is no plain dictionary.
_encode = Encoder(enc_hook=dict).encode
_decode = Decoder(dict[str, list[Event]]).decode

Answers: TypeAlias = Mapping[str, Mapping[Gap, Sequence[Exchange]]]
"""By request, what other requests tell of clocks that it asked about."""


class HeldTurn(NamedTuple):
    """A turn, and where a store would list it: by the earliest reading of any clock, whatever the turn makes of it."""

    turn: Turn
    session_id: str | None
    started_wall_ns: int


class MeasuredBatch(Struct):
    """The records of turns, column by column. Their texts repeat from turn to turn, and are sent once."""

    request_ids: list[str] = field(default_factory=list)
    session_ids: list[str | None] = field(default_factory=list)
    started: list[int] = field(default_factory=list)  # wall time in nanoseconds
    numbers: list[bytes] = field(default_factory=list)  # of `record.Packed`
    words: list[bytes] = field(default_factory=list)  # of each of its texts the place in `texts`, as an `array("I")`
    texts: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)  # requests of which no turn can be made
    # By request, where there are any: what it tells other requests of clocks, and what it asked them.
    samples: dict[str, list[ClockSample]] = field(default_factory=dict)
    gaps: dict[str, list[Gap]] = field(default_factory=dict)


def pack_events(requests: Mapping[str, Sequence[Event]]) -> bytes:
    """Requests with their events, to be held or sent.

    Raises:
        ValueError, TypeError, OverflowError, RecursionError: an event holds what no store can keep either.
    """
    return _encode(requests)


def unpack_events(packed: bytes) -> dict[str, list[Event]]:
    """The requests that were packed."""
    return _decode(packed)


def measure_batch(packed: bytes, answers: Answers | None = None) -> MeasuredBatch:
    """The turns of these requests, or of those alone for which there are answers.

    A turn that trips over a bug is left out, and the log says so.
    """
    requests = unpack_events(packed)
    if answers is not None:
        requests = {request_id: requests[request_id] for request_id in answers}
    turns: list[HeldTurn] = []
    failed: list[str] = []
    gaps: dict[str, list[Gap]] = {}
    for request_id, events in requests.items():
        known = answers[request_id] if answers is not None else {}
        try:
            found, asked = held_turn(request_id, events, known)
        except Exception:  # noqa: BLE001 - one turn that trips over a bug must not cost all others
            _log.exception("request %r can't be derived from its %d events", request_id, len(events))
            failed.append(request_id)
            continue
        turns.append(found)
        if asked:
            gaps[request_id] = asked
    measured = records_of(turns)
    measured.failed, measured.gaps = failed, gaps
    return measured


def first_of_each_id(events: Iterable[Event]) -> Iterator[Event]:
    """What a store keeps of a request: of two events with one id that which came first, whatever the other says."""
    known: set[str] = set()
    for event in events:
        if event.event_id not in known:
            known.add(event.event_id)
            yield event


def held_turn(
    request_id: str, events: Sequence[Event], answers: Mapping[Gap, Sequence[Exchange]]
) -> tuple[HeldTurn, list[Gap]]:
    """The turn of these events, and what it asked others."""
    asked: list[Gap] = []

    def ask(gap: Gap) -> Sequence[Exchange]:
        asked.append(gap)
        return answers.get(gap, ())

    session_id = next((event.session_id for event in events if event.session_id is not None), None)
    if len({event.event_id for event in events}) < len(events):
        events = list(first_of_each_id(events))
    turn = assemble(request_id, events, ask)
    return HeldTurn(turn, session_id, min([event.wall_ns for event in events])), asked


def records_of(turns: Iterable[HeldTurn]) -> MeasuredBatch:
    """The records of these turns."""
    measured = MeasuredBatch()
    places: dict[str, int] = {}
    for turn, session_id, started_wall_ns in turns:
        numbers, texts = pack(turn)
        measured.request_ids.append(turn.request_id)
        measured.session_ids.append(session_id)
        measured.started.append(started_wall_ns)
        measured.numbers.append(numbers)
        measured.words.append(array("I", [places.setdefault(text, len(places)) for text in texts]).tobytes())
        if turn.clock_samples:
            measured.samples[turn.request_id] = [
                (each.one, each.other, each.at, each.low or 0, each.high or 0) for each in turn.clock_samples
            ]
    measured.texts.extend(places)
    return measured
