"""Our own statistics beside the figures that scipy 1.x gives for the same samples."""

from math import exp, log

import pytest

from voxtrace.analysis.statistics.contingency import fisher
from voxtrace.analysis.statistics.probability import binomial_ranks, student_cdf, student_quantile
from voxtrace.analysis.statistics.ranks import APPROXIMATE, EXACT, mann_whitney
from voxtrace.analysis.statistics.ratio import paired_ratio, welch_ratio
from voxtrace.analysis.statistics.trend import spearman, theil_sen

X = list(range(1, 13))
Y = [2.1, 3.9, 6.2, 7.8, 10.1, 30, 14.2, 15.8, 18.1, 20.2, -5, 24.1]


@pytest.mark.parametrize(
    ("n", "share", "ranks"),
    [
        (5, 0.5, (0, 6)),
        (6, 0.5, (1, 6)),
        (10, 0.5, (2, 9)),
        (59, 0.95, (52, 60)),
        (73, 0.95, (65, 73)),
        (100, 0.95, (90, 100)),
        (299, 0.99, (292, 300)),
        (1000, 0.95, (936, 964)),
        (1000, 0.99, (983, 997)),
        (100_000, 0.5, (49690, 50311)),
    ],
)
def test_ranks_of_a_quantiles_interval(n, share, ranks):
    assert binomial_ranks(n, share, 0.025) == ranks


@pytest.mark.parametrize(
    ("probability", "freedom", "t"),
    [
        (0.975, 1, 12.706204736174694),
        (0.975, 4, 2.7764451051977934),
        (0.975, 9.5, 2.2441374614922958),
        (0.995, 30, 2.7499956535672254),
        (0.9, 2, 1.8856180831641272),
        (0.025, 4, -2.7764451051977934),
    ],
)
def test_students_t(probability, freedom, t):
    assert student_quantile(probability, freedom) == pytest.approx(t, rel=1e-9)
    assert student_cdf(-1.3, 9.5) == pytest.approx(0.11212798337899049, rel=1e-9)


def test_mann_whitney_is_exact_where_samples_are_few_and_different():
    test = mann_whitney([1.1, 2.2, 3.3, 4.4, 5.6], [2.5, 3.6, 4.8, 6.1, 7.7, 9.2])

    assert (test.u, test.method) == (24, EXACT)
    assert test.p == pytest.approx(0.12554112554112554, rel=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "u", "p"),
    [
        ([1, 2, 2, 3, 5, 5], [2, 3, 3, 4, 6, 6, 7], 31.0, 0.16876651651290842),
        (list(range(30)), [i * 1.1 + 3.05 for i in range(25)], 420.0, 0.4519384379382515),
        ([1, 1, 1], [1, 1], 3.0, 1.0),
    ],
)
def test_mann_whitney_with_ties_or_many_samples(a, b, u, p):
    test = mann_whitney(a, b)

    assert (test.u, test.method) == (u, APPROXIMATE)
    assert test.p == pytest.approx(p, rel=1e-9)


def test_theil_sen_is_not_turned_by_two_outliers():
    slope = theil_sen(X, Y)

    assert (slope.value, slope.interval.low, slope.interval.high) == pytest.approx((2.0, 1.9, 2.05))


def test_theil_sen_with_ties():
    slope = theil_sen([1, 1, 2, 3, 3, 4, 5, 6], [1, 1, 2, 2, 3, 5, 5, 8])

    assert (slope.value, slope.interval.low, slope.interval.high) == pytest.approx((7 / 6, 1.0, 5 / 3))


def test_spearman_with_and_without_ties():
    assert spearman(X, Y).value == pytest.approx(0.5034965034965035)
    assert spearman([1, 1, 2, 3, 3, 4, 5, 6], [1, 1, 2, 2, 3, 5, 5, 8]).value == pytest.approx(0.975478480327811)


def test_welchs_t_of_logs():
    ratio = welch_ratio([10, 11, 12, 9.5], [13, 12.5, 16, 14, 15])

    assert ratio.p == pytest.approx(0.005270982090885038, rel=1e-9)
    assert (log(ratio.interval.low), log(ratio.interval.high)) == pytest.approx(
        (0.11777443125359996, 0.4480358635437607), rel=1e-9
    )


def test_paired_t_of_log_ratios():
    ratio = paired_ratio([(1, 1.1), (1, 1.2), (1, 1.05), (1, 0.98), (1, 1.15)])

    assert (ratio.value, ratio.p) == pytest.approx((1.093295169490681, 0.06469432393566385), rel=1e-9)
    assert (ratio.interval.low, ratio.interval.high) == pytest.approx(
        (exp(-0.008705211083920389), exp(0.18709766541406073)), rel=1e-9
    )


@pytest.mark.parametrize(
    ("one", "other", "p"),
    [
        ((14, 2), (3, 77), 3.179817851301031e-12),
        ((1, 9), (11, 3), 0.0027594561852200836),
        ((0, 5), (5, 0), 0.007936507936507938),
        ((3, 3), (3, 3), 1.0),
        ((2, 48), (0, 4000), 0.00014940436443688275),
    ],
)
def test_fishers_exact_test(one, other, p):
    assert fisher(one, other).p == pytest.approx(p, rel=1e-9)
