"""The numbers of one turn of a conversation; see `definitions` for what each means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from msgspec.structs import replace

from voxtrace.analysis.axis import Placed
from voxtrace.analysis.model import Metric
from voxtrace.analysis.prompts import Facts, call_facts, prompt_metrics
from voxtrace.analysis.speech import audible_moment
from voxtrace.analysis.tiling import ZERO, Wait
from voxtrace.analysis.timeline import Timeline, finite
from voxtrace.units import Nanos, millis

# Where the agent becomes audible, from the surest witness to the least.
AUDIBLE = ("playback.first_sample", "playback.started", "client.first_audible_chunk")
# Audio existed, but nobody says that it was played: the listener waited at least this long.
EXISTED = ("tts.first_audio", "tts.synthesis_complete", "client.first_audio_chunk", "server.first_chunk_sent")
UNASKED = "the agent spoke unasked: no user had said anything"
# Text was ready to speak: the agent can't have been audible before.
SPEAKABLE = ("tts.request_received", "llm.handoff", "llm.first_sentence")
# While these happen the user may still be speaking, so they prove nothing about the wait.
_DURING_SPEECH = frozenset({"", "user.speech_start", "user.interrupted", "stt.started", "stt.first_partial"})

# What the model's answer is counted in, and who tells it.
_PACES = {"llm_chars_per_s": "response_length", "llm_tokens_per_s": "completion_tokens"}
ANSWER_TOKENS = ("completion_tokens", "eval_count")

_SENT, _RECEIVED = "llm.request_sent", "llm.response_received"

Sound: TypeAlias = tuple[Placed, Nanos]
"""The event that tells when the listener first heard the answer, and that moment."""

_SPANS: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "endpointing_ms": (("user.speech_end",), ("stt.pause_detected", "stt.started")),
    "classification_ms": (
        ("context.classification_start", "context.request_received"),
        ("context.classification_complete",),
    ),
    "retrieval_ms": (
        ("context.retrieval_start", "context.classification_complete"),
        ("context.retrieval_complete",),
    ),
    "tts_first_audio_ms": (
        ("tts.synthesis_start", "tts.request_received"),
        ("tts.first_audio", "playback.started", "tts.synthesis_complete"),
    ),
    "playback_ms": (("playback.started",), ("playback.completed",)),
}


def is_conversation(timeline: Timeline) -> bool:
    """Whether these events tell of more than one speech request."""
    return any(timeline.has_side(side) for side in ("user", "stt", "context", "llm", "tts"))


def conversation_metrics(timeline: Timeline, total: Nanos, sound: Sound | None) -> dict[str, Metric]:
    """All metrics of one turn from the events that are there.

    Args:
        timeline: of the turn.
        total: its whole length in nanoseconds.
        sound: what `heard` says of it.
    """
    metrics = {name: timeline.between(begin, end, "turn") for name, (begin, end) in _SPANS.items()}
    metrics["stt_ms"] = _speech_to_text(timeline)
    calls = _calls(timeline, _SENT, _RECEIVED)
    facts = None if calls is None else [call_facts(timeline, *call) for call in calls]
    metrics |= _model_metrics(timeline, calls, facts or ())
    metrics["voice_to_voice_ms"] = voice_to_voice(timeline, sound)
    metrics["request_to_audio_ms"] = _until_sound(timeline, "context.request_received", sound)
    metrics["stt_to_audio_ms"] = _until_sound(timeline, "stt.started", sound)
    prompt = timeline.number("prompt_chars", "context.prompt_built")
    why = "no context.prompt_built event with prompt_chars"
    metrics["prompt_chars"] = (
        Metric(prompt, origin="turn") if prompt is not None else Metric(missing=why, origin="turn")
    )
    metrics |= prompt_metrics(timeline, facts)
    metrics["turn_total_ms"] = _total(timeline, total)
    return metrics


def heard(timeline: Timeline) -> Sound | None:
    """The event that tells when the listener first heard the answer, and that moment; None where none does.

    What was audible before the user had spoken is no answer to it.
    """
    asked = timeline.first("user.speech_end")
    witness = asked and timeline.after(asked.at, *AUDIBLE, *EXISTED)
    witness = witness or timeline.first(*AUDIBLE, *EXISTED)
    if witness is None:
        return None
    # A player plays the silence in front of the speech too; only its own clock's first sample is behind it.
    audible = audible_moment(timeline) if witness.stage in ("playback.started", "client.first_audible_chunk") else None
    return witness, Nanos(max(witness.at, audible or 0))


def wait_of(timeline: Timeline, sound: Sound | None) -> Wait:
    """The stretch in which somebody waits: from the end of speech, or the request, until the first sound."""
    end = sound[1] if sound else _last_step(timeline) if _reported_wait(timeline) else None
    spoken = timeline.before(end, "user.speech_end") if end is not None else timeline.last("user.speech_end")
    if spoken is None and timeline.first("user.speech_start"):
        spoken = _surely_silent(timeline)
    begin = spoken or (None if is_conversation(timeline) else timeline.first("client.request_start"))
    return Wait(begin.at if begin and (end is None or begin.at <= end) else ZERO, end)


def _last_step(timeline: Timeline) -> Nanos | None:
    """Where the agent was heard at a moment that nobody wrote down: behind the last step there was no more waiting."""
    steps = [placed.at for placed in timeline.axis.placed if placed.stage not in ("", "llm.response_sent")]
    return max(steps, default=None)


def voice_to_voice(timeline: Timeline, sound: Sound | None) -> Metric:
    """User stops speaking -> agent audible; a lower bound where either end was not logged.

    A voice framework that measured the whole and wrote down neither end is believed where no events say better.
    """
    seen = _seen_voice_to_voice(timeline, sound)
    told = _reported_wait(timeline)
    if told is None or (seen.value is not None and seen.bound == "exact") or seen.rejected:
        return seen
    note = "as the voice framework measured it; when it began and ended was not logged"
    return Metric(told, origin="turn", start="user.speech_end", end=AUDIBLE[0], note=note)


def _reported_wait(timeline: Timeline) -> float | None:
    """Milliseconds that a framework measured between the user's last word and the agent's first, or None."""
    seconds = timeline.number("reported_user_bot_latency_s", "llm.response_sent")
    return seconds * 1000 if seconds is not None and seconds > 0 else None


def is_unasked(timeline: Timeline) -> bool:
    """Whether the agent spoke of itself, such as a greeting: the log tells of users, and of none in this turn."""
    told = timeline.fact("tells_of_users", "llm.response_sent") is True
    return told and not timeline.has_side("user") and not timeline.has_side("stt") and _reported_wait(timeline) is None


def _seen_voice_to_voice(timeline: Timeline, sound: Sound | None) -> Metric:
    if is_unasked(timeline):
        return Metric(missing=UNASKED, origin="turn", start="user.speech_end", end=AUDIBLE[0])
    known = sound or _speakable(timeline)
    if known is None:
        why = "no event says when the agent became audible"
        return Metric(missing=why, origin="turn", start="user.speech_end", end=AUDIBLE[0])
    witness, moment = known
    spoken = timeline.before(witness.at, "user.speech_end") or timeline.first("user.speech_end")
    begin = spoken or _surely_silent(timeline)
    if begin is None or begin is witness:
        why = "no event says when the user had stopped speaking"
        return Metric(missing=why, origin="turn", start="user.speech_end", end=witness.stage)
    whole = timeline.span(begin, witness, "turn")
    reasons = []
    if spoken is None:
        reasons.append("end of speech was not logged")
    if witness.stage in (*EXISTED, *SPEAKABLE):
        reasons.append("the start of playback was not logged")
    if whole.value is None:
        return whole
    whole = replace(whole, value=whole.value + millis(moment - witness.at))
    if not reasons:
        return whole
    note = f"{' and '.join(reasons)}: the user waited at least this long"
    return replace(whole, bound="lower", note="; ".join(filter(None, (whole.note, note))))


def _speakable(timeline: Timeline) -> Sound | None:
    """The last moment before the answer's sound that is known where no sound is."""
    ready = timeline.first(*SPEAKABLE)
    return (ready, ready.at) if ready else None


def _until_sound(timeline: Timeline, begin: str, sound: Sound | None) -> Metric:
    """From the first of `begin` to the first sound of the answer, by its surest witness."""
    start = timeline.first(begin)
    if start is None or sound is None:
        why = f"no {begin} event" if start is None else "no event says when the agent became audible"
        return Metric(missing=why, origin="turn", start=begin, end=AUDIBLE[0])
    witness, moment = sound
    whole = timeline.span(start, witness, "turn")
    return whole if whole.value is None else replace(whole, value=whole.value + millis(moment - witness.at))


def _surely_silent(timeline: Timeline) -> Placed | None:
    """The first event that can't have come before the end of the user's speech."""
    return next((placed for placed in timeline.axis.placed if placed.stage not in _DURING_SPEECH), None)


def _speech_to_text(timeline: Timeline) -> Metric:
    """Recognition that runs while the user speaks is waited for only from the end of speech."""
    whole = timeline.between(("stt.started", "stt.pause_detected"), "stt.transcript_final", "turn")
    final = timeline.first("stt.transcript_final")
    spoken = final and timeline.before(final.at, "user.speech_end")
    started = timeline.first("stt.started", "stt.pause_detected")
    if final is None or spoken is None or started is None or spoken.at <= started.at:
        return whole
    return timeline.span(spoken, final, "turn")


def _model_metrics(
    timeline: Timeline, calls: Sequence[tuple[Placed, Placed]] | None, facts: Sequence[Facts]
) -> dict[str, Metric]:
    sent, received, token = _SENT, _RECEIVED, "llm.first_token"
    tokens = _calls(timeline, sent, token)
    if calls is None or tokens is None:
        why = "calls to the model overlap: which answer belongs to which call is not known"
        unknown = Metric(missing=why, origin="turn", start=sent, end=received)
        return dict.fromkeys(("llm_first_token_ms", "llm_total_ms", *_PACES), unknown)
    lengths = [timeline.span(*call, "turn") for call in calls]
    known = [length.value for length in lengths if length.value is not None]
    if len(calls) < 2 or len(known) < len(lengths):
        total = lengths[0] if lengths else timeline.between(sent, received, "turn")
    else:
        note = f"{len(calls)} calls together"
        total = Metric(sum(known), origin="turn", start=sent, end=received, note=note)
    first = timeline.span(*tokens[0], "turn") if tokens else timeline.between(sent, token, "turn")
    return {
        "llm_first_token_ms": first,
        "llm_total_ms": total,
        "llm_chars_per_s": _per_second(_answer_chars(timeline, calls), total, _PACES["llm_chars_per_s"]),
        "llm_tokens_per_s": _per_second(_answer_tokens(timeline, facts), total, _PACES["llm_tokens_per_s"]),
    }


def _calls(timeline: Timeline, begin: str, end: str) -> list[tuple[Placed, Placed]] | None:
    """Begin and end of each call that has both, one after the other; None where calls overlap.

    A call without an answer, behind which another began, was given up.
    """
    begins, ends = timeline.all(begin), timeline.all(end)
    if not begins or not ends:
        return []
    if len(begins) == len(ends) == 1 and begins[0].at < ends[0].at:  # nearly always
        return [(begins[0], ends[0])]
    calls: list[tuple[Placed, Placed]] = []
    waiting: list[Placed] = []
    is_answered = False
    for moment in timeline.axis.placed:
        if moment.stage == begin:
            if is_answered:
                waiting.clear()
            waiting.append(moment)
            is_answered = False
        elif moment.stage == end and waiting:
            if is_answered:
                return None
            calls.append((waiting.pop(), moment))
            is_answered = True
    return calls


def answer_chars(timeline: Timeline) -> float | None:
    """Characters of the model's answers together; None where one of them is not told, or calls overlap."""
    calls = _calls(timeline, _SENT, _RECEIVED)
    return None if calls is None else _answer_chars(timeline, calls)


def _answer_chars(timeline: Timeline, calls: Sequence[tuple[Placed, Placed]]) -> float | None:
    if "response_length" not in timeline.told:
        return None
    answers = [finite(stop.event.metadata.get("response_length")) for _, stop in calls]
    if len(calls) < 2 and None in (answers or [None]):
        answers = [timeline.number("response_length", "llm.response_received", "llm.handoff")]
    return _sum_of(answers)


def _answer_tokens(timeline: Timeline, facts: Sequence[Facts]) -> float | None:
    """Tokens of the answers by the models' own account; runtimes and clients have different names for them."""
    if timeline.told.isdisjoint(ANSWER_TOKENS):
        return None
    facts = facts or [placed.event.metadata for placed in timeline.all("llm.response_received")[:1]]
    return _sum_of([next((finite(each[name]) for name in ANSWER_TOKENS if name in each), None) for each in facts])


def _sum_of(numbers: Sequence[float | None]) -> float | None:
    known = [number for number in numbers if number is not None and number >= 0]
    return sum(known) if known and len(known) == len(numbers) else None


def _per_second(amount: float | None, total: Metric, named: str) -> Metric:
    if amount is None:
        return Metric(missing=f"no llm.response_received event with {named}", origin="turn")
    if not total.value:
        return Metric(missing=total.missing or total.rejected or "no time passed", origin="turn")
    return Metric(amount / total.value * 1000, origin="turn")


def _total(timeline: Timeline, total: Nanos) -> Metric:
    if not total:
        return Metric(missing="a single event has no length", origin="turn")
    ends = timeline.span(timeline.axis.placed[0], timeline.axis.placed[-1], "turn")
    if ends.value is None:
        return Metric(missing=ends.missing, rejected=ends.rejected, origin="turn")
    return Metric(millis(total), origin="turn", note=ends.note, uncertainty=ends.uncertainty)
