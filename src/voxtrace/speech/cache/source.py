"""The caches in front of the engines: what was made before is not made again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from voxtrace.clock import Clock, SystemClock
from voxtrace.speech.cache.disk import DiskCache
from voxtrace.speech.cache.flights import Flight, Seat
from voxtrace.speech.cache.kept import Kept, kept_from_bytes
from voxtrace.speech.cache.keys import Maker, piece_key
from voxtrace.speech.cache.late_writer import LateWriter
from voxtrace.speech.cache.memory import LevelStats, PieceCache
from voxtrace.speech.cache.predict import FillOptions, Popular
from voxtrace.speech.cache.shared import SharedCache
from voxtrace.speech.errors import SpeechError
from voxtrace.speech.job import WHENEVER_NS, Job, Source, Spoken
from voxtrace.speech.ports import Utterance
from voxtrace.speech.workload import Workload

REPORTED = 20  # of the most used pieces; by length and hash, for their words belong to those who said them


@dataclass(frozen=True, slots=True)
class Levels:
    """Where pieces are kept, from the quickest to the farthest."""

    memory: PieceCache
    disk: DiskCache | None = None
    shared: SharedCache | None = None
    # The same look-ups once more, by what depends on them: somebody waits for a first piece.
    first: LevelStats = field(default_factory=LevelStats)
    later: LevelStats = field(default_factory=LevelStats)

    def count(self, job: Job, *, found: bool) -> None:
        """A piece was looked for everywhere. What is made ahead of use was asked for by nobody."""
        if job.due_ns != WHENEVER_NS:
            stats = self.first if job.is_first else self.later
            stats.hits += found
            stats.misses += not found


class CachedSource:
    """Answers a job from memory, from the disk, from work in progress, or has it spoken and keeps the result."""

    def __init__(
        self,
        source: Source,
        maker: Maker,
        levels: Levels,
        fill: FillOptions | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._source, self._maker = source, maker
        self.memory, self.disk, self._elsewhere = levels.memory, levels.disk, levels.shared
        self._levels = levels
        self._clock = clock or SystemClock()
        self._flights: dict[str, Flight] = {}
        self._writer = LateWriter(levels.disk) if levels.disk is not None else None
        self.popular = Popular(levels.memory.uses, fill or FillOptions())
        self._searches: set[asyncio.Task[None]] = set()
        self.shared = 0  # jobs that joined work in progress

    @property
    def workload(self) -> Workload:
        """See `Source`."""
        return self._source.workload

    def submit(self, job: Job) -> None:
        """See `Source`: a piece that is kept is answered before this returns."""
        if self._writer is not None:
            self._writer.note_request()
        if job.fresh:
            self._source.submit(job)
            return
        key = piece_key(self._maker, job.utterance)
        found = self._find(key)
        self.popular.note(key, job.utterance)
        if found is not None:
            kept, level = found
            self._levels.count(job, found=True)
            if kept.words:
                job.listener.on_words(kept.words)
            job.listener.on_cached(kept.pcm, level)
        elif key in self._flights:
            self._levels.count(job, found=False)
            self.shared += 1
            job.joined = True
            self._flights[key].join(job)
        else:
            self._take_off(key, job)

    def cancel(self, job: Job) -> bool:
        """See `Source`."""
        seat = job.holder
        if not isinstance(seat, Seat):
            return self._source.cancel(job)
        is_awaited = seat.flight.leave(job)
        if seat.flight.job.cancelled:
            self._forget(seat.flight)  # whoever asks for it now must not join what is about to end without a sound
        return is_awaited

    def fill(self, key: str, utterance: Utterance, on_end: Callable[[], None]) -> None:
        """Have a piece spoken that nobody asked for yet; `on_end` is called when it is kept, or not.

        Raises:
            SpeechError: the source does not take it.
        """
        if key in self._flights:
            on_end()
            return
        # Whoever asks for it meanwhile joins; then it was no prediction any more, but it is kept all the same.
        self._take_off(key, Job(utterance, _Filler(on_end), due_ns=WHENEVER_NS), predicted=True)

    def missing(self) -> list[tuple[str, Utterance]]:
        """What is asked for often and not kept: the next batch to fill."""
        return self.popular.missing(lambda key: key in self.memory or (self.disk is not None and key in self.disk))

    async def close(self) -> None:
        """Wait until what is kept is where it is kept."""
        if self._writer is not None:
            self._writer.close()
        if self._elsewhere is not None:
            await self._elsewhere.close()

    def clear(self) -> int:
        """Forget all pieces; those that are shared with other servers are forgotten soon after.

        Returns:
            The number of pieces that were kept in memory, on the disk or both.
        """
        if self._elsewhere is not None:
            forgetting = asyncio.get_running_loop().create_task(self._elsewhere.clear())
            self._searches.add(forgetting)
            forgetting.add_done_callback(self._searches.discard)
        if self._writer is not None:
            self._writer.clear()
        kept = self.memory.clear()
        return max(kept, self.disk.clear()) if self.disk is not None else kept

    def levels(self) -> dict[str, LevelStats]:
        """What each level did; the first and the later pieces are those of all levels together."""
        found = {"memory": self.memory.stats}
        if self.disk is not None:
            found["disk"] = self.disk.stats
        if self._elsewhere is not None:
            found["shared"] = self._elsewhere.stats
        for name, stats, first in (("first", self._levels.first, True), ("later", self._levels.later, False)):
            stats.entries, stats.bytes = self.memory.held(first=first)
            found[name] = stats
        return found

    def report(self) -> dict[str, object]:
        """What the caches did since the start, for people and for the status page."""
        places = {"disk": self.disk, "shared": self._elsewhere}
        broken = {name: level.broken for name, level in places.items() if level is not None and level.broken}
        return {
            "levels": {name: level_facts(stats) for name, stats in self.levels().items()},
            "shared": self.shared,
            "predicted": {**asdict(self.memory.waste), "popular": len(self.popular)},
            "pieces": [
                {
                    "key": key[:16],
                    "chars": len(said.text),
                    "voice": said.voice,
                    "uses": uses,
                    "kept": key in self.memory,
                }
                for key, said, uses in self.popular.most_used(REPORTED)
            ],
            "broken": broken,  # why, by level
        }

    def _find(self, key: str) -> tuple[Kept, str] | None:
        kept = self.memory.get(key, self._clock.mono_ns())
        if kept is not None:
            return kept, "memory"
        kept = kept_from_bytes(self.disk.get(key, self._clock.wall_ns())) if self.disk is not None else None
        if kept is None:
            return None
        self.memory.put(key, kept, self._clock.mono_ns())
        return kept, "disk"

    def _take_off(self, key: str, job: Job, *, predicted: bool = False) -> None:
        def landed(kept: Kept | None) -> None:
            self._forget(flight)
            if kept is not None and kept.pcm:
                self._keep(key, kept, predicted)

        flight = Flight(self._source, key, job, landed)
        self._flights[key] = flight
        flight.join(job)
        if self._elsewhere is not None and self._elsewhere.is_up:
            search = asyncio.get_running_loop().create_task(self._look_elsewhere(self._elsewhere, key, flight, job))
            self._searches.add(search)
            search.add_done_callback(self._searches.discard)
            return
        self._levels.count(job, found=False)
        try:
            flight.take_off()
        except SpeechError:
            del self._flights[key]
            job.holder = None
            raise

    def _forget(self, flight: Flight) -> None:
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]

    async def _look_elsewhere(self, elsewhere: SharedCache, key: str, flight: Flight, job: Job) -> None:
        kept = await elsewhere.get(key)
        self._levels.count(job, found=kept is not None)
        if not flight.is_wanted:
            return
        if kept is not None:
            if kept.words:
                flight.on_words(kept.words)
            flight.on_cached(kept.pcm, "shared")
            return
        try:
            flight.take_off()
        except SpeechError as error:
            flight.on_error(error)

    def _keep(self, key: str, kept: Kept, predicted: bool) -> None:
        if self.memory.put(key, kept, self._clock.mono_ns(), predicted=predicted) and self._writer is not None:
            self._writer.put(key, kept, self._clock.wall_ns())
        if self._elsewhere is not None:
            self._elsewhere.put(key, kept)


def level_facts(stats: LevelStats) -> dict[str, object]:
    """One level, for people and for the status page."""
    return {**asdict(stats), "hit_rate": stats.hit_rate}


@dataclass(frozen=True, slots=True)
class _Filler:
    """The listener of a piece that nobody waits for."""

    on_end: Callable[[], None]

    def on_start(self, worker: int, *, warm: bool) -> None:
        pass

    def on_phonemes(self, at_ns: int) -> None:
        pass

    def on_words(self, words: bytes) -> None:
        pass

    def on_audio(self, pcm: bytes) -> None:
        pass

    def on_done(self, spoken: Spoken) -> None:
        self.on_end()

    def on_error(self, error: SpeechError) -> None:
        self.on_end()

    def on_cached(self, pcm: bytes, level: str) -> None:
        self.on_end()
