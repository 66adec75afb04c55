"""The console of a Kokoro API client: `[PERF:tts-<epoch ms>] STAGE` and an object, as JSON or as JavaScript."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from voxtrace.events import Event
from voxtrace.events.codec import EARLIEST_NS, LATEST_NS, content_id
from voxtrace.events.plain import tidy
from voxtrace.importers.js_object import MAX_CHARS, NotWhole, parse_js
from voxtrace.importers.kokoro_server_log import stage_facts
from voxtrace.importers.log_lines import LineTimes, LogLine, is_marked, read_lines, refuse
from voxtrace.importers.ports import ByteStream, Context, Item, Note
from voxtrace.importers.told_numbers import told_ms
from voxtrace.units import NANOS_PER_MILLI

_MARK = re.compile(r"\[PERF:(?P<id>tts-(?P<epoch>\d{10,16})[\w-]{0,64})\] (?P<stage>[A-Z][A-Z_]{2,60})\b:?(?P<rest>.*)")
_TIMED_BY = {
    "FIRST_BYTE_RECEIVED": "responseTimeMs",
    "FIRST_AUDIO_CHUNK": "ttfaMs",
    "AUDIO_CHUNK_RECEIVED": "elapsedTimeMs",
    "ERROR": "requestTimeMs",
}
# STREAMING_PROGRESS tells the same chunk once more.
_SERVICE = "raycast"


class KokoroClientLog:
    """One request of the client from its stages. Only the first and every tenth chunk are in such a log."""

    name = "kokoro-client-log"
    title = "console of a Kokoro API client ([PERF:tts-…] STAGE {…})"

    def sniff(self, head: bytes, path: PurePath) -> int:
        return 85 if is_marked(head, path, {b"[PERF:tts-": _MARK}) else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        return read_lines(stream, _Reading(context))


class _Held:
    """A stage whose object goes on over the next lines."""

    def __init__(self, line: LogLine, mark: re.Match[str]) -> None:
        self.line, self.mark = line, mark
        self.text = mark["rest"].strip()


class _Reading:
    def __init__(self, context: Context) -> None:
        self._times = LineTimes(context)
        self._held: _Held | None = None
        self._failed: dict[str, bool] = {}
        self._others = self._elapsed = 0

    def take(self, line: LogLine) -> Iterator[Item]:
        self._times.see(line.text)
        if mark := _MARK.search(line.text):
            yield from self._give_up()
            self._held = _Held(line, mark)
            if self._held.text:
                yield from self._try()
        elif self._held is None:
            self._others += 1
        elif not self._held.text and not line.text.startswith("{"):
            yield from self._give_up()
            self._others += 1
        else:
            self._held.text += "\n" + line.text
            if len(self._held.text) > MAX_CHARS:
                yield from self._give_up()
            elif line.text.endswith(("}", "},", "};")):
                yield from self._try()

    def end(self) -> Iterator[Item]:
        yield from self._give_up()
        yield from self._times.notes()
        if self._elapsed:
            yield Note("elapsed", "stage without a time; placed by how long ago its request began", self._elapsed)
        if self._others:
            yield Note("other_lines", "line that tells of no stage; left out", self._others)

    def _try(self) -> Iterator[Item]:
        held = self._held
        if held is None:
            return
        try:
            told, _ = parse_js(held.text)
        except NotWhole:
            return
        except ValueError as why:
            self._held = None
            yield refuse(held.line, "object", f"the object behind the stage can't be read: {why}")
            return
        self._held = None
        yield self._event(held, told if isinstance(told, dict) else {})

    def _give_up(self) -> Iterator[Item]:
        """The object of the stage never came, or never ended."""
        held, self._held = self._held, None
        if held is None:
            return
        if held.text.lstrip().startswith("{"):
            yield refuse(held.line, "object", "the object behind the stage breaks off")
        else:
            yield self._event(held, {})

    def _event(self, held: _Held, told: dict[str, object]) -> Item:
        request_id, stage = held.mark["id"], held.mark["stage"]
        began = _epoch_ns(held.mark["epoch"])
        wall_ns = self._times.from_text(told.get("timestamp"))
        after_ms = 0.0 if stage == "REQUEST_START" else told_ms(told.get(_TIMED_BY.get(stage, "")))
        if wall_ns is None and began is not None and after_ms is not None:
            wall_ns = began + round(after_ms * NANOS_PER_MILLI)
            self._elapsed += 1
        if wall_ns is None:
            wall_ns = self._times.own(held.line.text)
        if wall_ns is None:
            return refuse(held.line, "timestamp", "the stage has no time")
        facts = stage_facts(told)
        if stage == "ERROR":
            facts |= {"outcome": "error", "error": str(told.get("error") or told.get("statusText") or "error")[:200]}
            self._failed[request_id] = True
        elif stage == "FINAL_SUMMARY":
            # PASS and FAIL judge its time to first audio; whether it failed is another question.
            failed = self._failed.pop(request_id, False) or bool(told.get("errors"))
            facts["outcome"] = "error" if failed else "ok"
        if len(self._failed) > 10_000:
            self._failed.clear()
        # The console shows the first and every tenth: what a chunk holds in time is not told.
        named = content_id(f"{request_id}\0{stage}\0{held.text}".encode("utf-8", "replace"))
        return Event(request_id, _SERVICE, stage, wall_ns, named, metadata=tidy(facts))


def _epoch_ns(digits: str) -> int | None:
    wall_ns = int(digits) * NANOS_PER_MILLI
    return wall_ns if EARLIEST_NS <= wall_ns <= LATEST_NS else None
