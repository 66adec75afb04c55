"""`voxtrace prune` and `voxtrace recompute`, as a person types them."""

from __future__ import annotations

import json

import pytest

from tests.store.build import event, turn
from voxtrace.cli.main import main
from voxtrace.clock import wall_ns
from voxtrace.collector.measure import measure, recompute
from voxtrace.store import RequestQuery, open_store
from voxtrace.testing.turns import client_events, server_events

DAY_NS = 86_400_000_000_000


@pytest.fixture
def folder(tmp_path):
    store = open_store(tmp_path)
    store.append([*turn("old", 2, wall_ns=wall_ns() - 9 * DAY_NS), event(2, "new", wall_ns=wall_ns())])
    measure(store)
    store.append([event(3, "late", wall_ns=wall_ns() - 8 * DAY_NS)])
    store.close()
    return tmp_path


def ids(folder):
    store = open_store(folder, readonly=True)
    found = {row.request_id for row in store.recent(RequestQuery())}
    store.close()
    return found


def test_nothing_is_forgotten_that_the_settings_keep(folder, capsys):
    assert main(["prune", "--data", str(folder)]) == 0
    assert capsys.readouterr().out.startswith("nothing to forget; the store holds 0.1 MiB")
    assert ids(folder) == {"old", "new", "late"}


def test_old_requests_are_forgotten_and_it_is_said_which_were_never_measured(folder, capsys):
    assert main(["prune", "--data", str(folder), "--days", "7"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("forgot 2 requests of 3 events")
    assert "1 of them had not been measured" in said
    assert ids(folder) == {"new"}


def test_what_was_forgotten_comes_as_json_too(folder, capsys):
    main(["prune", "--data", str(folder), "--days", "7", "--json"])
    pruned = json.loads(capsys.readouterr().out)

    assert (pruned["requests"], pruned["events"], pruned["unmeasured"]) == (2, 3, 1)


def test_recompute_derives_all_turns(folder, capsys):
    assert main(["recompute", "--data", str(folder)]) == 0
    assert capsys.readouterr().out == "3 turns derived again\n"


@pytest.mark.parametrize("command", ["prune", "recompute"])
def test_a_folder_without_a_store_is_told_and_stays_without_one(tmp_path, capsys, command):
    assert main([command, "--data", str(tmp_path)]) == 3
    assert "there is no store" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_report_is_the_same_before_turns_were_measured_and_after_and_after_that_again(tmp_path, capsys):
    store = open_store(tmp_path)
    for number in range(30):
        moved = client_events(request_id=f"r{number}", first_byte=100.0 + number) + server_events(
            request_id=f"r{number}"
        )
        store.append([each._replace(event_id=f"{number}{each.event_id}") for each in moved])
    reports = []
    for prepare in (lambda store: None, measure, recompute):
        prepare(store)
        main(["report", "--json", "--data", str(tmp_path)])
        reports.append(json.loads(capsys.readouterr().out))
    store.close()

    assert reports[0]["groups"][0]["metrics"]["ttfa_ms"]["measured"] == 30
    assert reports[0] == reports[1] == reports[2]
