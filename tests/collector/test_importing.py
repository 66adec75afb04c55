from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.importers.build import NOON, line, result
from voxtrace.analysis import assemble
from voxtrace.collector.collector import Collector
from voxtrace.collector.importing import FileReport, Importing, unfinished
from voxtrace.collector.reading import ReadOptions
from voxtrace.collector.sources import Source, SourceUnreadable, find_sources
from voxtrace.importers import UnknownFormat
from voxtrace.store import RequestQuery, SqliteStore, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "logs"
    made.mkdir()
    return made


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def lines(count: int, **fields: object) -> bytes:
    return b"".join(line(request_id=f"r{n // 14}", metadata={"n": n}, **fields) for n in range(count))


def import_all(store: SqliteStore | None, *paths: Path, **options: object) -> list[FileReport]:
    run = Importing(store, ReadOptions(**options))  # type: ignore[arg-type]
    reports = []
    for source in find_sources([str(path) for path in paths]):
        assert isinstance(source, Source)
        reports.append(list(run.read(source))[-1])
    return reports


def told(report: FileReport) -> tuple[str, int, int, int, dict[str, int]]:
    return report.outcome, report.read, report.stored, report.duplicate, dict(report.unreadable)


def labels(*paths: str) -> list[str]:
    return [Path(each.label).name for each in find_sources(paths)]


def test_a_file_is_imported_and_its_requests_are_there(store, folder):
    (report,) = import_all(store, write(folder / "latency.log", lines(28)))

    assert told(report) == ("imported", 28, 28, 0, {})
    assert {row.request_id for row in store.recent(RequestQuery())} == {"r0", "r1"}


def test_importing_twice_stores_nothing_twice_and_quarantines_nothing_twice(store, folder):
    log = write(folder / "latency.log", lines(5) + b"broken\n")
    import_all(store, log)
    (again,) = import_all(store, log)

    assert told(again) == ("imported", 5, 0, 5, {"json": 1})
    assert len(store.quarantined()) == 1
    assert store.accounts().unaccounted == 0


def test_a_log_that_grew_adds_what_is_new(store, folder):
    log = write(folder / "latency.log", lines(5) + b"broken\n")
    import_all(store, log)
    write(log, lines(5) + b"broken\n" + line(event="later") + b"broken again\n")
    (again,) = import_all(store, log)

    assert told(again) == ("imported", 6, 1, 5, {"json": 2})
    assert sorted(row.raw for row in store.quarantined()) == [b"xxxxxx", b"xxxxxx xxxxx"]


def test_a_watching_collector_does_not_forget_how_far_a_file_was_imported(store, folder, tmp_path):
    log = write(folder / "latency.log", lines(5) + b"broken\n")
    import_all(store, log)
    Collector(store, tmp_path / "data").tick()
    import_all(store, log)

    assert len(store.quarantined()) == 1


def test_a_packed_log_is_the_same_log(store, folder):
    plain = write(folder / "latency.log", lines(3))
    packed = write(folder / "old" / "latency.log.gz", gzip.compress(lines(3)))

    assert [told(each)[1:4] for each in import_all(store, plain, packed)] == [(3, 3, 0), (3, 0, 3)]


def test_a_packed_file_that_breaks_off_is_out_with_its_reason(store, folder):
    (report,) = import_all(store, write(folder / "a.log.gz", gzip.compress(os.urandom(3000) + lines(300))[:-2000]))

    assert (report.outcome, report.stored) == ("failed", 0)
    assert "breaks off" in report.why
    assert store.recent(RequestQuery()) == []


def test_a_long_file_is_stored_in_pieces_and_is_finished_only_at_its_end(store, folder):
    log = write(folder / "latency.log", lines(25))
    run = Importing(store, ReadOptions(batch_items=5), piece_events=10)
    (source,) = find_sources([str(log)])
    assert isinstance(source, Source)
    pieces = run.read(source)
    next(report for report in pieces if report.stored)
    pieces.close()  # as Ctrl-C does

    assert unfinished(store.accounts_at_positions()[1]) == [str(log)]
    again = list(Importing(store, ReadOptions(batch_items=5), piece_events=10).read(source))[-1]
    assert told(again) == ("imported", 25, 15, 10, {})
    assert unfinished(store.accounts_at_positions()[1]) == []


def test_a_file_read_ahead_in_another_process_gives_the_same_events(store, folder, tmp_path):
    log = write(folder / "latency.log", lines(50) + b"broken\n" + line(timestamp=None, iso_time="2025-11-27T14:30:05"))
    elsewhere = open_store(tmp_path / "elsewhere")
    here = import_all(store, log)
    ahead = import_all(elsewhere, log, ahead_bytes=1, batch_items=7)
    ids = ["r0", "r1", "r2", "r3"]
    found = elsewhere.events_of(ids)
    elsewhere.close()

    assert ahead == here
    assert found == store.events_of(ids)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [("a.txt", b"# Samples\n", "no importer knows"), ("a.gz", gzip.compress(os.urandom(999))[:-99], "breaks off")],
)
def test_what_goes_wrong_ahead_is_told_here(folder, name, content, why):
    (report,) = import_all(None, write(folder / name, content), ahead_bytes=1)

    assert why in report.why


def test_a_dry_run_reads_everything_and_stores_nothing(store, folder):
    (report,) = import_all(None, write(folder / "latency.log", lines(5) + b"broken\n"))

    assert told(report) == ("imported", 5, 0, 0, {"json": 1})
    assert store.recent(RequestQuery()) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\x7fELF\0\0\0", "binary"),
        ("{}".encode("utf-16"), "UTF-16"),
        (line().decode().encode("utf-16-le"), "UTF-16"),
        (b"\n \r\n\n", "nothing but blank lines"),
        (b"[" + line().strip() + b"]", "jq -c"),
        (b'{"context": {"trace_id": "0x1", "span_id": "0x2"}, "start_time": ""}', "POST /v1/traces"),
        (b"# Samples\n", "no importer knows this format"),
        (b'{"performance_gates": 1, "test_requirements": 2}', "no events"),
    ],
)
def test_a_file_that_holds_nothing_is_skipped_with_its_reason(store, folder, content, why):
    (report,) = import_all(store, write(folder / "file", content))

    assert report.outcome == "skipped"
    assert why in report.why


def zipped(content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("latency.log", content)
    return made.getvalue()


def taped(content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        member = tarfile.TarInfo("latency.log")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


@pytest.mark.parametrize(
    ("pack", "why"),
    [
        (zipped, "unzip FILE"),
        (taped, "tar -xf FILE"),
        (lambda content: gzip.compress(taped(content)), "tar -xf FILE"),
        (bz2.compress, "bzip2 -dk FILE"),
        (lzma.compress, "xz -dk FILE"),
    ],
)
def test_an_archive_is_not_read_in_halves_but_named_with_what_unpacks_it(store, folder, pack, why):
    (report,) = import_all(store, write(folder / "latency.log", pack(lines(20))))

    assert told(report) == ("skipped", 0, 0, 0, {})
    assert why in report.why


def test_a_folder_that_can_not_be_looked_into_is_said(folder, monkeypatch):
    write(folder / "a.log", line())
    write(folder / "closed/b.log", line())
    look = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return look(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = list(find_sources([str(folder)]))

    assert [isinstance(each, SourceUnreadable) for each in found] == [False, True]
    assert "closed: folder: Permission denied" in str(found[1])


def test_a_file_of_which_no_record_can_be_read_is_not_called_imported(store, folder):
    (report,) = import_all(store, write(folder / "file", b"foo\nbar\n"), format="event-lines")

    assert told(report) == ("skipped", 0, 0, 0, {"json": 2})
    assert report.examples[0].startswith("json: line 1:")


def test_a_format_that_does_not_exist_is_refused_before_anything_is_read():
    with pytest.raises(UnknownFormat):
        ReadOptions(format="mp3")


def test_files_of_one_folder_know_each_other(store, folder):
    day = folder / "2025-08-16"
    write(day / "bench_stream_short_230840.json", result(trial_artifacts=[{"ttfa_ms": 4.139}]))
    write(day / "trial00_short_chunks_230720.csv", b"ms_since_start,bytes\n4.139,8192\n")
    reports = import_all(store, folder)

    assert [report.outcome for report in reports] == ["imported", "imported"]
    assert [row.request_id for row in store.recent(RequestQuery())] == ["2025-08-16/trial00_short_chunks_230720"]


def test_a_folder_gives_its_files_in_order_once_each_and_nothing_hidden(folder):
    for name in ("b.log", "a.log", ".git/config", ".hidden", "sub/c.log"):
        write(folder / name, b"x")
    (folder / "link.log").symlink_to(folder / "a.log")
    os.mkfifo(folder / "pipe")

    assert labels(str(folder), str(folder / "b.log")) == ["a.log", "b.log", "c.log"]


def test_a_pattern_finds_files_and_a_name_with_brackets_is_a_name(folder):
    for name in ("a[1].log", "a1.log", "sub/b.log"):
        write(folder / name, b"x")

    assert labels(str(folder / "**/*.log")) == ["a1.log", "a[1].log", "b.log"]
    assert labels(str(folder / "a[1].log")) == ["a[1].log"]


def test_what_cannot_be_opened_is_named_with_the_reason_and_the_rest_goes_on(folder):
    write(folder / "a.log", b"x")
    found = list(find_sources([str(folder / "nothing"), str(folder / "a.log")]))

    assert isinstance(found[0], SourceUnreadable)
    assert found[0].why == "No such file or directory"
    assert isinstance(found[1], Source)


def rotated(store: SqliteStore, log: Path, rotate: Callable[[], object]) -> FileReport:
    """Import a log that is longer than one block, and rotate it when its first piece is in the store."""
    (source,) = find_sources([str(log)])
    assert isinstance(source, Source)
    pieces = Importing(store, ReadOptions(batch_items=1000, ahead_bytes=2**40), piece_events=1000).read(source)
    next(report for report in pieces if report.stored)
    rotate()
    return list(pieces)[-1]


def test_a_log_that_is_replaced_while_it_is_read_is_read_to_its_end_and_that_is_said(store, folder):
    log = write(folder / "latency.log", lines(12_000))

    def replace() -> None:
        log.rename(folder / "latency.log.1")
        write(log, line(request_id="new"))

    report = rotated(store, log, replace)

    assert (report.outcome, report.read) == ("imported", 12_000)
    assert [note.text.partition(" while")[0] for note in report.notes] == ["file was replaced"]


def test_a_log_that_is_cut_while_it_is_read_keeps_what_was_read_and_that_is_said(store, folder):
    log = write(folder / "latency.log", lines(12_000))
    report = rotated(store, log, lambda: os.truncate(log, 10))

    assert report.outcome == "imported"
    assert 1000 <= report.read < 12_000
    assert report.stored == report.read
    assert [note.text.partition(" while")[0] for note in report.notes] == ["file became shorter"]


def test_a_log_that_grows_while_it_is_read_is_no_cause_for_a_word(store, folder):
    log = write(folder / "latency.log", lines(12_000))

    def grow() -> None:
        with log.open("ab") as file:
            file.write(line(event="later") + b'{"timestamp": 17')

    report = rotated(store, log, grow)

    assert told(report) == ("imported", 12_001, 12_001, 0, {"torn": 1})
    assert report.notes == []


def test_a_log_that_is_removed_while_it_is_read_is_read_to_its_end(store, folder):
    log = write(folder / "latency.log", lines(12_000))

    assert rotated(store, log, log.unlink).read == 12_000


@pytest.mark.parametrize("order", [1, -1])
def test_a_session_that_one_event_of_one_file_carries_is_the_session_of_the_whole_turn(store, folder, order):
    heard = write(folder / "stt.log", line() + line(event="stt_sending_to_v34"))
    asked = line(service="v34", event="v34_webhook_received", timestamp=NOON + 0.1, metadata={"session_id": "s9"})
    thought = write(folder / "v34.log", asked + line(service="v34", event="v34_ollama_sent", timestamp=NOON + 0.2))
    import_all(store, *[heard, thought][::order])
    (row,) = store.recent(RequestQuery(session_id="s9"))

    assert (row.request_id, row.session_id, row.event_count) == ("r1", "s9", 4)
    assert assemble("r1", store.events_of(["r1"])["r1"]).session_id == "s9"


@pytest.mark.slow
def test_files_of_two_imports_at_once_are_all_in_and_once(store, folder, tmp_path):
    logs = [write(folder / f"{n}.log", lines(30, service=f"s{n}")) for n in range(6)]
    command = [sys.executable, "-m", "voxtrace", "import", *map(str, logs), "--json", "--data", str(tmp_path / "data")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    totals = [json.loads(each.communicate(timeout=50)[0])["total"] for each in running]

    assert sum(total["stored"] for total in totals) == sum(total["duplicates"] for total in totals) == 180


def test_a_log_that_begins_with_pages_of_its_programs_start_is_still_known(store, folder):
    noise = b"loading weights of a layer, please be patient\n" * 9000
    (report,) = import_all(store, write(folder / "latency.log", noise + lines(3)))

    assert (report.format, report.stored) == ("event-lines", 3)
