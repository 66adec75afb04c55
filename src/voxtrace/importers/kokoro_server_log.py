"""The log of a Kokoro API server: `[SERVER_PERF:ID] STAGE`, `[ID] First chunk in … ms`, `[0] Segment processed in …s`.

Its times are local, to the millisecond. Its id is often the literal `no-id` for all requests, which are told
apart by time then: by a new REQUEST_RECEIVED, by how long ago a line says that its request began, and by silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from voxtrace.events import Event
from voxtrace.events.codec import content_id
from voxtrace.events.plain import tidy
from voxtrace.importers.js_object import NotWhole, parse_js
from voxtrace.importers.log_lines import LineTimes, LogLine, is_marked, iso_of, read_lines, refuse
from voxtrace.importers.ports import ByteStream, Context, Item, Note
from voxtrace.importers.same_id import LONG_GAP_NS, Sharers
from voxtrace.importers.told_numbers import snake, told_ms, told_number
from voxtrace.units import NANOS_PER_MILLI

_STAGE = re.compile(r"\[SERVER_PERF:(?P<id>[^\]\s]{1,200})\] (?P<stage>[A-Z][A-Z_]{2,60})\b(?P<rest>.*)")
_CHUNK = re.compile(
    r"\[(?P<id>[^\]\s]{1,200})\] First chunk in (?P<ms>\d[\d.]*) ms(?: \(sequence=(\d+), segment_idx=(\d+)\))?"
)
_STATS = re.compile(r"\[(?P<id>[^\]\s]{1,200})\] Stats: (?P<fields>segments=.*)")
_FIELD = re.compile(r"(\w+)=([^,\s]+)")
_TTFA = re.compile(r"\[(?P<id>[^\]\s]{1,200})\] TTFA: (?P<ms>\d[\d.]*)ms\b")
_SEGMENT = re.compile(r"\[(?P<index>\d{1,6})\] Segment processed in (?P<seconds>\d[\d.]*)s\b")
_MARKS = {b"[SERVER_PERF:": _STAGE, b"First chunk in": _CHUNK, b"Stats: ": _STATS, b"Segment processed": _SEGMENT}
# Judgements of lines above them: recognised, and nothing of them is an event.
_VERDICTS = ("TARGET MISSED", "TARGET MET", "Bottlenecks identified:", "CRITICAL TTFA MISS:")
# Between what a line says of its request's beginning and when that was logged.
SAME_BEGINNING_NS = 100 * NANOS_PER_MILLI
OVERLAPPING_KEPT = 64  # requests of one id that are going on at once


class _Request:
    """One request, as far as its lines have told."""

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.began_wall_ns: int | None = None
        self.last_wall_ns = 0
        self.has_stages = False  # then its moments come as stages, and other lines only say more of them
        self.is_over = False

    def event(self, wall_ns: int, name: str, text: str, facts: dict[str, object]) -> Event:
        # Lines of one millisecond stand in their order.
        self.last_wall_ns = wall_ns = max(wall_ns, self.last_wall_ns + 1 if self.last_wall_ns - wall_ns < 10**6 else 0)
        known = tidy({key: value for key, value in facts.items() if value is not None})
        named = content_id(f"{self.request_id}\0{name}\0{text}".encode("utf-8", "replace"))
        return Event(self.request_id, "server", name, wall_ns, named, metadata=known)


class KokoroServerLog:
    """Each request of the server from its stages, or from what its lines tell of durations."""

    name = "kokoro-server-log"
    title = "log of a Kokoro API server ([SERVER_PERF:ID] STAGE, First chunk in, Segment processed in)"

    def sniff(self, head: bytes, path: PurePath) -> int:
        return 85 if is_marked(head, path, _MARKS) else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        return read_lines(stream, _Reading(context))


class _Reading:
    def __init__(self, context: Context) -> None:
        self._times = LineTimes(context)
        self._sharers: Sharers[_Request] = Sharers(_Request)
        self._going_on: dict[str, list[_Request]] = {}
        self._segments: _Request | None = None
        self._segment = -1
        self._verdicts = self._others = self._overlapping = 0

    def take(self, line: LogLine) -> Iterator[Item]:
        self._times.see(line.text)
        text = line.text
        for pattern, read in ((_STAGE, self._stage), (_CHUNK, self._chunk), (_STATS, self._stats), (_TTFA, self._ttfa)):
            if found := pattern.search(text):
                wall_ns = self._times.when(text)
                if wall_ns is None:
                    yield refuse(line, "timestamp", "no line has a time, and neither has the source")
                else:
                    yield from read(found, wall_ns, text)
                return
        if segment := _SEGMENT.search(text):
            wall_ns = self._times.when(text)
            if wall_ns is not None:
                yield from self._of_segment(segment, wall_ns, text)
        elif "[SERVER_PERF:" in text:
            yield refuse(line, "stage", "a [SERVER_PERF] line without its stage")
        elif any(verdict in text for verdict in _VERDICTS):
            self._verdicts += 1
        else:
            self._others += 1

    def end(self) -> Iterator[Item]:
        yield from self._times.notes()
        if self._overlapping:
            yield Note(
                "ids_overlap",
                "request that began before another of the same id had ended: whose lines are whose is a guess",
                self._overlapping,
            )
        if self._verdicts:
            yield Note("verdicts", "judgement of the tool's own: recognised, no event", self._verdicts)
        if self._others:
            yield Note("other_lines", "line that tells of no stage; left out", self._others)

    def _stage(self, found: re.Match[str], wall_ns: int, text: str) -> Iterator[Event]:
        stage, facts = found["stage"], _extras(found["rest"])
        begins = stage == "REQUEST_RECEIVED"
        request = self._request(found["id"], wall_ns, None, begins=begins)
        request.has_stages = True
        if begins:
            request.began_wall_ns = wall_ns
        yield request.event(wall_ns, stage, text, facts)
        if stage in ("FINAL_SUMMARY", "REQUEST_COMPLETE"):
            request.is_over = True

    def _chunk(self, found: re.Match[str], wall_ns: int, text: str) -> Iterator[Event]:
        ms = told_ms(found["ms"])
        facts: dict[str, object] = {"sequence": told_number(found[3]), "segment": told_number(found[4])}
        began = None if ms is None else wall_ns - round(ms * NANOS_PER_MILLI)
        request = self._request(found["id"], wall_ns, began)
        if began is not None and request.began_wall_ns is None:
            # No line tells of its beginning; this one says how long ago it was.
            request.began_wall_ns = began
            yield request.event(began, "REQUEST_RECEIVED", text, {"derived": "First chunk in"})
        name = "first_chunk_reported" if request.has_stages else "FIRST_CHUNK_GENERATED"
        yield request.event(wall_ns, name, text, {**facts, "reported_first_chunk_ms": ms})

    def _stats(self, found: re.Match[str], wall_ns: int, text: str) -> Iterator[Event]:
        fields = {key.lower(): value for key, value in _FIELD.findall(found["fields"])}
        spoken, _, wanted = fields.get("segments", "").partition("/")
        facts: dict[str, object] = {
            "segments_done": told_number(spoken),
            "segments": told_number(wanted),
            "chunks_sent": told_number(fields.get("chunks")),
            "reported_ttfa_ms": told_ms(fields.get("ttfa")),
            "reported_rtf": told_number(fields.get("rtf")),
            # A ratio that the writer prints with a per cent sign: 0.9% there is 0.9 here.
            "reported_efficiency_ratio": told_number(fields.get("efficiency")),
        }
        request = self._request(found["id"], wall_ns, None)
        yield request.event(
            wall_ns, "stats_reported" if request.has_stages else "AUDIO_GENERATION_COMPLETE", text, facts
        )

    def _ttfa(self, found: re.Match[str], wall_ns: int, text: str) -> Iterator[Event]:
        # The server's own claim: what its caller heard it can't know, so it stays a fact.
        request = self._request(found["id"], wall_ns, None)
        missed = "MISSED" in text if "TARGET" in text else None
        facts: dict[str, object] = {"reported_ttfa_ms": told_ms(found["ms"]), "target_missed": missed}
        yield request.event(wall_ns, "ttfa_reported", text, facts)

    def _of_segment(self, found: re.Match[str], wall_ns: int, text: str) -> Iterator[Event]:
        """July's lines know segments and no requests: a number that does not go on begins another request."""
        index, ms = int(found["index"]), told_ms(found["seconds"] + "s")
        request, began = self._segments, wall_ns - round((ms or 0.0) * NANOS_PER_MILLI)
        if request is None or index <= self._segment or began - request.last_wall_ns > LONG_GAP_NS:
            request = self._segments = _Request(f"segments@{iso_of(began)}")
        self._segment = index
        yield request.event(began, "INFERENCE_START", text, {"piece": index})
        yield request.event(wall_ns, "INFERENCE_COMPLETE", text, {"piece": index, "duration_ms": ms})

    def _request(self, told: str, wall_ns: int, began: int | None, *, begins: bool = False) -> _Request:
        """Whose line this is."""
        going_on = [each for each in self._going_on.get(told, ()) if wall_ns - each.last_wall_ns <= LONG_GAP_NS]
        if began is not None:
            near = [each for each in going_on if each.began_wall_ns is not None]
            best = min(near, key=lambda each: abs((each.began_wall_ns or 0) - began), default=None)
            if best is not None and abs((best.began_wall_ns or 0) - began) <= SAME_BEGINNING_NS:
                self._sharers.seen(told, best, wall_ns)
                return best
        newest = self._sharers.find(told, wall_ns)
        if newest is not None and not begins and not (newest.is_over and began is not None):
            self._sharers.seen(told, newest, wall_ns)
            return newest
        unfinished = [each for each in going_on if not each.is_over]
        self._overlapping += bool(unfinished)
        request = self._sharers.new(told, wall_ns if began is None else began)
        if len(self._going_on) > OVERLAPPING_KEPT * OVERLAPPING_KEPT:
            self._going_on.clear()
        self._going_on[told] = [*going_on[-OVERLAPPING_KEPT:], request]
        return request


def _extras(rest: str) -> dict[str, object]:
    """What a formatter may have written behind the stage: an object, or `key=value`."""
    at = rest.find("{")
    if at < 0:
        return {snake(key): told_number(value) or value for key, value in _FIELD.findall(rest)}
    try:
        parsed, _ = parse_js(rest[at:])
    except (NotWhole, ValueError):
        return {}
    return stage_facts(parsed) if isinstance(parsed, dict) else {}


def stage_facts(told: dict[str, object]) -> dict[str, object]:
    """The facts of a stage under the names of the house; what the tool computed is kept as reported."""
    facts: dict[str, object] = {}
    metrics = told.get("metrics")
    for key, value in {**told, **(metrics if isinstance(metrics, dict) else {})}.items():
        name = snake(key)
        if name in ("timestamp", "stage", "metrics") or value in (None, "", [], {}):
            continue
        renamed = _RENAMED.get(name, name)
        number = told_number(value)
        facts[renamed] = value if number is None or "efficiency" in name else number
    hit = facts.pop("cache_hit", None)
    if isinstance(hit, bool):
        facts["cache"] = "hit" if hit else "miss"
    return facts


_RENAMED = {
    "provider_used": "provider",
    "ttfa_ms": "reported_ttfa_ms",
    "total_time_to_first_audio": "reported_ttfa_ms",
    "streaming_efficiency": "reported_streaming_efficiency",
    "efficiency": "reported_streaming_efficiency",
    "total_chunks": "chunks",
    "chunk_count": "chunks",
    "chunk_size": "bytes",
    "status": "reported_status",
    "audio_duration_ms": "audio_ms",
}
