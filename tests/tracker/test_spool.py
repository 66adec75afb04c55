"""Spool files: one writer each, appended to, given up and begun anew."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from voxtrace.tracker import spool
from voxtrace.tracker.identity import Identity, new_identity
from voxtrace.tracker.sinks import Batch
from voxtrace.tracker.spool import SpoolFull, SpoolSink

ME = Identity("host", 7, "abcd1234", "boot")


def batch(text: str) -> Batch:
    return Batch(f"{text}\n".encode(), 1)


def files(data: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (data / "spool").iterdir()}


def is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_nothing_is_created_before_the_first_batch(tmp_path):
    SpoolSink(tmp_path / "data", ME)

    assert list(tmp_path.iterdir()) == []


def test_batches_are_appended_to_one_file_that_only_its_owner_reads(tmp_path):
    sink = SpoolSink(tmp_path / "data", ME)
    sink(batch("one"))
    sink(batch("two"))
    path = tmp_path / "data" / "spool" / "host-7-abcd1234.jsonl"
    modes = [each.stat().st_mode & 0o777 for each in (path, path.parent, path.parent.parent)]
    sink.close()

    assert path.read_bytes() == b"one\ntwo\n"
    assert modes == [0o600, 0o700, 0o700]


def test_a_file_past_its_size_is_followed_by_another(tmp_path):
    sink = SpoolSink(tmp_path, ME, rotate_bytes=8)
    for text in ("one", "two", "three"):
        sink(batch(text))
    sink.close()

    assert files(tmp_path) == {"host-7-abcd1234.jsonl": b"one\ntwo\n", "host-7-abcd1234.2.jsonl": b"three\n"}


def test_only_the_file_that_is_written_to_is_locked(tmp_path):
    sink = SpoolSink(tmp_path, ME, rotate_bytes=4)
    sink(batch("one"))
    sink(batch("two"))
    folder = tmp_path / "spool"
    locked = {path.name: is_locked(path) for path in folder.iterdir()}
    sink.close()

    assert locked == {"host-7-abcd1234.jsonl": False, "host-7-abcd1234.2.jsonl": True}
    assert not any(is_locked(path) for path in folder.iterdir())


def test_a_deleted_file_is_followed_by_another(tmp_path):
    sink = SpoolSink(tmp_path, ME)
    sink(batch("one"))
    (tmp_path / "spool" / "host-7-abcd1234.jsonl").unlink()
    sink(batch("two"))
    sink.close()

    assert files(tmp_path) == {"host-7-abcd1234.2.jsonl": b"two\n"}


def test_a_deleted_folder_comes_back(tmp_path):
    sink = SpoolSink(tmp_path / "data", ME)
    sink(batch("one"))
    (tmp_path / "data" / "spool" / "host-7-abcd1234.jsonl").unlink()
    (tmp_path / "data" / "spool").rmdir()
    (tmp_path / "data").rmdir()
    sink(batch("two"))
    sink.close()

    assert files(tmp_path / "data") == {"host-7-abcd1234.2.jsonl": b"two\n"}


def test_a_write_that_stops_half_way_goes_on_where_it_stopped(tmp_path, monkeypatch):
    sink, write = SpoolSink(tmp_path, ME), os.write

    def fill_the_disk(descriptor: int, content: memoryview) -> int:
        monkeypatch.setattr(os, "write", refuse)
        return write(descriptor, content[:4])

    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    lines = batch("a line of some length")
    monkeypatch.setattr(os, "write", fill_the_disk)
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            sink(lines)
    monkeypatch.setattr(os, "write", write)
    sink(lines)
    sink.close()

    assert files(tmp_path) == {"host-7-abcd1234.jsonl": lines.lines}


def test_a_spool_that_nobody_empties_does_not_fill_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "MAX_FOLDER_BYTES", 10)
    sink = SpoolSink(tmp_path, ME, rotate_bytes=4)
    for text in ("one", "two", "three"):
        sink(batch(text))
    with pytest.raises(SpoolFull, match="voxtrace watch"):
        sink(batch("four"))
    (tmp_path / "spool" / "host-7-abcd1234.jsonl").unlink()
    (tmp_path / "spool" / "host-7-abcd1234.2.jsonl").unlink()
    sink(batch("four"))
    sink.close()

    assert sorted(files(tmp_path).values()) == [b"four\n", b"three\n"]


def test_a_host_name_can_not_leave_the_folder_or_the_clock(monkeypatch):
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("s", "../evil/\nname" + "x" * 99, "", "", "")))
    identity = new_identity()

    assert "/" not in identity.file_stem
    assert identity.clock.count("/") == 2
    assert len(identity.host) == 64
