"""What changes while a session goes on: trends over its turns, prompts against the model's time, its first turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from voxtrace.analysis.session_turns import FIRST, HEADS, STEPS, SessionTurn, Strand
from voxtrace.analysis.statistics.interval import CONFIDENCE
from voxtrace.analysis.statistics.ratio import Ratio, one_to_many_ratio
from voxtrace.analysis.statistics.trend import Estimate, spearman, theil_sen
from voxtrace.analysis.verdicts import MIN_EFFECT

Verdict = Literal["rises", "falls", "none", "too_few"]
"""`none`: no trend that could not be chance. `too_few`: nobody can tell."""

# Of four turns in a row every order has one chance in 24, so that no trend of four can be told from chance.
FEWEST_TURNS = 5
# What the size of a prompt may be told in, and its unit: the first of those that are known of most turns.
SIZES = {"prompt_tokens": "tokens", "prompt_chars": "characters", "prefill_tokens": "tokens evaluated"}
PER = 1000.0  # tokens or characters
AGAINST = ("llm_first_token_ms", "llm_total_ms", "prefill_ms")
FIRST_STEPS = ("llm_first_token_ms", "llm_total_ms", "prefill_ms", "tts_first_audio_ms", "queue_ms", "inference_ms")


class Trend(Struct, frozen=True):
    """How a number changes from turn to turn."""

    metric: str
    n: int
    slope: Estimate | None  # in the metric's unit, a turn
    verdict: Verdict
    is_bound: bool = False  # of lower bounds, because nothing else is known


class Relation(Struct, frozen=True):
    """How a number changes with the size of the prompt."""

    size: str  # of `SIZES`; "" where none is known
    metric: str
    n: int
    correlation: Estimate | None
    slope: Estimate | None  # milliseconds for 1000 tokens or characters
    verdict: Verdict
    why: str = ""  # nobody can tell


class FirstTurn(Struct, frozen=True):
    """A number of a session's first turn against the later ones that are not cold."""

    metric: str
    value: float | None
    later: int
    ratio: Ratio | None
    why: str = ""  # there is no ratio

    @property
    def is_slower(self) -> bool:
        """Whether the first took longer than chance explains, by what somebody should act on."""
        low = None if self.ratio is None else self.ratio.interval.low
        return low is not None and low > 1 + MIN_EFFECT

    @property
    def is_faster(self) -> bool:
        """Whether it took shorter."""
        high = None if self.ratio is None else self.ratio.interval.high
        return high is not None and high < 1 - MIN_EFFECT


def trend(strand: Strand, metric: str, confidence: float = CONFIDENCE) -> Trend:
    """The trend of one number over the turns of a strand, each at its place in the session."""
    known = [(turn.place, found.value, found.bound) for turn in strand.turns
             if (found := turn.metric(metric)).value is not None]  # fmt: skip
    exact = [each for each in known if each[2] == "exact"]
    # An end that was not logged moves a number by more than most trends do: bounds and values are not mixed.
    used = exact or known
    slope = None
    if len(used) >= FEWEST_TURNS:
        values = [value for _, value, _ in used if value is not None]
        slope = theil_sen([float(place) for place, _, _ in used], values, confidence)
    return Trend(metric, len(used), slope, _verdict(slope, len(used)), not exact and bool(known))


def _verdict(slope: Estimate | None, n: int) -> Verdict:
    if n < FEWEST_TURNS or slope is None:
        return "too_few"
    low, high = slope.interval.low, slope.interval.high
    if low is not None and low > 0:
        return "rises"
    return "falls" if high is not None and high < 0 else "none"


def trends(strand: Strand) -> tuple[Trend, ...]:
    """Of the wait and of each step that was measured; together wrong in one of twenty sessions (Bonferroni)."""
    head, steps = strand.head, STEPS[strand.population.kind]
    names = [name for name in (*((head,) if head else ()), *steps) if _has(strand, name)]
    confidence = 1 - (1 - CONFIDENCE) / max(len(names), 1)
    return tuple(trend(strand, name, confidence) for name in names)


def _has(strand: Strand, name: str) -> bool:
    return any(turn.value(name) is not None for turn in strand.turns)


def relations(strand: Strand) -> tuple[Relation, ...]:
    """The size of the prompt against the time of the model, in the turns where both are known."""
    names = [name for name in AGAINST if _has(strand, name)]
    counts = {size: sum(turn.value(size) is not None for turn in strand.turns) for size in SIZES}
    if not names:
        return ()
    size = max(SIZES, key=counts.__getitem__)
    if not counts[size]:
        why = "no event tells how long the prompt was"
        return tuple(Relation("", name, 0, None, None, "too_few", why) for name in names)
    confidence = 1 - (1 - CONFIDENCE) / len(names)
    return tuple(_relation(strand, size, name, confidence) for name in names)


def _relation(strand: Strand, size: str, metric: str, confidence: float) -> Relation:
    pairs = [(x, y) for turn in strand.turns
             if (x := turn.value(size)) is not None and (y := turn.value(metric)) is not None]  # fmt: skip
    if len(pairs) < FEWEST_TURNS:
        return Relation(size, metric, len(pairs), None, None, "too_few", f"it takes {FEWEST_TURNS} turns")
    sizes, times = zip(*pairs, strict=True)
    if min(sizes) == max(sizes):
        return Relation(size, metric, len(pairs), None, None, "too_few", "all prompts have one length")
    correlation = spearman(sizes, times, confidence)
    slope = theil_sen([each / PER for each in sizes], times, confidence)
    if correlation is None:
        return Relation(size, metric, len(pairs), None, slope, "none", "all times are equal")
    verdict = _verdict(slope, len(pairs))
    if correlation.interval.holds(0.0):
        verdict = "none"
    return Relation(size, metric, len(pairs), correlation, slope, verdict)


def first_turn(turns: Sequence[SessionTurn]) -> tuple[FirstTurn, ...]:
    """The first turn of the session against the later ones that differ from it by nothing but their start."""
    if not turns or turns[0].place != 1:
        return ()
    first = turns[0]
    later = [turn for turn in turns[1:] if turn.is_counted and turn.population.start != "cold" and _alike(first, turn)]
    names = [name for name in HEADS[first.population.kind] if _any([first, *later], name)][:1]
    names += [name for name in FIRST_STEPS if _any([first, *later], name)]
    return tuple(_against(first, later, name) for name in names)


def _any(turns: Sequence[SessionTurn], name: str) -> bool:
    return any(turn.value(name) is not None for turn in turns)


def _against(first: SessionTurn, later: Sequence[SessionTurn], name: str) -> FirstTurn:
    found = first.metric(name)
    alike = [turn.metric(name) for turn in later]
    others = [each.value for each in alike if each.value is not None and each.bound == found.bound]
    if not first.is_counted:
        return FirstTurn(name, None, len(others), None, f"the first turn ended as {first.population.outcome}")
    if found.value is None:
        return FirstTurn(name, None, len(others), None, "it was not measured in the first turn")
    ratio = one_to_many_ratio(found.value, others)
    why = "" if ratio else f"{len(others)} later turns like it were measured; it takes 3 above zero"
    return FirstTurn(name, found.value, len(others), ratio, why)


def _alike(one: SessionTurn, other: SessionTurn) -> bool:
    return replace(one.population, start="") == replace(other.population, start="")


def told_start(turns: Sequence[SessionTurn]) -> str:
    """What the events say of the first turn's start: cold, warm, or "" where they say nothing."""
    start = turns[0].population.start if turns and turns[0].place == 1 else ""
    return "" if start in (FIRST, "unknown") else start


def cold_later(turns: Sequence[SessionTurn]) -> Iterator[SessionTurn]:
    """Turns after the first that say that they were cold: something was unloaded in between."""
    return (turn for turn in turns if turn.place > 1 and turn.population.start == "cold")
