"""The numbers of one speech request; see `definitions` for what each means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from voxtrace.analysis.axis import Placed
from voxtrace.analysis.model import Chunk, Metric, Origin
from voxtrace.analysis.timeline import Timeline
from voxtrace.audio.playout import NoAudio, simulate
from voxtrace.units import NANOS_PER_MILLI, Nanos, millis, nanos_from_millis

PLAYOUT = ("stall_count", "stall_ms", "max_stall_ms", "required_prebuffer_ms")


def speech_metrics(timeline: Timeline, chunks: Sequence[Chunk]) -> dict[str, Metric]:
    """All metrics of a speech request: the caller's where the caller's events are there, else the server's."""
    return {**_caller_metrics(timeline), **_server_metrics(timeline), **_stream_metrics(timeline, chunks)}


def arrivals(timeline: Timeline) -> tuple[Chunk, ...]:
    """When which audio came: at the caller, or, without the caller's events, out of the server's engine."""
    stage = "client.audio_chunk_received" if timeline.has_side("client") else "server.audio_chunk_generated"
    chunks = []
    for placed in timeline.all(stage):
        audio_ms, size = placed.event.metadata.get("audio_ms"), placed.event.metadata.get("bytes")
        if isinstance(audio_ms, int | float) and audio_ms >= 0:
            chunks.append(Chunk(placed.at, nanos_from_millis(audio_ms), size if isinstance(size, int) else 0))
    return tuple(chunks)


def _caller_metrics(timeline: Timeline) -> dict[str, Metric]:
    if not timeline.has_side("client"):
        return _without_caller(timeline)
    start = "client.request_start"
    return {
        "headers_ms": timeline.between(start, "client.headers_received"),
        "ttfb_ms": timeline.between(start, "client.first_byte_received"),
        "first_audio_ms": timeline.between(start, "client.first_audio_chunk"),
        "ttfa_ms": _ttfa(timeline),
        "leading_silence_ms": _leading_silence(timeline),
        "heard_ms": timeline.between(start, "playback.first_sample"),
    }


def _without_caller(timeline: Timeline) -> dict[str, Metric]:
    """The server's view under the same names, marked as such; what only a caller can know stays missing."""
    written = timeline.between("server.request_received", "server.first_chunk_sent", "server")
    why = "no client events: only the server's side is known"
    names = ("headers_ms", "ttfa_ms", "leading_silence_ms", "heard_ms")
    return {"ttfb_ms": written, "first_audio_ms": written} | {
        name: Metric(missing=why, origin="server") for name in names
    }


def _leading_silence(timeline: Timeline) -> Metric:
    silence = timeline.number("leading_silence_ms", "client.first_audible_chunk")
    if silence is None:
        return Metric(missing=_why_not_audible(timeline))
    return Metric(silence)


def _why_not_audible(timeline: Timeline) -> str:
    if timeline.first("client.first_audio_chunk") is None:
        return "no client.first_audio_chunk event"
    if timeline.first("client.first_audible_chunk") is None:
        return "no audible sample was found in the audio, or it was not decoded"
    return "the leading silence was not measured"


def _ttfa(timeline: Timeline) -> Metric:
    """Request start to the first audible sample: max(arrival of its chunk, first audio + leading silence)."""
    begin, end = "client.request_start", "client.first_audible_chunk"
    first_audio = timeline.between(begin, "client.first_audio_chunk")
    arrival = timeline.between(begin, end)
    silence = _leading_silence(timeline)
    if first_audio.rejected or arrival.rejected:
        return Metric(rejected=first_audio.rejected or arrival.rejected, start=begin, end=end)
    if first_audio.value is None:
        return Metric(missing=first_audio.missing, start=begin, end=end)
    if arrival.value is None or silence.value is None:
        return Metric(missing=_why_not_audible(timeline), start=begin, end=end)
    return Metric(max(arrival.value, first_audio.value + silence.value), start=begin, end=end)


def _server_metrics(timeline: Timeline) -> dict[str, Metric]:
    metrics = {
        "server_response_ms": timeline.between("server.request_received", "server.first_chunk_sent", "server"),
        "text_ms": timeline.between(
            ("server.processing_start", "server.request_received"), "server.text_processing_complete", "server"
        ),
        "encode_ms": timeline.between("server.first_chunk_generated", "server.first_chunk_encoded", "server"),
        "delivery_ms": timeline.between("server.first_chunk_sent", "client.first_audio_chunk", "turn"),
    }
    for name, begin, end in (
        ("queue", "server.queue_start", "server.inference_start"),
        ("phoneme", "server.inference_start", "server.phoneme_generation_complete"),
        ("inference", "server.inference_start", "server.inference_complete"),
    ):
        pairs = _pieces(timeline, begin, end)
        spans = [timeline.span(*pair, "server") for pair in pairs]
        whole = [span.value for span in spans if span.value is not None]
        metrics[f"{name}_ms"] = spans[0] if spans else timeline.between(begin, end, "server")
        if name != "phoneme":
            metrics[f"{name}_total_ms"] = (
                Metric(sum(whole), origin="server", start=begin, end=end)
                if whole and len(whole) == len(spans)
                else Metric(missing=f"no {begin} with its {end}", origin="server", start=begin, end=end)
            )
    metrics["inference_ms"] = timeline.between("server.inference_start", "server.first_chunk_generated", "server")
    return metrics


def _pieces(timeline: Timeline, begin: str, end: str) -> list[tuple[Placed, Placed]]:
    """Start and end of each piece, by the piece's number."""
    starts: Mapping[object, Placed] = {start.event.metadata.get("piece"): start for start in timeline.all(begin)}
    return [
        (starts[piece], stop) for stop in timeline.all(end) if (piece := stop.event.metadata.get("piece")) in starts
    ]


def _stream_metrics(timeline: Timeline, chunks: Sequence[Chunk]) -> dict[str, Metric]:
    by_caller = timeline.has_side("client")
    origin: Origin = "client" if by_caller else "server"
    audio = _audio(timeline, chunks, origin)
    metrics = {"audio_ms": audio, "rtf": _rtf(timeline), "realtime_ratio": _realtime_ratio(timeline, audio, origin)}
    if not by_caller:
        why = "no client events: how the audio arrived is not known"
        return metrics | {name: Metric(missing=why) for name in PLAYOUT}
    if timeline.first("client.last_audio_chunk") is None:
        why = "no client.last_audio_chunk event: the stream did not end, or was not measured to its end"
        return metrics | {name: Metric(missing=why) for name in PLAYOUT}
    try:
        played = simulate([(chunk.at, chunk.audio) for chunk in chunks])
    except NoAudio:
        why = "no client.audio_chunk_received event with audio_ms"
        return metrics | {name: Metric(missing=why) for name in PLAYOUT}
    return metrics | {
        "stall_count": Metric(float(played.stall_count)),
        "stall_ms": Metric(millis(played.stall_ns)),
        "max_stall_ms": Metric(millis(played.max_stall_ns)),
        "required_prebuffer_ms": Metric(millis(played.required_prebuffer_ns)),
    }


def _audio(timeline: Timeline, chunks: Sequence[Chunk], origin: Origin) -> Metric:
    stages = ("client.last_audio_chunk",) if origin == "client" else ("server.audio_generation_complete",)
    declared = timeline.number("audio_ms", *stages)
    if chunks:
        total = sum(chunk.audio for chunk in chunks)
        if declared is None or abs(total / NANOS_PER_MILLI - declared) <= 1.0:
            return Metric(millis(total), origin=origin)
        return Metric(rejected="audio_length_disagrees", origin=origin)
    if declared is None:
        return Metric(missing=f"no {stages[0]} event with audio_ms", origin=origin)
    return Metric(declared, origin=origin)


def _rtf(timeline: Timeline) -> Metric:
    """Synthesis time over synthesised audio, from the pieces of which both are known."""
    begin, end = "server.inference_start", "server.inference_complete"
    work = audio = 0.0
    for start, stop in _pieces(timeline, begin, end):
        # The engine's own time where it is told: a full pipe to a slow reader is no synthesis.
        busy = stop.event.metadata.get("synthesis_ms")
        length = stop.event.metadata.get("audio_ms")
        if not isinstance(length, int | float) or length <= 0:
            continue
        work += busy if isinstance(busy, int | float) else millis(Nanos(stop.at - start.at))
        audio += length
    if audio <= 0:
        return Metric(missing=f"no {end} event with audio_ms", origin="server", start=begin, end=end)
    return Metric(work / audio, origin="server", start=begin, end=end)


def _realtime_ratio(timeline: Timeline, audio: Metric, origin: Origin) -> Metric:
    begin, end = (
        ("client.request_start", "client.last_audio_chunk")
        if origin == "client"
        else ("server.request_received", "server.audio_generation_complete")
    )
    start, stop = timeline.first(begin), timeline.last(end)
    if start is None or stop is None:
        return Metric(missing=f"no {begin if start is None else end} event", origin=origin, start=begin, end=end)
    took = timeline.span(start, stop, origin)
    if took.value is None or audio.value is None:
        why = audio.missing or audio.rejected or took.missing or took.rejected or "no time passed"
        return Metric(missing=why, origin=origin, start=begin, end=end)
    if took.value <= 0:
        return Metric(rejected="end_before_start", origin=origin, start=begin, end=end)
    return Metric(audio.value / took.value, origin=origin, start=begin, end=end)
