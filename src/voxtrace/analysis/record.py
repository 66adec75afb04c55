"""A measured turn as a few bytes that are read by the hundred thousand: numbers, and texts that stand for themselves.

Reading a turn's document takes 70 µs, its record a hundredth of that, because no object is made of it: `columns` puts
the numbers of many records behind each other into one array. The layout is this file's own business; a store keeps the
bytes and gives each text a number. A change of the layout raises `derived.VERSION`, and all records are made again.
"""

from __future__ import annotations

import struct
import sys
from array import array
from typing import NamedTuple

from voxtrace.analysis.beside import Certainty
from voxtrace.analysis.chunks import SYNTHESIS, speech_chunks
from voxtrace.analysis.critical_path import wait_within
from voxtrace.analysis.derived import VERSION
from voxtrace.analysis.graph import steps_of
from voxtrace.analysis.model import Measured, Metric, Turn
from voxtrace.analysis.repeated_work import characters_of, is_named, repeated_steps

# Labels of the record's texts, in order; behind them stand `slowest` and `shape`.
LABELS = (
    *("outcome", "cache", "start", "source", "truth", "origin"),
    *("engine", "provider", "voice", "format", "model", "version", "tags", "error", "mode", "hedged", "transport"),
)
HEAD_TEXTS = ("kind", *LABELS, "slowest", "shape")
HEAD_NUMBERS = ("version", "total", "text_chars", "metrics", "parts", "findings")
STEP_NUMBERS = 3  # begin, end, parent; of a chunk: place, step, audio; of a fact: its code, step, number
# Facts of steps: codes below zero, where a chunk has its place.
CHARACTERS = -1  # of the text that the step speaks whole
NAMED = -5  # the log tells of each piece of speech which text it was
REPEATED: dict[Certainty, int] = {"certain": -2, "likely": -3, "possible": -4}  # work that had been done before
STEPS_HEAD = ("wait_begin", "heard")

NOT_A_NUMBER = float("nan")  # stands for None
EXACT, LOWER, MISSING, REJECTED = "=", ">", "-", "!"
"""How the text of a metric's state begins; behind the last two stands the reason or the rule."""

# Texts are kept for ever; what an event says of its error may be a page.
LONGEST_TEXT = 300
CURRENT = struct.pack("<d", VERSION)


class Packed(NamedTuple):
    """Doubles, little-endian, and the texts that belong to them."""

    numbers: bytes
    texts: tuple[str, ...]


def pack(turn: Measured) -> Packed:
    """What percentiles and comparisons need of a turn.

    Texts: those of `HEAD_TEXTS`, the state of each metric of the shape, the names of the parts, the rules found.
    Numbers: those of `HEAD_NUMBERS`, the values, the waited nanoseconds of each part.
    """
    waited: dict[str, int] = {}
    for part in turn.parts:
        if part.waited:
            waited[part.name] = waited.get(part.name, 0) + part.end - part.begin
    rules = dict.fromkeys(finding.rule for finding in turn.findings)
    labels, slowest = turn.labels, turn.slowest
    chars = NOT_A_NUMBER if labels.text_chars is None else float(labels.text_chars)
    numbers = array("d", (VERSION, turn.total, chars, len(turn.metrics), len(waited), len(rules)))
    numbers.extend(NOT_A_NUMBER if each.value is None else each.value for each in turn.metrics.values())
    numbers.extend(waited.values())
    head = (turn.kind, *(getattr(labels, name) for name in LABELS), slowest.name if slowest else "")
    tail = (*map(_state, turn.metrics.values()), *waited, *rules)
    # The shape is ours, however long: a name that is cut off is a metric that is gone.
    return Packed(_little_endian(numbers), (*map(_shortened, head), ",".join(turn.metrics), *map(_shortened, tail)))


def is_current(numbers: bytes) -> bool:
    """Whether today's definitions, and this layout, wrote a record."""
    return numbers.startswith(CURRENT)


def pack_steps(turn: Turn) -> Packed:
    """What a replay needs. The texts are the steps' names.

    Numbers: those of `STEPS_HEAD`; begin, end and parent of each step; then, where the sound of every chunk of speech
    is known, of each step that makes one: the chunk's place in the answer, the step, the chunk's audio; then the facts
    of single steps.
    """
    begin, heard = wait_within(turn)
    steps = steps_of(turn)
    numbers = array("d", (begin, NOT_A_NUMBER if heard is None else heard))
    for step in steps:
        numbers.extend((step.begin, step.end, step.parent))
    chunks = speech_chunks(turn.spans, heard) if turn.kind == "conversation" else ()
    if len(chunks) > 1 and all(chunk.audio is not None for chunk in chunks[:-1]):
        made: dict[tuple[int, int], list[int]] = {}
        for index, step in enumerate(steps):
            if step.name == SYNTHESIS:
                made.setdefault((step.begin, step.end), []).append(index)
        for place, chunk in enumerate(chunks):
            for end in dict.fromkeys((chunk.ready, chunk.end)):
                for index in made.get((chunk.begin, end), ()):
                    numbers.extend((place, index, chunk.audio or 0))
    for index, chars in characters_of(chunks, steps):
        numbers.extend((CHARACTERS, index, chars))
    if is_named(chunks):
        numbers.extend((NAMED, 0, 0))
    for index, certainty in repeated_steps(turn.spans, chunks, steps):
        numbers.extend((REPEATED[certainty], index, 0))
    return Packed(_little_endian(numbers), tuple(step.name for step in steps))


def _shortened(text: str) -> str:
    return text[:LONGEST_TEXT]


def _state(metric: Metric) -> str:
    if metric.value is not None:
        return LOWER if metric.bound == "lower" else EXACT
    return MISSING + metric.missing if metric.missing is not None else f"{REJECTED}{metric.rejected}"


def _little_endian(numbers: array[float]) -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()
