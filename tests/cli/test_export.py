"""`voxtrace export`."""

import json

import pytest

from voxtrace.cli.main import main
from voxtrace.store import open_store
from voxtrace.testing.turns import client_events, server_events


@pytest.fixture
def data(tmp_path):
    store = open_store(tmp_path)
    for number in range(3):
        store.append(client_events(request_id=f"r{number}") + server_events(request_id=f"r{number}"))
    store.close()
    return tmp_path


def export(data, *words):
    return main(["export", *words, "--data", str(data)])


def test_events_go_out_and_come_back_as_the_same_events(data, tmp_path):
    assert export(data, "events", "--out", str(tmp_path / "events.jsonl")) == 0
    assert main(["import", str(tmp_path / "events.jsonl"), "--data", str(tmp_path / "other")]) == 0

    before, after = open_store(data), open_store(tmp_path / "other")
    ids = ["r0", "r1", "r2"]
    same = before.events_of(ids) == after.events_of(ids)
    before.close()
    after.close()

    assert same


def test_one_request_is_found_by_a_piece_of_its_id(data, capsys):
    assert export(data, "jsonl", "--request", "r1") == 0

    assert [json.loads(line)["request_id"] for line in capsys.readouterr().out.splitlines()] == ["r1"]


def test_a_trace_is_one_json_document(data, tmp_path):
    assert export(data, "trace", "--last", "2", "--out", str(tmp_path / "trace.json")) == 0

    document = json.loads((tmp_path / "trace.json").read_text())

    assert sum(each["name"] == "process_name" for each in document["traceEvents"]) == 2


def test_a_file_that_can_not_be_written_is_said(data, capsys):
    assert export(data, "csv", "--out", str(data / "no" / "where.csv")) == 2
    assert "--out" in capsys.readouterr().err


def test_a_report_can_be_a_page(data, capsys):
    assert main(["report", "--format", "html", "--data", str(data)]) == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")
