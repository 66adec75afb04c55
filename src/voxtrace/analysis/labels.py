"""Which population a turn belongs to."""

from __future__ import annotations

from typing import cast, get_args

from voxtrace.analysis.model import Cache, Labels, Outcome, Source, Start, Truth
from voxtrace.analysis.timeline import Timeline

_ENDS = ("client.request_complete", "server.request_complete")


def label(timeline: Timeline) -> Labels:
    """The labels that the events themselves carry; what no event says is `unknown`."""
    asked = ("client.request_start", "server.request_received")
    chars = timeline.number("text_chars", *asked) or timeline.number("text_length", *asked, "tts.request_received")
    return Labels(
        outcome=_outcome(timeline),
        cache=cast("Cache", _one_of(Cache, timeline.text("cache", *reversed(_ENDS)))),
        start=cast("Start", _one_of(Start, timeline.text("start", *reversed(_ENDS)))),
        source=cast("Source", _one_of(Source, timeline.text("source", *asked), "real")),
        truth=_truth(timeline),
        origin="client" if timeline.has_side("client") else "server" if timeline.has_side("server") else "turn",
        engine=timeline.text("engine", *reversed(asked)),
        provider=timeline.text("provider", *reversed(_ENDS)),
        voice=timeline.text("voice", *reversed(asked)),
        format=timeline.text("format", *reversed(asked)),
        text_chars=int(chars) if chars is not None else None,
        error=timeline.text("error", *_ENDS),
    )


def _one_of(kind: object, value: str, otherwise: str = "unknown") -> str:
    return value if value in get_args(kind) else otherwise


def _outcome(timeline: Timeline) -> Outcome:
    """What the caller says of the end, else the server, else what a conversation's last stage shows."""
    for stage in _ENDS:
        said = timeline.text("outcome", stage)
        if said in get_args(Outcome):
            return cast("Outcome", said)
    if timeline.first("user.interrupted"):
        return "interrupted"
    return "ok" if timeline.first("playback.completed", "llm.response_sent") else "unknown"


def _truth(timeline: Timeline) -> Truth:
    """The highest truth level that an event proves (levels: L0 synthesised … L5 acoustic)."""
    if timeline.first("playback.first_sample"):
        return "L4"
    if timeline.first("client.first_audio_chunk", "playback.started"):
        return "L2"
    if timeline.first("server.first_chunk_sent"):
        return "L1"
    if timeline.first("server.first_chunk_generated", "tts.first_audio", "tts.synthesis_complete"):
        return "L0"
    return "unknown"
