"""Work that several listeners wait for is done once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from voxtrace.speech.cache.kept import Kept
from voxtrace.speech.errors import SpeechError
from voxtrace.speech.job import Job, Source, Spoken

OnLanded = Callable[[Kept | None], None]
"""Takes the whole piece, or None where it failed or was given up."""


class Flight:
    """One piece on its way to everybody who asked for it: the listener of the real job, the holder of theirs.

    Whoever joins late hears at once what was made before. Nobody can hold it up: a piece is kept whole
    anyway, so a slow reader's `pause` is not passed on. It is given up when the last of them has left.
    """

    def __init__(self, source: Source, key: str, asked: Job, on_landed: OnLanded) -> None:
        self.key = key
        # The one that the source speaks, due when the first of those who asked needs it.
        self.job = Job(asked.utterance, self, admitted_ns=asked.admitted_ns, due_ns=asked.due_ns)
        self._source = source
        self._on_landed = on_landed
        self._followers: list[Job] = []
        self._made: list[bytes] = []
        self._words: list[bytes] = []
        self._begun: tuple[int, bool] | None = None  # worker, warm
        self._is_with_source = False

    def join(self, follower: Job) -> None:
        """Let one more job hear this piece."""
        self._followers.append(follower)
        follower.holder = Seat(self, follower)
        if self._begun is not None:
            worker, warm = self._begun
            follower.listener.on_start(worker, warm=warm)
        if self._words:
            follower.listener.on_words(b"".join(self._words))
        if self._made:
            follower.listener.on_audio(b"".join(self._made))

    @property
    def is_wanted(self) -> bool:
        """Whether anybody still waits for it."""
        return bool(self._followers)

    def take_off(self) -> None:
        """Have it spoken.

        Raises:
            SpeechError: the source does not take it.
        """
        self._is_with_source = True
        self._source.submit(self.job)

    def leave(self, follower: Job) -> bool:
        """Take one job out.

        Returns:
            Whether its end is still to come: true for the last one, while an engine has the piece.
        """
        follower.cancelled = True
        if len(self._followers) > 1:
            self._followers.remove(follower)
            follower.holder = None
            return False
        if self._is_with_source and self._source.cancel(self.job):
            return True
        self._land(None)
        return False

    # Listener

    def on_start(self, worker: int, *, warm: bool) -> None:
        """See `Listener`."""
        self._begun = (worker, warm)
        for follower in list(self._followers):
            follower.started_ns = self.job.started_ns
            follower.listener.on_start(worker, warm=warm)

    def on_phonemes(self, at_ns: int) -> None:
        """See `Listener`. Whoever joins later did not wait for them."""
        for follower in list(self._followers):
            follower.listener.on_phonemes(at_ns)

    def on_words(self, words: bytes) -> None:
        """See `Listener`."""
        self._words.append(words)
        for follower in list(self._followers):
            follower.listener.on_words(words)

    def on_audio(self, pcm: bytes) -> None:
        """See `Listener`."""
        self._made.append(pcm)
        for follower in list(self._followers):
            follower.listener.on_audio(pcm)

    def on_done(self, spoken: Spoken) -> None:
        """See `Listener`."""
        followers = self._land(None if self.job.cancelled else self._kept(b"".join(self._made)))
        for follower in followers:
            follower.listener.on_done(spoken)

    def on_error(self, error: SpeechError) -> None:
        """See `Listener`."""
        for follower in self._land(None):
            follower.listener.on_error(error)

    def on_cached(self, pcm: bytes, level: str) -> None:
        """See `Listener`: what is behind us has a cache of its own."""
        for follower in self._land(self._kept(pcm)):
            follower.listener.on_cached(pcm, level)

    def _kept(self, pcm: bytes) -> Kept:
        return Kept(pcm, b"".join(self._words), self.job.is_first)

    def _land(self, kept: Kept | None) -> list[Job]:
        self._on_landed(kept)
        followers, self._followers = self._followers, []
        for follower in followers:
            follower.holder = None
        return followers


@dataclass(frozen=True, slots=True)
class Seat:
    """One listener's place in a flight; see `Holder`."""

    flight: Flight
    job: Job

    def cancel(self) -> None:
        """Leave; the others go on."""
        self.flight.leave(self.job)

    def pause(self) -> None:
        """Nothing: the piece is kept whole."""

    def resume(self) -> None:
        """Nothing: it was not paused."""
