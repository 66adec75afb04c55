"""The story of a turn in sections of words and rows: the terminal, markdown and a page show the same ones."""

from __future__ import annotations

from collections.abc import Iterator

from voxtrace.analysis.chunks import SpeechChunk
from voxtrace.analysis.critical_path import shares
from voxtrace.analysis.heard import Moment
from voxtrace.analysis.tiling import UNATTRIBUTED
from voxtrace.judge.budget_verdicts import Judged
from voxtrace.judge.turn_story import TurnStory
from voxtrace.reports.budget_report import limit_words, written_value
from voxtrace.reports.sections import Section
from voxtrace.reports.story_steps import Placed, placed_steps
from voxtrace.reports.words import (
    COSTS,
    NONE,
    SPARES_NOBODY,
    amount,
    order_words,
    percent,
    point_in_time,
    state,
    unordered,
)
from voxtrace.units import NANOS_PER_SECOND, Nanos, millis

# How people call the numbers of a conversation.
NAMES = {
    "stt_ms": "speech to text",
    "llm_total_ms": "language model",
    "chunk_synthesis_ms": "speech, slowest chunk",
    "chunk_chars_per_s": "characters/s of speech",
    "voice_to_voice_ms": "first audio, from the end of speech",
    "request_to_audio_ms": "first audio, from the request",
    "stt_to_audio_ms": "first audio, from the start of speech to text",
    "turn_total_ms": "whole turn",
    "ttfa_ms": "first audible sound",
    "server_response_ms": "server's first audio",
}
FIRST_AUDIO = ("voice_to_voice_ms", "request_to_audio_ms", "stt_to_audio_ms", "ttfa_ms", "first_audio_ms")
TARGET_HEAD = ("stage", "target", "actual", "of the target", "status", "why")
STEP_HEAD = ("from start", "step", "service", "took", "share of the wait", "it is")
USER = "AS THE USER LIVES IT"
MOST_CHUNKS = 3  # that are named
MOST_UNATTRIBUTED = 0.1  # of the wait, until it is worth a word


def time_words(nanos: int) -> str:
    """A length as people say it."""
    return amount(millis(Nanos(nanos)), "ms") if abs(nanos) < NANOS_PER_SECOND else f"{nanos / NANOS_PER_SECOND:,.2f} s"


def clock_words(nanos: int, whole: int) -> str:
    """A moment on the user's own clock: tenths of seconds, or milliseconds where all is over within two seconds."""
    if whole < 2 * NANOS_PER_SECOND:
        return f"{nanos / 1e6:,.0f} ms"
    return f"{nanos / NANOS_PER_SECOND:,.1f} s"


def title_of(story: TurnStory) -> str:
    """What the report is about."""
    return f"{'Conversation' if story.turn.kind == 'conversation' else 'Speech'} {story.turn.request_id}"


def head_of(story: TurnStory) -> list[str]:
    """Which turn it was, and the one number that matters."""
    turn = story.turn
    outcome = turn.labels.outcome if turn.labels.outcome != "unknown" else "end not logged"
    session = f" · session {turn.session_id}" if turn.session_id else ""
    lines = [f"{point_in_time(turn.started_wall_ns)} · {turn.kind} · {outcome}{session}"]
    for name in FIRST_AUDIO:
        metric = turn.metrics.get(name)
        if metric is not None and metric.value is not None:
            sign = "≥ " if metric.bound == "lower" else ""
            note = f" ({metric.note})" if metric.note else ""
            lines.append(f"{NAMES.get(name, name)}: {sign}{time_words(round(metric.value * 1e6))}{note}")
    return [*lines, f"verdict on this turn: {story.verdict}"]


def sections_of(story: TurnStory) -> list[Section]:
    """Everything, in the order in which it is read; empty sections are left out."""
    doubt, short = (tuple(filter(None, [words(story.turn)])) for words in (order_words, unordered))
    found = [
        Section("TARGETS", head=TARGET_HEAD, rows=tuple(target_rows(story)), numbers=frozenset({1, 2, 3})),
        Section("TIMELINE", doubt, head=STEP_HEAD, rows=tuple(step_rows(story)), numbers=frozenset({0, 3, 4})),
        Section("WHAT WORKS", tuple(works(story))),
        Section("WHAT IS SLOW", tuple(slow(story))),
        Section("ROOT CAUSE", (*short, *cause_lines(story))),
        Section("RECOMMENDATIONS", tuple(advice_lines(story))),
        Section(USER, (*short, *user_lines(story))),
        Section("WHAT TO KNOW", tuple(know_lines(story))),
    ]
    return [each for each in found if each.lines or each.rows]


def target_rows(story: TurnStory) -> Iterator[tuple[str, ...]]:
    """Targets and actuals."""
    for each in story.judged:
        value = NONE if each.value is None else written_value(each)
        yield (_name(each), limit_words(each)[0], value, _times(each) or NONE, each.state, each.why)


def _name(judged: Judged) -> str:
    return judged.line.told or NAMES.get(judged.metric, judged.metric)


def _times(judged: Judged) -> str:
    target = judged.line.budget.target
    return f"{judged.value / target:.2f}×" if judged.value is not None and target else ""


def step_rows(story: TurnStory) -> Iterator[tuple[str, ...]]:
    """Every step with its place on the path to the first sound."""
    wait = story.path.end - story.path.begin
    steps, left_out = placed_steps(story.turn, story.path)
    for step in steps:
        share = percent(step.waited / wait) if step.waited and wait else NONE
        took = "no end" if step.end is None else time_words(step.end - step.begin)
        yield (time_words(step.begin), step.title, step.service, took, share, _it_is(step))
    if left_out:
        yield ("…", f"{left_out} shorter steps", "", "", "", "voxtrace show ID --json has all")


def _it_is(step: Placed) -> str:
    if step.waited:
        is_all = step.end is not None and step.waited >= step.end - step.begin
        return "waited for" if is_all else f"waited for, {time_words(step.waited)} of it"
    if step.slack is not None:
        return f"beside it, {time_words(step.slack)} of slack" if step.slack >= 0 else "too late: an audible gap"
    return "after the first sound" if step.is_later else "beside it"


def works(story: TurnStory) -> Iterator[str]:
    """What is as it should be."""
    for each in story.judged:
        if each.state == "pass":
            yield f"{_name(each)}: {written_value(each)}, target {limit_words(each)[0]}"
    chunks = story.path.chunks
    beside = sum(chunk.overlapped > 0 for chunk in chunks)
    if beside > 1:
        yield f"{beside} chunks of speech were synthesised beside each other"
    hidden = [chunk for chunk in chunks if chunk.state == "hidden"]
    for chunk in hidden[:MOST_CHUNKS]:
        yield f"chunk {chunk.name} was there {time_words(chunk.slack or 0)} before it was needed: nobody waited for it"
    if len(hidden) > MOST_CHUNKS:
        yield f"and {len(hidden) - MOST_CHUNKS:,} more chunks before they were needed"
    if len(chunks) > 1 and story.path.gap == 0:
        yield "no gap between the chunks of the answer"
    if story.path.stream_slack and min(story.path.stream_slack) >= 0 and len(story.path.stream_slack) > 1:
        yield f"all {len(story.path.stream_slack)} arrivals of sound came in time"


def slow(story: TurnStory) -> Iterator[str]:
    """What misses its target, and what was heard of it."""
    for each in story.judged:
        if each.state in ("fail", "warning"):
            metric = story.turn.metrics[each.metric]
            note = f" ({metric.note})" if metric.note and metric.bound == "exact" else ""
            by = f", {_times(each)} its target" if _times(each) else ", over its target"
            yield f"{_name(each)}: {written_value(each)}{note}{by} {limit_words(each)[0]}"
    starving = sorted(
        (each for each in story.path.chunks if each.state == "starving"), key=lambda each: each.slack or 0
    )
    for chunk in starving[:MOST_CHUNKS]:
        yield f"chunk {chunk.name} came {time_words(-(chunk.slack or 0))} too late: an audible gap"
    if len(starving) > MOST_CHUNKS:
        yield f"and {len(starving) - MOST_CHUNKS:,} more chunks too late"
    late = [each for each in story.path.stream_slack if each < 0]
    if late:
        yield f"{len(late)} arrivals of sound came too late, by {time_words(-min(late))} at most: audible gaps"
    for name, length, share in shares(story.path):
        if name == UNATTRIBUTED and share >= MOST_UNATTRIBUTED:
            yield f"{time_words(length)} of the wait ({percent(share)}) that no event explains"


def cause_lines(story: TurnStory) -> Iterator[str]:
    """Which step made the user wait and why, and how sure that is."""
    cause, path = story.cause, story.path
    if cause is None:
        yield "not known: no step of this turn was measured"
        return
    wait = time_words(path.end - path.begin)
    until = "The first sound" if path.is_heard else "The last event"
    sure = f"{cause.certainty}: {'; '.join(cause.doubts)}" if cause.doubts else cause.certainty
    share = f"{time_words(cause.length)} of {wait}, {percent(cause.share)}"
    yield f"{until} waited longest for: {cause.step} ({share}; {sure})"
    others = [f"{name} {time_words(length)} ({percent(share)})" for name, length, share in shares(path)[1:4] if length]
    if others:
        yield f"then: {', '.join(others)}"
    yield from _chunk_lines(path.chunks)
    if cause.remark is not None:
        yield f"why: {cause.remark.message} ({cause.remark.rule}, {cause.remark.certainty})"
    elif cause.step != UNATTRIBUTED:
        yield f"why {cause.step} took that long, no event within it tells"


def _chunk_lines(chunks: tuple[SpeechChunk, ...]) -> Iterator[str]:
    if not chunks:
        return
    first, *others = chunks
    known = sorted((chunk for chunk in others if chunk.slack is not None), key=lambda chunk: chunk.slack or 0)
    told = [f"chunk {chunk.name} {_slack_words(chunk.slack or 0)}" for chunk in known[:MOST_CHUNKS]]
    took = time_words(first.end - first.begin)
    yield "; ".join([f"chunk {first.name} of the speech was on the critical path (made in {took})", *told])


def _slack_words(slack: int) -> str:
    return f"had {time_words(slack)} of slack" if slack >= 0 else f"came {time_words(-slack)} too late"


def advice_lines(story: TurnStory) -> Iterator[str]:
    """What to do, the largest gain first."""
    helping = [each for each in story.advice if each.gain]
    for number, each in enumerate(helping, start=1):
        gain = f"the {each.until} {time_words(each.gain or 0)} sooner in a replay of this turn"
        yield f"{number}. {each.message} ({each.rule}, {each.owner}, {each.certainty}): {gain}"


def user_lines(story: TurnStory) -> Iterator[str]:
    """The user's own clock, which begins when they begin to wait."""
    zero = story.path.begin
    whole = max((each.at for each in story.moments), default=zero) - zero
    for moment in story.moments:
        yield f"{clock_words(moment.at - zero, whole):>8}  {_lived(story, moment, whole)}"


def _lived(story: TurnStory, moment: Moment, whole: int) -> str:
    length = "" if moment.length is None else clock_words(moment.length, whole)
    is_talk = story.turn.kind == "conversation"
    asked = "you stop speaking" if is_talk else "you ask for speech"
    if not moment.sure and moment.what == "asked":
        asked = "the first thing that was logged; when you stopped speaking was not"
    sound = (
        "the first word"
        if moment.sure
        else "the first word can be heard at the earliest: no event says that it was played"
    )
    return {
        "asked": asked,
        "waiting": f"… nothing is heard for {length}: {moment.of}",
        "sound": sound,
        "silence": f"silence for {length}, in the middle of the answer",
        "again": "it goes on",
        "end": "the answer is over" + ("" if moment.sure else ", unless it was paused"),
        "open": "how long the answer lasts, the log does not tell",
        "interrupted": "you speak into the answer",
        "unheard": "no event says that anything was ever heard",
    }[moment.what]


def know_lines(story: TurnStory) -> Iterator[str]:
    """Doubts, and what may matter without a gain that this turn could tell."""
    for each in story.advice:
        if not each.gain:
            costs = f"; {COSTS}" if each.rule == "done_twice" else ""
            spares = "" if each.gain is None else f"; without it: {SPARES_NOBODY}{costs}"
            yield f"{each.rule} ({each.certainty}): {each.message}{spares}"
    for finding in story.turn.findings:
        yield f"{finding.rule}: {finding.message}"
    if story.turn.clock_note:
        yield f"clocks: {story.turn.clock_note}"
    for name in FIRST_AUDIO[:1] if story.turn.kind == "conversation" else FIRST_AUDIO[3:4]:
        metric = story.turn.metrics.get(name)
        if metric is not None and not metric.measured:
            yield f"{name}: {state(name, metric)}"
    yield "one turn: its verdict says nothing of the next one; `voxtrace report --budget` judges many"
