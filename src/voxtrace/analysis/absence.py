"""Is the absence of a number tied to something: a percentile of what was measured is silent about the rest.

Where slow turns lack a number, its percentile is too good; where one engine's turns lack it, the percentile tells of
the others. Each number that some turns of a population lack is looked at: whether those turns took longer by a number
that they do have (Mann-Whitney), have other labels, or ended otherwise (Fisher). All p of a population are corrected
together. Numbers that the same turns lack are one question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import exp, lgamma, log
from typing import Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from voxtrace.analysis.columns import Bools, Floats, Ints
from voxtrace.analysis.statistics.contingency import fisher
from voxtrace.analysis.statistics.families import holm
from voxtrace.analysis.statistics.ranks import mann_whitney

ALPHA = 0.05
# On each side: of fewer, a tie that is there is seldom found, and "not tied" would say too much.
FEWEST = 5
# Until the first sound: whoever waited longer here had a slower turn.
RESPONSES = (
    *("server_response_ms", "first_audio_ms", "ttfb_ms", "ttfa_ms"),
    *("voice_to_voice_ms", "request_to_audio_ms", "stt_to_audio_ms", "llm_total_ms", "stt_ms"),
)
# The whole turn. It ends with its last event: one that lacks events may be shorter for that, so only "longer" counts.
WHOLE = "total_ms"
TEXT = "text_chars"
NUMBERS = (*RESPONSES, WHOLE, TEXT)
LABELS = ("engine", "provider", "voice", "format", "model", "version", "tags")
MOST_VALUES = 8  # of a label, by frequency

State = Literal["slower", "faster", "uneven", "untied", "too few"]
"""What the turns without the number are. `uneven`: they differ, but no clock says how."""


class NumberTie(Struct, frozen=True):
    """The turns without the number have more, or less, of another one."""

    name: str
    without: float  # median of the turns without the number
    measured: float  # and of those that have it
    p: float  # corrected
    method: str

    @property
    def is_more(self) -> bool:
        return self.without > self.measured


class LabelTie(Struct, frozen=True):
    """Turns of one label lack the number more often, or less often."""

    label: str
    value: str
    there: tuple[int, int]  # turns without the number, of all that have the label
    elsewhere: tuple[int, int]
    p: float  # corrected
    method: str
    also: tuple[str, ...] = ()  # labels that the same turns have


class Absence(Struct, frozen=True):
    """What is known of the turns that lack a number."""

    state: State
    missing: int  # of the turns that were looked at
    looked_at: int
    compared_with: tuple[str, ...]  # names of numbers and labels
    numbers: tuple[NumberTie, ...] = ()  # the surest first
    labels: tuple[LabelTie, ...] = ()
    session: str = ""  # the only one of several in which it is missing: its turns are alike, and each p too small


class Seen(Struct, frozen=True):
    """Turns of one population, one entry a turn in each array."""

    measured: Mapping[str, Bools]  # by metric
    numbers: Mapping[str, Floats]  # of `NUMBERS`; NaN where there is none
    labels: Mapping[str, Sequence[str]]  # the texts of `LABELS`, by number
    codes: Mapping[str, Ints]  # which of these texts each turn has; 0: none
    sessions: Ints  # 0: of none
    session_names: Sequence[str]


class Sibling(Struct, frozen=True):
    """Turns that are like those of the population but for one label, which parts populations."""

    label: str  # outcome, cache or start
    value: str
    turns: int
    measured: Mapping[str, int]  # by metric


class _Asked(Struct, frozen=True):
    """One test: its p, the smallest it could have given, and what it would say."""

    p: float
    least: float
    says: NumberTie | LabelTie

    @property
    def name(self) -> str:
        return self.says.name if isinstance(self.says, NumberTie) else self.says.label


def absences(seen: Seen, siblings: Sequence[Sibling] = ()) -> dict[str, Absence]:
    """What is to be said of each metric that some of these turns have and others lack."""
    alike: dict[bytes, list[str]] = {}
    for name, has in seen.measured.items():
        if has.any() and not has.all():
            alike.setdefault(has.tobytes(), []).append(name)
    asked = {pattern: list(_questions(seen, names, siblings)) for pattern, names in alike.items()}
    corrected = iter(holm([(each.p, each.least) for tests in asked.values() for each in tests], ALPHA))
    found: dict[str, Absence] = {}
    for pattern, names in alike.items():
        answers = [(each, next(corrected)) for each in asked[pattern]]
        absence = _judged(seen, ~seen.measured[names[0]], answers)
        found |= dict.fromkeys(names, absence)
    return found


def _questions(seen: Seen, names: Sequence[str], siblings: Sequence[Sibling]) -> Iterator[_Asked]:
    gone = ~seen.measured[names[0]]
    for name, values in seen.numbers.items():
        if (test := _by_number(name, values, gone)) is not None:
            yield test
    yield from _by_labels(seen, gone)
    own = int(gone.sum()), len(gone)
    for sibling in siblings:
        # A cached replay has no inference: that is no absence. How a turn ended takes nothing away by itself.
        if sibling.label != "outcome" and not sibling.measured.get(names[0]):
            continue
        there = sibling.turns - sibling.measured.get(names[0], 0), sibling.turns
        if (asked := _by_counts((sibling.label, sibling.value), there, own)) is not None:
            yield asked


def _by_number(name: str, values: Floats, gone: Bools) -> _Asked | None:
    known = ~np.isnan(values)
    measured, without = values[known & ~gone], values[known & gone]
    test = mann_whitney(measured, without)  # type: ignore[arg-type]
    if test is None:
        return None
    tie = NumberTie(name, float(np.median(without)), float(np.median(measured)), test.p, test.method)
    return _Asked(test.p, _least_of_ranks(len(measured), len(without)), tie)


def _least_of_ranks(m: int, n: int) -> float:
    """p of two sides that do not overlap: two of all arrangements."""
    return min(exp(log(2) - (lgamma(m + n + 1) - lgamma(m + 1) - lgamma(n + 1))), 1.0)


def _by_labels(seen: Seen, gone: Bools) -> Iterator[_Asked]:
    asked: dict[bytes, _Asked] = {}
    for label, codes in seen.codes.items():
        told = codes > 0
        counts = np.bincount(codes[told])
        values = [int(code) for code in np.argsort(-counts, kind="stable")[:MOST_VALUES] if counts[code]]
        if len(values) == 2:  # the one says what the other says; where it is missing more often, it is missed
            values = [max(values, key=lambda code: float(gone[codes == code].mean()))]
        for code in values:
            there = codes == code
            if (same := asked.get(key := there.tobytes())) is not None:
                assert isinstance(same.says, LabelTie)
                also = (*same.says.also, f"{label}={seen.labels[label][code]}")
                asked[key] = replace(same, says=replace(same.says, also=also))
                continue
            elsewhere = told & ~there
            test = _by_counts((label, seen.labels[label][code]), _share(gone, there), _share(gone, elsewhere))
            if test is not None:
                asked[key] = test
    yield from asked.values()


def _share(gone: Bools, rows: Bools) -> tuple[int, int]:
    return int((gone & rows).sum()), int(rows.sum())


def _by_counts(named: tuple[str, str], there: tuple[int, int], elsewhere: tuple[int, int]) -> _Asked | None:
    test = fisher((there[0], there[1] - there[0]), (elsewhere[0], elsewhere[1] - elsewhere[0]))
    if test is None:
        return None
    return _Asked(test.p, test.least_p, LabelTie(*named, there, elsewhere, test.p, test.method))


def _judged(seen: Seen, gone: Bools, answers: Sequence[tuple[_Asked, float | None]]) -> Absence:
    ties = [replace(each.says, p=p) for each, p in answers if p is not None and p <= ALPHA]
    ties.sort(key=lambda tie: tie.p)
    numbers = tuple(tie for tie in ties if isinstance(tie, NumberTie) and (tie.name != WHOLE or tie.is_more))
    labels = tuple(tie for tie in ties if isinstance(tie, LabelTie))
    missing = int(gone.sum())
    could_tell = min(missing, len(gone) - missing) >= FEWEST and any(p is not None for _, p in answers)
    state: State = "untied" if could_tell else "too few"
    if numbers or labels:
        state = _direction(numbers)
    return Absence(
        state,
        missing,
        len(gone),
        tuple(dict.fromkeys(each.name for each, p in answers if p is not None)),
        numbers,
        labels,
        _only_session(seen, gone),
    )


def _direction(ties: Sequence[NumberTie]) -> State:
    """By how long the first sound took; else by the whole turn, unless it had more to say."""
    for tie in ties:
        if tie.name in RESPONSES:
            return "slower" if tie.is_more else "faster"
    names = {tie.name for tie in ties}
    return "slower" if WHOLE in names and TEXT not in names else "uneven"


def _only_session(seen: Seen, gone: Bools) -> str:
    lacking = np.unique(seen.sessions[gone])
    if len(lacking) != 1 or not lacking[0] or len(np.unique(seen.sessions)) < 2:
        return ""
    return seen.session_names[int(lacking[0])]
