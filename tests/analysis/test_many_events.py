"""Intervals and tiles beside the simple definitions of them, which take too long for thousands of chunks."""

from collections import defaultdict
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from voxtrace.analysis.axis import place
from voxtrace.analysis.begins import Begins
from voxtrace.analysis.intervals import RULES, find_spans
from voxtrace.analysis.model import Span
from voxtrace.analysis.tiling import UNATTRIBUTED, Wait, tile
from voxtrace.testing.turns import HOST, event
from voxtrace.units import Nanos

STAGES = (
    "QUEUE_START",
    "INFERENCE_START",
    "PHONEME_GENERATION_COMPLETE",
    "FIRST_CHUNK_GENERATED",
    "INFERENCE_COMPLETE",
)
PIECES = st.sampled_from([{}, {"piece": 0}, {"piece": 1}, {"piece": None}, {"piece": [1]}, {"piece": 2}])
CLOCKS = st.sampled_from([HOST, HOST, "host-b/1.000000/boot-b", ""])
EVENTS = st.lists(st.tuples(st.sampled_from(STAGES), st.integers(0, 40), PIECES, CLOCKS), max_size=30)
BARS = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 60), st.integers(0, 3), st.sampled_from("abc")), max_size=25
)


def simple_intervals(axis):
    """The rule as it is told: look back for the latest event of the piece that no other work of the rule began with."""
    passed, taken, found = defaultdict(list), set(), []
    for end in axis.placed:
        for number, rule in enumerate(RULES):
            begin = simple_begin(axis, passed, taken, (number, rule, end)) if rule.end == end.stage else None
            if begin is not None:
                taken.add((number, id(begin)))
                found.append((rule.name, begin.at, end.at))
        passed[end.stage].append(end)
    return found


def simple_begin(axis, passed, taken, looked_for):
    number, rule, end = looked_for
    wanted = end.event.metadata.get(rule.per) if rule.per else None
    for stage in rule.begins:
        alike = [
            each
            for each in reversed(passed[stage])
            if wanted is None or each.event.metadata.get(rule.per, wanted) == wanted
        ]
        left = (each for each in alike if (number, id(each)) not in taken and axis.comparable(each, end))
        if alike:
            return next(left, None)
    return None


@given(EVENTS)
def test_intervals_are_those_of_the_simple_definition(told):
    axis = place([event(name, at, "server", clock=clock, **piece) for name, at, piece, clock in told])
    found = [(each.name, each.begin, each.end) for each in find_spans(axis) if each.end is not None]

    assert found == simple_intervals(axis)


@given(BARS, st.integers(60, 70), st.integers(0, 60))
def test_tiles_are_those_of_the_simple_definition(bars, total, heard):
    intervals = [Span(name, "s", begin, end, depth=depth) for begin, end, depth, name in bars]
    parts = tile(intervals, Nanos(total), Wait(Nanos(0), Nanos(heard)))
    clipped = sorted(
        ((max(begin, 0), min(end, total), depth, name) for begin, end, depth, name in bars if begin < end),
        key=lambda bar: bar[0],
    )

    for part in parts:
        for begin, end in pairwise(range(part.begin, part.end + 1)):
            over = [bar for bar in clipped if bar[0] <= begin and bar[1] >= end]
            owner = max(over, key=lambda bar: (bar[2], bar[0]), default=None)
            assert part.name == (owner[3] if owner else UNATTRIBUTED)
            assert part.waited == (begin < heard)
    assert sum(part.length for part in parts) == total


def test_two_thousand_chunks_beside_each_other_cost_each_of_them_a_few_looks():
    """Counted and not timed: how often the question is asked whether an event may begin a piece."""
    pieces, looks = [f"piece {number}" for number in range(2_000)], 0
    begins = Begins(range(2_000), pieces)

    def may_begin(_):
        nonlocal looks
        looks += 1
        return True

    taken = [begins.take(piece, may_begin) for piece in pieces]

    assert taken == list(range(2_000))
    assert looks == 2_000
