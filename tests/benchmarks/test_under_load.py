"""What the benchmarks under load conclude from what they see."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from benchmarks.soak import growth
from benchmarks.under_load import Tree, cpu_ms, descendants, quantile_of


def test_a_plateau_after_the_first_third_is_no_growth():
    warming = [float(n) for n in range(40)]

    assert growth(warming + [40.0 + n % 7 for n in range(80)]) == pytest.approx(0, abs=0.5)


def test_a_leak_is_seen_through_a_saw_tooth():
    held = [n * 0.2 + (n % 10) for n in range(120)]

    assert growth(held) == pytest.approx(0.2 * 80, rel=0.2)


def test_one_peak_is_no_growth():
    assert growth([10.0] * 100 + [90.0] + [10.0] * 19) == 0


def test_too_few_samples_show_no_growth():
    assert growth([]) == growth([5.0]) == 0


def test_a_process_tree_is_counted_whole():
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        tree = Tree(os.getpid())
        tree.look()
        alone = Tree(child.pid)
        alone.look()

        assert child.pid in descendants(os.getpid())
        assert tree.samples[0][0] > alone.samples[0][0] > 0
        assert tree.samples[0][3] >= 2
        assert alone.samples[0][3] == 1
    finally:
        child.communicate()


def test_a_process_that_is_gone_took_no_time_that_could_be_known():
    assert cpu_ms(os.getpid()) > 0
    assert cpu_ms(2**22 + 1) == 0


def test_quantiles_are_nearest_rank():
    assert quantile_of([3.0, 1.0, 2.0], 500) == 2.0
    assert quantile_of([float(n) for n in range(1, 101)], 990) == 99.0
