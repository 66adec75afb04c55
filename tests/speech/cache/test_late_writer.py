"""What waits for the disk, with a disk that does only what the test says."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest

from voxtrace.speech.cache.disk import DiskCache
from voxtrace.speech.cache.kept import Kept
from voxtrace.speech.cache.late_writer import LateWriter, Patience

NEVER_S = 1000.0
LIMIT_S = 10.0


class Disk(DiskCache):
    """Tells when a piece comes, and takes none until it `goes_on`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.began, self.goes_on = Event(), Event()

    def put(self, key: str, piece: bytes, now_wall_ns: int) -> bool:
        self.began.set()
        assert self.goes_on.wait(LIMIT_S)
        return super().put(key, piece, now_wall_ns)


@pytest.fixture
def disk(tmp_path):
    disk = Disk(tmp_path)
    disk.open(0)
    return disk


def test_while_somebody_waits_for_speech_nothing_is_written(disk):
    disk.goes_on.set()
    writer = LateWriter(disk, Patience(quiet_s=NEVER_S, busy_s=NEVER_S))
    writer.note_request()
    writer.put("a", Kept(b"ab"), 0)

    assert not disk.began.wait(0.1)

    writer.close()

    assert "a" in disk


def test_in_a_quiet_time_everything_is_written(disk):
    disk.goes_on.set()
    writer = LateWriter(disk, Patience(quiet_s=0, busy_s=NEVER_S))
    writer.note_request()
    for key in "ab":
        writer.put(key, Kept(b"ab"), 0)

    assert disk.began.wait(LIMIT_S)

    writer.close()

    assert ("a" in disk, "b" in disk) == (True, True)


def test_a_server_that_is_never_quiet_writes_a_piece_now_and_then(disk):
    disk.goes_on.set()
    writer = LateWriter(disk, Patience(quiet_s=NEVER_S, busy_s=0))
    writer.note_request()
    writer.put("a", Kept(b"ab"), 0)

    assert disk.began.wait(LIMIT_S)

    writer.close()


def test_what_a_slow_disk_does_not_take_in_time_is_not_piled_up_and_the_newest_are_kept(disk):
    writer = LateWriter(disk, Patience(quiet_s=NEVER_S, busy_s=NEVER_S, most_bytes=4))
    writer.note_request()
    for key in "abc":
        writer.put(key, Kept(b"ab"), 0)
    disk.goes_on.set()
    writer.close()

    assert (disk.stats.stored, disk.stats.refused) == (2, 1)
    assert ("a" in disk, "b" in disk, "c" in disk) == (False, True, True)


def test_what_was_forgotten_is_not_written(disk):
    disk.goes_on.set()
    writer = LateWriter(disk, Patience(quiet_s=NEVER_S, busy_s=NEVER_S))
    writer.note_request()
    writer.put("a", Kept(b"ab"), 0)
    writer.clear()
    writer.close()

    assert not disk.began.is_set()


def test_a_writer_that_never_had_a_piece_is_closed_at_once(disk):
    LateWriter(disk).close()

    assert disk.stats.stored == 0
