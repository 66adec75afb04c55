"""The clocks of one turn brought together: by how much each is moved, how sure that is, and what says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from voxtrace.analysis.clocks import Differences, Method, Offset, Sample, offset_over
from voxtrace.analysis.elsewhere import LookUp, ask, connected, for_others, nowhere
from voxtrace.analysis.messages import DomainClock, Staged, bounds_of, samples_of
from voxtrace.units import NANOS_PER_MILLI, Nanos, millis

# Compared with each other; a storm of events that each name a clock of their own must not take a day.
MOST_CLOCKS = 32
ZERO = Nanos(0)
SECOND_MS = 1_000.0  # offsets from here on are told in seconds
MOST_SERVICES_NAMED = 3
REFUSED = (
    "what messages of other turns tell of the clocks contradicts the order of cause and effect in this one: "
    "a clock may have been set between, and they are not used"
)


class ClockView(Struct, frozen=True):
    """What a page says of one clock of a turn. Offsets are of wall clocks: that is what people compare."""

    name: str  # for people: the machine, and its services where that does not tell it from others
    domain: str
    services: tuple[str, ...]
    method: Method
    offset: Nanos | None  # by which it is ahead of the reference; None: not known
    uncertainty: Nanos | None  # either way; None: open on at least one side
    low: Nanos | None = None  # between what the offset lies
    high: Nanos | None = None
    corrected: Nanos = ZERO  # what was added to its times
    samples: int = 0
    via: tuple[str, ...] = ()  # names of the clocks between, where the two were not compared themselves
    drift_ppm: float | None = None
    steps: int = 0
    away: Nanos | None = None  # from the nearest sample, where they are of other turns; None: they are of this one


class Alignment(Struct, frozen=True):
    """All clocks of a turn against the reference."""

    reference: str
    views: tuple[ClockView, ...]  # the reference's first
    corrections: Mapping[str, int]  # by domain: what is added to its wall time
    halves: Mapping[str, int]  # the same in half nanoseconds, unrounded
    notes: tuple[str, ...]  # a sentence for each clock but the reference
    known: Differences
    middles: Mapping[str, int]  # of the domains whose offset is known: the one that is used

    more: int = 0  # clocks beyond those that are compared
    samples: tuple[Sample, ...] = ()  # what the turn's own messages tell, for other turns

    @property
    def is_partly_unknown(self) -> bool:
        return len(self.middles) < len(self.views) + self.more

    def uncertainty(self, one: str, other: str) -> int | None:
        """By how much a time between events of two domains may be wrong; None: it says nothing."""
        if one == other:
            return 0
        if one not in self.middles or other not in self.middles:
            return None
        used = self.middles[other] - self.middles[one]
        low, high = self.known.between(one, other)
        return None if low is None or high is None else max(high - used, used - low)


def align(
    reference: str, clocks: Mapping[str, DomainClock], staged: Sequence[Staged], elsewhere: LookUp = nowhere
) -> Alignment:
    """Bring the clocks of one turn together.

    The middles of what is allowed contradict no message: each is the mean of the least and the greatest offsets, and
    either of these sets obeys every bound.

    Args:
        reference: the domain in whose time the turn is told.
        clocks: every clock of the turn.
        staged: its events.
        elsewhere: asked about clocks that no message of this turn compares.
    """
    more = max(len(clocks) - MOST_CLOCKS, 0)
    if more:
        kept = sorted(clocks, key=lambda domain: (domain != reference, domain))[:MOST_CLOCKS]
        clocks = {domain: clocks[domain] for domain in kept}
        staged = [each for each in staged if each.domain in clocks]
    samples = samples_of(staged, clocks)
    pairs = _measured(clocks, samples)
    known = Differences(clocks)
    _add(known, pairs)
    reached = {domain for domain in clocks if None not in known.between(reference, domain)}
    contradicted: set[str] = set()
    refused = 0
    if len(reached) < len(clocks):
        contradicted = _add_causality(known, reached, clocks, staged)
        # Behind causality: what this turn itself tells is believed first, and narrows what the others say.
        told_elsewhere = ask(reference, clocks, pairs, elsewhere)
        accepted = _add(known, told_elsewhere)
        refused = len(told_elsewhere) - len(accepted)
        pairs |= {pair: told_elsewhere[pair] for pair in accepted}
        group = connected(clocks, pairs)
        reached |= {domain for domain in clocks if group[domain] == group[reference]}
    names = _names(clocks)
    views: list[ClockView] = []
    middles: dict[str, int] = {}
    halves: dict[str, int] = {}
    for domain in sorted(clocks, key=lambda domain: (domain != reference, domain)):
        low, high = known.between(reference, domain)
        if domain == reference:
            method: Method = "reference"
        elif domain in reached:
            method = "four timestamps"
        else:
            method = "wall clocks" if low is high is None or domain in contradicted else "causality"
        view = _view(clocks[domain], clocks[reference], names, method, (low, high))
        if low is not None and high is not None:
            middles[domain] = (low + high) // 2
            halves[domain] = -(low + high) - 2 * (clocks[domain].anchor - clocks[reference].anchor)
        else:
            halves[domain] = 2 * view.corrected
        if method == "four timestamps":
            view = _with_pair(view, pairs, reference, names)
        views.append(view)
    corrections = {view.domain: int(view.corrected) for view in views}
    notes = [told(view, names[reference]) for view in views[1:]]
    notes += [REFUSED] if refused else []
    notes += [f"{more} more clocks are not compared: no turn has so many"] if more else []
    return Alignment(
        reference, tuple(views), corrections, halves, tuple(notes), known, middles, more, for_others(samples)
    )


def _add(known: Differences, pairs: Mapping[tuple[str, str], Offset]) -> list[tuple[str, str]]:
    """Take in what was measured. Where two contradict each other, the tighter one is believed.

    Returns:
        The pairs that contradict nothing.
    """
    tightest_first = sorted(pairs.items(), key=lambda item: (item[1].high - item[1].low, item[0]))
    return [pair for pair, offset in tightest_first if known.add(*pair, offset.low, offset.high)]


def _measured(clocks: Mapping[str, DomainClock], samples: Iterable[Sample]) -> dict[tuple[str, str], Offset]:
    pairs: dict[tuple[str, str], list[Sample]] = {}
    for each in samples:
        pairs.setdefault((each.one, each.other), []).append(each)
    found: dict[tuple[str, str], Offset] = {}
    for pair, of_pair in pairs.items():
        clock = clocks[pair[0]]
        offset = offset_over(of_pair, clock.begin, clock.end)
        if offset is not None:
            found[pair] = offset
    return found


def _add_causality(
    known: Differences, reached: set[str], clocks: Mapping[str, DomainClock], staged: Sequence[Staged]
) -> set[str]:
    """Bound the clocks that nothing was measured of; what was measured stays as it is.

    Returns:
        The clocks of which causes and effects contradict each other.
    """
    contradicted: set[str] = set()
    for each in bounds_of(staged, clocks):
        if {each.one, each.other} <= reached:
            continue
        # Not widened by what clocks run apart within the turn: a cause would stand behind its effect by so much.
        if not known.add(each.one, each.other, each.low, each.high):
            contradicted |= {each.one, each.other} - reached
    return contradicted


def _view(
    clock: DomainClock,
    home: DomainClock,
    names: Mapping[str, str],
    method: Method,
    bounds: tuple[int | None, int | None],
) -> ClockView:
    # From one domain's time to the other's, and from there to the wall clocks that people read.
    to_wall = clock.anchor - home.anchor
    low, high = (None if each is None else Nanos(each + to_wall) for each in bounds)
    if clock.name == home.name:
        return ClockView(names[clock.name], clock.name, clock.services, method, Nanos(0), Nanos(0), Nanos(0), Nanos(0))
    if bounds[0] is not None and bounds[1] is not None:
        offset = (bounds[0] + bounds[1]) // 2 + to_wall
        uncertainty = Nanos(-((bounds[0] - bounds[1]) // 2))
        return ClockView(
            names[clock.name],
            clock.name,
            clock.services,
            method,
            Nanos(offset),
            uncertainty,
            low,
            high,
            Nanos(-offset),
        )
    # Its offset is open: it is moved only where it stands before its cause, and by as much as that takes.
    moved = -high if high is not None and high < 0 else -low if low is not None and low > 0 else 0
    return ClockView(names[clock.name], clock.name, clock.services, method, None, None, low, high, Nanos(moved))


def _with_pair(
    view: ClockView, pairs: Mapping[tuple[str, str], Offset], reference: str, names: Mapping[str, str]
) -> ClockView:
    """What the samples of the two clocks themselves tell; of clocks between them, which those are."""
    direct = pairs.get((min(reference, view.domain), max(reference, view.domain)))
    if direct is None:
        way = _way(reference, view.domain, pairs)
        legs = [pairs[min(leg), max(leg)] for leg in pairwise((reference, *way, view.domain))]
        away = max((each.away for each in legs if each.away is not None), default=None)
        return replace(
            view,
            via=tuple(names[each] for each in way),
            samples=min((each.samples for each in legs), default=0),
            away=None if away is None else Nanos(away),
        )
    drift = direct.drift_ppm
    if drift is not None and reference > view.domain:
        drift = -drift
    away = None if direct.away is None else Nanos(direct.away)
    return replace(view, samples=direct.samples, drift_ppm=drift, steps=direct.steps, away=away)


def _way(begin: str, end: str, pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The clocks between two that were never compared themselves, by the fewest of them."""
    near: dict[str, set[str]] = {}
    for one, other in pairs:
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    ways: dict[str, tuple[str, ...]] = {begin: ()}
    edge = [begin]
    while edge and end not in ways:
        coming = []
        for clock in edge:
            for other in sorted(near.get(clock, ())):
                if other not in ways:
                    ways[other] = (*ways[clock], other)
                    coming.append(other)
        edge = coming
    return ways.get(end, ())[:-1]


def _names(clocks: Mapping[str, DomainClock]) -> dict[str, str]:
    """Each clock for people: its host, and services where two clocks have one host or where there is none."""
    hosts = [clock.host for clock in clocks.values()]
    named: dict[str, str] = {}
    for domain, clock in clocks.items():
        services = ", ".join(clock.services[:MOST_SERVICES_NAMED])
        more = "" if len(clock.services) <= MOST_SERVICES_NAMED else ", …"
        host = clock.host or "a machine"
        is_clear = hosts.count(clock.host) == 1 and clock.services == (clock.host,)
        named[domain] = host if is_clear else f"{host} ({services}{more})"
    return named


def told(view: ClockView, reference: str) -> str:
    """One clock in a sentence."""
    if view.offset is not None and view.uncertainty is not None:
        where = _ahead(view.offset, reference)
        how = f"± {span_of(view.uncertainty)}, {_by(view)}"
        return f"clock of {view.name} is {where} ({how}); corrected{_doubts(view)}"
    if view.method == "causality":
        bounds = [f"at least {signed(view.low)}"] if view.low is not None else []
        bounds += [f"at most {signed(view.high)}"] if view.high is not None else []
        moved = f"moved by {signed(view.corrected)} to stand behind its cause" if view.corrected else "not corrected"
        return (
            f"clock of {view.name}: order from causality, {' and '.join(bounds)} ahead of {reference}; {moved}, "
            "because its offset is not known"
        )
    if view.low is not None and view.high is not None:
        return (
            f"clock of {view.name} and of {reference} can't be compared: causes and effects contradict each other; "
            "they are placed by their wall clocks, whose offset is not known"
        )
    return (
        f"clock of {view.name} and of {reference} can't be compared: they are placed by their wall clocks, "
        "whose offset is not known"
    )


def _ahead(offset: int, reference: str) -> str:
    if not offset:
        return f"level with {reference}"
    return f"{span_of(abs(offset))} {'ahead of' if offset > 0 else 'behind'} {reference}"


def _by(view: ClockView) -> str:
    if view.method == "causality":
        return f"order from causality: between {signed(view.low)} and {signed(view.high)}"
    plural = "" if view.samples == 1 else "s"
    via = f" by way of {', '.join(view.via)}" if view.via else ""
    others = "" if view.away is None else f" of other turns, {millis(view.away) / SECOND_MS:.1f} s away"
    return f"{view.samples} sample{plural}{via}{others}"


def _doubts(view: ClockView) -> str:
    drift = "" if view.drift_ppm is None else f"; they run apart by {view.drift_ppm:+.1f} ppm"
    if not view.steps:
        return drift
    return f"{drift}; a clock was set {'once' if view.steps == 1 else f'{view.steps} times'} among the samples"


def span_of(nanos: int) -> str:
    """A length for people: as fine as a microsecond, in seconds where it has any."""
    length = millis(nanos)
    return f"{length / SECOND_MS:.6f} s" if length >= SECOND_MS else f"{nanos / NANOS_PER_MILLI:.3f} ms"


def signed(nanos: int | None) -> str:
    """As `span_of`, with a sign."""
    return "" if nanos is None else f"{'-' if nanos < 0 else '+'}{span_of(abs(nanos))}"
