"""Very many turns are derived by several processes, with the same result as by one."""

from __future__ import annotations

import json
import signal
import sys
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing

import pytest

from tests.collector.test_measure import derived, speech
from tests.journeys.services import command_line, family, is_alive, started, wait_until
from voxtrace.cli.main import main
from voxtrace.cli.reading import MANY
from voxtrace.collector.measure import derive, measure
from voxtrace.collector.measure_apart import TURNS_PER_PIECE, measure_apart
from voxtrace.store import RequestQuery, open_store

pytestmark = pytest.mark.slow


def filled(folder, turns):
    store = open_store(folder)
    store.append([each for n in range(turns) for each in speech(f"r{n}", 100 * n, 40 + n % 7)])
    return store


def all_derived(store):
    return {row.request_id: row.derived for row in store.recent(RequestQuery(limit=2 * MANY))}


def test_several_processes_derive_what_one_derives(tmp_path):
    alone, apart = (filled(tmp_path / name, 2 * TURNS_PER_PIECE + 5) for name in ("alone", "apart"))
    measure(alone)

    assert measure_apart(apart, tmp_path / "apart") == 2 * TURNS_PER_PIECE + 5
    assert apart.stale(1) == []
    assert derived(apart) == derived(alone)

    alone.close()
    apart.close()


def test_many_turns_are_derived_again_by_several_processes_with_the_same_result(tmp_path, capsys, monkeypatch):
    with closing(filled(tmp_path, MANY)) as store:
        measure(store)
        before = all_derived(store)
    monkeypatch.setattr("voxtrace.cli.recompute.recompute", None)  # what one process would do

    assert main(["recompute", "--data", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{MANY} turns derived again\n"
    with closing(open_store(tmp_path, readonly=True)) as store:
        assert store.stale(1) == []
        assert all_derived(store) == before


def test_a_process_that_is_killed_meanwhile_leaves_the_rest_to_the_command_itself(tmp_path, capsys, monkeypatch):
    filled(tmp_path, MANY).close()

    def broken(store, folder, on_progress):
        store.put_derived(derive(store, store.stale(5)))
        on_progress(5)
        raise BrokenProcessPool("killed")

    monkeypatch.setattr("voxtrace.collector.measure_apart.measure_apart", broken)

    assert main(["recompute", "--data", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{MANY} turns derived again\n"
    with closing(open_store(tmp_path, readonly=True)) as store:
        assert store.stale(1) == []


def test_a_report_of_many_new_turns_keeps_their_numbers_and_says_the_same_the_next_time(tmp_path, capsys):
    filled(tmp_path, MANY).close()

    said = [(main(["report", "--json", "--data", str(tmp_path)]), capsys.readouterr().out) for _ in range(2)]
    store = open_store(tmp_path, readonly=True)
    stale = store.stale(1)
    store.close()

    assert stale == []
    assert said[0] == said[1]
    assert json.loads(said[0][1])["turns"] == MANY


# Stops while it measures: between two pieces, with its workers waiting for more.
STOPS_IN_THE_MIDDLE = """
import sys
from pathlib import Path
from voxtrace.clock import sleep
from voxtrace.collector.measure_apart import measure_apart
from voxtrace.store import open_store

def stop(done):
    print("in the middle", flush=True)
    sleep(600)

if __name__ == "__main__":
    measure_apart(open_store(Path(sys.argv[1])), Path(sys.argv[1]), stop)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent was killed")
def test_workers_end_with_a_process_that_is_killed(tmp_path):
    filled(tmp_path, 2 * TURNS_PER_PIECE).close()
    script = tmp_path / "measure.py"
    script.write_text(STOPS_IN_THE_MIDDLE)

    with started(str(script), str(tmp_path)) as process:
        process.read_until("in the middle")
        workers = [pid for pid in family(process.pid) if "spawn_main" in command_line(pid)]
        process.signal(signal.SIGKILL)

        assert workers
        wait_until(lambda: not any(map(is_alive, workers)), "the workers to end")
