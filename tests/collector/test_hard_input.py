"""Input of a size or a shape that no log should have, through the command itself: in, or out with its reason."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys

import pytest

from benchmarks.peak import measured_command
from tests.importers.build import NOON, NOON_NS, line
from voxtrace.analysis.crowds import RULE
from voxtrace.store import RequestQuery, open_store

pytestmark = pytest.mark.slow
MIB = 1024


def command(data, *words):
    return [sys.executable, "-m", "voxtrace", *map(str, words), "--data", str(data)]


def ran(data, *words):
    return measured_command(command(data, *words, "--json"))


def imported(data, *paths):
    return json.loads(ran(data, "import", *paths).output)["total"]


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def logs(tmp_path):
    made = tmp_path / "logs"
    made.mkdir()
    return made


def test_a_folder_of_ten_thousand_small_files_is_in_and_what_is_none_of_ours_is_out(data, logs):
    for number in range(10_000):
        content = b"\x7fELF\0\1\2" * 9 if number % 1000 == 0 else line(request_id=f"r{number}")
        (logs / f"{number}.log").write_bytes(content)

    first = ran(data, "import", logs)
    told = json.loads(first.output)
    again = imported(data, logs)

    assert (told["total"]["stored"], again["stored"], again["duplicates"]) == (9_990, 0, 9_990)
    assert [file["why"] for file in told["files"] if file["outcome"] == "skipped"] == ["binary"] * 10
    assert first.peak_kib < 200 * MIB


def test_bytes_that_mean_nothing_are_no_log_whatever_they_begin_with(data, logs):
    chance = random.Random(3)
    (logs / "noise.log").write_bytes(chance.randbytes(2_000_000))
    (logs / "late.log").write_bytes(line(request_id="good") + chance.randbytes(2_000_000) + b"\n" + line(event="last"))
    (logs / "zeros.json").write_bytes(bytes(1_000_000))

    told = json.loads(ran(data, "import", logs).output)
    outcomes = {file["file"].rpartition("/")[2]: file for file in told["files"]}

    assert (outcomes["noise.log"]["outcome"], outcomes["zeros.json"]["outcome"]) == ("skipped", "skipped")
    assert (outcomes["late.log"]["outcome"], outcomes["late.log"]["stored"]) == ("imported", 2)
    assert sum(outcomes["late.log"]["unreadable"].values()) > 1000


def test_a_storm_of_one_id_is_stored_whole_and_told_to_be_no_turn(data, logs):
    storm = b"".join(line(request_id="storm", timestamp=NOON + n / 1000, metadata={"n": n}) for n in range(100_000))
    (logs / "storm.log").write_bytes(storm + line(request_id="calm"))

    assert imported(data, logs)["stored"] == 100_001

    shown = json.loads(ran(data, "show", "storm").output)
    report = ran(data, "report")

    assert [finding["rule"] for finding in shown["findings"]] == [RULE]
    assert json.loads(report.output)["turns"] == 2
    assert report.peak_kib < 300 * MIB


@pytest.mark.timeout(400)  # 15 s of work on every core, which other tests may be using
def test_a_hundred_thousand_sessions_are_a_hundred_thousand_sessions(data, logs):
    one = line(
        request_id="r<n>",
        service="v34",
        event="v34_webhook_received",
        timestamp=NOON,
        metadata={"session_id": "session <n>"},
    ).replace(str(NOON).encode(), b"<at>")
    with (logs / "latency.log").open("wb") as file:
        for n in range(100_000):
            file.write(one.replace(b"<n>", b"%d" % n).replace(b"<at>", b"%.1f" % (NOON + n)))

    assert imported(data, logs)["stored"] == 100_000

    report = ran(data, "report", "--last", "200000")
    (one,) = json.loads(ran(data, "requests", "--session", "session 77777").output)

    assert json.loads(report.output)["turns"] == 100_000
    assert one["request_id"] == "r77777"
    assert report.peak_kib < 400 * MIB


def test_one_moment_told_in_many_zones_is_one_moment(data, logs):
    moment = NOON_NS // 10**9
    told = {
        "epoch": moment,
        "text": str(moment),
        "utc": "2025-11-27T14:30:05Z",
        "east": "2025-11-27T20:00:05+05:30",
        "west": "2025-11-27T06:30:05-08:00",
        "compact": "2025-11-27T15:30:05+0100",
        "local": "2025-11-27T23:30:05",  # without a zone: that of --timezone
        "space": "2025-11-27 23:30:05,000",
    }
    (logs / "zones.log").write_bytes(b"".join(line(request_id=name, timestamp=at) for name, at in told.items()))

    total = json.loads(ran(data, "import", logs, "--timezone", "Asia/Tokyo").output)["total"]
    store = open_store(data, readonly=True)
    at = {row.request_id: row.started_wall_ns for row in store.recent(RequestQuery())}
    store.close()

    assert total["stored"] == len(told)
    assert at == dict.fromkeys(told, NOON_NS)


def test_two_imports_of_one_long_file_at_once_store_each_event_once(data, logs):
    log = logs / "latency.log"
    log.write_bytes(
        b"".join(line(request_id=f"r{n // 14}", metadata={"n": n, "pad": "x" * 300}) for n in range(60_000))
    )
    running = [
        subprocess.Popen(command(data, "import", log, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    ends = [each.communicate(timeout=150) for each in running]
    totals = [json.loads(out)["total"] for out, _ in ends]

    assert sum(total["stored"] for total in totals) == 60_000
    assert sum(total["stored"] + total["duplicates"] for total in totals) == 120_000
    assert not re.search("cut off|Traceback", "".join(err.decode() for _, err in ends))
    assert imported(data, log)["stored"] == 0


def test_a_log_that_is_written_while_it_is_imported_is_whole_after_the_next_import(data, logs):
    """A writer appends in pieces that end within lines; what an import saw of the last line is not kept as an event."""
    log, count = logs / "latency.log", 30_000
    content = b"".join(line(request_id=f"r{n // 14}", metadata={"n": n, "pad": "x" * 500}) for n in range(count))
    log.write_bytes(content[: 20 * 2**20 // 2])
    importing = subprocess.Popen(command(data, "import", log, "--json"), stdout=subprocess.PIPE)
    with log.open("ab", buffering=0) as file:
        for begin in range(10 * 2**20, len(content), 100_003):
            file.write(content[begin : begin + 100_003])
    importing.communicate(timeout=100)

    imported(data, log)
    store = open_store(data, readonly=True)
    stored = store.accounts().stored
    store.close()

    assert stored == count
