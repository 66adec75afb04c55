"""Where the durations of one `[PERF]` line lie in their turn.

What is known of the writer: `endpoint` runs from the end of the user's speech, `queue` follows it, `stt` begins
behind that and `e2e` with it; `llm_ft`, `tts` (first sentence handed to speech) and `llm` count from the request
to the model; `reply_lag` runs from the end of speech to the same hand-over as `tts`, so the two together tell when
the model was asked. Retrieval and prompt end there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct, field

Measures: TypeAlias = Mapping[str, float | bool | None]

# Every number is cut to whole milliseconds, and up to five of them are added.
TOLERANCE_MS = 5.0


class Moment(Struct, frozen=True):
    """One event of the turn."""

    after_ms: float
    rank: int  # of this kind of moment, the same in every turn
    service: str
    name: str
    facts: Mapping[str, object] = field(default_factory=dict)


class Laid(Struct, frozen=True):
    """A turn on its own axis."""

    moments: tuple[Moment, ...]
    length_ms: float
    disagrees: bool  # the parts are longer than the writer's own span over them


def same_turn(turn: Measures, audio: Measures, *, must_agree: bool = False) -> bool:
    """Whether the line about audio is of this turn: it was heard `overrun` after the hand-over."""
    lag, heard, overrun = _ms(turn, "reply_lag"), _ms(audio, "true_reply_lag"), _ms(audio, "overrun")
    if lag is None or heard is None or overrun is None:
        return not must_agree
    return abs(heard - lag - overrun) <= TOLERANCE_MS


def lay_out(turn: Measures, audio: Measures) -> Laid:
    """Put the durations of a turn one behind the other; what was not measured gets no event."""
    lag, heard = _ms(turn, "reply_lag"), _ms(audio, "true_reply_lag")
    endpoint = _ms(turn, "endpoint")
    # Zero is the end of the user's speech where the line tells of it, else the moment when work began.
    is_spoken = endpoint is not None or lag is not None
    begin = None if is_spoken and endpoint is None else (endpoint or 0.0) + (_ms(turn, "queue") or 0.0)
    before = sum(_ms(turn, name) or 0.0 for name in ("stt", "retrieval", "build"))
    sentence = _positive(turn, "tts")
    asked = lag - sentence if lag is not None and sentence is not None else None
    disagrees = asked is not None and asked < (begin or 0.0) + before - TOLERANCE_MS
    if asked is None or disagrees:
        asked = (begin or 0.0) + before
    moments = [
        *(_heard_user(turn, endpoint, begin) if is_spoken else ()),
        *_recognised(turn, begin),
        *_answered(turn, asked, sentence),
        *_played(audio, heard if is_spoken else None, asked + sentence if sentence is not None else None),
    ]
    latest = max((moment.after_ms for moment in moments), default=0.0)
    whole = _ms(turn, "e2e")
    end = latest if whole is None or begin is None else max(latest, begin + whole)
    reported = {f"reported_{name}_ms": _ms(turn, name) for name in ("e2e", "reply_lag", "speech_to_reply")}
    moments.append(Moment(end, 17, "backend", "llm.response_sent", reported))
    first = min(moment.after_ms for moment in moments)
    moved = tuple(Moment(each.after_ms - first, each.rank, each.service, each.name, each.facts) for each in moments)
    return Laid(moved, end - first, disagrees)


def _ms(measures: Measures, name: str) -> float | None:
    value = measures.get(name)
    return None if value is None or isinstance(value, bool) else value


def _positive(measures: Measures, name: str) -> float | None:
    """The writer puts 0 where nothing came: no speech (the message was typed), no token, no sentence."""
    return _ms(measures, name) or None


def _heard_user(turn: Measures, endpoint: float | None, begin: float | None) -> Iterator[Moment]:
    lag, whole = _ms(turn, "reply_lag"), _ms(turn, "speech_to_reply")
    if lag is not None and whole is not None and whole > lag:
        yield Moment(lag - whole, 0, "capture", "user.speech_start")
    yield Moment(0.0, 1, "capture", "user.speech_end")
    if endpoint is None:
        return
    yield Moment(endpoint, 2, "capture", "stt.pause_detected")
    if begin is not None and begin > endpoint:
        yield Moment(endpoint, 3, "backend", "queue_start")
        yield Moment(begin, 4, "backend", "queue_complete")


def _recognised(turn: Measures, begin: float | None) -> Iterator[Moment]:
    recognised = _positive(turn, "stt")
    if begin is None or recognised is None:
        return
    yield Moment(begin, 5, "stt", "stt.started")
    # Who spoke is found out meanwhile or afterwards; the line does not tell, so it is a fact and no bar.
    yield Moment(begin + recognised, 6, "stt", "stt.transcript_final", {"speaker_ms": _positive(turn, "spk")})


def _answered(turn: Measures, asked: float, sentence: float | None) -> Iterator[Moment]:
    retrieval, build = _ms(turn, "retrieval"), _ms(turn, "build")
    if retrieval is not None:
        yield Moment(asked - (build or 0.0) - retrieval, 7, "memory", "context.retrieval_start")
        yield Moment(asked - (build or 0.0), 8, "memory", "context.retrieval_complete")
    if build is not None:
        yield Moment(asked, 9, "backend", "context.prompt_built")
    cached, read_anew = _ms(turn, "cached"), _ms(turn, "reprefill")
    facts = {
        "prompt_tokens": _ms(turn, "prompt"),
        "cached_tokens": cached,
        "prompt_eval_count": read_anew,
        "prompt_eval_duration_ms": _ms(turn, "prefill"),
        "cache_missed": True if turn.get("miss") else None if cached is None else False,
    }
    total, token = _positive(turn, "llm"), _positive(turn, "llm_ft")
    if total is None and token is None and sentence is None:
        return
    yield Moment(asked, 10, "llm", "llm.request_sent", facts)
    if token is not None:
        yield Moment(asked + token, 11, "llm", "llm.first_token")
    if sentence is not None:
        yield Moment(asked + sentence, 12, "llm", "llm.first_sentence")
        yield Moment(asked + sentence, 13, "tts", "tts.request_received")
    if total is not None:
        yield Moment(asked + total, 14, "llm", "llm.response_received")


def _played(audio: Measures, heard: float | None, handed: float | None) -> Iterator[Moment]:
    filler, overrun = _ms(audio, "filler_lead"), _ms(audio, "overrun")
    if filler is not None and heard is not None:
        yield Moment(filler, 15, "tts", "filler_heard", {"duration_ms": _ms(audio, "filler_dur")})
    at = heard if heard is not None else handed + overrun if handed is not None and overrun is not None else None
    if at is not None:
        yield Moment(
            at, 16, "tts", "playback.started", {"overrun_ms": overrun, "after_filler": audio.get("filler_fired")}
        )
