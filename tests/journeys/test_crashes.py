"""kill -9 at any moment: what was acknowledged is stored, once, and every event is accounted for."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from tests.collector.build import Writer
from tests.journeys.services import free_ports, wait_until
from tests.store.build import event
from voxtrace import clock
from voxtrace.collector.collector import Collector
from voxtrace.events.codec import encode
from voxtrace.store import RequestQuery, SqliteStore, open_store
from voxtrace.store.schema import MIGRATIONS, version_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

COLLECT = """
import sys, threading
from pathlib import Path
from voxtrace.collector.collector import Collector
from voxtrace.store import open_store
folder = Path(sys.argv[1])
print("ready", flush=True)
Collector(open_store(folder), folder).run(threading.Event())
"""

INGEST = """
import sys, uvicorn
from pathlib import Path
from voxtrace.collector.ingest import build_app
from voxtrace.store import open_store
uvicorn.run(build_app(open_store(Path(sys.argv[1]))), port=int(sys.argv[2]), log_level="error")
"""

MARK = """
import sys
from voxtrace import Tracker
tracker = Tracker("busy")
issued = 0
while True:
    for _ in range(200):
        issued += 1
        tracker.mark("tick", request_id=f"r{issued // 20}", number=issued)
    assert tracker.flush(10)
    print(issued, flush=True)
"""

APPEND = """
import sys
from pathlib import Path
from tests.store.build import event
from voxtrace.store import open_store
me = int(sys.argv[2])
store = open_store(Path(sys.argv[1]))
for batch in range(60):
    ids = range(batch * 50, batch * 50 + 50)
    store.append([event(n, f"shared{n % 7}", event_id=f"{me}-{n}", name=f"word {n % 90}") for n in ids])
store.close()
"""

FILL = """
import json, resource, signal, sys
from pathlib import Path
from tests.store.build import event
from voxtrace.store import RequestQuery, open_store
from voxtrace.store.errors import StoreFull
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = open_store(Path(sys.argv[1]))
store.append([event(0)])
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
acknowledged, full = [], 0
for n in range(1, 400):
    try:
        store.append([event(n, f"big{n}", metadata={"text": "x" * 4000})])
        acknowledged.append(n)
    except StoreFull:
        full += 1
readable = len(store.recent(RequestQuery(limit=1000)))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.append([event(1000, "after")])
print(json.dumps({"acknowledged": len(acknowledged), "full": full, "readable": readable}))
store.close()
"""

MIGRATE = """
import sqlite3, sys
from pathlib import Path
from voxtrace.store.schema import MIGRATIONS, migrate
path = Path(sys.argv[1])
step = [f"CREATE TABLE later{n}(id INTEGER) STRICT" for n in range(3000)]
db = sqlite3.connect(path, isolation_level=None)
print("ready", flush=True)
migrate(db, path, (*MIGRATIONS, step))
"""


@contextmanager
def running(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A Python process that is killed at the end, if it is not dead by then."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def kill_after(child: subprocess.Popen[str], seconds: float) -> None:
    clock.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    child.wait()


def stored_numbers(store: SqliteStore) -> list[int]:
    rows = store.recent(RequestQuery(limit=1_000_000))
    return sorted(each.seq for found in store.events_of(row.request_id for row in rows).values() for each in found)


def drained(store: SqliteStore, folder: Path) -> Collector:
    collector = Collector(store, folder)
    while collector.tick().more:
        pass
    return collector


def test_a_collector_that_is_killed_again_and_again_stores_every_line_exactly_once(tmp_path):
    chance, writer, issued = random.Random(7), Writer(tmp_path), 0
    open_store(tmp_path).close()
    for _ in range(16):
        with running(COLLECT, tmp_path) as child:
            child.stdout.readline()
            for _ in range(chance.randint(1, 12)):
                batch = [event(issued + n, f"r{(issued + n) // 14}") for n in range(700)]
                writer.write(b"".join(map(encode, batch)))
                issued += len(batch)
                clock.sleep(chance.uniform(0, 0.01))
            kill_after(child, chance.uniform(0, 0.06))
    store = open_store(tmp_path)
    accounts = drained(store, tmp_path).accounts()
    numbers = stored_numbers(store)
    store.close()
    writer.die()

    assert numbers == list(range(issued))
    assert (accounts.received, accounts.stored, accounts.duplicate) == (issued, issued, 0)
    assert accounts.unaccounted == 0


def send(port: int, batch: list[int]) -> dict[str, int] | None:
    """The answer, or None where the server died before it came."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/v1/events", b"".join(encode(event(n, f"r{n // 14}")) for n in batch))
        return json.loads(connection.getresponse().read())
    except (HTTPException, OSError, ValueError):
        return None
    finally:
        connection.close()


def test_a_server_that_is_killed_between_batches_has_stored_what_it_acknowledged(tmp_path):
    chance, (port,) = random.Random(11), free_ports(1)
    acknowledged: list[int] = []
    waiting, issued, resent = [], 0, 0
    for _ in range(8):
        with running(INGEST, tmp_path, port) as child:
            wait_until(lambda: send(port, [0]) is not None, "the server")
            until = clock.mono_ns() + int(chance.uniform(0.02, 0.25) * 1e9)
            killed = False
            while not killed:
                batch = waiting or list(range(issued, issued + 500))
                resent += bool(waiting)
                issued = max(issued, batch[-1] + 1)
                if clock.mono_ns() > until:
                    child.send_signal(signal.SIGKILL)
                    killed = True
                waiting = [] if send(port, batch) is not None else batch
                if not waiting:
                    acknowledged += batch
    store = open_store(tmp_path)
    numbers, accounts = stored_numbers(store), store.accounts()
    store.close()

    assert set(acknowledged) - set(numbers) == set()
    assert len(numbers) == len(set(numbers))
    assert set(numbers) <= set(range(issued))
    assert accounts.unaccounted == 0
    assert resent > 0


def test_a_writer_that_is_killed_loses_nothing_that_it_had_flushed(tmp_path, monkeypatch):
    monkeypatch.setenv("VOXTRACE_DATA", str(tmp_path))
    chance, flushed = random.Random(3), 0
    for _ in range(8):
        with running(MARK) as child:
            last = child.stdout.readline()
            kill_after(child, chance.uniform(0, 0.2))
            last = (child.stdout.read().splitlines() or [last])[-1]
            flushed += int(last)
    store = open_store(tmp_path)
    collector = drained(store, tmp_path)
    accounts = collector.accounts()
    store.close()

    assert accounts.stored >= flushed
    assert accounts.duplicate == 0
    assert accounts.in_flight + sum(accounts.rejected.values()) <= 8  # at most one torn line for each
    assert accounts.unaccounted == 0


def test_processes_that_write_at_the_same_time_wait_for_each_other(tmp_path):
    with (
        running(APPEND, tmp_path, 1) as one,
        running(APPEND, tmp_path, 2) as two,
        running(APPEND, tmp_path, 3) as three,
        running(APPEND, tmp_path, 4) as four,
    ):
        codes = [child.wait() for child in (one, two, three, four)]
    store = open_store(tmp_path)
    rows, accounts = store.recent(RequestQuery(limit=100)), store.accounts()
    names = {each.name for found in store.events_of(["shared0"]).values() for each in found}
    store.close()

    assert codes == [0, 0, 0, 0]
    assert (accounts.stored, accounts.unaccounted) == (12_000, 0)
    assert sum(row.event_count for row in rows) == 12_000
    assert len(names) == 90


def test_a_disk_that_is_full_refuses_whole_batches_and_reading_goes_on(tmp_path):
    with running(FILL, tmp_path) as child:
        said = json.loads(child.stdout.read())
    store = open_store(tmp_path)
    rows = store.recent(RequestQuery(limit=1000))
    accounts = store.accounts()
    store.close()

    assert said["full"] > 0
    assert said["readable"] == said["acknowledged"] + 1
    assert len(rows) == accounts.stored == said["acknowledged"] + 2
    assert accounts.unaccounted == 0


def test_a_schema_upgrade_that_is_killed_is_done_whole_or_not_at_all(tmp_path):
    chance, store = random.Random(5), open_store(tmp_path)
    store.append([event(0)])
    store.close()
    seen = set()
    for _ in range(12):
        with running(MIGRATE, store.path) as child:
            child.stdout.readline()
            kill_after(child, chance.uniform(0, 0.12))
        db = sqlite3.connect(store.path)
        version = version_of(db)
        later = db.execute("SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'later%'").fetchone()[0]
        seen.add((version, later))
        (kept,) = db.execute("SELECT COUNT(*) FROM events").fetchone()
        db.close()

        assert kept == 1

    assert seen <= {(len(MIGRATIONS), 0), (len(MIGRATIONS) + 1, 3000)}
