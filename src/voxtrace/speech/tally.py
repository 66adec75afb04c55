"""What the engines of one pool had in memory already when they were asked to speak."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from voxtrace.speech.cache.memory import LevelStats
from voxtrace.speech.job import Job
from voxtrace.speech.ports import Catalogue


class Speaker(Protocol):
    """An engine's process."""

    catalogue: Catalogue | None
    voice: str  # that is loaded
    phonemes_kept: list[int]  # entries and bytes


@dataclass(slots=True)
class Tally:
    """Counts over the life of the pool; processes come and go, and what they counted stays.

    `engine` is the state of a process: a hit when it had the voice in memory, a miss when it had to load it.
    """

    phonemes: LevelStats = field(default_factory=LevelStats)
    engine: LevelStats = field(default_factory=LevelStats)

    def count_start(self, speaker: Speaker, job: Job) -> None:
        """A process gets a job."""
        catalogue = speaker.catalogue
        has_voice = speaker.voice == job.utterance.voice or (catalogue is not None and catalogue.abilities.keeps_voices)
        self.engine.hits += has_voice
        self.engine.misses += not has_voice

    def count_phonemes(self, cache: str) -> None:
        """A process looked for phonemes, or was told not to ("bypass")."""
        self.phonemes.hits += cache == "hit"
        self.phonemes.misses += cache == "miss"


class Counting(Protocol):
    """A pool."""

    @property
    def tally(self) -> Tally: ...
    @property
    def processes(self) -> Sequence[Speaker]: ...


def engine_levels(pools: Iterable[Counting]) -> dict[str, LevelStats]:
    """Both levels of all engines together, with what the processes hold right now."""
    phonemes, engine = LevelStats(), LevelStats()
    for pool in pools:
        tally = pool.tally
        for total, part in ((phonemes, tally.phonemes), (engine, tally.engine)):
            total.hits += part.hits
            total.misses += part.misses
        for each in pool.processes:
            if each.catalogue is not None:
                engine.entries += 1
                phonemes.entries += each.phonemes_kept[0]
                phonemes.bytes += each.phonemes_kept[1]
    return {"phonemes": phonemes, "engine": engine}
