"""How far one clock is ahead of another: from messages that went both ways between them.

A message is received after it was sent. So a request and its answer, with their four times (RFC 5905 section 8), put
the offset between two bounds that lie as far apart as the round trip took; half of the round trip is the uncertainty.
Samples of other moments hold as well, less tightly for each second that lies between, because clocks run apart. What
all of them allow is where the offset is (the intersection of Marzullo 1984): the sample with the shortest round trip
decides, and no average of slow ones. Where nothing is left that all allow, a clock was set: a step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from voxtrace.units import NANOS_PER_MICRO, NANOS_PER_SECOND

Method = Literal["reference", "four timestamps", "causality", "wall clocks"]

# Two crystals of ± 50 ppm each, the usual tolerance, as long as nothing is known of how they really run.
MOST_DRIFT_PPM = 100.0
# What a crystal changes with the warmth of its room, once its drift is known.
LEAST_DRIFT_PPM = 5.0
# A drift is a slope over moments that lie far apart; below, the round trips are longer than what it makes.
DRIFT_COVERS_NS = 60 * NANOS_PER_SECOND
DRIFT_SAMPLES = 8
# Both clocks of a machine are read one behind the other.
READING_NS = NANOS_PER_MICRO
PPM = 1_000_000


class Sample(NamedTuple):
    """What messages between two clocks tell: at `at`, `other` was ahead of `one` by `low` to `high`."""

    one: str
    other: str  # the names are in order: a pair of clocks has one offset
    at: int  # nanoseconds on the clock `one`
    low: int | None  # nanoseconds; None: no message went that way
    high: int | None

    @property
    def width(self) -> int | None:
        """The round trip; None where only one message went."""
        return None if self.low is None or self.high is None else self.high - self.low


def sample(near: str, far: str, at: int, low: int | None, high: int | None) -> Sample:
    """What is known of `far` minus `near` at the time `at` of `near`, under the names in order."""
    if near <= far:
        return Sample(near, far, at, low, high)
    known = low if low is not None else high
    moved = at + (known if known is not None else 0)
    return Sample(far, near, moved, None if high is None else -high, None if low is None else -low)


class Offset(Struct, frozen=True):
    """Where the offset of two clocks lies, and what says so."""

    low: int  # nanoseconds
    high: int
    samples: int = 0
    drift_ppm: float | None = None  # None: not known, and taken as up to MOST_DRIFT_PPM either way
    steps: int = 0  # jumps among the samples
    away: int | None = None  # nanoseconds from the nearest sample of another turn; None: they are of this one

    @property
    def middle(self) -> int:
        return (self.low + self.high) // 2

    @property
    def uncertainty(self) -> int:
        """Half of what is left open, rounded up."""
        return -((self.low - self.high) // 2)


def offset_over(samples: Iterable[Sample], begin: int, end: int) -> Offset | None:
    """The offset of `other` against `one` anywhere between two times of `one`; None without a whole sample.

    The samples are of one pair. Where a clock stepped, only what was measured on the same side of the step counts;
    where it may have stepped within `begin` to `end`, both sides do.
    """
    whole = sorted(each for each in set(samples) if each.width is not None and each.width >= 0)
    if not whole:
        return None
    epochs = _epochs(whole)
    found = [_within(epoch, begin, end) for epoch in _concerned(epochs, begin, end)]
    return Offset(
        min(each.low for each in found),
        max(each.high for each in found),
        sum(each.samples for each in found),
        found[0].drift_ppm if len(found) == 1 else None,
        len(epochs) - 1,
    )


def _epochs(ordered: Sequence[Sample]) -> list[list[Sample]]:
    """Samples between steps: in each epoch there is an offset, running apart no faster than crystals do, for all."""
    epochs: list[list[Sample]] = []
    low = high = 0
    for each in ordered:
        bounds = _bounds(each)
        if epochs:
            apart = _run(each.at - epochs[-1][-1].at, MOST_DRIFT_PPM)
            low, high = max(low - apart, bounds[0]), min(high + apart, bounds[1])
        if epochs and low <= high:
            epochs[-1].append(each)
        else:
            epochs.append([each])
            low, high = bounds
    return epochs


def _bounds(of: Sample) -> tuple[int, int]:
    return (of.low or 0) - READING_NS, (of.high or 0) + READING_NS


def _run(nanos: int, ppm: float) -> int:
    """How far clocks may run apart in that time, rounded up."""
    return -int(-abs(nanos) * ppm // PPM)


def _concerned(epochs: Sequence[list[Sample]], begin: int, end: int) -> list[list[Sample]]:
    """Those in which `begin` to `end` may lie, in part: a step is somewhere between two samples."""
    last = len(epochs) - 1
    return [
        epoch
        for place, epoch in enumerate(epochs)
        if (place == 0 or end > epochs[place - 1][-1].at) and (place == last or begin < epochs[place + 1][0].at)
    ]


def _within(epoch: Sequence[Sample], begin: int, end: int) -> Offset:
    middle = (begin + end) // 2
    half = max(end - middle, middle - begin)
    drift = _drift(epoch)
    if drift is not None:
        slope, rate = drift
        low, high = _allowed(epoch, middle, slope, rate)
        if low <= high:
            widened = _run(half, abs(slope) + rate)
            return Offset(low - widened, high + widened, len(epoch), slope)
    low, high = _allowed(epoch, middle, 0.0, MOST_DRIFT_PPM)
    widened = _run(half, MOST_DRIFT_PPM)
    return Offset(low - widened, high + widened, len(epoch))


def _allowed(epoch: Sequence[Sample], at: int, slope: float, rate: float) -> tuple[int, int]:
    """What every sample allows for the moment `at`."""
    lows, highs = [], []
    for each in epoch:
        low, high = _bounds(each)
        age = at - each.at
        moved, apart = round(age * slope / PPM), _run(age, rate)
        lows.append(low + moved - apart)
        highs.append(high + moved + apart)
    return max(lows), min(highs)


def _drift(epoch: Sequence[Sample]) -> tuple[float, float] | None:
    """(how fast the clocks run apart, by how much that may be wrong), in ppm; None where it can't be known."""
    if epoch[-1].at - epoch[0].at < DRIFT_COVERS_NS:
        return None
    # A long round trip may lie all on one side and tilts the slope.
    limit = 2 * min(each.width or 0 for each in epoch) + READING_NS
    best = [each for each in epoch if (each.width or 0) <= limit]
    if len(best) < DRIFT_SAMPLES or best[-1].at - best[0].at < DRIFT_COVERS_NS:
        return None
    from voxtrace.analysis.statistics.trend import theil_sen  # with numpy, which few turns need

    zero = best[0]
    # Seconds and microseconds: a slope of one is one ppm.
    slope = theil_sen(
        [(each.at - zero.at) / NANOS_PER_SECOND for each in best],
        [((each.low or 0) + (each.high or 0) - (zero.low or 0) - (zero.high or 0)) / 2_000 for each in best],
    )
    if slope is None or slope.interval.low is None or slope.interval.high is None:
        return None
    wrong = max(slope.value - slope.interval.low, slope.interval.high - slope.value, LEAST_DRIFT_PPM)
    # A slope that is known no better than a crystal's own tolerance tells nothing.
    return (slope.value, wrong) if abs(slope.value) + wrong <= 2 * MOST_DRIFT_PPM and wrong < MOST_DRIFT_PPM else None


class Differences:
    """What is known of many clocks at once: for each two of them, how far the one may be ahead of the other.

    What holds between A and B and between B and C says something of A and C; all ways count, not the best one only.
    """

    def __init__(self, clocks: Iterable[str]) -> None:
        self._clocks = tuple(clocks)
        # By (near, far): how far `far` is ahead of `near` at most. Shortest ways, kept complete with every addition.
        self._most: dict[tuple[str, str], int] = {(clock, clock): 0 for clock in self._clocks}

    def add(self, one: str, other: str, low: int | None, high: int | None) -> bool:
        """Take in that `other` is ahead of `one` by `low` to `high`; False where what is known contradicts it."""
        for near, far, most in ((one, other, high), (other, one, None if low is None else -low)):
            back = self._most.get((far, near))
            if most is not None and back is not None and most + back < 0:
                return False
        self._shorten(one, other, high)
        self._shorten(other, one, None if low is None else -low)
        return True

    def _shorten(self, near: str, far: str, most: int | None) -> None:
        if most is None or self._most.get((near, far), most + 1) <= most:
            return
        onward = [(end, rest) for end in self._clocks if (rest := self._most.get((far, end))) is not None]
        for begin in self._clocks:
            first = self._most.get((begin, near))
            if first is None:
                continue
            for end, rest in onward:
                way = first + most + rest
                if way < self._most.get((begin, end), way + 1):
                    self._most[begin, end] = way

    def between(self, one: str, other: str) -> tuple[int | None, int | None]:
        """By how much `other` is ahead of `one`, at least and at most; None: open."""
        least = self._most.get((other, one))
        return None if least is None else -least, self._most.get((one, other))
