"""Rules that refuse a number which can't be true, each with a name, and notes on what a log leaves open.

A rule that rejects replaces the metric by its rejection; the number itself is gone from every view.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from msgspec import structs

from voxtrace.analysis.axis import Placed
from voxtrace.analysis.conversation import UNASKED
from voxtrace.analysis.definitions import DEFINITIONS
from voxtrace.analysis.doubts import TTFA, Doubt, TurnRule, value_of
from voxtrace.analysis.model import Finding, Measured, Metric, Turn
from voxtrace.analysis.repeats import repeated
from voxtrace.analysis.replays import FASTEST, RULE, TIMES, impossible_ratio, replayed
from voxtrace.analysis.reported import REPORTED_RULES
from voxtrace.analysis.speech import AUDIO_LENGTH_DISAGREES
from voxtrace.analysis.timeline import Outline, Timeline
from voxtrace.analysis.wrong_order import WRONG_ORDER_RULES
from voxtrace.units import NANOS_PER_MICRO, NANOS_PER_MILLI, Nanos, millis

# Rounding of milliseconds in logs; a smaller disagreement proves nothing.
TOLERANCE_MS = 1.0
# Of a device's clock against ours, over one request.
SLACK_MS = 100.0
# Clocks of two machines may differ by so much; what began later than that has not happened yet.
FUTURE_NS = 60_000 * NANOS_PER_MILLI
# What a caller notes of the first sound, counted from its own beginning.
FIRST = ("ttfb_ms", "first_audio_ms", *TTFA)


def _ttfa_not_positive(turn: Turn, _: Timeline) -> Doubt | None:
    if turn.labels.origin != "client":
        return None
    at_once = [name for name in FIRST if (told := value_of(turn, name)) is not None and told <= 0]
    if not at_once:
        return None
    # An audible sample is never in front of the first sample, which is never in front of the first byte.
    gone = at_once if at_once == ["ttfb_ms"] else [*at_once, *TTFA]
    return Doubt(", ".join(f"a {name} of {value_of(turn, name):g} ms" for name in at_once), tuple(gone))


def _round_trip(timeline: Timeline) -> Nanos | None:
    sent, headers = timeline.first("client.request_sent"), timeline.first("client.headers_received")
    if sent is None or headers is None:
        return None
    received, answered = (headers.event.metadata.get(key) for key in ("server_recv_wall_ns", "server_sent_wall_ns"))
    if not (isinstance(received, int) and isinstance(answered, int)):
        return None
    return Nanos((headers.at - sent.at) - (answered - received))


def _ttfa_below_round_trip(turn: Turn, timeline: Timeline) -> Doubt | None:
    trip = _round_trip(timeline)
    if trip is None:
        return None
    sooner = [name for name in FIRST if (told := value_of(turn, name)) is not None and told < millis(trip)]
    if not sooner:
        return None
    listed = ", ".join(f"{name} {value_of(turn, name):.3f} ms" for name in sooner)
    message = f"below the network's round trip of {millis(trip):.3f} ms: {listed}"
    return Doubt(message, tuple(sooner) if sooner == ["ttfb_ms"] else (*sooner, *TTFA))


def _played_too_fast(turn: Turn, timeline: Timeline) -> Doubt | None:
    """Virtual devices take what they are given at once; then the device's clock tells nothing about hearing."""
    started, completed = timeline.first("playback.started"), timeline.first("playback.completed")
    if started is None or completed is None:
        return None
    played = completed.event.metadata.get("played_ms")
    took = millis(Nanos(completed.at - started.at))
    if not isinstance(played, int | float) or took >= played * 0.9 - SLACK_MS:
        return None
    message = f"{played:.0f} ms of sound were played in {took:.0f} ms: the device keeps no time"
    return Doubt(message, ("heard_ms", "underrun_count", "underrun_ms", "playback_ms"))


def _first_token_is_total(turn: Turn, timeline: Timeline) -> Doubt | None:
    first, total = value_of(turn, "llm_first_token_ms"), value_of(turn, "llm_total_ms")
    if first is None or total is None or first < total:
        return None
    if first > total:
        if len(timeline.all("llm.request_sent")) > 1:  # the token may be of another call than the answer
            return None
        message = f"the first token came after {first:,.1f} ms, and the whole answer after {total:,.1f} ms"
        return Doubt(message, ("llm_first_token_ms", "llm_total_ms", "llm_chars_per_s", "llm_tokens_per_s"))
    return Doubt(
        "the first token came with the whole answer: it was not streamed, or not measured", ("llm_first_token_ms",)
    )


def _bytes_disagree(turn: Turn, timeline: Timeline) -> Doubt | None:
    """PCM and WAV: bytes = seconds x rate x width x channels; the header's bytes are no audio."""
    first = timeline.first("client.first_audio_chunk")
    audio = value_of(turn, "audio_ms")
    if first is None or audio is None or not turn.chunks:
        return None
    rate = first.event.metadata.get("sample_rate_hz")
    if not isinstance(rate, int) or turn.labels.format not in ("pcm", "wav"):
        return None
    channels, width = first.event.metadata.get("channels", 1), first.event.metadata.get("sample_width", 2)
    if not (isinstance(channels, int) and isinstance(width, int)) or rate * channels * width <= 0:
        return None
    told = sum(chunk.bytes for chunk in turn.chunks) / (rate * channels * width) * 1000
    if abs(told - audio) <= max(5.0, audio / 100):
        return None
    gone = ("audio_ms", "rtf", "realtime_ratio", "stall_count", "stall_ms", "max_stall_ms", "required_prebuffer_ms")
    return Doubt(f"{told:.0f} ms of bytes but {audio:.0f} ms of audio", gone)


def _parts_exceed_total(turn: Turn, _: Timeline) -> Doubt | None:
    whole = value_of(turn, "server_response_ms")
    parts = [value_of(turn, name) for name in ("text_ms", "queue_ms", "inference_ms", "encode_ms")]
    known = sum(part for part in parts if part is not None)
    if whole is not None and known > whole + TOLERANCE_MS:
        return Doubt(f"serial parts of {known:.1f} ms in a total of {whole:.1f} ms", ("server_response_ms",))
    # A model reads its prompt within the call, on whatever clock and in whatever unit it says how long that took.
    call, prefill = value_of(turn, "llm_total_ms"), value_of(turn, "prefill_ms")
    if call is None or prefill is None or prefill <= call * 1.001 + TOLERANCE_MS:
        return None
    message = f"the model says that it read its prompt for {prefill:,.0f} ms in a call of {call:,.0f} ms"
    return Doubt(message, ("prefill_ms", "prefill_ns_per_token"))


def _cached_replay(turn: Turn, _: Timeline) -> Doubt | None:
    ratio = impossible_ratio(turn)
    if ratio is None:
        return None
    return Doubt(
        f"{ratio:,.0f} times real time: it was answered from a cache, and that is no synthesis", ("realtime_ratio",)
    )


def _end_before_start(turn: Turn, _: Timeline) -> Doubt | None:
    names = sorted([name for name, metric in turn.metrics.items() if metric.rejected == "end_before_start"])
    return Doubt(f"ends before it starts: {', '.join(names)}") if names else None


def _audio_length_disagrees(turn: Turn, _: Timeline) -> Doubt | None:
    audio = turn.metrics.get("audio_ms")
    if audio is None or audio.rejected != AUDIO_LENGTH_DISAGREES:
        return None
    return Doubt("the chunks' audio and the audio that the end of the stream declares are not the same length")


def _below_zero(turn: Turn, _: Timeline) -> Doubt | None:
    names = tuple(sorted([name for name, metric in turn.metrics.items() if (metric.value or 0.0) < 0]))
    return Doubt(f"below zero: {', '.join(names)}", names) if names else None


def _moments(events: Sequence[Placed]) -> int:
    """How many moments these events tell of: two logs that tell of one moment may differ in its last digits."""
    if len(events) < 2:  # nearly always
        return len(events)
    apart = sum(millis(later.at - earlier.at) > TOLERANCE_MS for earlier, later in pairwise(events))
    return apart + 1


def _several_requests(turn: Turn, timeline: Timeline) -> Doubt | None:
    begun = max(_moments(timeline.all("client.request_start")), _moments(timeline.all("server.request_received")))
    if begun < 2:
        return None
    gone = tuple(definition.name for definition in DEFINITIONS if definition.of == "speech")
    return Doubt(f"{begun} speech requests have this one id: which event belongs to which is not known", gone)


def _clock_offset_unknown(turn: Turn, _: Timeline) -> Doubt | None:
    if turn.clocks_compared:
        return None
    return Doubt("events of several machines are placed by their wall clocks: the order between them may be wrong")


def _order_from_causality(turn: Turn, _: Timeline) -> Doubt | None:
    told = [view for view in turn.clocks if view.method == "causality"]
    if not told:
        return None
    names = ", ".join(view.name for view in told)
    return Doubt(f"no messages with four times between the clocks: the order of {names} is from causes and effects")


def _end_of_speech_not_logged(turn: Turn, timeline: Timeline) -> Doubt | None:
    whole = turn.metrics.get("voice_to_voice_ms")
    if whole is None or timeline.first("user.speech_end") or (whole.measured and whole.bound == "exact"):
        return None
    if whole.missing == UNASKED:
        return None
    bound = ": voice-to-voice is a lower bound" if whole.measured else ""
    return Doubt(f"the end of the user's speech was not logged{bound}")


def _one_side_only(turn: Turn, timeline: Timeline) -> Doubt | None:
    """Only where both sides note events: the answer came from a server that does, or the caller said who it is.

    Results of other tools, a server that refused to connect and clients that know nothing of us have one side.
    """
    if turn.kind != "speech":
        return None
    by_both = timeline.has_side("client"), timeline.has_side("server")
    if all(by_both) or not any(by_both):
        return None
    headers, received = timeline.first("client.headers_received"), timeline.first("server.request_received")
    by_server = headers is not None and "server_recv_wall_ns" in headers.event.metadata
    by_caller = received is not None and {"source", "transport"} <= received.event.metadata.keys()
    if not (by_server or by_caller):
        return None
    absent = "server" if by_both[0] else "client"
    return Doubt(f"no event of the {absent} has this request id, though it notes them: only one side is known")


_REPLAY = (
    f"A run whose first request took {TIMES:g} times as long as those that repeated it, or a request above {FASTEST:g} "
    "times real time, was answered from a cache: that is no synthesis, and such a ratio is rejected. An engine that is "
    "named as one without a model, such as espeak-ng, may be that fast."
)

TURN_RULES: tuple[TurnRule, ...] = (
    TurnRule(
        "several_requests",
        "The numbers of a request need an id of its own.",
        _several_requests,
        about=frozenset({"client.request_start", "server.request_received"}),
    ),
    TurnRule("below_zero", "No length, count or ratio is below zero.", _below_zero),
    TurnRule("ttfa_not_positive", "A TTFA of zero or less is a failure or a wrong start.", _ttfa_not_positive),
    TurnRule(
        "ttfa_below_round_trip",
        "Nothing is heard sooner than the network answers.",
        _ttfa_below_round_trip,
        about=frozenset({"client.headers_received"}),
    ),
    TurnRule("end_before_start", "An interval that ends before it starts has mixed clocks.", _end_before_start),
    TurnRule(
        "first_token_is_total",
        "On a streamed call the first token comes before the last.",
        _first_token_is_total,
        about=frozenset({"llm.first_token"}),
    ),
    TurnRule(
        "bytes_disagree",
        "Audio length is bytes / (rate x width x channels).",
        _bytes_disagree,
        about=frozenset({"client.first_audio_chunk"}),
    ),
    TurnRule("audio_length_disagrees", "Chunks and summary of one stream tell one length.", _audio_length_disagrees),
    TurnRule(
        "played_too_fast",
        "A device that plays faster than time passes is not heard.",
        _played_too_fast,
        about=frozenset({"playback.completed"}),
    ),
    TurnRule(RULE, _REPLAY, _cached_replay),
    TurnRule("parts_exceed_total", "The parts of a serial path are not longer than the whole.", _parts_exceed_total),
    TurnRule(
        "end_of_speech_not_logged",
        "Without the end of speech, voice-to-voice is a lower bound.",
        _end_of_speech_not_logged,
    ),
    TurnRule(
        "clock_offset_unknown",
        "Between machines whose clocks were not compared nothing can be subtracted.",
        _clock_offset_unknown,
    ),
    TurnRule(
        "order_from_causality",
        "Where clocks were not compared, only causes and effects bound their offset.",
        _order_from_causality,
    ),
    TurnRule(
        "one_side_only",
        "Where client and server both note events, those of only one side tell half of the story.",
        _one_side_only,
        about=frozenset({"client.headers_received", "server.request_received"}),
    ),
    *WRONG_ORDER_RULES,
    *REPORTED_RULES,
)

POPULATION_RULES: dict[str, str] = {
    "same_ttfa": "The same TTFA to the microsecond in four or more requests, and in more than chance explains, "
    "is a replay or a constant.",
    "too_many_events": "More events under one id than any turn has are the events of many requests.",
    "in_the_future": "A request that has not happened yet was logged with a wrong clock.",
}


EXPLANATIONS = {rule.name: rule.explanation for rule in TURN_RULES} | POPULATION_RULES
"""Why each rule doubts."""


def check_turn(turn: Turn, timeline: Timeline) -> Turn:
    """The turn with what the rules found in it and in its events, and without the numbers that they reject."""
    findings: list[Finding] = []
    metrics = dict(turn.metrics)
    for rule in _rules_about(timeline.outline):
        doubt = rule.check(turn, timeline)
        if doubt is None:
            continue
        findings.append(Finding(rule.name, doubt.message))
        for name in doubt.rejects:
            if name in metrics and metrics[name].measured:
                metrics[name] = _reject(metrics[name], rule.name)
    return structs.replace(turn, metrics=metrics, findings=(*turn.findings, *findings)) if findings else turn


@lru_cache(maxsize=1024)
def _rules_about(outline: Outline) -> tuple[TurnRule, ...]:
    return tuple(rule for rule in TURN_RULES if rule.concerns(outline))


def _reject(metric: Metric, rule: str) -> Metric:
    return structs.replace(metric, value=None, missing=None, rejected=rule)


def check_population(turns: Sequence[Measured], now_wall_ns: int | None = None) -> list[Measured]:
    """The turns without the numbers that only look impossible beside each other."""
    suspects = repeated([micros for turn in turns if (micros := _micros(turn)) is not None])
    replays = replayed(turns)
    checked: list[Measured] = []
    for turn in turns:
        if _micros(turn) in suspects:
            turn = _refuse(turn, "same_ttfa", _of_one_moment(turn))
        if turn.request_id in replays:
            turn = _refuse(turn, RULE, ())
        if now_wall_ns is not None and turn.started_wall_ns > now_wall_ns + FUTURE_NS:
            turn = _refuse(turn, "in_the_future", tuple(turn.metrics))
        checked.append(turn)
    return checked


def _micros(turn: Measured) -> int | None:
    ttfa = value_of(turn, "ttfa_ms")
    if ttfa is None and turn.labels.source != "real":
        ttfa = value_of(turn, "ttfb_ms")  # what other tools call TTFA
    return None if ttfa is None else round(ttfa * (NANOS_PER_MILLI // NANOS_PER_MICRO))


def _of_one_moment(turn: Measured) -> tuple[str, ...]:
    """The names under which a turn tells its suspect first sound."""
    ttfa = value_of(turn, "ttfa_ms")
    if ttfa is None:
        return (*TTFA, "ttfb_ms")
    return (*TTFA, "first_audio_ms") if value_of(turn, "first_audio_ms") == ttfa else TTFA


def _refuse(turn: Measured, rule: str, names: Iterable[str]) -> Measured:
    refused = {name: _reject(turn.metrics[name], rule) for name in names if name in turn.metrics}
    findings = turn.findings
    # A request may break this rule alone, and its run as well.
    if all(finding.rule != rule for finding in findings):
        findings = (*findings, Finding(rule, _REPLAY if rule == RULE else POPULATION_RULES[rule]))
    return structs.replace(turn, metrics={**turn.metrics, **refused}, findings=findings)
