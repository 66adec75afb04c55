"""`--where` in every command that summarises turns, and what it says where nothing fits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.analysis.talks import talk
from voxtrace.analysis.filters import read_filter
from voxtrace.cli.advice import Newest
from voxtrace.cli.asked_turns import AskedTurns
from voxtrace.cli.main import main
from voxtrace.cli.turn_sources import StoredTurns
from voxtrace.collector.measure import measure
from voxtrace.store import RequestQuery, open_store

SESSIONS = ("hall", "kitchen")
TURNS = 6  # of each


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two sessions; every second turn in the kitchen asks a large model, which is slow."""
    folder = tmp_path_factory.mktemp("where")
    store = open_store(folder)
    for session in SESSIONS:
        for n in range(TURNS):
            is_large = n % 2 == 1 and session == "kitchen"
            facts = {"model": "large" if is_large else "small", "flag.fast": not is_large}
            told = talk(n, session=session, llm=4_000.0 if is_large else 500.0)
            store.append([each._replace(metadata={**each.metadata, **facts}) for each in told])
    measure(store)
    store.close()
    return str(folder)


def run(capsys, *arguments):
    code = main([*arguments])
    return code, capsys.readouterr()


def told(capsys, folder, *arguments):
    code, out = run(capsys, *arguments, "--data", folder, "--json")
    assert code == 0
    return json.loads(out.out)


@pytest.mark.parametrize(
    "command", [("report",), ("recommend",), ("sessions",), ("whatif", "--drop", "language model")]
)
def test_the_filter_and_both_counts_are_told(folder, capsys, command):
    found = told(capsys, folder, *command, "--where", "model=large")["filter"]
    _, out = run(capsys, *command, "--where", "model=large", "--data", folder)
    _, whole = run(capsys, *command, "--data", folder)

    assert (found["where"], found["turns"], found["looked_at"]) == ("model=large", 3, 12)
    assert "Only model=large: 3 of 12 turns" in out.out
    assert "Only " not in whole.out


def test_the_numbers_are_those_of_the_turns_that_fit(folder, capsys):
    slow = told(capsys, folder, "report", "--where", "model=large")
    quick = told(capsys, folder, "report", "--where", "fast=true")

    assert [each["turns"] for each in (slow, quick)] == [3, 9]
    assert [each["groups"][0]["metrics"]["llm_total_ms"]["p50"] for each in (slow, quick)] == [4_000, 500]
    assert [each["advice"]["turns"] for each in (slow, quick)] == [3, 9]


@pytest.mark.parametrize("form", ["terminal", "markdown", "html"])
def test_every_form_of_a_report_has_the_filter_and_the_advice_with_its_bound(folder, capsys, form):
    _, out = run(capsys, "report", "--where", "model=large", "--format", form, "--data", folder)
    advice = told(capsys, folder, "report", "--where", "model=large")["advice"]

    assert "Only model=large: 3 of 12 turns" in out.out
    assert "What would help most (the newest 3 turns; voxtrace recommend says more)" in out.out
    assert "1. slow_language_model · language model · service" in out.out
    assert advice["findings"][0]["rule"] == "slow_language_model"


@pytest.mark.parametrize(
    "command",
    [
        ("report", "--json", "--where"),
        ("recommend", "--where"),
        ("sessions", "--slow", "--where"),
        ("sessions", "kitchen", "--where"),
        ("whatif", "--drop", "language model", "--where"),
        ("compare", "model=small"),
    ],
)
def test_where_nothing_fits_no_number_is_printed_and_what_there_is_is_said(folder, capsys, command):
    values = run(capsys, *command, "model=tiny", "--data", folder)
    name = run(capsys, *command, "modl=large", "--data", folder)
    unread = run(capsys, *command, "model", "--data", folder)

    assert [code for code, _ in (values, name, unread)] == [2, 2, 2]
    assert [said.out for _, said in (values, name, unread)] == ["", "", ""]
    assert "no turn fits 'model=tiny'. In the data there are model: " in values[1].err
    assert "none has 'modl' (is it model?). Keys are engine, provider, voice" in name[1].err
    assert name[1].err.endswith("the turns carry fast\n")
    assert "Filters are KEY=VALUE" in unread[1].err


def test_a_time_that_no_turn_is_of_is_said(folder, capsys):
    code, said = run(capsys, "report", "--where", "until=2020-01-01", "--data", folder)

    assert (code, said.out) == (2, "")
    assert said.err == "voxtrace: no turn fits 'until=2020-01-01': there is none of that time and range\n"


def test_nothing_of_a_time_is_inconclusive_where_somebody_judges_and_no_pass(folder, capsys):
    limited = run(capsys, "report", "--where", "until=2020-01-01", "--expect", "error_rate<=1%", "--data", folder)
    budgeted = run(capsys, "report", "--where", "until=2020-01-01", "--budget", "speech", "--data", folder)

    assert (limited[0], budgeted[0]) == (1, 1)
    assert "error_rate<=1%: inconclusive" in limited[1].out
    assert "budget: inconclusive" in budgeted[1].out


def test_turns_of_other_times_are_not_counted_as_looked_at(folder, capsys):
    where = "model=large,since=2025-11-27T14:31:00"
    _, out = run(capsys, "report", "--where", where, "--data", folder)

    assert f"Only {where}: 2 of 8 turns of that time" in out.out


def test_sessions_are_those_with_such_turns_and_each_turn_keeps_its_place(folder, capsys):
    listed = told(capsys, folder, "sessions", "--where", "model=large")
    one = told(capsys, folder, "sessions", "kitchen", "--where", "model=large")
    _, out = run(capsys, "sessions", "kitchen", "--where", "model=large", "--data", folder)

    assert [(each["session_id"], each["turns"]) for each in listed["sessions"]] == [("kitchen", 3)]
    assert listed["filter"]["sessions"] == 1
    assert [turn["place"] for turn in one["turn_list"]] == [2, 4, 6]
    assert one["first_turn_by_step"] == []
    assert "not known: not looked at" in out.out


def test_the_advice_of_a_report_looks_at_the_newest_that_did_not_fail(folder):
    turns, newest = StoredTurns(Path(folder)), Newest(4)
    for page in turns.pages(AskedTurns(read_filter("all", 0), RequestQuery(), 100)):
        newest.add(page)
    cases = turns.cases(newest.request_ids())
    turns.close()

    # Both sessions begin at the same moment: the newest four are the last two of each.
    assert sorted((case.session, case.metrics["llm_total_ms"]) for case in cases) == [
        ("hall", 500),
        ("hall", 500),
        ("kitchen", 500),
        ("kitchen", 4_000),
    ]
