"""Beside every percentile stands how many turns it is of, and how many it should be of; of too few there is none."""

import json
from io import StringIO

import pytest
from rich.console import Console

from tests.analysis.test_absence import request
from voxtrace.analysis import summarize
from voxtrace.analysis.columns import columns_of
from voxtrace.analysis.compare import Comparing
from voxtrace.analysis.filters import read_filter
from voxtrace.analysis.graph import steps_of
from voxtrace.analysis.whatif import Replayable, Supposing, read_wishes
from voxtrace.reports.compare_report import comparison_to_json, comparison_to_markdown, comparison_to_terminal
from voxtrace.reports.html_report import summary_to_html
from voxtrace.reports.json_report import summary_to_json
from voxtrace.reports.summary_report import summary_to_markdown, summary_to_terminal
from voxtrace.reports.whatif_report import whatif_to_json, whatif_to_markdown, whatif_to_terminal
from voxtrace.testing.turns import STARTED_NS

# Of 30 turns 17 are measured: too few for a p95. In the other voice 14 of 30 lack it, and 16 have it.
TURNS = [request(n, deaf=n < 13, voice="a") for n in range(30)] + [
    request(n, deaf=n < 114, voice="b") for n in range(100, 130)
]


def printed(renderable) -> str:
    paper = StringIO()
    Console(width=200, color_system=None, file=paper, highlight=False).print(renderable)
    return paper.getvalue()


def comparison():
    comparing = Comparing(*(read_filter(f"voice={voice}", STARTED_NS) for voice in "ab"), STARTED_NS)
    comparing.add(columns_of(TURNS))
    return comparing.comparison()


def replayed():
    wishes = read_wishes(["inference=0.5x"], [])
    supposing = Supposing(wishes)
    for number, turn in enumerate(TURNS[:17]):
        steps = tuple(steps_of(turn)) if number < 12 else ()  # of the others nothing can be replayed
        supposing.add("speech", Replayable(steps, 0, None, turn.total))
    return wishes, supposing.effects()


SUMMARY = summarize(TURNS[:30])
PAGES = {
    "report": lambda: printed(summary_to_terminal(SUMMARY, 200)),
    "report.md": lambda: summary_to_markdown(SUMMARY),
    "report.html": lambda: summary_to_html(SUMMARY),
    "compare": lambda: printed(comparison_to_terminal(comparison())),
    "compare.md": lambda: comparison_to_markdown(comparison()),
    "whatif": lambda: printed(whatif_to_terminal(*replayed())),
    "whatif.md": lambda: whatif_to_markdown(*replayed()),
}
EXPECTED = {"report": ("17/30", "— (n=17)"), "compare": ("16/30", "— (n=16)"), "whatif": ("12/17", "— (n=12)")}


@pytest.mark.parametrize("name", PAGES)
def test_every_page_says_of_how_many_turns_its_percentiles_are(name):
    of, dash = EXPECTED[name.partition(".")[0]]
    page = PAGES[name]()

    assert of in page
    assert dash in page


def percentiles_in(told, path=""):
    """Every object of a JSON page that has a percentile."""
    if isinstance(told, list):
        for place, each in enumerate(told):
            yield from percentiles_in(each, f"{path}[{place}]")
    if isinstance(told, dict):
        if "p50" in told and not isinstance(told["p50"], dict):
            yield path, told
        for key, each in told.items():
            yield from percentiles_in(each, f"{path}.{key}")


@pytest.mark.parametrize(
    "page",
    [
        lambda: summary_to_json(SUMMARY),
        lambda: comparison_to_json(comparison()),
        lambda: whatif_to_json(*replayed()),
    ],
)
def test_every_percentile_of_json_has_its_measured_and_expected_beside_it(page):
    found = list(percentiles_in(json.loads(json.dumps(page()))))

    assert found
    for path, told in found:
        assert {"measured", "expected"} <= set(told), path
        assert told["p95"] is None or told["measured"] >= 20, path
        assert told.get("p99") is None or told["measured"] >= 100, path
    assert any(told["measured"] < told["expected"] for _, told in found)


def test_a_part_that_some_turns_lack_says_so_beside_its_percentiles():
    row = next(line for line in PAGES["report"]().splitlines() if line.startswith("leading silence"))

    assert row.rstrip().endswith("17/30")
