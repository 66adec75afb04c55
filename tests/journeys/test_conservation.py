"""Under load, every event is either stored, refused with a reason, or still on its way: at any moment one looks."""

from __future__ import annotations

import pytest

from benchmarks.collect import steady_load

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def test_what_was_written_and_what_the_accounts_say_never_disagree(tmp_path, capsys):
    figures = {figure.name: figure for figure in steady_load(tmp_path, rate=5000, seconds=3)}

    breaches = figures["breaches of the accounts"]
    assert (breaches.value, capsys.readouterr().err) == (0, "")
    assert breaches.n >= 3
