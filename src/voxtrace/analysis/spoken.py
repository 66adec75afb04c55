"""How much of an answer was spoken, and how soon the agent fell silent when the user spoke into it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from voxtrace.analysis.axis import Placed
from voxtrace.analysis.chunks import SpeechChunk, playouts
from voxtrace.analysis.conversation import Sound, answer_chars
from voxtrace.analysis.model import Metric
from voxtrace.analysis.timeline import Timeline, finite
from voxtrace.units import Nanos

_ONSET, _CUT, _STOPPED = "user.speech_start", "user.interrupted", "playback.completed"


def spoken_metrics(timeline: Timeline, chunks: Sequence[SpeechChunk], sound: Sound | None) -> dict[str, Metric]:
    """`spoken_ratio`, and of a turn in which the user interrupted, `barge_in_stop_ms`."""
    if _CUT not in timeline.outline.stages:
        return {"spoken_ratio": _spoken_ratio(timeline, sound, lambda _: _all_chars(timeline, chunks))}
    onset = _onset(timeline, sound)
    return {
        "spoken_ratio": _spoken_ratio(timeline, sound, lambda heard: _chars_until_cut(timeline, chunks, heard, onset)),
        "barge_in_stop_ms": _barge_in_stop(timeline, onset),
    }


def _onset(timeline: Timeline, sound: Sound | None) -> Placed | None:
    """Where the user began to speak while the answer was heard.

    Not `user.interrupted`: frameworks write it when they have noticed, or when the agent has stopped.
    """
    stopped = max((placed.at for placed in timeline.all(_STOPPED)), default=None)
    onset = timeline.after(sound[1], _ONSET) if sound else None
    return onset if onset is None or stopped is None or onset.at <= stopped else None


def _barge_in_stop(timeline: Timeline, onset: Placed | None) -> Metric:
    if onset is None:
        why = "no event says when the user began to speak into the answer"
        return Metric(missing=why, origin="turn", start=_ONSET, end=_STOPPED)
    stopped = timeline.after(onset.at, _STOPPED)
    if stopped is None:
        return Metric(missing=f"no {_STOPPED} event", origin="turn", start=_ONSET, end=_STOPPED)
    return timeline.span(onset, stopped, "turn")


def _spoken_ratio(timeline: Timeline, sound: Sound | None, chars: Callable[[Nanos], float | str]) -> Metric:
    answer = answer_chars(timeline)
    if not answer:
        why = "no llm.response_received event with response_length" if answer is None else "the model's answer is empty"
        return Metric(missing=why, origin="turn")
    if sound is None:
        return Metric(missing="no event says when the agent became audible", origin="turn")
    spoken = chars(sound[1])
    if isinstance(spoken, str):
        return Metric(missing=spoken, origin="turn")
    return Metric(spoken / answer, origin="turn")


def _all_chars(timeline: Timeline, chunks: Sequence[SpeechChunk]) -> float | str:
    """Characters of all chunks, or where these do not tell theirs, of the text that text to speech was given."""
    chars = [chunk.chars for chunk in chunks]
    if not chars or None in chars:
        given = timeline.all("tts.request_received")
        chars = [finite(placed.event.metadata.get("text_length")) for placed in given]
    known = [each for each in chars if each is not None]
    if not known or len(known) < len(chars):
        return "the log does not tell how long the text is that was spoken"
    return sum(known)


def _chars_until_cut(
    timeline: Timeline, chunks: Sequence[SpeechChunk], heard: Nanos, onset: Placed | None
) -> float | str:
    """Characters of what had been heard when the agent fell silent; of a chunk, the share of its sound."""
    stopped = timeline.after(onset.at if onset else heard, _STOPPED)
    if stopped is None:
        return f"the answer was cut off, and no {_STOPPED} event says when"
    whole = 0.0
    for chunk, played in zip(chunks, playouts(chunks, heard), strict=True):
        if played is None or chunk.chars is None:
            return "the answer was cut off, and the log does not tell the text and the sound of each chunk"
        share = (stopped.at - played.begin) / (played.end - played.begin) if played.end > played.begin else 1.0
        whole += chunk.chars * min(max(share, 0.0), 1.0)
    return whole if chunks else "the answer was cut off, and the log does not tell what had been heard"
