"""What a log would have to tell for a threshold to be held against it."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence

from msgspec import Struct

from voxtrace.analysis.beside import OVERLAPS
from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.analysis.intervals import RULES
from voxtrace.judge.measures import FEWEST_SESSIONS, FEWEST_TURNS
from voxtrace.judge.thresholds import Measure, Rule

# Of work that may begin or end with several events, the pair that most logs can tell.
_USUAL = {
    "hand-over to backend": ("stt.transcript_final", "context.request_received"),
    "hand-over to speech": ("llm.response_received", "tts.request_received"),
    "inference": ("server.inference_start", "server.first_chunk_generated"),
    "synthesis": ("tts.synthesis_start", "tts.synthesis_complete"),
}
_SYNTHESIS = _USUAL["synthesis"]
_MODEL = ("llm.request_sent", "llm.response_received")
_ARRIVALS = ("client.audio_chunk_received", "client.last_audio_chunk")
_STALLS = ("stall_count", "stall_ms", "max_stall_ms", "required_prebuffer_ms")


class Want(Struct, frozen=True):
    """Events that are missing, as the names of stages, and what else it takes."""

    events: tuple[str, ...]
    told: tuple[str, ...] = ()  # keys that their metadata has to have
    more: str = ""  # in words: "in 20 turns or more"


# Metrics that take more than the two events between which they lie.
_METRICS: Mapping[str, Want] = {
    "chunk_gap_ms": Want(_SYNTHESIS, ("chunk", "audio_duration_ms"), "of two chunks or more"),
    "leading_silence_ms": Want(("client.first_audible_chunk",), ("leading_silence_ms",)),
    "rtf": Want(("server.inference_start", "server.inference_complete"), ("audio_ms",)),
    "audio_ms": Want(("client.last_audio_chunk",), ("audio_ms",)),
    "realtime_ratio": Want(("client.request_start", "client.last_audio_chunk"), ("audio_ms",)),
    **dict.fromkeys(_STALLS, Want(_ARRIVALS, ("audio_ms",))),
}


def want_of(rule: Rule, known: Container[str]) -> Want:
    """What it takes to know of a rule of which no turn says anything; `known` are steps that turns do have."""
    if rule.measure == "metric":
        return _of_metric(rule.of)
    if rule.measure == "serial":
        # What is there already has not to be logged; the rule's own name says which two it needs.
        (overlap,) = (each for each in OVERLAPS if rule.of == f"{each.first}, {each.second}")
        steps = [name for name in (overlap.first, overlap.second, overlap.needs) if name]
        return _of_step(next((name for name in steps if name not in known), steps[0]))
    if rule.measure == "step":
        want = _of_step(rule.of)
        if rule.what_if != "needed":
            return want
        # It is held against what the turn needs, which a number tells.
        needed = _of_metric(rule.to)
        return needed if rule.of in known else Want((*want.events, *needed.events), needed.told, needed.more)
    return _OF_MEASURE[rule.measure](rule.of)


def _of_step(name: str) -> Want:
    if name in _USUAL:
        return Want(_USUAL[name])
    pair: Sequence[str] = next(((each.begins[0], each.end) for each in RULES if each.name == name), ())
    # A step of one's own thresholds may be of a log's own events, whose names it has.
    return Want(tuple(pair), more="" if pair else f"two events that begin and end “{name}”")


def _of_metric(name: str) -> Want:
    if name in _METRICS:
        return _METRICS[name]
    begin, end = DEFINITION_BY_NAME[name].begin, DEFINITION_BY_NAME[name].end
    return Want((begin, end)) if begin else Want((), more=f"what `{name}` is made of (docs/metrics.md)")


def _repeated(name: str) -> Want:
    return Want(_SYNTHESIS, ("chunk", "text_hash")) if name == "synthesis" else _of_step(name)


_OF_MEASURE: Mapping[Measure, Callable[[str], Want]] = {
    "pace": lambda name: Want(_SYNTHESIS, ("chunk", "text_length")),
    "repeated": _repeated,
    "queue": lambda _: Want(("server.queue_start", *_USUAL["inference"])),
    "unexplained": lambda _: Want((), more="a turn in which somebody waited"),
    "prompt": lambda _: Want(("context.prompt_built", *_MODEL), ("prompt_chars",), f"in {FEWEST_TURNS} turns or more"),
    "reuse": lambda _: Want(_MODEL, ("session_id",), f"in {FEWEST_SESSIONS} sessions or more of several turns each"),
    "hits": lambda _: Want(("server.request_complete",), ("cache",)),
    "cold": lambda name: Want(
        _of_step(name).events, (), "and `start` (cold, warm) in server.request_complete, of both"
    ),
}
