"""Looking at what happened where no `voxtrace watch` collects."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from tests.collector.build import Writer
from tests.store.build import turn
from voxtrace.cli.folder_lock import only_one
from voxtrace.cli.main import main


@pytest.fixture
def folder(tmp_path):
    writer = Writer(tmp_path)
    writer.write(turn("call-1", 3))
    writer.die()
    return tmp_path


def listed(folder, capsys):
    main(["requests", "--json", "--data", str(folder)])
    return [row["request_id"] for row in json.loads(capsys.readouterr().out)]


def test_what_waits_in_the_spool_is_taken_in_by_who_looks(folder, capsys):
    assert listed(folder, capsys) == ["call-1"]
    assert main(["show", "last", "--data", str(folder)]) == 0
    assert main(["report", "--data", str(folder)]) == 0


def test_it_is_taken_in_once_however_often_somebody_looks(folder, capsys):
    listed(folder, capsys)
    main(["show", "call-1", "--json", "--data", str(folder)])
    marks = json.loads(capsys.readouterr().out)["marks"]

    assert len(marks) == 3


def test_it_is_left_to_a_watch_that_runs(folder, capsys):
    with only_one(folder, "watch"):
        code = main(["requests", "--data", str(folder)])

    assert code == 3
    assert "there is no store" in capsys.readouterr().err


def test_where_it_cannot_be_taken_in_that_is_said(folder, capsys):
    assert listed(folder, capsys) == ["call-1"]
    Writer(folder, "host-4712-0123abcd.jsonl").write(turn("call-2", 5))
    (folder / "watch.lock").unlink()
    (folder / "watch.lock").mkdir()  # nobody, not even root, opens a folder for writing
    code = main(["requests", "--data", str(folder)])
    said = capsys.readouterr()

    assert code == 0
    assert "call-1" in said.out
    assert "up to 5 events wait in" in said.err


def test_looking_creates_nothing_where_nothing_is(tmp_path, capsys):
    code = main(["requests", "--data", str(tmp_path / "none")])

    assert code == 3
    assert not (tmp_path / "none").exists()


def test_who_comes_while_the_spool_is_taken_in_waits_a_moment(tmp_path):
    let_go, held = Event(), Event()

    def hold():
        with only_one(tmp_path, "watch"):
            held.set()
            let_go.wait(30)

    def come():
        with only_one(tmp_path, "watch", patience_s=30):
            return "it is mine"

    with ThreadPoolExecutor() as threads:
        holding = threads.submit(hold)
        held.wait(30)
        waiting = threads.submit(come)
        let_go.set()
        holding.result()

        assert waiting.result() == "it is mine"
