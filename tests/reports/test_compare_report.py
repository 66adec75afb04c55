"""A comparison as a person sees it."""

import json

from rich.console import Console

from tests.analysis.test_compare import compared, interleaved
from voxtrace.reports.compare_report import comparison_to_json, comparison_to_markdown, comparison_to_terminal


def shown(comparison):
    console = Console(width=120, highlight=False, force_terminal=False)
    with console.capture() as captured:
        console.print(comparison_to_terminal(comparison))
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"


def test_a_comparison_for_a_terminal(golden):
    golden("comparison.txt", shown(compared(interleaved(60, 1.6, sessions=6))))


def test_a_comparison_of_few_turns_says_that_it_says_nothing(golden):
    golden("comparison_few.txt", shown(compared(interleaved(12, 1.6))))


def test_a_comparison_as_markdown(golden):
    golden("comparison.md", comparison_to_markdown(compared(interleaved(100, 1.6))))


def test_a_comparison_as_json_names_the_method_beside_each_number():
    told = json.loads(json.dumps(comparison_to_json(compared(interleaved(100, 1.6)))))
    shift = told["strata"][0]["shifts"][0]

    assert (shift["p50"]["verdict"], shift["p95"]["verdict"]) == ("slower", "slower")
    assert shift["p50"]["interval"]["method"] == "MOVER of order-statistic intervals"
    assert shift["p50"]["test"].startswith("Mann-Whitney U")
