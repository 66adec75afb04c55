"""Golden pages of budgets: one set of rows in every form."""

from __future__ import annotations

import json

from tests.judge.test_budget_verdicts import SPREAD, group, judged, summary
from tests.reports.test_pages import page
from voxtrace.judge.budget_verdicts import without_budget
from voxtrace.judge.packaged import packaged
from voxtrace.reports.budget_report import budgets_to_html, budgets_to_json, budgets_to_markdown, budgets_to_terminal

MIXED = summary(
    group("miss", ttfa_ms=SPREAD, server_response_ms=SPREAD[:30], rtf=[0.2] * 1000, realtime_ratio=[0.7] * 1000),
    group("hit", ttfa_ms=[5.5] * 10),
    group("unknown", ttfa_ms=[4.0] * 90),
    errors=40,
)
SPEECH = judged("speech", MIXED)
LEFT_OUT = without_budget(packaged()["cached"], MIXED)


def test_budgets_for_the_terminal(golden):
    golden("budgets.txt", page(budgets_to_terminal(SPEECH, LEFT_OUT)))


def test_budgets_as_markdown(golden):
    golden("budgets.md", budgets_to_markdown(SPEECH, LEFT_OUT))


def test_budgets_as_blocks_of_a_page(golden):
    golden("budgets.html", "\n".join(budgets_to_html(SPEECH, LEFT_OUT)) + "\n")


def test_budgets_as_json(golden):
    golden("budgets.json", json.dumps(budgets_to_json(SPEECH, LEFT_OUT), indent=2) + "\n")
