"""What the messages between two services tell of their clocks.

Three things in a log do: the four times of a request and its answer, whether the client noted the server's two from
the answer's headers or any service called `clock_sample`; and, where there are none, that nothing happens before its
cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median_low
from typing import NamedTuple

from msgspec import Struct

from voxtrace.analysis.clocks import Sample, sample
from voxtrace.events import CLOCK_SAMPLE, Event

WALL = ""  # the domain of events that carry wall time and not whose
BY_WALL = "wall/"  # in front of a domain whose events carry wall time only
# Of one turn and pair; the shortest round trips of them. A stream of a long article has one, a storm of events many.
MOST_SAMPLES = 200


class Staged(NamedTuple):
    """An event, its stage ("" where it has none), and whose clock it carries."""

    event: Event
    stage: str
    domain: str


class DomainClock(Struct, frozen=True):
    """One clock of a turn: monotonic, or the time of day where its events carry no other."""

    name: str
    anchor: int  # wall minus monotonic time; 0 where time is the time of day
    begin: int  # its first and its last event, on its own clock
    end: int
    services: tuple[str, ...]
    host: str

    def time_of(self, event: Event) -> int:
        """When the event happened on this clock."""
        return event.mono_ns if event.mono_ns is not None and event.clock else event.wall_ns - self.anchor


def anchor_of(members: Iterable[Event]) -> int:
    """Wall minus monotonic time of one clock: the median, so that one stepped reading moves nothing."""
    stamps = [event.wall_ns - event.mono_ns for event in members if event.mono_ns is not None and event.clock]
    return median_low(stamps) if stamps else 0


def clock_of(name: str, members: Sequence[Event]) -> DomainClock:
    """The clock that these events were stamped by."""
    anchor = anchor_of(members)
    times = [
        event.mono_ns if event.mono_ns is not None and event.clock else event.wall_ns - anchor for event in members
    ]
    services = tuple(sorted({event.service for event in members}))
    host = min(event.clock for event in members).partition("/")[0]
    return DomainClock(name, anchor, min(times), max(times), services, host)


def samples_of(staged: Iterable[Staged], clocks: Mapping[str, DomainClock]) -> list[Sample]:
    """Every request and answer between two of these clocks of which all four times are known."""
    found: list[Sample] = []
    sent: dict[str, list[int]] = {}
    answers: list[Staged] = []
    for each in staged:
        if each.stage == "client.request_sent":
            took = each.event.metadata.get("writing_ns")
            began = clocks[each.domain].time_of(each.event) - (took if type(took) is int and took > 0 else 0)
            sent.setdefault(each.domain, []).append(began)
        elif each.stage == "client.headers_received":
            answers.append(each)
        elif each.event.name == CLOCK_SAMPLE:
            found += _told(each, clocks)
    server = _server(clocks, staged) if answers else None
    if server is not None:
        for each in answers:
            found += _from_headers(each, clocks, server, sent.get(each.domain, ()))
    return _shortest(found)


def _server(clocks: Mapping[str, DomainClock], staged: Iterable[Staged]) -> DomainClock | None:
    """Who answered the turn's speech request; None where two did."""
    received = {each.domain for each in staged if each.stage == "server.request_received"}
    received = received or {each.domain for each in staged if each.event.service == "server"}
    return clocks[received.pop()] if len(received) == 1 else None


def _from_headers(
    answer: Staged, clocks: Mapping[str, DomainClock], server: DomainClock, sent: Sequence[int]
) -> list[Sample]:
    client = clocks[answer.domain]
    back = client.time_of(answer.event)
    began = max((at for at in sent if at <= back), default=None)
    told = (answer.event.metadata.get(name) for name in ("server_recv_wall_ns", "server_sent_wall_ns"))
    received, answered = (each if type(each) is int else None for each in told)
    if began is None or received is None or answered is None:
        return []
    return _exchange(client, server, (began, received, answered, back))


def _told(noted: Staged, clocks: Mapping[str, DomainClock]) -> list[Sample]:
    """A sample that a service noted itself; the one that asked notes it."""
    metadata = noted.event.metadata
    near, far = clocks[noted.domain], _peer(metadata.get("peer"), clocks)
    names = ("sent_mono_ns", "sent_wall_ns", "received_wall_ns", "answered_wall_ns")
    mono, wall, received, answered = (
        value if type(value := metadata.get(name)) is int and abs(value) < 2**63 else None for name in names
    )
    sent = mono if mono is not None and near.anchor else None if wall is None else wall - near.anchor
    if far is None:
        return []
    return _exchange(near, far, (sent, received, answered, near.time_of(noted.event)))


def _peer(told: object, clocks: Mapping[str, DomainClock]) -> DomainClock | None:
    """The clock of that service, host or name of a clock; None where it is none of this turn's, or several."""
    if not isinstance(told, str) or not told:
        return None
    by_name = [clock for name, clock in clocks.items() if told in (name, name.removeprefix(BY_WALL), clock.host)]
    found = by_name or [clock for clock in clocks.values() if told in clock.services]
    return found[0] if len(found) == 1 else None


def _exchange(
    near: DomainClock, far: DomainClock, times: tuple[int | None, int | None, int | None, int | None]
) -> list[Sample]:
    """What a request sent and received, and its answer sent and received, say; the far side's times are wall time."""
    if near.name == far.name or WALL in (near.name, far.name):
        return []
    sent, received, answered, back = times
    low = None if answered is None or back is None else answered - far.anchor - back
    high = None if received is None or sent is None else received - far.anchor - sent
    at = sent if sent is not None else back
    if at is None or low is None or high is None or low > high:
        return []  # a round trip of less than nothing: the times are not of one exchange
    return [sample(near.name, far.name, at, low, high)]


def _shortest(found: list[Sample]) -> list[Sample]:
    pairs: dict[tuple[str, str], list[Sample]] = {}
    for each in found:
        pairs.setdefault((each.one, each.other), []).append(each)
    kept: list[Sample] = []
    for samples in pairs.values():
        kept += sorted(set(samples), key=lambda each: (each.width or 0, each))[:MOST_SAMPLES]
    return kept


# What is never before what, where the one is another service's than the other. Only what a message makes certain:
# a step that a service may begin on its own is not here. The end of a call bounds the other side from above.
CAUSES: tuple[tuple[str, str], ...] = (
    ("client.request_start", "server.request_received"),
    ("server.request_received", "client.headers_received"),
    ("server.first_chunk_generated", "client.first_audio_chunk"),
    ("client.first_audio_chunk", "playback.started"),
    ("user.speech_start", "stt.transcript_final"),
    ("user.speech_end", "stt.transcript_final"),
    ("stt.transcript_final", "stt.http_request_start"),
    ("stt.http_request_start", "context.handler_entry"),
    ("stt.http_request_start", "context.request_received"),
    ("stt.transcript_final", "context.request_received"),
    ("context.handler_entry", "stt.http_response_received"),
    ("context.request_received", "stt.http_response_received"),
    ("context.request_received", "llm.request_sent"),
    ("stt.transcript_final", "llm.request_sent"),
    ("llm.first_token", "tts.request_received"),
    ("llm.first_token", "tts.synthesis_start"),
    ("tts.synthesis_start", "server.request_received"),
    ("server.request_received", "tts.first_audio"),
    ("tts.request_received", "playback.started"),
    ("tts.first_audio", "playback.started"),
    ("tts.synthesis_start", "playback.first_sample"),
)
_CAUSAL = frozenset(stage for pair in CAUSES for stage in pair)


def bounds_of(staged: Iterable[Staged], clocks: Mapping[str, DomainClock]) -> list[Sample]:
    """What causes and effects on two clocks say of their offset: each bounds it on one side.

    The first of the effects is not before the first of the causes, however many there are.
    """
    firsts: dict[str, dict[str, int]] = {}
    for each in staged:
        if each.stage in _CAUSAL and each.domain != WALL:
            at = clocks[each.domain].time_of(each.event)
            known = firsts.setdefault(each.stage, {})
            known[each.domain] = min(at, known.get(each.domain, at))
    found: list[Sample] = []
    for cause, effect in CAUSES:
        causes, effects = firsts.get(cause, {}), firsts.get(effect, {})
        if len(causes) == len(effects) == 1 and causes.keys() != effects.keys():
            (near, began), (far, came) = *causes.items(), *effects.items()
            found.append(sample(near, far, began, None, came - began))
    return found
