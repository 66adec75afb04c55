"""What is said of a session, in words: a trend, a relation, a first turn, and what the model kept."""

from __future__ import annotations

from voxtrace.analysis.kv_reuse import Reuse
from voxtrace.analysis.session_trends import FEWEST_TURNS, SIZES, FirstTurn, Relation, Trend
from voxtrace.analysis.sessions import Session
from voxtrace.analysis.statistics.interval import Interval
from voxtrace.analysis.verdicts import MIN_EFFECT
from voxtrace.reports.words import NONE, amount, percent, unit_of

UNKNOWN = "not known"
_EXPECTED = {
    "text": "by the prompts' text",
    "handed": "by the context that was handed over",
    "grown": "if the prompt only grew at its end",
}
_OBSERVED = {"counted": "counted by the model", "evaluated": "by what it evaluated", "time": "about, from prefill time"}


def trend_words(trend: Trend | None) -> str:
    """Slower by 41 ms a turn (12 to 70), or why nothing can be said."""
    if trend is None:
        return UNKNOWN
    if trend.verdict == "too_few":
        return f"too few turns (n={trend.n}; it takes {FEWEST_TURNS})"
    if trend.verdict == "none" or trend.slope is None:
        return "no trend that could not be chance"
    unit = unit_of(trend.metric)
    is_up = trend.verdict == "rises"
    word = {True: "slower", False: "faster"}[is_up] if unit == "ms" else {True: "more", False: "less"}[is_up]
    ends = _ends(trend.slope.interval, unit, is_turned=not is_up)
    bound = ", of lower bounds" if trend.is_bound else ""
    return f"{word} by {amount(abs(trend.slope.value), unit)} a turn ({ends}){bound}"


def _ends(interval: Interval, unit: str, *, is_turned: bool) -> str:
    low, high = interval.low, interval.high
    if is_turned:
        low, high = (None if high is None else -high), (None if low is None else -low)
    told = [None if end is None else amount(end, unit).removesuffix(f" {unit}") for end in (low, high)]
    if None not in told:
        return f"{told[0]} to {told[1]}"
    return f"at least {told[0]}" if told[0] is not None else f"at most {told[1]}" if told[1] is not None else NONE


def relation_words(relation: Relation) -> str:
    """How the model's time goes with the prompt, or why nobody can tell."""
    size = SIZES.get(relation.size, "")
    if relation.verdict == "too_few" or relation.correlation is None:
        return f"not known: {relation.why} (n={relation.n})"
    correlation = relation.correlation
    low, high = correlation.interval.low, correlation.interval.high
    told = f"Spearman {correlation.value:+.2f} ({low:+.2f} to {high:+.2f}), n={relation.n}"
    if relation.slope is None:
        return f"{told}; no slope"
    ends = _ends(relation.slope.interval, "ms", is_turned=False)
    slope = f"{amount(relation.slope.value, 'ms')} for 1,000 {size} ({ends})"
    said = {"rises": "longer prompts take longer", "falls": "longer prompts take less time"}
    return f"{said.get(relation.verdict, 'no relation that could not be chance')}: {slope}; {told}"


def first_words(first: FirstTurn | None) -> str:
    """The first turn against the later ones."""
    if first is None:
        return f"{UNKNOWN}: the first turn was not looked at"
    unit = unit_of(first.metric)
    value = UNKNOWN if first.value is None else amount(first.value, unit)
    if first.ratio is None:
        return f"{value}; ratio not known: {first.why}"
    low, high = first.ratio.interval.low, first.ratio.interval.high
    told = f"{first.ratio.value:.2f} times the later ones ({low:.2f} to {high:.2f}, n={first.later})"
    if first.is_slower or first.is_faster:
        return f"{value}, {told}"
    is_chance = first.ratio.interval.holds(1.0)
    return f"{value}, {told}: {'within chance' if is_chance else f'less than {MIN_EFFECT:.0%} may be between them'}"


def expected_words(reuse: Reuse) -> str:
    """What share of the prompt could have been kept."""
    if reuse.expected is None:
        return f"{UNKNOWN}: {reuse.why_not_expected}"
    return f"{percent(reuse.expected)} {_EXPECTED[reuse.how_expected]}"


def observed_words(reuse: Reuse) -> str:
    """What share of the prompt was kept."""
    if reuse.observed is None:
        return f"{UNKNOWN}: {reuse.why_not_observed}"
    return f"{percent(reuse.observed)} {_OBSERVED[reuse.how_observed]}"


def ends_words(session: Session) -> str:
    """How the turns ended, those that did not end well first."""
    names = {"error": "failed", "unknown": "end not logged"}
    order = ("error", "cancelled", "interrupted", "unknown", "ok")
    told = [f"{session.outcomes[name]} {names.get(name, name)}" for name in order if session.outcomes.get(name)]
    return ", ".join(told) or NONE


def failures_words(session: Session) -> str:
    """How many turns failed: none where none did, and not known where no end is."""
    if session.failed:
        return f"{session.failed}"
    return UNKNOWN if session.unknown_ends == session.looked_at else "none"
