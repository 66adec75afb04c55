"""THE MEMORY: events as the only truth, and what was derived from them."""

from __future__ import annotations

from pathlib import Path

from voxtrace.clock import Clock
from voxtrace.config import prepare_data_folder
from voxtrace.store.connection import STORE_NAME, Durability
from voxtrace.store.ports import (
    Accounts,
    Appended,
    Derived,
    Position,
    Pruned,
    Record,
    RecordRow,
    Rejected,
    RequestQuery,
    RequestRow,
    Retention,
    SessionCounts,
    SessionQuery,
    SessionRow,
    Store,
)
from voxtrace.store.sqlite import SqliteStore

__all__ = [
    "Accounts",
    "Appended",
    "Derived",
    "Position",
    "Pruned",
    "Record",
    "RecordRow",
    "Rejected",
    "RequestQuery",
    "RequestRow",
    "Retention",
    "SessionCounts",
    "SessionQuery",
    "SessionRow",
    "SqliteStore",
    "Store",
    "open_store",
]


def open_store(
    folder: Path, *, readonly: bool = False, durability: Durability = "normal", clock: Clock | None = None
) -> SqliteStore:
    """The store of a data folder; created there unless `readonly`.

    Raises:
        DataFolderUnusable: the folder can't be created or written.
        StoreError: the store can't be opened; the class says why.
    """
    if not readonly:
        prepare_data_folder(folder)
    return SqliteStore(folder / STORE_NAME, readonly=readonly, durability=durability, clock=clock)
