"""`Tracker`: what a voice service calls."""

from __future__ import annotations

from collections.abc import Mapping

from voxtrace.clock import mono_ns, wall_ns
from voxtrace.events import NO_REQUEST
from voxtrace.tracker.options import TrackerOptions, from_environment
from voxtrace.tracker.propagation import generate_request_id
from voxtrace.tracker.recorder import Recorder, TrackerStats
from voxtrace.tracker.sinks import Sink
from voxtrace.tracker.spool import SpoolSink
from voxtrace.tracker.turns import TurnIds, open_turn

_turn = open_turn.get


class Tracker:
    """Marks what happens in one service."""

    def __init__(self, service: str, *, sink: Sink | None = None, options: TrackerOptions | None = None) -> None:
        chosen = options or from_environment()
        self.service = service
        self._off = chosen.level == "off"
        self._rate = chosen.sample_rate if chosen.level == "sampled" else 1.0
        self._recorder = Recorder(
            lambda identity: sink or SpoolSink(chosen.data / "spool", identity), chosen.max_age_ms
        )
        self._marks = self._recorder.buffer.marks

    def mark(
        self, name: str, /, request_id: str | None = None, session_id: str | None = None, **metadata: object
    ) -> None:
        """Something happened now. Never raises, never waits."""
        if self._off:
            return
        at, wall = mono_ns(), wall_ns()
        turn = _turn()
        if request_id is None:
            request_id = turn.request_id if turn else NO_REQUEST
        if session_id is None and turn and turn.request_id == request_id:
            session_id = turn.session_id
        if len(self._marks) >= self._recorder.watermark and self._recorder.crowded():
            self._recorder.buffer.lose("buffer_full")
            return
        self._marks.append((self.service, name, request_id, session_id, at, wall, metadata, 0))

    def mark_at(
        self, name: str, at: tuple[int, int], /, request_id: str, session_id: str | None = None, **metadata: object
    ) -> None:
        """Something happened at the moment `at`, (mono_ns, wall_ns), that the caller stamped itself.

        For a moment whose meaning is known only later: bytes are stamped when they are read, and what they are
        is found out afterwards. Never raises, never waits.
        """
        if self._off:
            return
        if len(self._marks) >= self._recorder.watermark and self._recorder.crowded():
            self._recorder.buffer.lose("buffer_full")
            return
        self._marks.append((self.service, name, request_id, session_id, *at, metadata, 0))

    def span(
        self, name: str, /, request_id: str | None = None, session_id: str | None = None, **metadata: object
    ) -> Span:
        """Mark `<name>_start` and, when the block ends, `<name>_complete` with its `outcome`."""
        return Span(self, name, (request_id, session_id), metadata)

    def turn(self, request_id: str | None = None, session_id: str | None = None) -> Turn:
        """A context in which marks need no ids; a request id is made where none is given."""
        return Turn(self, request_id or generate_request_id(), session_id)

    def flush(self, timeout_s: float = 2.0) -> bool:
        return self._recorder.flush(timeout_s)

    def close(self) -> None:
        self._recorder.close()

    def stats(self) -> TrackerStats:
        return self._recorder.stats()


class Span:
    """A stretch of work: a context manager that marks its two ends."""

    def __init__(
        self, tracker: Tracker, name: str, ids: tuple[str | None, str | None], metadata: Mapping[str, object]
    ) -> None:
        self._tracker, self._name, self._ids, self._metadata = tracker, name, ids, metadata

    def __enter__(self) -> Span:
        request_id, session_id = self._ids
        self._tracker.mark(f"{self._name}_start", request_id, session_id, **self._metadata)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._tracker.mark(f"{self._name}_complete", *self._ids, outcome="error" if kind else "ok")


class Turn:
    """One turn; its own `mark` and `span` carry its ids into any thread."""

    def __init__(self, tracker: Tracker, request_id: str, session_id: str | None) -> None:
        self.request_id, self.session_id = request_id, session_id
        self._tracker = tracker

    def mark(self, name: str, /, **metadata: object) -> None:
        self._tracker.mark(name, self.request_id, self.session_id, **metadata)

    def span(self, name: str, /, **metadata: object) -> Span:
        return self._tracker.span(name, self.request_id, self.session_id, **metadata)

    def __enter__(self) -> Turn:
        self._entered = open_turn.set(TurnIds(self.request_id, self.session_id))
        return self

    def __exit__(self, *_: object) -> None:
        open_turn.reset(self._entered)


_default: dict[str, Tracker] = {}


def log_timing(request_id: str, service: str, event: str, metadata: Mapping[str, object] | None = None) -> None:
    """Drop-in for the function of that name that people have: one tracker per service is made when needed."""
    tracker = _default.get(service)
    if tracker is None:
        tracker = _default.setdefault(service, Tracker(service))
    tracker.mark(event, request_id, None, **(metadata or {}))
