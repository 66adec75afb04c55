"""The page of the benchmarks tells what was measured, what was promised, and what could not run."""

from __future__ import annotations

import json

import pytest

from benchmarks.__main__ import benchmark_names, to_json, to_markdown, to_text
from benchmarks.figure import Figure, measured, number, ratio

MACHINE = {"processor": "a processor, 2 cores", "day": "2026-01-02"}
MARK = measured("mark", [0.3, 0.4, 0.5], "us", at_most=0.5)
SPAN = measured("span", [9.0, 8.0, 10.0], "us")
RESULTS = {
    "mark": [MARK, SPAN, ratio("span : mark", SPAN, MARK, at_least=30)],
    "store": [Figure("events stored", 250_000, "events/s")],
    "broken": None,
}


def test_the_page_for_a_terminal(golden):
    golden("terminal.txt", to_text(RESULTS, MACHINE))


def test_the_page_for_the_docs(golden):
    golden("page.md", to_markdown(RESULTS, MACHINE))


def test_programs_read_the_same_figures():
    read = json.loads(to_json(RESULTS, MACHINE))

    assert [figure["kept"] for figure in read["benchmarks"]["mark"]] == [True, None, False]
    assert read["benchmarks"]["mark"][0]["value"] == 0.4
    assert read["benchmarks"]["broken"] is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.2519, "0.252"), (12.34, "12.3"), (100, "100"), (224_000.4, "224,000"), (0.00004, "0.000040")],
)
def test_numbers_are_written_for_people(value, text):
    assert number(value) == text


def test_only_modules_that_can_be_run_are_benchmarks():
    names = benchmark_names()

    assert {"mark", "imports"} <= set(names)
    assert not {"figure", "machine", "__main__"} & set(names)
