"""What would help most: each threshold held against the turns, and what every turn would gain by a replay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from voxtrace.analysis.beside import OVERLAPS, Certainty
from voxtrace.analysis.cases import Case
from voxtrace.analysis.gains import Gain, gain_of
from voxtrace.analysis.quantiles import Distribution, distribution
from voxtrace.judge.confidence import Confidence, confidence_in
from voxtrace.judge.measures import Look, look_at, prepared
from voxtrace.judge.thresholds import Owner, Rule, thresholds
from voxtrace.judge.wants import Want, want_of

Standing = Literal["helps", "open", "hidden", "kept", "unknown"]
"""helps: a replay gains something; open: too slow, and no replay can say what it costs; unknown: no turn says anything
about it, which is no pass; kept: within the threshold; hidden: too slow, and a change would spare nobody waiting."""

_ORDER: dict[Standing, int] = {"helps": 0, "open": 1, "unknown": 2, "kept": 3, "hidden": 4}
# Turns that may be on the wrong side without a finding: where no more are, the 95th percentile keeps the threshold.
TOLERATED = 0.05
NO_GAIN = Gain("", Distribution(0, 0), Distribution(0, 0), Distribution(0, 0), 0.0, 0)
# A gain below it is rounding, in milliseconds.
NOTHING_MS = 0.5


class Finding(Struct, frozen=True):
    """One threshold and one population."""

    rule: str
    population: str
    stage: str
    owner: Owner
    standing: Standing
    change: str
    certainty: Certainty
    confidence: Confidence
    limit: float
    unit: str
    is_limit_below: bool  # less than the limit is too little
    source: str
    turns: int  # of the population
    measured: int  # of them say something about it
    broken: int  # of those are on the wrong side
    value: Distribution
    gain: Gain | None = None
    is_repeated: bool = False  # it is about work that had been done before
    want: Want | None = None  # of what is unknown: what would have to be logged


def recommend(
    cases: Iterable[Case], rules: Sequence[Rule] | None = None, told: Callable[[int], None] = lambda done: None
) -> tuple[Finding, ...]:
    """Every rule for every population that it is about, the largest gain first.

    The gains are ordered by the waiting that all turns together would be spared. What nothing is known of, what is
    kept and what nobody waits for follow, in this order. `told` is told how many rules are done.
    """
    populations: dict[str, list[Case]] = {}
    for case in cases:
        populations.setdefault(case.population, []).append(case)
    everybody = [case for members in populations.values() for case in members]
    found = []
    for done, rule in enumerate(thresholds() if rules is None else rules):
        for each in _expanded(rule):
            for name, members in populations.items():
                if _is_about(each, members[0]):
                    found.append(_finding(each, name, members, everybody))
        told(done + 1)
    return tuple(sorted(found, key=_place))


def _is_about(rule: Rule, one: Case) -> bool:
    """Whether a rule has anything to say of the population that a turn is of."""
    if rule.measure == "cold" and one.start == "warm":
        return False
    if rule.measure == "hits" and one.cache == "hit":
        return False
    return rule.kind in ("any", one.kind)


def _expanded(rule: Rule) -> list[Rule]:
    """Serial calls are one rule for each pair."""
    if rule.measure != "serial":
        return [rule]
    return [
        replace(
            rule,
            of=f"{each.first}, {each.second}",
            change=f"Start {each.second} beside {each.first}, not behind it: {each.why}.",
            certainty=each.certainty,
        )
        for each in OVERLAPS
    ]


def _finding(rule: Rule, population: str, cases: Sequence[Case], everybody: Sequence[Case]) -> Finding:
    context = prepared(rule, cases, everybody)
    looks = [look_at(rule, case, context) for case in cases]
    values = [look.value for look in looks if look.value is not None]
    broken = sum(look.is_broken for look in looks)
    gain = None
    standing: Standing = "unknown" if not values else "kept"
    if values and broken > TOLERATED * len(values):
        gain = None if rule.what_if == "none" else gain_of(cases, [look.supposed for look in looks])
        standing = "open" if gain is None else "helps" if _is_worth(gain, looks) else "hidden"
    return Finding(
        rule=rule.name,
        population=population,
        stage=rule.of,
        owner=rule.owner,
        standing=standing,
        change=rule.change,
        certainty=rule.certainty,
        confidence=_confidence(rule, cases, looks, gain),
        limit=rule.limit,
        unit=rule.unit,
        is_limit_below=rule.under is not None,
        source=rule.source,
        turns=len(cases),
        measured=len(values),
        broken=broken,
        value=distribution(values, len(cases)),
        gain=gain,
        is_repeated=rule.measure == "repeated",
        want=want_of(rule, {name for case in cases for name in case.places}) if standing == "unknown" else None,
    )


def _confidence(rule: Rule, cases: Sequence[Case], looks: Sequence[Look], gain: Gain | None) -> Confidence:
    broken = sum(look.is_broken for look in looks)
    if not any(look.value is not None for look in looks):
        return Confidence("low", ("no turn says anything about it",))
    if not broken:
        return confidence_in(cases, sum(look.value is not None for look in looks), NO_GAIN, "certain")
    return confidence_in(cases, broken, gain, rule.certainty)


def _is_worth(gain: Gain, looks: Sequence[Look]) -> bool:
    return gain.mean * gain.before.measured > NOTHING_MS * sum(look.is_broken for look in looks)


def _place(finding: Finding) -> tuple[int, float, str, str, str]:
    spared = finding.gain.spared if finding.gain else 0.0
    return (_ORDER[finding.standing], -spared, finding.population, finding.rule, finding.stage)
