"""Processes that fork, end, are killed, or run out of disk: real ones, on the real file system."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from voxtrace.events import Event
from voxtrace.events.codec import decode

pytestmark = pytest.mark.slow


def run(code: str, data: Path, expected: int = 0) -> str:
    """Run `code` in a process of its own whose tracker writes to `data`; its standard output."""
    answer = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "VOXTRACE_DATA": str(data)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert answer.returncode == expected, answer.stderr
    return answer.stdout


def events_of(data: Path) -> list[Event]:
    lines = [line for path in sorted(data.rglob("*.jsonl")) for line in path.read_bytes().splitlines()]
    return [decode(line) for line in lines]


def names_by_process(data: Path) -> dict[int, list[str]]:
    """Names by the process that each event's clock is called after; every event is there once."""
    events = events_of(data)
    found: dict[int, list[str]] = {}
    for event in events:
        found.setdefault(int(event.clock.split("/")[1].split(".")[0]), []).append(event.name)

    assert len({event.event_id for event in events}) == len(events)
    return found


def test_a_process_that_ends_writes_its_last_events(tmp_path):
    run("from voxtrace import Tracker; Tracker('stt').mark('last', request_id='r1')", tmp_path)

    assert [event.name for event in events_of(tmp_path)] == ["last"]


def test_a_process_that_ends_by_an_exception_writes_its_last_events(tmp_path):
    run("from voxtrace import Tracker; Tracker('stt').mark('last', request_id='r1'); 1 / 0", tmp_path, expected=1)

    assert [event.name for event in events_of(tmp_path)] == ["last"]


def test_a_forked_child_has_a_file_of_its_own_and_does_not_send_what_waited_in_the_parent(tmp_path):
    output = run(
        """
        import os, sys
        from voxtrace import Tracker
        tracker = Tracker("stt")
        for number in range(500):
            tracker.mark("parent", request_id="r1")
        child = os.fork()
        if child == 0:
            tracker.mark("child", request_id="r1")
            sys.exit()
        os.waitpid(child, 0)
        tracker.mark("parent", request_id="r1")
        print(os.getpid(), child)
        """,
        tmp_path,
    )
    parent, child = map(int, output.split())

    assert names_by_process(tmp_path) == {parent: ["parent"] * 501, child: ["child"]}
    assert len(list(tmp_path.rglob("*.jsonl"))) == 2


def test_a_child_of_a_busy_parent_works_and_holds_no_lock_of_its_parent(tmp_path):
    """Forks while the parent's thread writes; a lock held by a thread that is not there would hang the child."""
    run(
        """
        import os, threading
        from voxtrace import Tracker
        tracker = Tracker("stt")
        stop = threading.Event()
        def be_busy():
            while not stop.is_set():
                tracker.mark("parent", request_id="r1")
                tracker.flush()
        threads = [threading.Thread(target=be_busy) for _ in range(3)]
        for thread in threads: thread.start()
        for number in range(40):
            child = os.fork()
            if child == 0:
                tracker.mark("child", request_id="r1")
                other = Tracker("tts")
                other.mark("child", request_id="r1")
                os._exit(0 if tracker.flush(20) else 9)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        stop.set()
        for thread in threads: thread.join()
        """,
        tmp_path,
    )
    found = names_by_process(tmp_path)

    assert sorted(names for names in found.values() if "parent" not in names) == [["child", "child"]] * 40


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_of_multiprocessing_write_their_last_events(tmp_path, method):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import multiprocessing
            from voxtrace import Tracker
            tracker = Tracker("tts")
            def speak(number):
                tracker.mark("child", request_id=f"r{{number}}")
            if __name__ == "__main__":
                tracker.mark("parent", request_id="r")
                context = multiprocessing.get_context({method!r})
                workers = [context.Process(target=speak, args=[number]) for number in range(2)]
                for worker in workers: worker.start()
                for worker in workers: worker.join()
            """
        )
    )
    run(f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')", tmp_path)
    by_process = names_by_process(tmp_path)

    assert sorted(by_process.values()) == [["child"], ["child"], ["parent"]]


def test_a_killed_process_loses_at_most_what_was_not_yet_written_and_tears_no_other_line(tmp_path):
    code = """
        import sys
        from voxtrace import Tracker
        tracker = Tracker("stt")
        number = 0
        while True:
            tracker.mark("step", request_id="r1", number=number)
            number += 1
            if number % 1000 == 0:
                tracker.flush()
                print(number, flush=True)
    """
    for kill in range(5):
        data = tmp_path / str(kill)
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            env={**os.environ, "VOXTRACE_DATA": str(data)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3 + 7 * kill):
            flushed = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        flushed = int((process.communicate()[0].split() or [flushed])[-1])
        content = next(data.rglob("*.jsonl")).read_bytes()
        whole = [decode(line) for line in content.split(b"\n")[:-1]]

        assert [event.metadata["number"] for event in whole] == list(range(len(whole)))
        assert len(whole) >= flushed


def test_a_disk_that_is_full_and_then_is_not_costs_only_what_found_no_room(tmp_path):
    output = run(
        """
        import json, resource
        from voxtrace import Tracker
        tracker = Tracker("stt")
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        for number in range(3000):
            tracker.mark("step", request_id="r1", number=number)
        full = tracker.flush(), tracker.stats()
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        better = tracker.flush(20), tracker.stats()
        print(json.dumps([full[0], full[1].dropped, better[0], better[1].written, better[1].waiting]))
        """,
        tmp_path,
    )
    was_flushed, dropped, is_flushed, written, waiting = json.loads(output)
    events = events_of(tmp_path)
    numbers = [event.metadata["number"] for event in events if event.name == "step"]
    told = [event.metadata["count"] for event in events if event.name == "sdk.dropped"]

    assert (was_flushed, is_flushed, waiting) == (False, True, 0)
    assert written + dropped["buffer_full"] == 3000
    # Where there was room again in between, depends on when the courier looked: there may be more than one gap.
    assert (len(numbers), numbers) == (written, sorted(set(numbers)))
    assert sum(told) == dropped["buffer_full"]


def test_a_read_only_data_folder_is_told_once_and_hurts_nobody(tmp_path):
    not_a_folder = tmp_path / "file"
    not_a_folder.write_text("")
    answer = subprocess.run(
        [
            sys.executable,
            "-c",
            "from voxtrace import Tracker\nt = Tracker('stt')\nfor n in range(9000): t.mark('step', request_id='r1')\n"
            "t.flush()\nprint('alive')",
        ],
        env={**os.environ, "VOXTRACE_DATA": str(not_a_folder)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (answer.returncode, answer.stdout) == (0, "alive\n")
    assert len(answer.stderr.splitlines()) == 1
    assert "events can't be delivered" in answer.stderr


def test_a_collector_that_hangs_holds_up_the_end_of_a_process_no_longer_than_its_flush(tmp_path):
    code = """
        import socket
        from voxtrace import Tracker
        from voxtrace.tracker import TrackerOptions
        silent = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        tracker = Tracker("stt", options=TrackerOptions(collector=url))
        for number in range(9000):
            tracker.mark("step", request_id="r1")
        print("marked")
    """

    assert run(code, tmp_path) == "marked\n"


def test_a_tracker_loads_nothing_that_reaches_for_the_network(tmp_path):
    output = run(
        "import sys, voxtrace.tracker; voxtrace.tracker.Tracker('stt')\n"
        "print([name for name in ('socket', 'ssl', 'http.client', 'asyncio', 'logging') if name in sys.modules])",
        tmp_path,
    )

    assert output == "[]\n"
