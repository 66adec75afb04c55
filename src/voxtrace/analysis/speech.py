"""The numbers of one speech request; see `definitions` for what each means."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from voxtrace.analysis.axis import Placed
from voxtrace.analysis.model import Chunk, Metric, Origin
from voxtrace.analysis.timeline import Timeline, finite
from voxtrace.audio.playout import NoAudio, simulate
from voxtrace.units import NANOS_PER_MILLI, Nanos, millis, nanos_from_millis

# What a player calls the device that nobody hears.
NULL_DEVICE = "null"
PHONEMES = "server.phoneme_generation_complete"
PLAYOUT = ("stall_count", "stall_ms", "max_stall_ms", "required_prebuffer_ms")
AUDIO_LENGTH_DISAGREES = "audio_length_disagrees"


def speech_metrics(timeline: Timeline, chunks: Sequence[Chunk]) -> dict[str, Metric]:
    """All metrics of a speech request: the caller's where the caller's events are there, else the server's."""
    return {
        **_caller_metrics(timeline),
        **_server_metrics(timeline),
        **_stream_metrics(timeline, chunks),
        **_player_metrics(timeline),
    }


def arrivals(timeline: Timeline) -> tuple[Chunk, ...]:
    """When which audio came: at the caller, or, without the caller's events, out of the server's engine."""
    stage = "client.audio_chunk_received" if timeline.has_side("client") else "server.audio_chunk_generated"
    chunks = []
    for placed in timeline.all(stage):
        audio_ms, size = finite(placed.event.metadata.get("audio_ms")), placed.event.metadata.get("bytes")
        if audio_ms is not None and audio_ms >= 0:
            chunks.append(
                Chunk(placed.at, nanos_from_millis(audio_ms), size if isinstance(size, int) and size >= 0 else 0)
            )
    return tuple(chunks)


def audible_moment(timeline: Timeline) -> Nanos | None:
    """When the caller's player could make the first audible sample heard, on the turn's axis.

    The later of the arrival of the chunk that holds it and the first audio + the silence in front of it.
    """
    first, holder = timeline.first("client.first_audio_chunk"), timeline.first("client.first_audible_chunk")
    silence = timeline.number("leading_silence_ms", "client.first_audible_chunk")
    if first is None or holder is None or silence is None:
        return None
    return Nanos(max(holder.at, first.at + nanos_from_millis(silence)))


def _caller_metrics(timeline: Timeline) -> dict[str, Metric]:
    if not timeline.has_side("client"):
        return _without_caller(timeline)
    start = "client.request_start"
    return {
        "headers_ms": timeline.between(start, "client.headers_received"),
        "ttfb_ms": timeline.between(start, "client.first_byte_received"),
        "first_audio_ms": timeline.between(start, "client.first_audio_chunk"),
        "ttfa_ms": _ttfa(timeline, start),
        "ttfa_from_send_ms": _ttfa(timeline, "client.request_sent"),
        "leading_silence_ms": _leading_silence(timeline),
        "heard_ms": _heard(timeline),
    }


def _heard(timeline: Timeline) -> Metric:
    """On the player's own clock, with what it knows of that clock's error."""
    heard = timeline.between("client.request_start", "playback.first_sample")
    if heard.value is None:
        return heard
    notes = [heard.note] if heard.note else []
    uncertainty = timeline.number("uncertainty_ms", "playback.first_sample")
    if uncertainty is not None:
        notes.append(f"device clock ± {uncertainty:.3f} ms")
    if timeline.text("device", "playback.first_sample") == NULL_DEVICE:
        notes.append("a device that keeps time and makes no sound")
    return replace(heard, note="; ".join(notes))


def _player_metrics(timeline: Timeline) -> dict[str, Metric]:
    """What the player itself counted, where there was one; stalls are simulated from the arrivals instead."""
    if not timeline.has_side("playback"):
        return {}
    stage = "playback.completed"
    count, length = timeline.number("underruns", stage), timeline.number("underrun_ms", stage)
    if count is None or length is None:
        why = f"no {stage} event that tells of underruns"
        return {name: Metric(missing=why) for name in ("underrun_count", "underrun_ms")}
    by_device = timeline.number("device_underruns", stage)
    if not by_device:
        return {"underrun_count": Metric(count), "underrun_ms": Metric(length)}
    note = f"{by_device:.0f} of them in the device itself, which does not tell for how long"
    return {"underrun_count": Metric(count + by_device, note=note), "underrun_ms": Metric(length, bound="lower")}


def _without_caller(timeline: Timeline) -> dict[str, Metric]:
    """The server's view under the same names, marked as such; what only a caller can know stays missing."""
    written = timeline.between("server.request_received", "server.first_chunk_sent", "server")
    why = "no client events: only the server's side is known"
    names = ("headers_ms", "ttfa_ms", "ttfa_from_send_ms", "leading_silence_ms", "heard_ms")
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


def _ttfa(timeline: Timeline, begin: str) -> Metric:
    """`begin` to the moment in which the first audible sample could be heard."""
    end = "client.first_audible_chunk"
    first_audio = timeline.between(begin, "client.first_audio_chunk")
    arrival = timeline.between(begin, end)
    if first_audio.rejected or arrival.rejected:
        return Metric(rejected=first_audio.rejected or arrival.rejected, start=begin, end=end)
    if first_audio.value is None:
        return Metric(missing=first_audio.missing, start=begin, end=end)
    start, audible = timeline.first(begin), audible_moment(timeline)
    if start is None or audible is None:
        return Metric(missing=_why_not_audible(timeline), start=begin, end=end)
    return Metric(millis(audible - start.at), start=begin, end=end)


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
        ("phoneme", "server.inference_start", PHONEMES),
        ("inference", "server.inference_start", "server.inference_complete"),
    ):
        first = "server.first_chunk_generated" if name == "inference" else end
        pairs = _pieces(timeline, begin, first)
        metrics[f"{name}_ms"] = (
            timeline.span(*pairs[0], "server") if pairs else timeline.between(begin, first, "server")
        )
        metrics[f"{name}_total_ms"] = _all_pieces(timeline, begin, end)
    return metrics


def _all_pieces(timeline: Timeline, begin: str, end: str) -> Metric:
    """The lengths of all pieces together; not known as soon as one is not."""
    pairs = _pieces(timeline, begin, end)
    lengths = [timeline.span(*pair).value for pair in pairs]
    known = [length for length in lengths if length is not None]
    if not pairs or len(known) < len(lengths):
        return Metric(missing=f"no {begin} with its {end}", origin="server", start=begin, end=end)
    if len(pairs) < len(timeline.all(begin)):
        why = f"{len(timeline.all(begin)) - len(pairs)} of {len(timeline.all(begin))} pieces have no {end} event"
        return Metric(missing=why, origin="server", start=begin, end=end)
    return Metric(sum(known), origin="server", start=begin, end=end)


def _pieces(timeline: Timeline, begin: str, end: str) -> list[tuple[Placed, Placed]]:
    """Start and end of each piece: an end belongs to the last start of its piece's number in front of it."""
    starts: dict[str, list[Placed]] = {}
    for start in timeline.all(begin):
        starts.setdefault(str(start.event.metadata.get("piece")), []).append(start)
    pairs = []
    for stop in timeline.all(end):
        same = starts.get(str(stop.event.metadata.get("piece")), [])
        earlier = [start for start in same if start.at <= stop.at]
        if same:
            pairs.append((earlier[-1] if earlier else same[0], stop))
    return _without_phonemes(timeline, pairs) if begin == "server.inference_start" and end != PHONEMES else pairs


def _without_phonemes(timeline: Timeline, pairs: list[tuple[Placed, Placed]]) -> list[tuple[Placed, Placed]]:
    """Where a piece had a step for its phonemes, inference began behind it."""
    done = {str(each.event.metadata.get("piece")): each for each in timeline.all(PHONEMES)}
    later = []
    for start, stop in pairs:
        phonemes = done.get(str(start.event.metadata.get("piece")))
        later.append((phonemes if phonemes and start.at <= phonemes.at <= stop.at else start, stop))
    return later


def _stream_metrics(timeline: Timeline, chunks: Sequence[Chunk]) -> dict[str, Metric]:
    by_caller = timeline.has_side("client")
    origin: Origin = "client" if by_caller else "server"
    audio = _audio(timeline, chunks, origin)
    metrics = {"audio_ms": audio, "rtf": _rtf(timeline), "realtime_ratio": _realtime_ratio(timeline, audio, origin)}
    if not by_caller:
        why = "no client events: how the audio arrived is not known"
        return metrics | {name: Metric(missing=why) for name in PLAYOUT}
    if audio.rejected:
        return metrics | {name: Metric(rejected=audio.rejected) for name in PLAYOUT}
    return metrics | _playout(timeline, chunks)


def _playout(timeline: Timeline, chunks: Sequence[Chunk]) -> dict[str, Metric]:
    if timeline.first("client.last_audio_chunk") is None:
        why = "no client.last_audio_chunk event: the stream did not end, or was not measured to its end"
        return {name: Metric(missing=why) for name in PLAYOUT}
    lost = _lost_chunks(timeline, chunks, "client")
    try:
        played = simulate([(chunk.at, chunk.audio) for chunk in chunks])
    except NoAudio:
        lost = "no client.audio_chunk_received event with audio_ms"
    if lost:
        return {name: Metric(missing=lost) for name in PLAYOUT}
    return {
        "stall_count": Metric(float(played.stall_count)),
        "stall_ms": Metric(millis(played.stall_ns)),
        "max_stall_ms": Metric(millis(played.max_stall_ns)),
        "required_prebuffer_ms": Metric(millis(played.required_prebuffer_ns)),
    }


def _chunk_stages(origin: Origin) -> tuple[str, str]:
    """The event of one chunk, and the event that counts them all at the end."""
    if origin == "client":
        return "client.audio_chunk_received", "client.last_audio_chunk"
    return "server.audio_chunk_generated", "server.audio_generation_complete"


def _lost_chunks(timeline: Timeline, chunks: Sequence[Chunk], origin: Origin) -> str:
    """Which chunks nothing is known of, or "": a lost event is not a stall."""
    one, end = _chunk_stages(origin)
    arrived, counted = len(timeline.all(one)), timeline.number("chunks", end)
    if counted is not None and arrived < counted:
        return f"{arrived} {one} events of {counted:.0f} chunks: the others were lost or not kept"
    if 0 < len(chunks) < arrived:
        return f"{arrived - len(chunks)} of {arrived} {one} events have no audio_ms"
    return ""


def _audio(timeline: Timeline, chunks: Sequence[Chunk], origin: Origin) -> Metric:
    end = _chunk_stages(origin)[1]
    declared = timeline.number("audio_ms", end)
    if chunks and not _lost_chunks(timeline, chunks, origin):
        total = sum(chunk.audio for chunk in chunks)
        if declared is None or abs(total / NANOS_PER_MILLI - declared) <= 1.0:
            return Metric(millis(total), origin=origin)
        return Metric(rejected=AUDIO_LENGTH_DISAGREES, origin=origin)
    if declared is None:
        return Metric(missing=f"no {end} event with audio_ms", origin=origin)
    return Metric(declared, origin=origin)


def _rtf(timeline: Timeline) -> Metric:
    """Synthesis time over synthesised audio, from the pieces of which both are known, of the engine that was asked."""
    begin, end = "server.inference_start", "server.inference_complete"
    work = audio = 0.0
    reason = f"no {end} event with audio_ms"
    for start, stop in _pieces(timeline, begin, end):
        if stop.event.metadata.get("hedged") is True:
            reason = "another engine spoke in the place of the one that was asked"
            continue
        # The engine's own time where it is told: a full pipe to a slow reader is no synthesis.
        busy, length = (finite(stop.event.metadata.get(name)) for name in ("synthesis_ms", "audio_ms"))
        took = timeline.span(start, stop, "server") if busy is None else Metric(busy)
        if length is None or length <= 0 or took.value is None:
            continue
        work += took.value
        audio += length
    if audio <= 0:
        return Metric(missing=reason, origin="server", start=begin, end=end)
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
    if rule := audio.rejected or took.rejected:
        return Metric(rejected=rule, origin=origin, start=begin, end=end)
    if not took.value or audio.value is None:
        why = audio.missing or took.missing or "no time passed"
        return Metric(missing=why, origin=origin, start=begin, end=end)
    return Metric(audio.value / took.value, origin=origin, start=begin, end=end)
