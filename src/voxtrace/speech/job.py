"""One piece of work for an engine, and who hears of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from voxtrace.speech.errors import SpeechError
from voxtrace.speech.ports import Utterance
from voxtrace.speech.workload import Workload

WHENEVER_NS = 1 << 62  # a deadline behind all others: nobody waits for it


@dataclass(frozen=True, slots=True)
class Spoken:
    """How a finished job went, as its worker saw it."""

    samples: int  # made at OUTPUT_RATE_HZ, whether anybody took them or not
    busy_ns: int  # of synthesis, without the waiting for a slow listener


class Listener(Protocol):
    """Whoever waits for a job. Called on the event loop; a call must not wait."""

    def on_start(self, worker: int, *, warm: bool) -> None:
        """The engine process `worker` took the job; `warm` when it has spoken before."""

    def on_phonemes(self, at_ns: int) -> None:
        """Its phonemes were there at this moment of the monotonic clock; not every engine has that step."""

    def on_words(self, words: bytes) -> None:
        """Words whose sound ends with the audio that follows, or in front of `on_cached`; see `unpack_words`."""

    def on_audio(self, pcm: bytes) -> None:
        """One or more blocks, signed 16 bit at OUTPUT_RATE_HZ."""

    def on_done(self, spoken: Spoken) -> None:
        """The job is over; comes after a cancel too."""

    def on_error(self, error: SpeechError) -> None:
        """The job is over without success."""

    def on_cached(self, pcm: bytes, level: str) -> None:
        """The whole piece, from the cache of that level: nobody spoke, and nothing else follows."""


class Holder(Protocol):
    """Who speaks a job right now."""

    def cancel(self) -> None:
        """Stop within a block."""

    def pause(self) -> None:
        """Wait for the listener."""

    def resume(self) -> None:
        """Go on."""


@dataclass(slots=True)
class Hedging:
    """The wish that a fast engine stands in when a first piece is late, and what came of it."""

    engine: str = ""  # that was given the piece too; "": none was
    outcome: str = ""  # as `HedgeCounts` names them: won, lost, failed, given_up; "" while nothing is decided
    after_ns: int = 0  # from the request to when it got the piece
    failure: str = ""  # why the engine that was asked did not speak at all

    @property
    def has_won(self) -> bool:
        """It is the stand-in that is heard."""
        return self.outcome == "won"


@dataclass(eq=False, slots=True)
class Job:
    """An utterance on its way through the pool."""

    utterance: Utterance
    listener: Listener
    number: int = 0
    admitted_ns: int = 0  # when its request came
    due_ns: int = 0  # when its listener runs dry, or has waited long enough
    started_ns: int = 0  # when an engine got it
    first_block_ns: int = 0  # from then to its first block; 0 before that
    was_paused: bool = False  # its engine had to wait for the listener
    cancelled: bool = False
    holder: Holder | None = None  # who speaks it, while it is being spoken
    fresh: bool = False  # no cache may answer it, or keep what it gave
    hedging: Hedging | None = None  # None: nobody stands in
    joined: bool = False  # it hears what was begun for another job

    @property
    def is_first(self) -> bool:
        """Nothing of its request is audible yet."""
        return self.utterance.is_first


class Source(Protocol):
    """Who speaks jobs: the pool, or caches in front of it."""

    @property
    def workload(self) -> Workload:
        """What the engines behind it have to do."""

    def submit(self, job: Job) -> None:
        """Take a job; its listener hears the rest.

        Raises:
            SpeechError: it is not taken.
        """

    def cancel(self, job: Job) -> bool:
        """Take a job back.

        Returns:
            Whether its end is still to come.
        """
