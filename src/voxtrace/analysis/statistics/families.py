"""Many tests at once: one in twenty calls chance a finding, unless all are corrected together."""

from __future__ import annotations

from collections.abc import Sequence

HOLM = "Holm, over the tests that could have found anything (Tarone 1990)"


def holm(tests: Sequence[tuple[float, float]], alpha: float = 0.05) -> list[float | None]:
    """The corrected p of each test: the chance of even one false finding among all is at most `alpha`.

    Args:
        tests: (p, the smallest p that this test could have given).
        alpha: from where a corrected p is a finding.

    Returns:
        None for a test that could not have found anything in this company: few samples cost the others nothing.
    """
    members = _able([least for _, least in tests], alpha)
    ordered = sorted((tests[index][0], index) for index in members)
    found: list[float | None] = [None] * len(tests)
    most = 0.0
    for rank, (p, index) in enumerate(ordered):
        most = max(most, min(p * (len(ordered) - rank), 1.0))
        found[index] = most
    return found


def _able(least: Sequence[float], alpha: float) -> list[int]:
    """Tarone's family: the smallest k of which at most k tests can come below alpha / k."""
    for k in range(1, len(least) + 1):
        members = [index for index, p in enumerate(least) if p <= alpha / k]
        if len(members) <= k:
            return members
    return []
