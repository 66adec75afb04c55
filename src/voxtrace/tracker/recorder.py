"""The hot path: what a host's thread runs when it marks something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from voxtrace.clock import mono_ns, wall_ns
from voxtrace.events import NO_REQUEST
from voxtrace.events.plain import tidy
from voxtrace.tracker.buffer import LIGHT_ID_CHARS, LIGHT_KEYS, LIGHT_TEXT_CHARS, Buffer, text_id, weigh
from voxtrace.tracker.courier import Courier
from voxtrace.tracker.identity import Identity
from voxtrace.tracker.options import TrackerOptions
from voxtrace.tracker.sampling import is_sampled
from voxtrace.tracker.sinks import LentSink, Outlet, Sink
from voxtrace.tracker.spool import SpoolSink
from voxtrace.tracker.turns import open_turn

_open_turn = open_turn.get


class Mark(Protocol):
    """A call that takes an event. Never raises and never waits, whatever it is given."""

    def __call__(
        self, name: str, /, request_id: str | None = None, session_id: str | None = None, **metadata: object
    ) -> None: ...


class Recorder:
    """Takes the marks of one process, from any thread, and has them carried to one sink."""

    def __init__(self, options: TrackerOptions, sink: Sink | None = None) -> None:
        self.buffer = Buffer()
        self.courier = Courier(self.buffer, _sink_opener(options, sink), options.max_age_ms)
        self._sample_rate = options.sample_rate if options.level == "sampled" else None

    def marker(self, service: str, in_request: str | None = None, in_session: str | None = None) -> Mark:
        """What a service calls to mark an event, in one request or in that of the open turn.

        A closure in which everything is written out: each look-up and each call more would be a tenth of what
        a mark costs its host. What is not plain and short takes the long way, through `record`.
        """
        buffer, marks, append = self.buffer, self.buffer.marks, self.buffer.marks.append
        wake, record, rate = self.courier.wake, self.record, self._sample_rate

        def mark(
            name: str, /, request_id: str | None = in_request, session_id: str | None = in_session, **metadata: object
        ) -> None:
            """`name` happened now, in the given request or in that of the open turn.

            Never raises and never waits. A mark outside of any turn belongs to no request. Numbers, short texts
            and flags are kept as they are; other values are read at once and cut to a bounded size.
            """
            mono, wall = mono_ns(), wall_ns()
            try:
                if request_id is None:
                    turn = _open_turn()
                    if turn is None:
                        request_id = NO_REQUEST
                    else:
                        request_id, inherited = turn
                        session_id = session_id or inherited
                if type(request_id) is not str or len(request_id) > LIGHT_ID_CHARS:
                    return record(service, (name, request_id, session_id), metadata, (mono, wall))
                if rate is not None and not is_sampled(request_id or NO_REQUEST, rate):
                    return None
                if session_id is not None and (type(session_id) is not str or len(session_id) > LIGHT_ID_CHARS):
                    return record(service, (name, request_id, session_id), metadata, (mono, wall))
                if metadata:
                    if len(metadata) > LIGHT_KEYS:
                        return record(service, (name, request_id, session_id), metadata, (mono, wall))
                    for value in metadata.values():
                        kind = type(value)
                        if kind is int or kind is float:
                            continue
                        if kind is str:
                            # A text beyond ASCII takes up to four bytes a character.
                            if len(value) <= LIGHT_TEXT_CHARS and value.isascii():  # type: ignore[arg-type, attr-defined] # it is a str
                                continue
                        elif kind is bool or value is None:
                            continue
                        return record(service, (name, request_id, session_id), metadata, (mono, wall))
                if len(marks) < buffer.watermark or wake():
                    append((service, name, request_id, session_id, mono, wall, metadata, 0))
                else:
                    buffer.lose(buffer.no_room)
            except Exception:  # noqa: BLE001 - telemetry that raises is worse than telemetry that is missing
                buffer.lose("failed")

        return mark

    def record(
        self,
        service: str,
        ids: tuple[object, object, object],  # name, request, session
        metadata: Mapping[str, object],
        at: tuple[int, int] | None = None,  # mono_ns, wall_ns
    ) -> None:
        """The long way, for anything: what is long, nested or foreign is bounded before it waits in the buffer.

        Nothing of `metadata` is kept, so it may be changed afterwards. Never raises and never waits.
        """
        mono, wall = at or (mono_ns(), wall_ns())
        try:
            name, request_id, session_id = map(text_id, ids)
            turn = _open_turn()
            if turn is not None and not request_id:
                request_id, session_id = turn.request_id, session_id or turn.session_id or ""
            if self._sample_rate is not None and not is_sampled(request_id or NO_REQUEST, self._sample_rate):
                return
            plain = tidy(metadata)
            if len(self.buffer.marks) >= self.buffer.watermark and not self.courier.wake():
                self.buffer.lose(self.buffer.no_room)
                return
            units = self.buffer.reserve(weigh((name, request_id, session_id, plain)))
            if units:
                self.buffer.marks.append((service, name, request_id, session_id, mono, wall, plain, units))
            else:
                self.courier.wake()
                self.buffer.lose("memory_full")
        except Exception:  # noqa: BLE001 - telemetry that raises is worse than telemetry that is missing
            self.buffer.lose("failed")

    def refuse(self, *_: object, **__: object) -> None:
        """Stands for the mark of a tracker that was closed."""
        self.buffer.lose("closed")


def _sink_opener(options: TrackerOptions, sink: Sink | None) -> Callable[[Identity], Outlet]:
    if sink is not None:
        return lambda _: LentSink(sink)
    if options.collector:
        from voxtrace.tracker.collector import CollectorSink  # its HTTP takes longer to load than this package

        return lambda _: CollectorSink(options.collector)
    return lambda identity: SpoolSink(options.data, identity)
