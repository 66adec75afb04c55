from __future__ import annotations

import io
import json
import re
import sys
from datetime import timedelta
from pathlib import Path, PurePath

import pytest
from rich.console import Console
from rich.text import Text

from tests.importers.build import line
from tests.samples import sample
from voxtrace.cli.import_progress import Progress
from voxtrace.cli.main import main
from voxtrace.cli.zones import zone_named
from voxtrace.collector.sources import Source, find_sources
from voxtrace.errors import InvalidOption
from voxtrace.testing import ManualClock


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "latency.log"
    path.write_bytes(line() + b"broken\n" + line(event="v34_ollama_sent"))
    return path


@pytest.fixture
def data(tmp_path: Path) -> list[str]:
    return ["--data", str(tmp_path / "data")]


def test_the_summary_says_what_was_read_stored_and_left_out_and_why(log, data, tmp_path, capsys):
    (tmp_path / "other.bin").write_bytes(b"\0\1")

    assert main(["import", str(log), str(tmp_path / "other.bin"), *data]) == 0
    assert capsys.readouterr().out.replace(f"{tmp_path}/", "").splitlines() == [
        "latency.log: event-lines, 2 events read, 2 stored, 1 record unreadable",
        "    1 unreadable: json",
        "        json: line 2: Expecting value: line 1 column 1 (char 0)",
        "other.bin: skipped: binary",
        "2 files (1 left out): 2 events read, 2 stored, 1 record unreadable",
    ]


def test_the_second_import_says_that_all_were_duplicates(log, data, capsys):
    main(["import", str(log), *data])
    capsys.readouterr()

    assert main(["import", str(log), "--json", *data]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == {
        "files": 1,
        "read": 2,
        "stored": 0,
        "duplicates": 2,
        "unreadable": 1,
        "dry_run": False,
    }


def test_standard_input_is_read(data, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line())))

    assert main(["import", "-", *data]) == 0
    assert capsys.readouterr().out.startswith("standard input: event-lines, 1 event read, 1 stored")


def test_nothing_read_is_exit_code_2(data, tmp_path, capsys):
    assert main(["import", str(tmp_path / "nothing.log"), *data]) == 2
    assert "failed: No such file or directory" in capsys.readouterr().out


def test_a_dry_run_makes_no_store(log, data, tmp_path):
    assert main(["import", str(log), "--dry-run", *data]) == 0
    assert not (tmp_path / "data").exists()


def test_many_files_are_summed_up_and_every_reason_is_told(data, tmp_path, capsys):
    folder = tmp_path / "logs"
    folder.mkdir()
    for n in range(30):
        (folder / f"{n}.log").write_bytes(line(request_id=f"r{n}"))
        (folder / f"{n}.bin").write_bytes(b"\0")

    main(["import", str(folder), *data])

    assert capsys.readouterr().out.replace(f"{folder}/", "").splitlines() == [
        "event-lines: 30 files, 30 events read, 30 stored",
        "skipped: 0.bin and 29 more: binary",
        "60 files (30 left out): 30 events read, 30 stored",
    ]


def test_zones_are_named_or_offsets():
    assert zone_named("Europe/Berlin").utcoffset(None) is None
    assert zone_named("+02:00").utcoffset(None) == timedelta(hours=2)
    assert zone_named("UTC-7").utcoffset(None) == timedelta(hours=-7)


@pytest.mark.parametrize("name", ["", "Mars/Crater", "../../etc/passwd", "+25:00", "local"])
def test_a_zone_that_does_not_exist_is_refused(name):
    with pytest.raises(InvalidOption, match="name a zone such as Europe/Berlin"):
        zone_named(name)


def test_the_bar_is_drawn_only_past_one_second_and_only_for_a_person(log):
    clock, terminal, pipe = ManualClock(), io.StringIO(), io.StringIO()
    (source,) = find_sources([str(log)])
    for stream, is_terminal in ((terminal, True), (pipe, False)):
        with Progress(clock, Console(file=stream, force_terminal=is_terminal, width=500)) as progress:
            progress.opened(source)
            progress.read(10)

            assert stream.getvalue() == ""
            clock.advance(1.1)
            progress.read(10)

    assert "latency.log" in terminal.getvalue()
    assert pipe.getvalue() == ""


@pytest.mark.parametrize("name", ["a[/b].log", "[red]x.log", "long" * 30 + "/a.log"])
def test_the_bar_fits_beside_any_name_and_takes_none_for_markup(name):
    clock, terminal = ManualClock(), io.StringIO()
    source = Source(name, PurePath(name), Path(name), 10**6)
    with Progress(clock, Console(file=terminal, force_terminal=True, width=60)) as progress:
        progress.opened(source)
        clock.advance(1.1)
        progress.read(10)
    drawn = [Text.from_ansi(row).plain for row in re.split(r"[\r\n]", terminal.getvalue())]
    (row, *_) = [each for each in drawn if "MB" in each or "kB" in each or "bytes" in each]

    assert name[-9:] in row
    assert "━" in row
    assert len(row.rstrip()) < 59


def test_every_sample_is_imported_or_left_out_with_a_reason(data, capsys):
    main(["import", str(sample("README.md").parent), "--json", "--timezone", "America/Los_Angeles", *data])
    files = json.loads(capsys.readouterr().out)["files"]
    outcomes = {Path(each["file"]).name: (each["outcome"], each["format"]) for each in files}

    assert all(each["read"] > 0 if each["outcome"] == "imported" else each["why"] for each in files)
    assert sum(format_ == "kokoro-chunk-trace" for _, format_ in outcomes.values()) == 50
    assert outcomes["latency_example.log"] == ("imported", "event-lines")
    assert outcomes["log_analysis.jsonl"] == ("imported", "event-lines")
    assert outcomes["bench_stream_long_224748.json"] == ("imported", "kokoro-bench")
    assert outcomes["bench_233140.json"] == ("imported", "kokoro-gate-run")
    assert outcomes["expected_bands.json"] == ("skipped", "kokoro-bands")
    assert outcomes["README.md"] == ("skipped", "")
