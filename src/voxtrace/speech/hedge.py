"""A first piece that is late is given to a fast engine too; whoever sounds first is heard, and the other is stopped.

Within a piece two voices are never mixed, and only a first piece is hedged: what follows comes from the engine that was
asked. When that one fails before anybody has heard anything, the fast engine speaks at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from voxtrace.clock import mono_ns
from voxtrace.speech.errors import SpeechError, Stopping
from voxtrace.speech.job import Hedging, Job, Listener, Source, Spoken
from voxtrace.speech.mixing import BadMix, read_mix
from voxtrace.speech.ports import OUTPUT_BYTES_PER_SECOND, Catalogue, Utterance
from voxtrace.speech.workload import Workload
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

# A busy fast engine is waited for outside of its queue: there the same request would be counted a second time.
TRY_AGAIN_S = 0.02
MOST_TRIES = 50  # with nobody else left to speak: after a second the request has failed


@dataclass(frozen=True, slots=True)
class FastEngine:
    """Who stands in."""

    name: str
    source: Source
    can_speak_now: Callable[[], bool]  # without anybody waiting for anybody


@dataclass(slots=True)
class HedgeCounts:
    """What hedging did since the start. Each one that was started ends in one of the four ways below it."""

    started: int = 0
    won: int = 0  # the fast engine was heard
    lost: int = 0  # the engine that was asked was quicker after all
    failed: int = 0  # the fast engine could not say it
    given_up: int = 0  # the client left before anybody sounded
    rescued: int = 0  # of those won: the engine that was asked had failed
    wasted_bytes: int = 0  # made by the slower one, and heard by nobody

    def report(self) -> dict[str, object]:
        """For people."""
        counts = {name: getattr(self, name) for name in ("started", "won", "lost", "failed", "given_up", "rescued")}
        return counts | {"wasted_audio_s": round(self.wasted_s, 3)}

    @property
    def wasted_s(self) -> float:
        return self.wasted_bytes / OUTPUT_BYTES_PER_SECOND


class HedgedSource:
    """The source of one engine, with a fast one that stands in for it."""

    def __init__(self, asked: Source, fast: FastEngine, voices: dict[str, str], after_ms: float = 0.0) -> None:
        """
        Args:
            asked: the engine that requests name, or the caches in front of it.
            fast: the one that stands in.
            voices: the fast engine's voice for each of the other's: see `voices_by_language`.
            after_ms: how late a first piece may be; 0: until it is due.
        """
        self.asked, self.fast = asked, fast
        self._voices = voices
        self._after_ns = round(after_ms * NANOS_PER_MILLI)
        self.counts = HedgeCounts()

    @property
    def workload(self) -> Workload:
        """See `Source`."""
        return self.asked.workload

    def submit(self, job: Job) -> None:
        """See `Source`. A request that the asked engine's pool refuses is refused."""
        if job.hedging is None or not job.is_first or (voice := self._voice_for(job.utterance.voice)) is None:
            self.asked.submit(job)
            return
        due_ns = job.admitted_ns + self._after_ns if self._after_ns else job.due_ns
        _Race(self, job, job.hedging, voice).start(due_ns)

    def cancel(self, job: Job) -> bool:
        """See `Source`."""
        return job.holder.leave() if isinstance(job.holder, _Race) else self.asked.cancel(job)

    def _voice_for(self, voice: str) -> str | None:
        if voice not in self._voices:
            try:
                voice = read_mix(voice)[0][0]  # a mix speaks the language of its first voice
            except BadMix:
                return None
        return self._voices.get(voice)


def voices_by_language(asked: Catalogue, fast: Catalogue) -> dict[str, str]:
    """For each voice's name of `asked`, the voice of `fast` that speaks its language; without those that have none."""
    languages = {name: voice.id for voice in reversed(fast.voices) for name in voice.also}
    languages |= {voice.language: voice.id for voice in reversed(fast.voices)}
    found: dict[str, str] = {}
    for voice in asked.voices:
        near = languages.get(voice.language) or languages.get(voice.language.partition("-")[0])
        if near is not None:
            found |= dict.fromkeys((voice.id, *voice.also), near)
    return found


class _Runner:
    """One of the two, as the listener of its own job."""

    def __init__(self, race: _Race, source: Source, utterance: Utterance, asked: Job) -> None:
        self._race, self._source = race, source
        self.job = Job(utterance, self, admitted_ns=asked.admitted_ns, due_ns=asked.due_ns, fresh=asked.fresh)
        self.is_over = False
        self.bytes_made = 0
        self.words: list[bytes] = []  # told before its first sound, as those of a piece from a cache are

    def run(self) -> None:
        self._source.submit(self.job)

    def stop(self) -> bool:
        """Whether its end is still to come."""
        if not self.is_over and not self._source.cancel(self.job):
            self.is_over = True
        return not self.is_over

    # Listener of the job

    def on_start(self, worker: int, *, warm: bool) -> None:
        self._race.on_start(self, worker, warm)

    def on_phonemes(self, at_ns: int) -> None:
        self._race.on_phonemes(self, at_ns)

    def on_words(self, words: bytes) -> None:
        self._race.on_words(self, words)

    def on_audio(self, pcm: bytes) -> None:
        self.bytes_made += len(pcm)
        self._race.on_sound(self, lambda listener: listener.on_audio(pcm))

    def on_cached(self, pcm: bytes, level: str) -> None:
        self.is_over = True
        self._race.on_sound(self, lambda listener: listener.on_cached(pcm, level))

    def on_done(self, spoken: Spoken) -> None:
        self.is_over = True
        self.bytes_made = max(self.bytes_made, spoken.samples * 2)
        self._race.on_done(self, spoken)

    def on_error(self, error: SpeechError) -> None:
        self.is_over = True
        self._race.on_error(self, error)


class _Race:
    """One first piece, and the holder of its job. Until somebody sounds there is no winner; see `Holder`."""

    def __init__(self, owner: HedgedSource, job: Job, hedging: Hedging, voice: str) -> None:
        self._owner, self._job, self._hedging, self._voice = owner, job, hedging, voice
        self._asked = self._enter(owner.asked, job.utterance.voice, job.utterance.variant)
        self._hedge: _Runner | None = None
        self._winner: _Runner | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._failure: SpeechError | None = None  # of the engine that was asked
        self._has_begun = False
        self._tries = 0

    def start(self, due_ns: int) -> None:
        """Ask the engine, and look again when the piece is due.

        Raises:
            SpeechError: it is not taken.
        """
        self._job.holder = self
        try:
            self._asked.run()
        except SpeechError:
            self._job.holder = None
            raise
        if self._winner is None and not self._asked.is_over:
            self._look_in((due_ns - mono_ns()) / NANOS_PER_SECOND)

    def leave(self) -> bool:
        """The job is taken back; whether its end is still to come."""
        self._stop_looking()
        first_time, self._job.cancelled = not self._job.cancelled, True
        if self._winner is not None:
            return self._winner.stop()
        if first_time and self._hedge is not None and not self._hedge.is_over:
            self._count("given_up")
        awaited = [runner for runner in self._runners if runner.stop()]
        return bool(awaited)

    # Holder

    def cancel(self) -> None:
        self.leave()

    def pause(self) -> None:
        if self._winner is not None and self._winner.job.holder is not None:
            self._winner.job.holder.pause()

    def resume(self) -> None:
        if self._winner is not None and self._winner.job.holder is not None:
            self._winner.job.holder.resume()

    # What the two tell

    def on_start(self, runner: _Runner, worker: int, warm: bool) -> None:
        if self._winner not in (None, runner):
            return
        # A wait in the queue ends once: with the engine that was asked, or with the other where that one still waits.
        if runner is self._asked or not self._has_begun:
            self._has_begun = True
            self._job.joined, self._job.started_ns = runner.job.joined, runner.job.started_ns
            self._job.listener.on_start(worker, warm=warm)

    def on_phonemes(self, runner: _Runner, at_ns: int) -> None:
        if self._winner is runner or (self._winner is None and runner is self._asked):
            self._job.listener.on_phonemes(at_ns)

    def on_words(self, runner: _Runner, words: bytes) -> None:
        if self._winner is runner:
            self._job.listener.on_words(words)
        elif self._winner is None:
            runner.words.append(words)

    def on_sound(self, runner: _Runner, tell: Callable[[Listener], None]) -> None:
        if self._winner is None:
            if self._job.cancelled:
                self._end_when_both_are_over(None)  # it may have been from a cache, whole
                return
            self._decide(runner)
            if runner.words:
                self._job.listener.on_words(b"".join(runner.words))
        if runner is self._winner:
            tell(self._job.listener)

    def on_done(self, runner: _Runner, spoken: Spoken) -> None:
        if self._winner is None and not self._job.cancelled and runner is self._asked:
            self._decide(runner)  # there is nothing to be heard in it: the fast engine would only make it up
        if runner is self._winner:
            self._job.listener.on_done(spoken)
        elif self._winner is not None:
            self._owner.counts.wasted_bytes += runner.bytes_made
        elif self._job.cancelled:
            self._end_when_both_are_over(None)
        else:
            self._go_on_without_hedge()

    def on_error(self, runner: _Runner, error: SpeechError) -> None:
        if runner is self._winner:
            self._job.cancelled = self._job.cancelled or runner.job.cancelled
            self._job.listener.on_error(error)
        elif self._winner is not None:
            self._owner.counts.wasted_bytes += runner.bytes_made
        elif self._job.cancelled:
            self._end_when_both_are_over(error)
        elif runner is not self._asked:
            self._go_on_without_hedge()
        elif isinstance(error, Stopping):
            self._decide(runner)
            self._job.listener.on_error(error)
        else:
            self._failure = error
            self._hedging.failure = error.code
            if self._hedge is None:
                self._stop_looking()
                self._look()
            elif self._hedge.is_over:
                self._fail()

    # Running the race

    @property
    def _runners(self) -> list[_Runner]:
        return [self._asked] if self._hedge is None else [self._asked, self._hedge]

    def _enter(self, source: Source, voice: str, variant: str) -> _Runner:
        asked = self._job
        said = replace(asked.utterance, voice=voice, variant=variant)
        return _Runner(self, source, said, asked)

    def _look_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(max(seconds, 0), self._look)

    def _stop_looking(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Nobody has sounded: let the fast engine run too, as soon as it can."""
        self._timer = None
        fast, counts = self._owner.fast, self._owner.counts
        if not fast.can_speak_now():
            self._tries += self._failure is not None
            if self._tries < MOST_TRIES:
                self._look_in(TRY_AGAIN_S)
            else:
                self._fail()
            return
        self._hedge = self._enter(fast.source, self._voice, "")
        self._hedging.engine, self._hedging.after_ns = fast.name, mono_ns() - self._job.admitted_ns
        counts.started += 1
        try:
            self._hedge.run()
        except SpeechError as error:
            self._hedge.on_error(error)

    def _decide(self, winner: _Runner) -> None:
        self._stop_looking()
        self._winner = winner
        if self._hedge is None:
            return
        if winner is self._hedge:
            self._count("won")
            self._owner.counts.rescued += self._failure is not None
            self._asked.stop()
        elif not self._hedge.is_over:
            self._count("lost")
            self._hedge.stop()

    def _count(self, outcome: str) -> None:
        counts, self._hedging.outcome = self._owner.counts, outcome
        setattr(counts, outcome, getattr(counts, outcome) + 1)

    def _go_on_without_hedge(self) -> None:
        self._count("failed")
        if self._failure is not None:
            self._fail()

    def _fail(self) -> None:
        assert self._failure is not None
        self._winner = self._asked
        self._job.listener.on_error(self._failure)

    def _end_when_both_are_over(self, error: SpeechError | None) -> None:
        if not all(runner.is_over for runner in self._runners):
            return
        if error is not None:
            self._job.listener.on_error(error)
        else:
            samples = sum(runner.bytes_made for runner in self._runners) // 2
            self._job.listener.on_done(Spoken(samples, 0))
