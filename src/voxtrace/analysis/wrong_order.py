"""Rules about events that can't be of one request, or of one clock: what an importer can't see line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from voxtrace.analysis.axis import Placed
from voxtrace.analysis.doubts import TTFA, Doubt, TurnRule
from voxtrace.analysis.model import DISORDERED, Turn
from voxtrace.analysis.timeline import Timeline
from voxtrace.units import NANOS_PER_SECOND, Nanos, millis

# Nobody waits in silence for so long: a synthesis times out after half a minute, a caller hangs up before this.
LONGEST_SILENCE_NS = 600 * NANOS_PER_SECOND
# The end of an id that the importer gave to one of several requests without an id of their own.
_TOLD_APART = re.compile(r"@\d{4}-\d\d-\d\dT[\d:.]+Z$", re.ASCII)
# An id that nobody gives twice. Spans of one trace may name a session, a conversation and a thread, and mean one.
_OF_A_TRACE = re.compile(r"[0-9a-f]{32}(?:/|$)", re.ASCII)
_ASKED = ("context.request_received", "stt.transcript_final")
# Rounding of milliseconds in logs; a smaller disagreement proves nothing.
TOLERANCE_MS = 1.0

# One side's word for a message and the other side's, by the names of latency.log: there a call is logged before it is
# made, and noted by its receiver when it came in. Stages are not enough: a stack that streams may speak before the
# model has ended, and so may start the one before the other.
_MESSAGES = (
    ("stt_sending_to_v34", "v34_webhook_received"),
    ("stt_http_request_start", "v34_flask_handler_entry"),
    ("v34_webhook_received", "stt_http_response_received"),
    ("v34_sending_to_tts", "tts_request_received"),
)
_WHOLE = ("turn_total_ms", "voice_to_voice_ms")
_NAMES = frozenset(name for pair in _MESSAGES for name in pair)


def _id_of_several(turn: Turn, timeline: Timeline) -> Doubt | None:
    sessions = _sessions(turn.request_id, timeline)
    if len(sessions) > 1:
        why = f"its events name {len(sessions)} sessions"
    elif turn.total > LONGEST_SILENCE_NS and (silence := _silence(turn)) > LONGEST_SILENCE_NS:
        why = f"nothing happened for {silence / (60 * NANOS_PER_SECOND):,.0f} minutes between two of its events"
    elif _is_answered_again(timeline):
        why = "it was asked, answered aloud, asked again and answered again"
    elif _TOLD_APART.search(turn.request_id) and _has_anothers_answer(timeline):
        why = "it holds more answers than questions: it overlapped another one without an id"
    else:
        return None
    message = f"{why}: several requests share this id, or the clocks of its services are that far apart"
    return Doubt(message, tuple(turn.metrics))


def _sessions(request_id: str, timeline: Timeline) -> set[str]:
    """The sessions that events of the turn name, be it in their metadata only."""
    placed = timeline.axis.placed
    sessions = {each.event.session_id for each in placed if each.event.session_id}
    if len(sessions) > 1 and not _OF_A_TRACE.match(request_id):
        return sessions
    if "session_id" not in timeline.told:
        return set()
    told = (each.event.metadata.get("session_id") for each in placed)
    return {str(session) for session in told if session}


def _is_answered_again(timeline: Timeline) -> bool:
    """Whether a question and a call of the model stand between two answers that were played."""
    played = timeline.all("playback.started")
    return any(
        any(_is_between(timeline, stage, one, other) for stage in _ASKED)
        and _is_between(timeline, "llm.request_sent", one, other)
        for one, other in pairwise(played)
    )


def _has_anothers_answer(timeline: Timeline) -> bool:
    calls, answers = (timeline.all(f"llm.{name}") for name in ("request_sent", "response_received"))
    return 0 < len(calls) < len(answers) or len(timeline.all("playback.started")) > 1


def _is_between(timeline: Timeline, stage: str, one: Placed, other: Placed) -> bool:
    return any(one.at < placed.at < other.at for placed in timeline.all(stage))


def _silence(turn: Turn) -> int:
    return max((later.at - earlier.at for earlier, later in pairwise(turn.marks)), default=0)


def _effect_before_cause(turn: Turn, timeline: Timeline) -> Doubt | None:
    if turn.kind != "conversation":
        return None
    named: dict[str, list[Placed]] = {}
    for placed in timeline.axis.placed:
        if placed.event.name in _NAMES:
            named.setdefault(placed.event.name, []).append(placed)
    if not named:
        return None
    is_one_clock = timeline.axis.alignment is None
    for cause, effect in _MESSAGES:
        causes, effects = named.get(cause, []), named.get(effect, [])
        if len(causes) != 1 or len(effects) != 1 or not (is_one_clock or causes[0].domain == effects[0].domain):
            continue  # which belongs to which is open, or their clocks have been compared
        early = millis(Nanos(causes[0].at - effects[0].at))
        if early > TOLERANCE_MS and causes[0].event.service != effects[0].event.service:
            receiver, sender = effects[0].event.service, causes[0].event.service
            message = (
                f"{effect} stands {early:,.0f} ms before {cause}, of which it is the other side: the clocks of "
                f"{receiver} and {sender} differ by at least that, and no time between two services can be trusted"
            )
            return Doubt(message, tuple(_between_services(turn, timeline)))
    return None


def _between_services(turn: Turn, timeline: Timeline) -> Iterator[str]:
    """Metrics whose two ends different services noted, and those that begin wherever the turn's first event is."""
    for name, metric in turn.metrics.items():
        ends = (*timeline.all(metric.start), *timeline.all(metric.end))
        if name in _WHOLE or len({placed.event.service for placed in ends}) > 1:
            yield name


def _first_byte_after_end(turn: Turn, timeline: Timeline) -> Doubt | None:
    first = next(iter(timeline.all("client.first_byte_received")), None)
    ended = max((placed.at for placed in timeline.all("client.request_complete")), default=None)
    if first is None or ended is None or first.at - ended <= TOLERANCE_MS * 1e6:
        return None
    message = f"the first bytes came {millis(Nanos(first.at - ended)):,.0f} ms after the answer had ended"
    return Doubt(message, (*TTFA, "first_audio_ms", "ttfb_ms", "realtime_ratio"))


WRONG_ORDER_RULES: tuple[TurnRule, ...] = (
    TurnRule(
        "id_of_several",
        "Events of two sessions or two turns, or ten minutes apart, are not of one request, whatever id they carry.",
        _id_of_several,
    ),
    TurnRule(
        DISORDERED,
        "What a service received before another one sent it was stamped by clocks that disagree.",
        _effect_before_cause,
    ),
    TurnRule(
        "first_byte_after_end",
        "An answer has no first byte behind its last.",
        _first_byte_after_end,
        about=frozenset({"client.first_byte_received"}),
    ),
)
