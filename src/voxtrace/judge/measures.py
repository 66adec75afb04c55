"""Holds one rule against one turn: the number that it looks at, and the turn in which the rule is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from msgspec import Struct, field

from voxtrace.analysis import evidence
from voxtrace.analysis.beside import OVERLAPS, Certainty, side_by_side
from voxtrace.analysis.cases import Case
from voxtrace.analysis.statistics.ratio import paired_ratio
from voxtrace.analysis.statistics.trend import theil_sen
from voxtrace.analysis.supposition import Supposition
from voxtrace.judge.thresholds import Measure, Rule
from voxtrace.units import NANOS_PER_MILLI

# Turns, and sessions, from which on it is asked whether one number rises with another.
FEWEST_TURNS, FEWEST_SESSIONS = 20, 5
PER_CHARACTERS = 1_000
MODEL_TIMES = ("llm_first_token_ms", "llm_total_ms")
_PLAIN = ("unknown", "miss")


class Context(Struct, frozen=True):
    """What only a whole population, or all of them, can say; None: it says nothing."""

    value: float | None = None  # of all its turns
    middle: float = 0.0
    slope: float = 0.0  # milliseconds a character
    warm: dict[str, float] = field(default_factory=dict)


class Look(Struct, frozen=True):
    """What one turn says about a rule."""

    value: float | None
    is_broken: bool = False
    supposed: Supposition | None = None


def prepared(rule: Rule, cases: Sequence[Case], everybody: Sequence[Case]) -> Context:
    """What the rule has to know before it looks at single turns."""
    if rule.measure == "prompt":
        return _prompt(cases)
    if rule.measure == "reuse":
        return _reuse(cases)
    if rule.measure == "hits":
        said = [case for case in everybody if case.kind == "speech" and case.cache != "unknown"]
        return Context(sum(case.cache != "miss" for case in said) / len(said) if said else None)
    if rule.measure == "cold":
        return Context(warm=evidence.warm_ms(everybody, rule.of))
    return Context()


def _prompt(cases: Sequence[Case]) -> Context:
    """What a character of prompt costs, where that can't be chance."""
    for metric in MODEL_TIMES:
        pairs = [
            (case.metrics["prompt_chars"], case.metrics[metric])
            for case in cases
            if "prompt_chars" in case.metrics and metric in case.metrics
        ]
        if len(pairs) >= FEWEST_TURNS:
            chars, times = zip(*pairs, strict=True)
            slope = theil_sen(chars, times)
            is_sure = slope is not None and slope.interval.low is not None and slope.interval.low > 0
            cost = slope.value if slope is not None and is_sure else 0.0
            return Context(cost * PER_CHARACTERS, median(chars), cost)
    return Context()


def _reuse(cases: Sequence[Case]) -> Context:
    """Later turns of a session against its first, unless the interval shows that they are quicker."""
    for metric in MODEL_TIMES:
        pairs = evidence.first_and_later(cases, metric)
        if len(pairs) >= FEWEST_SESSIONS:
            ratio = paired_ratio(pairs)
            return Context(ratio.value if ratio is not None else None)
    return Context()


def look_at(rule: Rule, case: Case, context: Context) -> Look:
    """The number, whether it breaks the rule, and the turn in which it would not."""
    look = _LOOKS[rule.measure](rule, case, context)
    if look.value is None or look.is_broken:
        return look
    if not rule.is_broken_by(look.value):
        return Look(look.value)
    return Look(look.value, True, _SUPPOSED[rule.what_if](rule, case, context))


def _step(rule: Rule, case: Case, _: Context) -> Look:
    if rule.what_if != "needed":
        return Look(evidence.longest_step(case, rule.of))
    return Look(evidence.needed_at_most(case, rule.of, rule.to, rule.limit)[0])


def _repeated(rule: Rule, case: Case, _: Context) -> Look:
    return Look(evidence.repeated_ms(case, rule.of, _at_least(rule.certainty)))


def _serial(rule: Rule, case: Case, _: Context) -> Look:
    return Look(evidence.serial_ms(case, _OVERLAP_OF[rule.of]))


def _queue(rule: Rule, case: Case, _: Context) -> Look:
    return Look(evidence.queue_share(case))


def _of_population(rule: Rule, case: Case, context: Context) -> Look:
    return Look(context.value)


def _prompts(rule: Rule, case: Case, context: Context) -> Look:
    return Look(context.value if "prompt_chars" in case.metrics else None)


def _hits(rule: Rule, case: Case, context: Context) -> Look:
    return Look(context.value if case.cache != "unknown" else None)


def _cold(rule: Rule, case: Case, context: Context) -> Look:
    took, warm = evidence.longest_step(case, rule.of), context.warm.get(case.engine)
    return Look(took / warm if case.start == "cold" and took is not None and warm else None)


_LOOKS: dict[Measure, Callable[[Rule, Case, Context], Look]] = {
    "step": _step,
    "metric": lambda rule, case, _: Look(case.metrics.get(rule.of)),
    "pace": lambda rule, case, _: Look(evidence.slowest_pace(case)),
    "repeated": _repeated,
    "serial": _serial,
    "queue": _queue,
    "unexplained": lambda rule, case, _: Look(case.unexplained),
    "prompt": _prompts,
    "reuse": _of_population,
    "hits": _hits,
    "cold": _cold,
}
_OVERLAP_OF = {f"{each.first}, {each.second}": each for each in OVERLAPS}


def _at_least(certainty: Certainty) -> tuple[Certainty, ...]:
    order: tuple[Certainty, ...] = ("certain", "likely", "possible")
    return order[: order.index(certainty) + 1]


def _needed(rule: Rule, case: Case, _: Context) -> Supposition:
    return evidence.needed_at_most(case, rule.of, rule.to, rule.limit)[1]


def _gone(rule: Rule, case: Case, _: Context) -> Supposition:
    if rule.measure == "repeated":
        return evidence.without_repeats(case, rule.of, _at_least(rule.certainty))
    return evidence.without(case, rule.of)


def _shorter_prompt(rule: Rule, case: Case, context: Context) -> Supposition:
    over = max(case.metrics.get("prompt_chars", 0.0) - context.middle, 0.0)
    return evidence.shorter_by(case, rule.of, over * context.slope * NANOS_PER_MILLI)


def _cached(rule: Rule, case: Case, _: Context) -> Supposition:
    return evidence.out_of_the_cache(case) if case.cache in _PLAIN else Supposition()


_SUPPOSED: dict[str, Callable[[Rule, Case, Context], Supposition | None]] = {
    "cap": lambda rule, case, _: evidence.capped(case, rule.of, rule.limit),
    "gone": _gone,
    "beside": lambda rule, case, _: side_by_side(case.turn.steps, _OVERLAP_OF[rule.of]),
    "needed": _needed,
    "sooner": lambda rule, case, _: evidence.without_silence(case, case.metrics[rule.of]),
    "pace": lambda rule, case, _: evidence.at_pace(case, rule.limit),
    "shorter prompt": _shorter_prompt,
    "cached": _cached,
    "warm": lambda rule, case, context: evidence.capped(case, rule.of, context.warm[case.engine]),
    "none": lambda rule, case, _: None,
}
