"""The collector under load: how many events a second it keeps up with, and whether every one is accounted for.

Three processes, as in life: a writer that appends turns of fourteen events to a spool file at a steady rate
and publishes how many it has written; the collector, which stores and measures them; and this one, which once
a second compares what was written with what the accounts say.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figure import Figure
from voxtrace.collector.collector import Collector, CollectorOptions
from voxtrace.collector.measure import measure
from voxtrace.events.codec import parse_json
from voxtrace.store import RequestQuery, SqliteStore, open_store

EVENTS_PER_S = 20_000  # what the collector must keep up with
OFFERED_PER_S = 25_000
SECONDS = 10
BATCHES_PER_S = 50
BACKLOG = 200_000

WRITER = """
import struct, sys, time
from pathlib import Path
from voxtrace.events import Event
from voxtrace.events.codec import encode, sequence_id
from voxtrace.tracker.identity import new_identity
from voxtrace.tracker.sinks import Batch
from voxtrace.tracker.spool import SpoolSink

folder, rate, batches_per_s, seconds = Path(sys.argv[1]), *map(int, sys.argv[2:5])
names = ["REQUEST_RECEIVED", "PROCESSING_START", "TEXT_PROCESSING_COMPLETE", "QUEUE_START", "INFERENCE_START",
         "FIRST_CHUNK_GENERATED", "FIRST_CHUNK_ENCODED", "FIRST_CHUNK_SENT", "AUDIO_CHUNK_GENERATED",
         "AUDIO_CHUNK_GENERATED", "AUDIO_CHUNK_GENERATED", "INFERENCE_COMPLETE", "AUDIO_GENERATION_COMPLETE",
         "REQUEST_COMPLETE"]
identity = new_identity()
sink, size, written = SpoolSink(folder, identity), rate // batches_per_s, 0
ledger = (folder / "written").open("r+b", buffering=0)
began = time.monotonic()
for number in range(batches_per_s * seconds):
    lines = []
    for n in range(written, written + size):
        metadata = {"piece": 0, "audio_ms": 100.0, "bytes": 4800} if n % 3 else {}
        lines.append(encode(Event(f"request-{identity.token}-{n // 14}", "server", names[n % 14], time.time_ns(),
                                  sequence_id(identity.clock, n), time.monotonic_ns(), identity.clock, n, None,
                                  metadata)))
    sink(Batch(b"".join(lines), size))
    written += size
    ledger.seek(0)
    ledger.write(struct.pack("<q", written))
    time.sleep(max(0.0, began + (number + 1) / batches_per_s - time.monotonic()))
print(time.monotonic() - began)
"""

COLLECTOR = """
import sys, threading
from pathlib import Path
from voxtrace.collector.collector import Collector
from voxtrace.store import open_store
folder = Path(sys.argv[1])
store = open_store(folder)
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
Collector(store, folder).run(stop)
store.close()
"""


@dataclass(slots=True)
class Audit:
    """What the once-a-second comparisons found."""

    checks: int = 0
    breaches: list[str] = field(default_factory=list)
    most_in_flight: int = 0
    rss_mib: float = 0.0

    def compare(self, store: SqliteStore, folder: Path, batch: int) -> None:
        """One comparison. The writer goes on meanwhile, so its count is taken before and after."""
        before = written(folder)
        accounts = Collector(store, folder).accounts()
        after = written(folder)
        self.checks += 1
        self.most_in_flight = max(self.most_in_flight, accounts.in_flight)
        if accounts.unaccounted:
            self.breaches.append(f"{accounts.unaccounted} of {accounts.received} events unaccounted for")
        # A batch stands in the file a moment before the writer counts it.
        if not before <= accounts.received <= after + batch:
            self.breaches.append(f"{before} to {after} written, {accounts.received} received")


def written(folder: Path) -> int:
    """How many events the writer says it has written."""
    return int(struct.unpack("<q", (folder / "written").read_bytes())[0])


def rss_mib(pid: int) -> float:
    """Memory that a process holds now; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return 0.0
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def steady_load(folder: Path, rate: int, seconds: int) -> list[Figure]:
    """A writer, the collector, and an auditor beside them."""
    (folder / "written").write_bytes(struct.pack("<q", 0))
    store, audit, batch = open_store(folder), Audit(), rate // BATCHES_PER_S
    collector = subprocess.Popen([sys.executable, "-c", COLLECTOR, str(folder)], stdin=subprocess.PIPE)
    arguments = map(str, (folder, rate, BATCHES_PER_S, seconds))
    writer = subprocess.Popen([sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE)
    while writer.poll() is None:
        time.sleep(1)
        audit.compare(store, folder, batch)
        audit.rss_mib = max(audit.rss_mib, rss_mib(collector.pid))
    elapsed = float(writer.communicate()[0])
    left = Collector(store, folder).accounts().in_flight
    collector.communicate(b"")  # it takes in what is left, and ends
    issued, accounts = written(folder), Collector(store, folder).accounts()
    if (accounts.received, accounts.stored, accounts.duplicate) != (issued, issued, 0):
        audit.breaches.append(f"at the end: {issued} written, {accounts}")
    measured = sum(row.is_fresh for row in store.recent(RequestQuery(limit=issued)))
    store.close()
    for breach in audit.breaches:
        print(f"collect: {breach}", file=sys.stderr)
    return [
        Figure("events stored while they came", (issued - left) / elapsed, "events/s", at_least=EVENTS_PER_S),
        Figure("breaches of the accounts", len(audit.breaches), "", audit.checks, at_most=0),
        Figure(f"most events in flight, {rate:,} offered a second", audit.most_in_flight, "events"),
        Figure("memory of the collector", audit.rss_mib, "MiB", at_most=200),
        Figure(f"turns measured by the end, of {issued // 14 + 1:,}", measured, "turns"),
    ]


def catch_up(folder: Path) -> list[Figure]:
    """A backlog taken in without measuring it, and then measured."""
    (folder / "written").write_bytes(struct.pack("<q", 0))
    arguments = map(str, (folder, BACKLOG, BATCHES_PER_S, 1))
    subprocess.run([sys.executable, "-c", WRITER, *arguments], check=True, stdout=subprocess.DEVNULL, timeout=600)
    (spool,) = (folder / "spool").iterdir()
    with spool.open("rb") as file:
        began = time.process_time()
        for line in file:
            parse_json(line.strip())
        parsing = time.process_time() - began
    store = open_store(folder)
    collector = Collector(store, folder, options=CollectorOptions(turns_per_tick=0, turns_per_busy_tick=0))
    began, stored = time.process_time(), 0
    while (tick := collector.tick()).events:
        stored += tick.events
    taking_in = time.process_time() - began
    began = time.process_time()
    turns = len(measure(store))
    measuring = time.process_time() - began
    store.close()
    return [
        Figure("CPU of storing an event", taking_in / stored * 1e6, "us"),
        Figure("storing : parsing the same lines", taking_in / parsing, "x"),
        Figure("CPU of measuring a turn", measuring / turns * 1e6, "us", turns),
    ]


def run(rate: int = OFFERED_PER_S, seconds: int = SECONDS) -> list[Figure]:
    """All figures of the collector."""
    with tempfile.TemporaryDirectory() as one:
        figures = steady_load(Path(one), rate, seconds)
    with tempfile.TemporaryDirectory() as other:
        return figures + catch_up(Path(other))
