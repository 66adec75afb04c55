"""`[PERF] endpoint=…ms queue=…ms … e2e=…ms`: a whole turn of a voice assistant in one line of durations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from voxtrace.events import Event
from voxtrace.importers.log_lines import LineTimes, LogLine, begins_message, head_lines, may_be_log, read_lines, refuse
from voxtrace.importers.perf_turn import Measures, lay_out, same_turn
from voxtrace.importers.ports import ByteStream, Context, Item, Note
from voxtrace.importers.request_clock import Repeats, RequestClock, digest
from voxtrace.units import NANOS_PER_MILLI

_TURN, _AUDIO, _SUMS = "[PERF] ", "[PERF-AUDIO] ", "[PERF-AGG] "
_FIELD = re.compile(r"(\w+)=([^\s=]+)")
_NUMBER = re.compile(r"(-?\d{1,12}(?:\.\d{1,9})?)(?:ms|tok)?")
_KNOWN = frozenset({"endpoint", "stt", "retrieval", "llm_ft", "llm", "tts", "e2e", "reply_lag"})
_CORE = re.compile(r"(?<=s) prompt=")
MAX_MS = 86_400_000.0  # a day


class PerfLines:
    """Turns in durations. The order of their events is the one that causality gives; the summary says so."""

    name = "perf-lines"
    title = "log with [PERF] lines, each a turn in durations (behind any logging prefix)"

    def sniff(self, head: bytes, path: PurePath) -> int:
        marked = _TURN.encode() in head and any(
            (at := text.find(_TURN)) >= 0 and begins_message(text, at) and len(_KNOWN & _measures(text[at:]).keys()) > 2
            for text in head_lines(head)
        )
        return 85 if marked and may_be_log(path) else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        return read_lines(stream, _Reading(context))


class _Held:
    """A turn that waits for the line about its audio, which may come before it or after it."""

    def __init__(self, request_id: str, wall_ns: int, measures: Measures) -> None:
        self.request_id, self.wall_ns, self.measures = request_id, wall_ns, measures
        self.audio: Measures | None = None


class _Reading:
    def __init__(self, context: Context) -> None:
        self._times = LineTimes(context)
        self._repeats = Repeats()
        self._held: _Held | None = None
        self._audio: Measures | None = None  # came before its turn
        self._turns = self._sums = self._others = self._alone = self._disagreeing = 0

    def take(self, line: LogLine) -> Iterator[Item]:
        is_timed = self._times.see(line.text)
        # The tool's own sums first: their mark holds no other, but a message may quote one.
        if _SUMS in line.text:
            self._sums += 1
        elif (at := line.text.find(_AUDIO)) >= 0:
            self._hear(_measures(line.text[at:]))
        elif (at := line.text.find(_TURN)) >= 0:
            yield from self._begin(line, line.text[at:], is_timed)
        else:
            self._others += 1

    def end(self) -> Iterator[Item]:
        yield from self._emit()
        self._alone += self._audio is not None
        yield from self._times.notes()
        if self._turns:
            yield Note(
                "order_of_causality",
                "turn told in durations: its events stand in the order in which one needs the other",
                self._turns,
            )
        if self._disagreeing:
            yield Note(
                "reply_lag_disagrees",
                "turn whose parts are longer than its reply_lag; they stand one after the other",
                self._disagreeing,
            )
        if self._alone:
            yield Note("audio_alone", "[PERF-AUDIO] line that fits no turn beside it; left out", self._alone)
        if self._sums:
            yield Note("aggregates", "line of sums ([PERF-AGG]): recognised, no events", self._sums)
        if self._others:
            yield Note("other_lines", "line that tells of no stage; left out", self._others)

    def _begin(self, line: LogLine, text: str, is_timed: bool) -> Iterator[Item]:
        measures = _measures(text)
        if not _is_whole(text, measures, line.is_ended):
            yield refuse(line, "fields", "a [PERF] line without the durations of a whole turn")
            return
        wall_ns = self._times.when(line.text)
        if wall_ns is None:
            yield refuse(line, "timestamp", "no line has a time, and neither has the source")
            return
        yield from self._emit()
        # What newer versions append tells of the same turn. A line with a time of its own is known again by it;
        # of equal ones without, each is a turn.
        named = _CORE.split(line.text if is_timed else text, maxsplit=1)[0]
        self._held = _Held(f"perf-{digest(named) if is_timed else self._repeats.name(named)}", wall_ns, measures)
        if self._audio is not None and same_turn(measures, self._audio):
            self._held.audio = self._audio
        else:
            self._alone += self._audio is not None
        self._audio = None

    def _hear(self, audio: Measures) -> None:
        held = self._held
        if held is not None and held.audio is None and same_turn(held.measures, audio, must_agree=True):
            held.audio = audio
            return
        self._alone += self._audio is not None
        self._audio = audio

    def _emit(self) -> Iterator[Event]:
        held, self._held = self._held, None
        if held is None:
            return
        self._turns += 1
        laid = lay_out(held.measures, held.audio or {})
        self._disagreeing += laid.disagrees
        # The line was written at the turn's end.
        started = held.wall_ns - round(laid.length_ms * NANOS_PER_MILLI)
        clock = RequestClock(held.request_id, started)
        for moment in laid.moments:
            yield clock.event(moment.after_ms, moment.rank, moment.service, moment.name, **moment.facts)


def _is_whole(text: str, measures: Measures, is_ended: bool) -> bool:
    """Whether the line was written to its end: a number that was cut off is another number."""
    if len(_KNOWN & measures.keys()) < 3 or "e2e" not in measures:
        return False
    return is_ended or ("speech_to_reply" in measures and text.endswith(("ms", "tok", " MISS")))


def _measures(text: str) -> Measures:
    """The fields of a line: numbers, yes or no, and None for what was not measured."""
    found: dict[str, float | bool | None] = {}
    for key, value in _FIELD.findall(text):
        if value in ("True", "False"):
            found[key] = value == "True"
        elif number := _NUMBER.fullmatch(value):
            told = float(number[1])
            whole = int(told) if told.is_integer() else told
            found[key] = whole if 0 <= told <= MAX_MS else None
        elif value.removesuffix("ms").removesuffix("tok") in ("None", "nan"):
            found[key] = None
    if text.rstrip().endswith(" MISS"):
        found["miss"] = True
    return found
