"""Carries marks from a buffer to a sink, on one daemon thread.

Everything that can wait, fail or take long (encoding, files, sockets) happens here and never in a host's call.
The thread is started by the first mark, and by the first mark of a forked child again.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from voxtrace.clock import mono_ns, wall_ns
from voxtrace.events import NO_REQUEST, Event
from voxtrace.events.codec import encode, sequence_id
from voxtrace.tracker.buffer import MAX_MARKS, Buffer, Waiting, text_id
from voxtrace.tracker.identity import Identity, new_identity
from voxtrace.tracker.sinks import Batch, BatchRejected, Outlet

MAX_BATCH_EVENTS = 512
MAX_BATCH_BYTES = 256 * 1024  # a collector takes bodies of 1 MiB; a batch is also all that waits for a failing sink
FIRST_RETRY_S = 0.2
LAST_RETRY_S = 5.0
EXIT_FLUSH_S = 2.0  # a host that ends waits at most so long for its last events
OWN_SERVICE = "voxtrace"
UNNAMED = "unnamed"  # an event must have a name to be read


@dataclass(frozen=True, slots=True)
class TrackerStats:
    """What became of the marks so far: each is written, waits, or was dropped."""

    written: int  # marks that the sink took
    waiting: int  # marks in the buffer or in a batch that the sink has not taken yet
    dropped: dict[str, int]  # marks that were lost, by reason
    last_error: str  # why the sink refused the latest batch; "" when it took it


class _Unsent(NamedTuple):
    batch: Batch
    marks: int  # that it is made of
    notes: Counter[str]  # drops that it tells of


class Courier:
    """One thread between a buffer and a sink.

    `open_sink` is called for this process, and again in a forked child with the child's own identity.
    """

    def __init__(self, buffer: Buffer, open_sink: Callable[[Identity], Outlet], max_age_ms: int) -> None:
        self._buffer = buffer
        self._open_sink = open_sink
        self._max_age_s = max_age_ms / 1000
        self._begin()
        _couriers.add(self)

    def _begin(self) -> None:
        """Everything that belongs to one process and not to its children."""
        self._identity = new_identity()
        self._clock = self._identity.clock
        self._sink = self._open_sink(self._identity)
        self._seq = self._written = 0
        self._reported: Counter[str] = Counter()
        self._unsent: _Unsent | None = None
        self._last_error = ""
        self._closed = False
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._carrying = threading.Lock()
        # A lock used as a bell: to release one never waits, which an Event's set() may.
        self._bell = threading.Lock()
        self._hurry = threading.Event()
        self._waiters: deque[threading.Event] = deque()

    def begin_again(self) -> None:
        """Become as new in a forked child; what waited is the parent's to send."""
        closed = self._closed
        self._sink.close()
        self._buffer.forget()
        self._begin()
        self._closed = closed

    def wake(self) -> bool:
        """Start or wake the thread; False where the buffer has no room for another mark. Never waits."""
        if self._closed:
            return False
        if self._thread is None:
            self._start()
        self._ring()
        return len(self._buffer.marks) < MAX_MARKS

    def flush(self, timeout_s: float) -> bool:
        """Wait until the sink has taken everything marked before; False when it refused or the time has passed."""
        if self._closed:
            return not self.stats().waiting
        done = threading.Event()
        self._waiters.append(done)
        self.wake()
        self._hurry.set()
        if self._thread is None:  # there is none to be had: do its work here
            return self.carry()
        return done.wait(timeout_s) and not self._last_error

    def close(self, timeout_s: float) -> None:
        """Flush and stop. Later marks are dropped and counted."""
        self._closed, self._buffer.watermark, self._buffer.no_room = True, 0, "closed"
        self._hurry.set()
        self._ring()
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)

    def stats(self) -> TrackerStats:
        """Counts by now. They are taken one after the other, so a mark on its way may be counted in none or two."""
        unsent = self._unsent
        waiting = len(self._buffer.marks) + (unsent.marks if unsent else 0)
        return TrackerStats(self._written, waiting, dict(self._buffer.lost()), self._last_error)

    def carry(self) -> bool:
        """Hand everything that is marked by now to the sink; False when the sink refused a batch."""
        with self._carrying:
            to_do = len(self._buffer.marks)
            # A sink that rejects everything is told of it with the next marks only, not again and again.
            note_due = bool(self._unreported()) and not self._last_error
            while self._unsent or to_do > 0 or note_due:
                if self._unsent is None:
                    self._unsent = self._next_batch(to_do)
                    to_do = min(to_do - self._unsent.marks, len(self._buffer.marks))
                if self._unsent.batch.events and not self._offer(self._unsent):
                    return False
                self._unsent, note_due = None, False
            return True

    def _offer(self, unsent: _Unsent) -> bool:
        try:
            self._sink(unsent.batch)
        except BatchRejected as why:
            self._fail(why)
            self._buffer.lose("rejected", unsent.marks)
            self._reported -= unsent.notes
        except (Exception, SystemExit) as why:  # noqa: BLE001 - a sink may fail in any way; its host must not notice
            self._fail(why)
            return False
        else:
            self._last_error = ""
            self._written += unsent.marks
        return True

    def _fail(self, why: BaseException) -> None:
        """Tell the host's log once for each row of failures."""
        if not self._last_error:
            import logging  # takes longer to load than this package; nearly no process gets here

            logging.getLogger("voxtrace").warning(
                "events can't be delivered; they are dropped when %d wait: %s", MAX_MARKS, why
            )
        self._last_error = f"{type(why).__name__}: {why}"

    def _next_batch(self, limit: int) -> _Unsent:
        """At most `limit` marks as lines, and the drops that nobody was told of."""
        lines: list[bytes] = []
        notes = self._unreported()
        for reason, events in notes.items():
            note: dict[str, object] = {"count": events, "reason": reason}
            lines.append(self._line((OWN_SERVICE, "sdk.dropped", NO_REQUEST, None, mono_ns(), wall_ns(), note, 0)))
        self._reported += notes
        size = marks = 0
        while marks < min(limit, MAX_BATCH_EVENTS) and size < MAX_BATCH_BYTES:
            mark = self._buffer.marks.popleft()
            self._buffer.release(mark[-1])
            try:
                line = self._line(mark)
            except Exception:  # noqa: BLE001 - one mark that can't be told must not cost the others
                self._buffer.lose("failed")
                limit -= 1
                continue
            lines.append(line)
            size += len(line)
            marks += 1
        return _Unsent(Batch(b"".join(lines), len(lines)), marks, notes)

    def _line(self, mark: Waiting) -> bytes:
        service, name, request_id, session_id, mono, wall, metadata, _ = mark
        seq, clock = self._seq, self._clock
        self._seq += 1
        event_id, request_id = sequence_id(clock, seq), request_id or NO_REQUEST
        name, session_id = (name if type(name) is str else text_id(name)) or UNNAMED, session_id or None
        return encode(Event(request_id, service, name, wall, event_id, mono, clock, seq, session_id, metadata))

    def _unreported(self) -> Counter[str]:
        return self._buffer.lost() - self._reported

    def _start(self) -> None:
        if not self._starting.acquire(blocking=False):
            return  # another thread is at it
        try:
            thread = threading.Thread(target=self._run, name="voxtrace-courier", daemon=True)
            thread.start()
            self._thread = thread
            self._buffer.watermark = MAX_MARKS // 2
            _flush_when_multiprocessing_ends(self)
        except RuntimeError:
            # No thread to be had, or the interpreter is ending: marks wait in the buffer, a later one tries again.
            self._buffer.watermark = min(MAX_MARKS, len(self._buffer.marks) + MAX_MARKS // 8)
        finally:
            self._starting.release()

    def _ring(self) -> None:
        try:
            self._bell.release()
        except RuntimeError:
            pass  # it rings already

    def _run(self) -> None:
        retry_s = FIRST_RETRY_S
        closing = False
        while not closing:
            closing, waiters = self._closed, len(self._waiters)
            self._hurry.clear()
            carried = self.carry()
            for _ in range(waiters):
                self._waiters.popleft().set()
            if carried:
                retry_s = FIRST_RETRY_S
                if not closing:
                    self._bell.acquire(timeout=self._max_age_s)
            elif not closing:
                self._hurry.wait(retry_s)
                retry_s = min(2 * retry_s, LAST_RETRY_S)
        self._sink.close()


_couriers: weakref.WeakSet[Courier] = weakref.WeakSet()


def _begin_again_in_child() -> None:
    for courier in list(_couriers):
        courier.begin_again()


def _flush_at_exit() -> None:
    for courier in list(_couriers):
        if courier.stats().waiting:
            courier.flush(EXIT_FLUSH_S)


def _flush_when_multiprocessing_ends(courier: Courier) -> None:
    """A child of multiprocessing leaves through os._exit, which runs no atexit functions, but runs these."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(courier, courier.flush, (EXIT_FLUSH_S,), exitpriority=10)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_again_in_child)
atexit.register(_flush_at_exit)
