"""The numbers of one turn of a conversation; see `definitions` for what each means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from voxtrace.analysis.model import Metric
from voxtrace.analysis.timeline import Timeline
from voxtrace.units import Nanos, millis

# Where the agent becomes audible, from the surest witness to the least.
AUDIBLE = ("playback.first_sample", "playback.started", "client.first_audible_chunk")
# Audio existed, but nobody says that it was played: the listener waited at least this long.
EXISTED = ("tts.first_audio", "tts.synthesis_complete")

_SPANS: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "endpointing_ms": (("user.speech_end",), ("stt.pause_detected", "stt.started")),
    "stt_ms": (("stt.started", "stt.pause_detected"), ("stt.transcript_final",)),
    "classification_ms": (
        ("context.classification_start", "context.request_received"),
        ("context.classification_complete",),
    ),
    "retrieval_ms": (
        ("context.retrieval_start", "context.classification_complete"),
        ("context.retrieval_complete",),
    ),
    "llm_first_token_ms": (("llm.request_sent",), ("llm.first_token",)),
    "llm_total_ms": (("llm.request_sent",), ("llm.response_received",)),
    "tts_first_audio_ms": (
        ("tts.synthesis_start", "tts.request_received"),
        ("tts.first_audio", "playback.started", "tts.synthesis_complete"),
    ),
    "playback_ms": (("playback.started",), ("playback.completed",)),
}


def conversation_metrics(timeline: Timeline, total: Nanos) -> dict[str, Metric]:
    """All metrics of one turn from the events that are there."""
    metrics = {name: timeline.between(begin, end, "turn") for name, (begin, end) in _SPANS.items()}
    metrics["voice_to_voice_ms"] = voice_to_voice(timeline)
    metrics["llm_chars_per_s"] = _chars_per_second(timeline, metrics["llm_total_ms"])
    prompt = timeline.number("prompt_chars", "context.prompt_built")
    why = "no context.prompt_built event with prompt_chars"
    metrics["prompt_chars"] = (
        Metric(prompt, origin="turn") if prompt is not None else Metric(missing=why, origin="turn")
    )
    alone = "a single event has no length"
    metrics["turn_total_ms"] = Metric(millis(total), origin="turn") if total else Metric(missing=alone, origin="turn")
    return metrics


def voice_to_voice(timeline: Timeline) -> Metric:
    """User stops speaking -> agent audible; a lower bound where either end was not logged."""
    heard = timeline.first(*AUDIBLE, *EXISTED)
    if heard is None:
        why = "no event says when the agent became audible"
        return Metric(missing=why, origin="turn", start="user.speech_end", end=AUDIBLE[0])
    spoken = timeline.last("user.speech_end")
    whole = timeline.span(spoken or timeline.axis.placed[0], heard, "turn")
    reasons = []
    if spoken is None:
        reasons.append("end of speech was not logged")
    if heard.stage in EXISTED:
        reasons.append("the start of playback was not logged")
    if whole.value is None or not reasons:
        return whole
    return replace(whole, bound="lower", note=f"{' and '.join(reasons)}: the user waited at least this long")


def _chars_per_second(timeline: Timeline, llm_total: Metric) -> Metric:
    answer = timeline.number("response_length", "llm.response_received", "llm.handoff")
    if answer is None:
        return Metric(missing="no llm.response_received event with response_length", origin="turn")
    if not llm_total.value:
        return Metric(missing=llm_total.missing or "no time passed", origin="turn")
    return Metric(answer / llm_total.value * 1000, origin="turn")
