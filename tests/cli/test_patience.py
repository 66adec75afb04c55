"""Progress for who waits longer than a second."""

import io

from rich.console import Console

from voxtrace.cli.patience import Patience
from voxtrace.testing import ManualClock


def shown(seconds, *, is_terminal=True):
    out, clock = io.StringIO(), ManualClock()
    with Patience("reading turns", clock, Console(file=out, force_terminal=is_terminal, width=80)) as patience:
        patience.at(5_000)
        clock.advance(seconds)
        patience.at(20_000, 100_000)
    return out.getvalue()


def test_who_waits_longer_than_a_second_sees_how_far_it_is():
    assert "reading turns: 20,000" in shown(1.5)


def test_nobody_else_sees_anything():
    assert shown(0.5) == ""
    assert shown(5, is_terminal=False) == ""
