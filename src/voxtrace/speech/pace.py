"""How fast an engine is, learned from every piece that it finishes; and how long pieces may be because of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from voxtrace.speech.text.segment import FIRST, LATER, SECOND, Limits
from voxtrace.units import NANOS_PER_SECOND

# A new measurement counts for an eighth: some pieces after a change of load, the old pace is forgotten.
WEIGHT = 1 / 8
# Of the time that buffered audio leaves, so much is planned with; the rest is for pieces that take longer.
SAFETY = 0.7
# A piece is never interrupted, so no later one may keep a first piece waiting for longer than about this.
LONGEST_HOLD_S = 1.5
# Steps of the pace that change the pieces. Doubling: between two of them the same text has the same pieces.
SLOWEST_STEP, STEPS = 3.2, 6
# Below this a second engine for the same listener would only take it from somebody else.
PARALLEL_FROM_RTF = 0.1


@dataclass(slots=True)
class Pace:
    """Means over the last pieces; None until there was one. Times are nanoseconds.

    Busy is an engine from when it gets a piece until it could get another.
    """

    pieces: int = 0
    busy_ns_per_char: float | None = None
    audio_ns_per_char: float | None = None
    first_block_ns: float | None = None  # from handing over a piece to its first block
    piece_ns: float | None = None  # for which an engine is busy with a piece

    @property
    def rtf(self) -> float | None:
        """Real-time factor: time that engines are busy / audio."""
        if self.busy_ns_per_char is None or not self.audio_ns_per_char:
            return None
        return self.busy_ns_per_char / self.audio_ns_per_char

    def learn(self, chars: int, busy_ns: int, audio_ns: int, first_block_ns: int) -> None:
        """One piece was spoken to its end. A piece without sound says nothing about the pace."""
        if chars < 1 or audio_ns <= 0:
            return
        self.pieces += 1
        self.busy_ns_per_char = _mix(self.busy_ns_per_char, busy_ns / chars)
        self.audio_ns_per_char = _mix(self.audio_ns_per_char, audio_ns / chars)
        self.first_block_ns = _mix(self.first_block_ns, first_block_ns)
        self.piece_ns = _mix(self.piece_ns, busy_ns)

    def busy_ns(self, chars: int) -> int:
        """How long an engine will be busy with so many characters; 0 where nothing is known."""
        return round((self.busy_ns_per_char or 0) * chars)

    def audio_ns(self, chars: int) -> int:
        """How long they will sound; 0 where nothing is known."""
        return round((self.audio_ns_per_char or 0) * chars)

    @property
    def needs_two_engines(self) -> bool:
        """Whether one engine is so slow that a listener is better served by two."""
        return (self.rtf or 0) >= PARALLEL_FROM_RTF

    def limits(self, first: Limits = FIRST) -> tuple[Limits, ...]:
        """How long the first, second, … piece of a text shall be; the last of these holds for all others."""
        return ramp(self.rtf, self.audio_ns_per_char, first)


def ramp(rtf: float | None, audio_ns_per_char: float | None, first: Limits = FIRST) -> tuple[Limits, ...]:
    """Each piece as long as can be made while those before it play, with a safety factor.

    A fast engine, or one of which nothing is known, gets the sizes at which speech sounds best.
    """
    step = _step(rtf)
    if step is None or audio_ns_per_char is None:
        return first, SECOND, LATER
    longest = round(LONGEST_HOLD_S * NANOS_PER_SECOND / (step * audio_ns_per_char))
    growth = max(1.0, SAFETY / step)
    second = _shortened(SECOND, min(longest, round(first.most * growth)), first.most)
    later = _shortened(LATER, min(longest, round(second.most * growth)), first.most)
    return first, second, later


def _step(rtf: float | None) -> float | None:
    """The pace rounded up to a step; None for an engine so fast that nothing need be shortened."""
    if rtf is None:
        return None
    step = SLOWEST_STEP
    for _ in range(STEPS):
        if rtf > step / 2:
            return step
        step /= 2
    return None


def _shortened(limits: Limits, most: int, least: int) -> Limits:
    most = max(most, least)  # less than a first clause sounds like a list of words
    if most >= limits.most:
        return limits
    return replace(limits, most=most, clause=min(limits.clause, most * 2 // 3), least=min(limits.least, most // 3))


def _mix(old: float | None, new: float) -> float:
    return new if old is None else old + (new - old) * WEIGHT
