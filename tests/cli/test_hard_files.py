"""Files that break off, are closed, or are given up on: each ends in the truth, for a look and in a store."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

import pytest

from tests.analysis.talks import talk
from tests.cli.test_file_turns import both, write
from voxtrace.cli.main import main
from voxtrace.clock import sleep
from voxtrace.collector.held.apart import ALONE_BATCHES
from voxtrace.collector.held.events import BATCH_EVENTS, OPEN_EVENTS
from voxtrace.collector.importing import PIECE_EVENTS
from voxtrace.events.codec import encode

EVENTS_OF_A_TALK = 8


def many(turns: int) -> bytes:
    """A log of so many turns in no time: one, under many names."""
    pattern = b"".join(map(encode, talk(0)))
    return b"".join(pattern.replace(b'"s-0', b'"s-%d' % turn) for turn in range(turns))


def cut_short(path: Path, turns: int) -> str:
    packed = gzip.compress(many(turns), 1)
    path.write_bytes(packed[: len(packed) * 2 // 3])
    return str(path)


@pytest.mark.parametrize("turns", [2_000, PIECE_EVENTS * 2 // EVENTS_OF_A_TALK])
def test_all_that_stands_in_front_of_a_break_counts_for_a_look_and_in_a_store(turns, tmp_path, capsys):
    log = cut_short(tmp_path / "a.log.gz", turns)
    of_files, of_store = both(capsys, tmp_path, [log], "--json")

    assert of_files == of_store
    assert f'"turns": {turns}' not in of_files[1]


def test_what_was_only_read_is_not_said_to_be_in_a_store(tmp_path, capsys):
    main(["report", cut_short(tmp_path / "a.log.gz", 3_000)])
    said = capsys.readouterr().err

    assert "breaks off before its end; the " in said
    assert " events before that were read" in said
    assert "1 file (1 in part): " in said
    assert "in the store" not in said


def test_a_store_that_has_the_beginning_of_a_broken_file_gets_the_rest_from_the_whole_one(tmp_path, capsys):
    data = ["--data", str(tmp_path / "data")]
    log = cut_short(tmp_path / "a.log.gz", 3_000)
    main(["import", log, *data])
    broken = capsys.readouterr()
    Path(log).write_bytes(gzip.compress(many(3_000)))
    main(["import", log, *data])
    whole = capsys.readouterr()

    assert "events before that are in the store" in broken.out
    assert "was cut off; import it again" in broken.err
    assert f"{3_000 * EVENTS_OF_A_TALK:,} events read" in whole.out
    assert whole.err == ""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("*.nothing", "no file is called so"),
        ("empty", "no file in this folder"),
        ("a" * 300, "File name too long"),
        ("missing.log", "No such file or directory"),
    ],
)
def test_a_path_at_which_there_is_nothing_is_named_with_its_reason(name, why, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    code = main(["report", str(tmp_path / name)])
    said = capsys.readouterr()

    assert (code, said.out) == (2, "")
    assert f"{tmp_path / name}: failed: {why}" in said.err


# Whoever may do everything may also look into a closed folder, so the tests that need one give that up.
CLOSED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search")


def ran(*words: str, without: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    command = [*without, sys.executable, "-m", "voxtrace", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("mode", [0o000, 0o444])
@pytest.mark.parametrize("asked", [".", "closed/b.log"])
def test_what_lies_in_a_folder_that_is_closed_is_said_to_be_missing(mode, asked, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir()
    write(tmp_path / "a.log", talk(0))
    write(closed / "b.log", talk(1))
    closed.chmod(mode)
    try:
        done = ran("report", str(tmp_path / asked), without=() if os.getuid() else CLOSED)
    finally:
        closed.chmod(0o700)

    assert done.returncode == (0 if asked == "." else 2)
    assert "Permission denied" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pipe_is_read_once_and_gives_what_its_file_gives(tmp_path, capsys):
    log, pipe = write(tmp_path / "a.log", talk(0)), tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=lambda: pipe.write_bytes(Path(log).read_bytes()))
    writer.start()
    main(["report", str(pipe), "--json"])
    writer.join()
    of_pipe = capsys.readouterr().out
    main(["report", log, "--json"])

    assert of_pipe == capsys.readouterr().out


@pytest.mark.parametrize("form", ["terminal", "json"])
def test_a_report_for_which_there_is_no_room_is_an_error_in_one_line(form, tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no disk that is always full")
    log = write(tmp_path / "a.log", talk(0))
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "voxtrace", "report", log, "--format", form]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "voxtrace: no space is left on the disk that the output goes to"


# ---- Ctrl-C


def members(group: int) -> list[int]:
    """Processes of a session that still run."""
    found = []
    for told in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of_group = told.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue  # it ended meanwhile
        if int(of_group) == group and state != "Z":
            found.append(int(told.parent.name))
    return found


def interrupted(after_s: float, waits_for: int, *words: str, presses: int = 1) -> tuple[int, str, list[int]]:
    """Press Ctrl-C where the command has so many processes, and a moment later; as a terminal does, for all of them."""
    command = [sys.executable, "-m", "voxtrace", *words]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        while running.poll() is None and len(members(running.pid)) < waits_for:
            sleep(0.001)
        for _ in range(presses):
            sleep(after_s)
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=60)
    for _ in range(500):
        if not (left := members(running.pid)):
            break
        sleep(0.01)
    return running.returncode, said.decode(), left


@pytest.fixture(scope="module")
def long_log(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Long enough for processes that measure, for a store that is written apart, and for who gives up on it."""
    path = tmp_path_factory.mktemp("long") / "a.log"
    turns = 4 * (2 * OPEN_EVENTS + ALONE_BATCHES * BATCH_EVENTS) // EVENTS_OF_A_TALK
    path.write_bytes(many(turns))
    return str(path)


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.0, 0.03, 0.3])
@pytest.mark.parametrize("waits_for", [1, 3])
@pytest.mark.parametrize("command", ["report", "import"])
def test_ctrl_c_ends_all_processes_without_a_word_of_where_they_were(command, after_s, waits_for, long_log, tmp_path):
    code, said, left = interrupted(after_s, waits_for, command, long_log, "--data", str(tmp_path / "data"))

    assert "Traceback" not in said
    assert left == []
    assert code in ((130, -signal.SIGINT) if waits_for == 1 else (130,))  # Python itself may not be up yet


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.02, 0.1])
def test_a_second_ctrl_c_leaves_no_process_that_waits_for_ever(after_s, long_log, tmp_path):
    code, said, left = interrupted(after_s, 3, "report", long_log, "--data", str(tmp_path), presses=2)

    assert (code, left) == (130, [])
    assert "Traceback" not in said
