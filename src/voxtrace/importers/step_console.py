"""A console on which a backend printed how long each step of a message took, between its server's access lines.

    --- Step 1 (Metadata Generation) took: 0.03s
    --- Total process_user_message took: 1.40s
    172.21.128.1 - - [19/Nov/2025 01:34:47] "POST /api/webhook HTTP/1.1" 200 445 1.400024

The access line of a message may stand behind its steps or in front of them: the two go through different
buffers. So the steps are joined to the request beside them whose time they fill.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from msgspec import Struct, field

from voxtrace.events import Event
from voxtrace.importers.log_lines import LineTimes, LogLine, is_marked, read_lines, refuse
from voxtrace.importers.ports import ByteStream, Context, Item, Note
from voxtrace.importers.request_clock import Repeats, RequestClock, digest
from voxtrace.units import NANOS_PER_MILLI

_SECONDS = r"(\d{1,6}(?:\.\d{1,9})?)s\b"
_STEP = re.compile(rf"-{{2,3}} Step (\d{{1,2}}) \(([^()]{{1,80}})\) took: {_SECONDS}")
_TOTAL = re.compile(rf"-{{2,3}} Total \w{{1,80}} took: {_SECONDS}")
_ACCESS = re.compile(
    r'\[\d\d/[A-Z][a-z]{2}/\d{4}[ :][^\]]{8,16}\] "(?P<method>[A-Z]{3,7}) (?P<path>\S{1,2000})[^"]*" '
    r"(?P<status>\d{3}) (?P<bytes>\d+|-) (?P<seconds>\d{1,6}\.\d{1,9})$"
)
# The steps were timed inside of the request, whose own work takes a few milliseconds more; both are rounded.
ROUNDED_S, TIGHT_S = 0.006, 0.02
_STEPS = {
    "memory storage": ("context.memory_storage_start", "context.memory_storage_complete"),
    "context retrieval": ("context.retrieval_start", "context.retrieval_complete"),
    "megaprompt llm call": ("llm.request_sent", "llm.response_received"),
}


class StepConsole:
    """Each message a turn: its steps one after the other, inside of the request that they fill."""

    name = "step-console"
    title = "console with '--- Step N (NAME) took: 0.03s' and access lines"

    def sniff(self, head: bytes, path: PurePath) -> int:
        return 85 if is_marked(head, path, {b" took: ": _STEP}) else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        return read_lines(stream, _Reading(context))


class _Steps(Struct):
    """What was printed of one message."""

    newest: re.Match[str] | None  # the newest time above them
    lines: list[str] = field(default_factory=list)
    steps: list[tuple[int, str, float]] = field(default_factory=list)  # number, name, seconds
    total_s: float | None = None


class _Access(Struct, frozen=True):
    """One request in the eyes of the server that took it."""

    text: str
    wall_ns: int  # of its end
    seconds: float
    facts: dict[str, object]

    def spare_s(self, steps: _Steps | None) -> float | None:
        """How much of the request the steps leave unexplained; None where they are not its."""
        if steps is None:
            return None
        spare = self.seconds - (steps.total_s or sum(seconds for _, _, seconds in steps.steps))
        return spare if spare >= -ROUNDED_S else None


class _Reading:
    def __init__(self, context: Context) -> None:
        self._times = LineTimes(context)
        self._repeats = Repeats()
        self._before: _Access | None = None  # whose steps were not found yet
        self._open = _Steps(None)
        self._whole: _Steps | None = None  # its request was not found yet
        self._turns = self._alone = self._others = self._by_second = self._timeless = self._waiting = 0

    def take(self, line: LogLine) -> Iterator[Item]:
        self._times.see(line.text)
        if step := _STEP.search(line.text):
            number = int(step[1])
            if self._open.steps and number <= self._open.steps[-1][0]:
                yield from self._close()  # its total never came
            if not self._open.lines:
                self._open.newest = self._times.newest()
            self._open.lines.append(line.text)
            self._open.steps.append((number, step[2], float(step[3])))
        elif total := _TOTAL.search(line.text):
            if not self._open.lines:
                self._open.newest = self._times.newest()
            self._open.lines.append(line.text)
            self._open.total_s = float(total[1])
            yield from self._close()
        elif access := _ACCESS.search(line.text):
            yield from self._request(line, access)
        elif "--- Step " in line.text or "--- Total " in line.text:
            yield refuse(line, "step", "a step without its name or its time")
        else:
            self._others += 1

    def end(self) -> Iterator[Item]:
        yield from self._close()
        if self._before is None and self._by_second:
            # Where requests stand behind their steps, the last one's is not written yet: it will be one turn.
            self._waiting, self._whole = int(self._whole is not None), None
        yield from self._settle()
        yield from self._times.notes()
        if self._turns:
            yield Note(
                "order_of_causality",
                "message told in durations of 10 ms: its steps stand one after the other from its beginning",
                self._turns,
            )
        if self._by_second:
            yield Note("whole_seconds", "request whose end is known to the second only", self._by_second)
        if self._alone:
            yield Note("steps_alone", "message without the request that it came with", self._alone)
        if self._waiting:
            yield Note("unfinished", "message at the end whose request is not there yet; import the log again later")
        if self._timeless:
            yield Note("no_time", "message left out: no line has a time, and neither has the source", self._timeless)
        if self._others:
            yield Note("other_lines", "line that tells of no stage; left out", self._others)

    def _close(self) -> Iterator[Item]:
        """The steps of a message are all there: they fill the request before them, or the one that comes."""
        done, self._open = self._open, _Steps(None)
        if not done.lines:
            return
        request, earlier = self._before, self._whole
        if request is None:
            yield from self._emit(earlier, None)
            self._whole = done
            return
        fits, fitted = request.spare_s(done), request.spare_s(earlier)
        if fits is not None and (fitted is None or fits < fitted):
            yield from self._emit(earlier, None)
            yield from self._emit(done, request)
            self._before = self._whole = None
            return
        yield from self._settle()
        self._whole = done

    def _settle(self) -> Iterator[Item]:
        """Nothing more can come for the steps and the request that wait: they belong together, or are alone."""
        steps, request, self._whole, self._before = self._whole, self._before, None, None
        if request is not None and request.spare_s(steps) is not None:
            yield from self._emit(steps, request)
        else:
            yield from self._emit(steps, None)
            yield from self._emit(None, request)

    def _request(self, line: LogLine, access: re.Match[str]) -> Iterator[Item]:
        if access["method"] != "POST":
            self._others += 1  # a page or a poll, and no message
            return
        yield from self._close()
        wall_ns = self._times.own(line.text)
        if wall_ns is None:
            yield refuse(line, "timestamp", "no such time")
            return
        if self._before is not None:
            yield from self._settle()
        facts = {
            "path": access["path"][:200],
            "status": int(access["status"]),
            "outcome": "ok" if access["status"] < "400" else "error",
            "bytes": int(access["bytes"]) if access["bytes"].isdigit() else None,
        }
        self._before = _Access(line.text, wall_ns, float(access["seconds"]), facts)
        spare = self._before.spare_s(self._whole)
        if spare is not None and spare <= TIGHT_S:
            yield from self._settle()

    def _emit(self, steps: _Steps | None, request: _Access | None) -> Iterator[Item]:
        if steps is not None:
            self._turns += 1
            self._alone += request is None
        if request is not None:
            self._by_second += 1
            length_ms = request.seconds * 1000
            named = f"console-{digest(request.text)}"
            yield from _events(RequestClock(named, request.wall_ns - _nanos(length_ms)), steps, request)
        elif steps is not None and (wall_ns := self._times.at(steps.newest)) is not None:
            text = "\n".join(steps.lines)
            yield from _events(RequestClock(f"console-{self._repeats.name(text)}", wall_ns), steps, None)
        elif steps is not None:
            self._timeless += 1


def _nanos(milliseconds: float) -> int:
    return round(milliseconds * NANOS_PER_MILLI)


def _events(clock: RequestClock, steps: _Steps | None, request: _Access | None) -> Iterator[Event]:
    yield clock.event(0, 0, "backend", "request_received", path=request.facts["path"] if request else None)
    at = 0.0
    for number, name, seconds in steps.steps if steps else ():
        begin, end = _STEPS.get(name.lower(), (f"{_slug(name)}_start", f"{_slug(name)}_complete"))
        yield clock.event(at, 2 * number + 1, "backend", begin, step=number)
        at += seconds * 1000
        yield clock.event(at, 2 * number + 2, "backend", end, step=number, duration_ms=round(seconds * 1000, 3))
    total_s = steps.total_s if steps else None
    facts = dict(request.facts) if request else {}
    if total_s is not None:
        # The total is the whole and none of its parts: it is kept beside them.
        facts["reported_total_s"] = total_s
    whole = request.seconds if request else total_s
    if whole is not None:
        yield clock.event(max(at, whole * 1000), 1000, "backend", "request_end", **facts)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "step"
