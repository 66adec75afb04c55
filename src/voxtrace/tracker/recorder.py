"""The hot path: what a host's thread runs when it marks something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

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

SMALL = 2**30  # CPython keeps a number below in one digit

_open_turn = open_turn.get


class Record(Protocol):
    """Takes one event of a service. Never raises and never waits, whatever is given."""

    def __call__(
        self,
        name: str,
        request_id: str | None,
        session_id: str | None,
        metadata: Mapping[str, Any],  # the recorder's to keep: it is read later, on another thread
        mono: int,
        wall: int,
        /,
    ) -> None: ...


class Recorder:
    """Takes the marks of one process, from any thread, and has them carried to one sink."""

    def __init__(self, options: TrackerOptions, sink: Sink | None = None) -> None:
        self.buffer = Buffer()
        self.courier = Courier(self.buffer, _sink_opener(options, sink), options.max_age_ms)
        self._sample_rate = options.sample_rate if options.level == "sampled" else None

    def record_for(self, service: str) -> Record:
        """What the marks of one service go through.

        A closure, in which everything is written out: each attribute and each call more would be a tenth of
        what a mark costs its host.
        """
        buffer, marks, append = self.buffer, self.buffer.marks, self.buffer.marks.append
        wake, rate, record_heavy = self.courier.wake, self._sample_rate, self._record_heavy

        def record(
            name: str,
            request_id: str | None,
            session_id: str | None,
            metadata: Mapping[str, Any],
            mono: int,
            wall: int,
            /,
        ) -> None:
            try:
                if request_id is None:
                    turn = _open_turn()
                    if turn is None:
                        request_id = NO_REQUEST
                    else:
                        request_id, inherited = turn
                        session_id = session_id or inherited
                if type(name) is type(request_id) is str and len(metadata) <= LIGHT_KEYS:
                    chars = len(name) + len(request_id)
                    if session_id is not None:
                        chars += len(session_id) if type(session_id) is str else LIGHT_CHARS + 1
                    for key, value in metadata.items():
                        kind = type(value)
                        if kind is int:
                            # Small numbers are compared several times faster.
                            if not (-SMALL < value < SMALL or -MAX_INT <= value <= MAX_INT):
                                break
                        elif kind is str:
                            chars += len(value)
                        elif kind is not float and kind is not bool and value is not None:
                            break
                        chars += len(key)
                    else:
                        if chars <= LIGHT_CHARS:
                            if rate is not None and not is_sampled(request_id, rate):
                                return
                            if len(marks) >= buffer.watermark and not wake():
                                buffer.lose("buffer_full")
                                return
                            append((service, name, request_id, session_id, mono, wall, metadata, 0))
                            return
                record_heavy((service, name, request_id, session_id), (mono, wall), metadata)
            except Exception:  # noqa: BLE001 - telemetry that raises is worse than telemetry that is missing
                buffer.lose("failed")

        return record

    def refuse(self, *_: object) -> None:
        """Stands for a record of a tracker that was closed."""
        self.buffer.lose("closed")

    def _record_heavy(
        self, ids: tuple[str, object, object, object], at: tuple[int, int], metadata: Mapping[str, Any]
    ) -> None:
        """Bound what is long, nested or of a foreign type before it waits in the buffer."""
        service, *given = ids
        name, request_id, session_id = map(text_id, given)
        if self._sample_rate is not None and not is_sampled(request_id, self._sample_rate):
            return
        plain = tidy(metadata)
        if len(self.buffer.marks) >= self.buffer.watermark and not self.courier.wake():
            self.buffer.lose("buffer_full")
            return
        units = self.buffer.reserve(weigh((name, request_id, session_id, plain)))
        if units:
            self.buffer.marks.append((service, name, request_id, session_id or None, *at, plain, units))
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
