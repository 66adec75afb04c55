"""Events of one request as a client saw it, where only the times since its start are known."""

from __future__ import annotations

from hashlib import blake2b

from voxtrace.events import Event
from voxtrace.events.codec import sequence_id


class ClientRequest:
    """Builds the events of one request. Its clock begins at the request's start and is shared with nobody.

    The clock's name is made of what the file holds, so that reading the same file twice gives the same
    event ids.

    Args:
        request_id: the request's.
        started_wall_ns: Unix time of its start.
        content: the file that names the clock.
        writer: which other file these events come from, "" for the one that names the clock.
        service: who saw it, "server" where the server timed itself.
        run: the run of trials that the request belongs to, which is its session; "" where none is known.
    """

    def __init__(
        self,
        request_id: str,
        started_wall_ns: int,
        content: bytes,
        writer: str = "",
        run: str = "",
        service: str = "client",
    ) -> None:
        self.request_id = request_id
        self._service = service
        self._session = run[-200:] or None
        self._started_wall_ns = started_wall_ns
        mark = blake2b(content, digest_size=8, key=request_id.encode()[:64]).hexdigest()
        self._clock = f"import/{mark}/"
        self._writer = writer
        self._seq = 0

    def event(self, after_ns: int, name: str, **metadata: object) -> Event:
        """One event, `after_ns` nanoseconds after the request's start; metadata that is None is left out."""
        seq, self._seq = self._seq, self._seq + 1
        return Event(
            self.request_id,
            self._service,
            name,
            self._started_wall_ns + after_ns,
            f"{self._clock}{self._writer}#{seq}" if self._writer else sequence_id(self._clock, seq),
            after_ns,
            self._clock,
            None if self._writer else seq,
            self._session,
            {key: value for key, value in metadata.items() if value is not None},
        )
