"""What a run will do, fixed before it begins: moments, texts, and who listens how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random, SystemRandom
from typing import Literal, NamedTuple

from voxtrace.errors import InvalidOption
from voxtrace.loadtest.arrivals import Arrivals, ClosedLoop
from voxtrace.loadtest.texts import CLASSES, Class, run_word, text_of
from voxtrace.units import Nanos

DEFAULT_SEED = 1
# About 8 KiB each by the end: this many fit into 1 GiB.
MAX_REQUESTS = 100_000

Pace = Literal["at once", "real time"]


class Planned(NamedTuple):
    """One request of a plan."""

    number: int
    at: Nanos | None  # from the start of the run; None: when a user is free
    kind: Class


@dataclass(frozen=True, slots=True)
class Workload:
    """What is asked, and how it is listened to.

    Raises:
        InvalidOption: a value that can't be used.
    """

    texts: Mapping[Class, float]  # class and its weight
    repeat: bool = False  # the same few texts again and again, instead of new ones
    voice: str = "alloy"
    format: str = "pcm"
    speed: float = 1.0
    model: str = "tts-1"
    pace: Pace = "at once"
    leave_after_s: float | None = None  # listeners go away so long after the first byte of the answer

    def __post_init__(self) -> None:
        unknown = set(self.texts) - set(CLASSES)
        if unknown or not self.texts:
            raise InvalidOption("texts", ",".join(sorted(unknown)), f"must be one or more of: {', '.join(CLASSES)}")
        if not all(0 < weight < 1e6 for weight in self.texts.values()):
            raise InvalidOption("texts", dict(self.texts), "weights must be above 0")
        if self.pace == "real time" and self.format not in ("pcm", "wav", "mp3"):
            raise InvalidOption("pace", self.pace, f"how long {self.format} lasts is not known; take pcm, wav or mp3")
        if self.leave_after_s is not None and not self.leave_after_s >= 0:
            raise InvalidOption("leave-after", self.leave_after_s, "must be 0 seconds or more")


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole run. Two plans of the same arrivals, workload and seed have the same moments and kinds of text."""

    arrivals: Arrivals
    workload: Workload
    seed: int
    run: str  # the made-up word of its texts
    requests: Sequence[Planned]

    def text(self, planned: Planned) -> str:
        """What a request says."""
        return text_of(planned.kind, self.seed, planned.number, None if self.workload.repeat else self.run)


def make_plan(
    arrivals: Arrivals,
    workload: Workload,
    seed: int = DEFAULT_SEED,
    *,
    run: str | None = None,
    most: int = MAX_REQUESTS,
) -> Plan:
    """Lay a run out.

    Args:
        arrivals: when requests come.
        workload: what they ask for.
        seed: of everything that is drawn.
        run: the made-up word of its texts; None: a new one, so that no earlier run has warmed a cache for this one.
        most: requests that it may have; a closed loop, whose number nobody knows before, ends there.

    Raises:
        PlanTooLarge: an open loop would send more than `most`.
    """
    chance = Random(f"{seed}/kinds")
    kinds, weights = list(workload.texts), list(workload.texts.values())
    times: Sequence[Nanos | None] = [None] * most if isinstance(arrivals, ClosedLoop) else arrivals.times(seed, most)
    drawn = chance.choices(kinds, weights, k=len(times)) if times else []
    requests = [Planned(number, at, kind) for number, (at, kind) in enumerate(zip(times, drawn, strict=True))]
    return Plan(arrivals, workload, seed, run or run_word(SystemRandom()), requests)
