"""Opening a store: schemas, damage, folders that can't be written, and who may only read."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.store.build import event, turn
from voxtrace.errors import DataFolderUnusable
from voxtrace.store import RequestQuery, Retention, SqliteStore, open_store
from voxtrace.store import sqlite as sqlite_store
from voxtrace.store.connection import transaction
from voxtrace.store.errors import StoreBusy, StoreCorrupt, StoreMissing, StoreTooNew, StoreUnwritable
from voxtrace.store.recovery import open_or_begin_again
from voxtrace.store.schema import MIGRATIONS, migrate, version_of

NEXT = (*MIGRATIONS, ("CREATE TABLE later(id INTEGER) STRICT", "INSERT INTO later VALUES (1)"))
HALF = (*MIGRATIONS, ("CREATE TABLE later(id INTEGER) STRICT", "INSERT INTO nowhere VALUES (1)"))


@pytest.fixture
def path(tmp_path):
    store = open_store(tmp_path)
    store.append(turn("r1", 3))
    store.close()
    return store.path


@pytest.fixture
def db(path):
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


def tables(db):
    return {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_an_older_store_is_brought_to_the_newest_schema_and_a_copy_is_kept(db, path):
    backup = migrate(db, path, NEXT)

    assert version_of(db) == len(NEXT)
    assert "later" in tables(db)
    copy = sqlite3.connect(backup)
    assert copy.execute("SELECT COUNT(*) FROM events").fetchone() == (3,)
    assert version_of(copy) == len(MIGRATIONS)
    assert backup.stat().st_mode & 0o077 == 0
    copy.close()


def test_a_migration_that_fails_half_way_leaves_the_store_as_it_was(db, path):
    with pytest.raises(sqlite3.OperationalError):
        migrate(db, path, HALF)

    assert version_of(db) == len(MIGRATIONS)
    assert "later" not in tables(db)
    assert migrate(db, path, NEXT) is not None
    assert "later" in tables(db)


def test_a_store_of_the_newest_schema_is_left_alone(db, path):
    assert migrate(db, path) is None
    assert not list(path.parent.glob("*.backup"))


def test_two_processes_that_migrate_at_once_do_it_once(db, path):
    other = sqlite3.connect(path, isolation_level=None)
    migrate(db, path, NEXT)
    migrate(other, path, NEXT)

    assert other.execute("SELECT COUNT(*) FROM later").fetchone() == (1,)
    other.close()


def test_a_store_of_a_newer_voxtrace_is_refused_and_not_touched(db, path):
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    for readonly in (False, True):
        with pytest.raises(StoreTooNew, match="update Voxtrace"):
            open_store(path.parent, readonly=readonly)

    assert version_of(db) == len(MIGRATIONS) + 1


def test_reading_where_there_is_no_store_says_what_to_do_and_makes_none(tmp_path):
    with pytest.raises(StoreMissing, match="voxtrace up"):
        open_store(tmp_path, readonly=True)

    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_no_store_to_read(tmp_path):
    (tmp_path / "voxtrace.db").touch()
    with pytest.raises(StoreMissing):
        open_store(tmp_path, readonly=True)


def test_a_reader_can_not_write(path):
    store = open_store(path.parent, readonly=True)
    with pytest.raises(TypeError, match="read only"):
        store.append([event(9)])
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store._reader.execute("DELETE FROM events")

    assert len(store.events_of(["r1"])["r1"]) == 3
    store.close()


def test_a_reader_sees_what_another_process_stores_meanwhile(path):
    reader, writer = open_store(path.parent, readonly=True), open_store(path.parent)
    writer.append([event(9, "r2")])
    seen = [row.request_id for row in reader.recent(RequestQuery())]
    writer.close()
    reader.close()

    assert seen == ["r2", "r1"]


DAMAGES = {
    "zeroed header": lambda content: bytes(100) + content[100:],
    "no store at all": lambda content: b"hello, I am a text file" * 1000,
    "cut in the middle of the schema": lambda content: content[:4096],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_store_is_moved_aside_by_its_owner_and_a_new_one_begun(path, damage):
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    with pytest.raises(StoreCorrupt, match="moves it aside"):
        open_store(path.parent)
    assert path.read_bytes() == damaged

    store, notice = open_or_begin_again(path.parent)
    store.append([event(0)])
    store.close()

    (aside,) = path.parent.glob("voxtrace.db.damaged-*Z")
    assert aside.read_bytes() == damaged
    assert str(aside) in notice


def test_a_store_that_is_damaged_twice_in_a_second_loses_neither_file(path):
    for _ in range(2):
        path.write_bytes(b"hello" * 1000)
        open_or_begin_again(path.parent)[0].close()

    assert len(list(path.parent.glob("voxtrace.db.damaged-*"))) == 2


def test_a_sound_store_is_opened_without_a_notice(path):
    store, notice = open_or_begin_again(path.parent)
    store.close()

    assert notice == ""


def test_a_data_folder_that_is_a_file_is_told_at_the_start(tmp_path):
    (tmp_path / "data").touch()
    with pytest.raises(DataFolderUnusable, match="--data DIR"):
        open_store(tmp_path / "data")


def test_a_store_that_is_a_folder_is_told_at_the_start(tmp_path):
    (tmp_path / "voxtrace.db").mkdir()
    with pytest.raises(StoreUnwritable, match="can't be written"):
        open_store(tmp_path)


def test_only_the_owner_may_read_the_store_and_the_log_beside_it(tmp_path):
    tmp_path.chmod(0o755)  # a folder of the user's own choice
    store = open_store(tmp_path)
    store.append([event(1)])
    names = {each.name: each.stat().st_mode & 0o077 for each in tmp_path.iterdir()}
    store.close()

    assert names == {"voxtrace.db": 0, "voxtrace.db-wal": 0, "voxtrace.db-shm": 0}


def test_a_writer_that_waits_in_vain_says_so_and_has_stored_nothing(path):
    store = SqliteStore(path, busy_timeout_s=0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    with transaction(holder), pytest.raises(StoreBusy, match="try again"):
        store.append([event(9)])
    store.append([event(10)])
    holder.close()
    seqs = [each.seq for each in store.events_of(["r1"])["r1"]]
    store.close()

    assert seqs == [0, 1, 2, 10]


def test_what_was_forgotten_is_given_back_to_the_disk(path):
    store = open_store(path.parent)
    store.append([event(n, f"r{n}", metadata={"t": "x" * 3000}) for n in range(1000)])
    store.close()
    full = path.stat().st_size
    store = open_store(path.parent)
    pruned = store.prune(Retention(max_bytes=500_000))
    store.close()

    assert full > 3_000_000
    assert 400_000 < pruned.bytes_after <= 500_000
    assert path.stat().st_size <= pruned.bytes_after + 50_000


def test_words_of_a_batch_that_was_not_stored_are_given_out_again(path):
    store = open_store(path.parent)
    store._writer.execute(f"PRAGMA max_page_count = {store._writer.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(Exception, match="can't grow"):
        store.append([event(n, "big", name="NEW WORD", metadata={"t": "x" * 3000}) for n in range(100)])
    store._writer.execute("PRAGMA max_page_count = 100000")
    store.append([event(50, "big", name="NEW WORD")])
    (found,) = store.events_of(["big"])["big"]
    store.close()

    assert found.name == "NEW WORD"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are listed by Linux only")
def test_a_store_that_opens_only_half_leaves_no_file_open(tmp_path, monkeypatch):
    def refuse(path, busy_timeout_s):
        raise StoreBusy(path)

    monkeypatch.setattr(sqlite_store, "open_reader", refuse)
    with pytest.raises(StoreBusy) as kept:
        open_store(tmp_path)
    left_open = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.exists()]

    assert kept.value.path.parent == tmp_path  # its traceback holds on to the half-open store
    assert [each for each in left_open if str(tmp_path) in each] == []
