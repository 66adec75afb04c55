"""The hot path: what a host's thread runs when it marks something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from voxtrace.clock import mono_ns, wall_ns
from voxtrace.events import NO_REQUEST
from voxtrace.events.codec import MAX_ID_CHARS
from voxtrace.events.plain import MAX_INT, sound_text, tidy
from voxtrace.tracker.buffer import LIGHT_CHARS, LIGHT_KEYS, Buffer, weigh
from voxtrace.tracker.courier import Courier
from voxtrace.tracker.identity import Identity
from voxtrace.tracker.options import TrackerOptions
from voxtrace.tracker.sampling import is_sampled
from voxtrace.tracker.sinks import LentSink, Outlet, Sink
from voxtrace.tracker.spool import SpoolSink
from voxtrace.tracker.turns import open_turn

_open_turn = open_turn.get


class Recorder:
    """Takes the marks of one process, from any thread, and has them carried to one sink."""

    def __init__(self, options: TrackerOptions, sink: Sink | None = None) -> None:
        self.buffer = Buffer()
        self.courier = Courier(self.buffer, _sink_opener(options, sink), options.max_age_ms)
        self._sample_rate = options.sample_rate if options.level == "sampled" else None
        self._marks = self.buffer.marks

    def record(
        self,
        service: str,
        name: str,
        request_id: str | None,
        session_id: str | None,
        metadata: Mapping[str, Any],
        at: tuple[int, int] | None = None,
    ) -> None:
        """Something happened now, or `at` (mono_ns, wall_ns). Never raises and never waits, whatever is given.

        `metadata` must be the recorder's to keep: it is read later, on another thread.
        """
        mono, wall = at or (mono_ns(), wall_ns())
        try:
            if request_id is None:
                turn = _open_turn()
                request_id, inherited = turn or (NO_REQUEST, None)
                session_id = session_id or inherited
            # Everything is written out here: a call more would be a sixth of what a mark costs.
            if (
                type(name) is type(request_id) is str
                and (session_id is None or type(session_id) is str)
                and len(metadata) <= LIGHT_KEYS
            ):
                chars = len(name) + len(request_id) + len(session_id or "")
                for key, value in metadata.items():
                    kind = type(value)
                    if kind is str:
                        chars += len(value)
                    elif kind is int:
                        if not -MAX_INT <= value <= MAX_INT:
                            break
                    elif kind is not float and kind is not bool and value is not None:
                        break
                    chars += len(key)
                else:
                    if chars <= LIGHT_CHARS and name and request_id:
                        if self._sample_rate is not None and not is_sampled(request_id, self._sample_rate):
                            return
                        marks = self._marks
                        if len(marks) >= self.buffer.watermark and not self.courier.wake():
                            self.buffer.lose("buffer_full")
                            return
                        marks.append((service, name, request_id, session_id, mono, wall, metadata, 0))
                        return
            self._record_heavy(service, (name, request_id, session_id), (mono, wall), metadata)
        except Exception:  # noqa: BLE001 - telemetry that raises is worse than telemetry that is missing
            self.buffer.lose("failed")

    def refuse(self, *_: object) -> None:
        """Stands for `record` in a tracker that was closed."""
        self.buffer.lose("closed")

    def _record_heavy(
        self, service: str, ids: tuple[object, object, object], at: tuple[int, int], metadata: Mapping[str, Any]
    ) -> None:
        """Bound what is long, nested or of a foreign type before it waits in the buffer."""
        name, request_id = text_id(ids[0]) or "unnamed", text_id(ids[1]) or NO_REQUEST
        session_id = text_id(ids[2]) or None
        if self._sample_rate is not None and not is_sampled(request_id, self._sample_rate):
            return
        plain = tidy(metadata)
        if len(self._marks) >= self.buffer.watermark and not self.courier.wake():
            self.buffer.lose("buffer_full")
            return
        units = self.buffer.reserve(weigh((name, request_id, session_id, plain)))
        if units:
            self._marks.append((service, name, request_id, session_id, *at, plain, units))
        else:
            self.courier.wake()
            self.buffer.lose("memory_full")


def text_id(given: object) -> str:
    """An id or a name as bounded text; "" for None."""
    if given is None:
        return ""
    if type(given) is not str:
        given = str(tidy({"id": given})["id"])
    return sound_text(given, MAX_ID_CHARS)


def _sink_opener(options: TrackerOptions, sink: Sink | None) -> Callable[[Identity], Outlet]:
    if sink is not None:
        return lambda _: LentSink(sink)
    if options.collector:
        from voxtrace.tracker.collector import CollectorSink  # its HTTP takes longer to load than this package

        return lambda _: CollectorSink(options.collector)
    return lambda identity: SpoolSink(options.data, identity)
