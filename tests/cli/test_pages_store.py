"""What the dashboard reads from."""

from __future__ import annotations

from pathlib import Path

from voxtrace.cli.pages_store import PagesStore
from voxtrace.clock import wall_ns
from voxtrace.events import Event
from voxtrace.store import RequestQuery, open_store


def event(request_id: str) -> Event:
    return Event(request_id, "stt", "speech_end", wall_ns(), f"{request_id}/1")


def test_pages_see_what_another_connection_stores(tmp_path: Path):
    store = open_store(tmp_path)
    pages = PagesStore(tmp_path, store.accounts)
    store.append([event("one")])

    assert [row.request_id for row in pages.recent(RequestQuery())] == ["one"]
    assert list(pages.events_of(["one"])) == ["one"]
    assert pages.accounts().stored == 1
    pages.close()
    store.close()


def test_pages_read_the_new_file_after_a_damaged_one_was_moved_aside(tmp_path: Path):
    store = open_store(tmp_path)
    store.append([event("old")])
    pages = PagesStore(tmp_path, store.accounts)
    store.begin_again()
    store.append([event("new")])

    assert [row.request_id for row in pages.requests(["old", "new"])] == ["new"]
    pages.close()
    store.close()
