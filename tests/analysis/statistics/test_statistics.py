"""What holds for every sample: intervals cover, sketches merge, nothing is made of nothing."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.analysis.statistics.interval import NoSamples, quantile, quantile_interval, share_interval
from voxtrace.analysis.statistics.probability import binomial_pmf
from voxtrace.analysis.statistics.ranks import mann_whitney
from voxtrace.analysis.statistics.ratio import paired_ratio, quantile_ratio, welch_ratio
from voxtrace.analysis.statistics.sketch import Sketch
from voxtrace.analysis.statistics.trend import HALVES, spearman, theil_sen

VALUES = st.floats(-1e6, 1e6).map(lambda value: value if abs(value) >= 1e-6 else 0.0)
SAMPLES = st.lists(VALUES, min_size=1, max_size=300)


def share_covered(trials, covers):
    """How often, seeded."""
    return sum(covers(Random(seed)) for seed in range(trials)) / trials


@given(SAMPLES, st.integers(1, 999))
def test_an_interval_holds_its_own_quantile_and_ends_at_samples(samples, per_mille):
    ordered = sorted(samples)
    of = quantile_interval(ordered, per_mille)

    assert of.holds(quantile(ordered, per_mille))
    assert all(end is None or end in samples for end in (of.low, of.high))


def test_too_few_samples_bound_a_tail_on_no_side():
    assert quantile_interval(range(71), 950).high is None
    assert quantile_interval(range(72), 950).high == 71
    assert not quantile_interval([], 500).is_closed


def test_an_interval_of_the_p95_covers_what_it_promises():
    def covers(random):
        return quantile_interval(sorted(random.random() for _ in range(200)), 950).holds(0.95)

    assert share_covered(600, covers) >= 0.94


@pytest.mark.parametrize("per_mille", [500, 950])
def test_an_interval_of_a_ratio_of_quantiles_covers_what_it_promises(per_mille):
    def covers(random):
        a = sorted(random.lognormvariate(0, 0.4) for _ in range(300))
        b = sorted(1.3 * random.lognormvariate(0, 0.4) for _ in range(200))
        return quantile_ratio(a, b, per_mille).interval.holds(1.3)

    assert share_covered(500, covers) >= 0.94


def test_a_ratio_of_quantiles_bounds_nothing_that_its_samples_do_not_bound():
    few = quantile_ratio(list(range(1, 21)), list(range(1, 21)), 950)

    assert (few.value, few.interval.low, few.interval.high) == (1.0, None, None)


@given(st.lists(st.floats(0.1, 1e4), min_size=3, max_size=30), st.floats(0.5, 2))
def test_pairs_of_one_ratio_have_that_ratio(values, factor):
    ratio = paired_ratio([(value, value * factor) for value in values])

    assert ratio.value == pytest.approx(factor)
    assert ratio.interval.low <= ratio.value <= ratio.interval.high


def test_what_has_no_logarithm_and_what_is_too_few_gives_no_ratio():
    assert paired_ratio([(0, 1), (1, 2), (1, 2)]) is None
    assert welch_ratio([1, 2, 3], [1, 2]) is None
    assert quantile_ratio([0.0, 0.0, 0.0], [1.0], 500) is None


@given(SAMPLES, SAMPLES)
def test_a_rank_test_does_not_care_which_side_is_named_first(a, b):
    one, other = mann_whitney(a, b), mann_whitney(b, a)

    assert one.p == pytest.approx(other.p)
    assert one.u + other.u == len(a) * len(b)
    assert one.b_is_larger + other.b_is_larger == pytest.approx(1)


def test_a_rank_test_of_the_same_population_is_seldom_wrong():
    def accuses(random):
        a, b = ([random.lognormvariate(0, 1) for _ in range(40)] for _ in range(2))
        return mann_whitney(a, b).p < 0.01

    assert share_covered(500, accuses) <= 0.02


def test_a_slope_of_many_points_is_found_in_halves_and_covered():
    random = Random(3)
    x = [random.uniform(0, 100) for _ in range(4_000)]
    slope = theil_sen(x, [2.5 * each + random.gauss(0, 40) for each in x])

    assert slope.interval.method == HALVES
    assert slope.interval.holds(2.5)
    assert slope.value == pytest.approx(2.5, abs=0.1)


def test_a_correlation_needs_points_that_differ():
    assert spearman([1, 2, 3], [1, 2, 3]) is None
    assert spearman([1, 1, 1, 1], [1, 2, 3, 4]) is None
    assert theil_sen([1, 1, 1], [1, 2, 3]) is None


@given(SAMPLES, st.integers(1, 1000))
def test_a_sketch_is_right_to_one_percent_of_the_value(samples, per_mille):
    sketch = Sketch()
    sketch.add(samples)
    true = quantile(sorted(samples), per_mille)

    assert sketch.quantile(per_mille) == pytest.approx(true, rel=0.0101, abs=1e-9)


@given(st.lists(SAMPLES, min_size=1, max_size=5))
def test_parts_merged_in_any_order_are_the_sketch_of_the_whole(parts):
    whole, merged = Sketch(), Sketch()
    whole.add([value for part in parts for value in part])
    for part in reversed(parts):
        sketch = Sketch()
        sketch.add(part)
        merged.merge(sketch)

    assert merged == whole


def test_a_sketch_of_a_million_values_of_any_size_stays_small():
    sketch = Sketch()
    sketch.add(np.exp(np.random.default_rng(1).uniform(np.log(1e-9), np.log(1e9), 1_000_000)))

    assert len(sketch.positive) < 2_100
    assert sketch.count == 1_000_000


def test_a_sketch_of_nothing_has_no_quantile_and_counts_no_infinity():
    with pytest.raises(NoSamples):
        Sketch().quantile(500)
    with pytest.raises(ValueError, match="finite"):
        Sketch().add([1.0, float("inf")])


@given(st.integers(1, 400), st.data())
def test_at_the_ends_of_a_shares_interval_what_was_seen_is_as_rare_as_allowed(n, data):
    count = data.draw(st.integers(0, n))
    of = share_interval(count, n)

    assert of.holds(count / n)
    if count:
        assert sum(binomial_pmf(each, n, of.low) for each in range(count, n + 1)) == pytest.approx(0.025, abs=1e-6)
    if count < n:
        assert sum(binomial_pmf(each, n, of.high) for each in range(count + 1)) == pytest.approx(0.025, abs=1e-6)


def test_of_no_request_a_share_can_be_anything_and_without_a_failure_it_has_a_closed_form():
    assert (share_interval(0, 0).low, share_interval(0, 0).high) == (0, 1)
    assert share_interval(0, 368).high == pytest.approx(1 - 0.025 ** (1 / 368))
