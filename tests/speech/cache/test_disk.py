"""Pieces on disk."""

from __future__ import annotations

import os

from voxtrace.speech.cache.disk import DiskCache
from voxtrace.speech.cache.memory import CacheLimits

DAY_NS = 24 * 3600 * 10**9
NOW = 20_000 * DAY_NS
A, B, C = ("a" * 64, "b" * 64, "c" * 64)


def opened(folder, max_bytes: int = 10_000, now: int = NOW) -> DiskCache:
    kept = DiskCache(folder / "cache", CacheLimits(max_bytes, 24 * 3600))
    kept.open(now)
    return kept


def test_a_piece_survives_a_restart(tmp_path):
    opened(tmp_path).put(A, b"\1\2" * 500, NOW)
    os.utime(tmp_path / "cache" / f"{A}.piece", ns=(NOW, NOW))

    assert opened(tmp_path).get(A, NOW) == b"\1\2" * 500


def test_only_the_owner_may_read_what_was_said(tmp_path):
    opened(tmp_path).put(A, bytes(100), NOW)

    assert (tmp_path / "cache" / f"{A}.piece").stat().st_mode & 0o077 == 0


def test_a_piece_of_yesterday_is_removed_at_the_start(tmp_path):
    opened(tmp_path).put(A, bytes(100), NOW)
    os.utime(tmp_path / "cache" / f"{A}.piece", ns=(NOW, NOW))
    later = opened(tmp_path, now=NOW + 2 * DAY_NS)

    assert later.get(A, NOW + 2 * DAY_NS) is None
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_oldest_pieces_make_room(tmp_path):
    kept = opened(tmp_path, max_bytes=2500)
    for key in (A, B, C):
        kept.put(key, bytes(1000), NOW)

    assert (kept.get(A, NOW), kept.get(B, NOW), kept.get(C, NOW)) == (None, bytes(1000), bytes(1000))
    assert kept.stats.bytes == 2000


def test_a_file_that_somebody_cut_is_not_spoken(tmp_path):
    kept = opened(tmp_path)
    kept.put(A, bytes(1000), NOW)
    (tmp_path / "cache" / f"{A}.piece").write_bytes(bytes(10))

    assert kept.get(A, NOW) is None
    assert kept.stats.entries == 0


def test_files_that_are_no_pieces_are_removed_and_links_are_not_followed(tmp_path):
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / "half.123.half").write_bytes(b"x")
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret!!")
    (folder / f"{A}.piece").symlink_to(secret)
    kept = opened(tmp_path)

    assert kept.get(A, NOW) is None
    assert secret.exists()
    assert not (folder / "half.123.half").exists()


def test_a_disk_that_can_not_be_written_is_said_and_nothing_breaks(tmp_path):
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    kept = opened(tmp_path)

    assert kept.broken
    assert not kept.put(A, bytes(100), NOW)
    assert kept.get(A, NOW) is None


def test_clear_removes_every_file(tmp_path):
    kept = opened(tmp_path)
    kept.put(A, bytes(100), NOW)
    kept.put(B, bytes(100), NOW)

    assert kept.clear() == 2
    assert list((tmp_path / "cache").iterdir()) == []
