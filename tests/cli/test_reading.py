"""Looking at requests that the store holds."""

from __future__ import annotations

import json

import pytest

from tests.store.build import event, turn
from voxtrace.analysis.crowds import MAX_EVENTS_OF_A_TURN
from voxtrace.cli.main import main
from voxtrace.store import open_store


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crowd")
    store = open_store(folder)
    store.append([event(n, "everybody") for n in range(MAX_EVENTS_OF_A_TURN + 1)])
    store.append(turn("call-1", 3))
    store.close()
    return folder


def test_an_id_of_too_many_events_is_shown_as_what_it_is(folder, capsys):
    code = main(["show", "every", "--data", str(folder)])

    assert code == 0
    assert "20,001 events under one id" in capsys.readouterr().out.replace("\n", " ")


def test_it_stands_in_the_list_without_numbers_and_takes_none_from_others(folder, capsys):
    main(["requests", "--json", "--data", str(folder)])
    listed = {row["request_id"]: row for row in json.loads(capsys.readouterr().out)}

    assert listed["everybody"]["metrics"] == {}
    assert "too_many_events" not in [finding["rule"] for finding in listed["call-1"]["findings"]]


@pytest.mark.parametrize(
    "wrong", [("--hours", "nan"), ("--hours", "inf"), ("--hours", "-1"), ("--last", "0"), ("--last", "many")]
)
def test_a_range_that_is_none_is_wrong_usage(folder, capsys, wrong):
    with pytest.raises(SystemExit) as ended:
        main(["report", "--data", str(folder), *wrong])

    assert ended.value.code == 2
    assert wrong[1] in capsys.readouterr().err


def test_a_report_says_which_events_are_in_no_number(tmp_path, capsys):
    store = open_store(tmp_path)
    note = event(9, "", name="sdk.dropped", metadata={"count": 1924, "reason": "buffer_full"})
    store.append([*turn("call-1", 3), note])
    store.close()
    main(["report", "--data", str(tmp_path)])

    assert "1,924 dropped (buffer_full)" in capsys.readouterr().out
