"""What messages of other requests tell of the clocks of one: which of its clocks to ask about, and what to hand on.

A turn believes its own messages. Only of clocks that these do not connect are the messages of other turns asked, of
some minutes around it; see docs/adr/0015.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from msgspec.structs import replace

from voxtrace.analysis.clocks import Offset, Sample, offset_over
from voxtrace.analysis.messages import BY_WALL, DomainClock
from voxtrace.events.gaps import LONGEST_NS, Exchange, Gap

LookUp: TypeAlias = Callable[[Gap], Sequence[Exchange]]
"""Who knows the messages of other requests: a store, as a rule."""

Pair: TypeAlias = tuple[str, str]

# Eight clocks, none of which was compared with any other.
MOST_GAPS = 28
# Of one turn and pair, for other turns: the first, the last, and the tightest.
TIGHTEST = 2
# What every store can keep; clocks that were read are far below it.
MOST_NS = 2**62


def nowhere(gap: Gap) -> Sequence[Exchange]:
    """Nobody else is asked."""
    return ()


def for_others(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """The few of a turn's own samples that other turns may use.

    The first and the last, because a clock that was set shows by them; the tightest, because these decide.
    """
    pairs: dict[Pair, list[Sample]] = {}
    for each in samples:
        if each.width is not None and max(map(abs, each[2:])) < MOST_NS:  # type: ignore[arg-type]
            pairs.setdefault((each.one, each.other), []).append(each)
    kept: set[Sample] = set()
    for of_pair in pairs.values():
        tightest = sorted(of_pair, key=lambda each: (each.width or 0, each))[:TIGHTEST]
        kept |= {min(of_pair), max(of_pair), *tightest}
    return tuple(sorted(kept))


def connected(clocks: Iterable[str], pairs: Iterable[Pair]) -> dict[str, str]:
    """By clock, the name of its group: clocks of one group were compared, if need be by way of others."""
    group = {clock: clock for clock in clocks}
    for one, other in pairs:
        kept, gone = sorted((group[one], group[other]))
        group = {clock: kept if name == gone else name for clock, name in group.items()}
    return group


def ask(
    reference: str, clocks: Mapping[str, DomainClock], known: Iterable[Pair], look_up: LookUp
) -> dict[Pair, Offset]:
    """What others know of the clocks that `known` pairs do not connect."""
    group = connected(clocks, known)
    pairs = [(one, other) for one in clocks for other in clocks if one < other and group[one] != group[other]]
    pairs.sort(key=lambda pair: (reference not in pair, pair))
    found: dict[Pair, Offset] = {}
    for one, other in pairs[:MOST_GAPS]:
        begin, end = clocks[one].begin, clocks[one].end
        if end - begin > LONGEST_NS or max(abs(begin), abs(end)) > MOST_NS:
            continue
        exchanges = look_up(Gap(one, other, begin, end))
        offset = _offset((one, other), exchanges, begin, end)
        if offset is not None:
            found[one, other] = offset
    return found


def _offset(pair: Pair, exchanges: Sequence[Exchange], begin: int, end: int) -> Offset | None:
    if not exchanges:
        return None
    times = [at for at, _, _ in exchanges]
    # A wall clock that was set behind the last sample, or in front of the first, would not be seen.
    if any(domain.startswith(BY_WALL) for domain in pair) and not min(times) <= begin <= end <= max(times):
        return None
    offset = offset_over((Sample(*pair, *each) for each in exchanges), begin, end)
    away = min(max(begin - at, at - end, 0) for at in times)
    return None if offset is None else replace(offset, away=away)
