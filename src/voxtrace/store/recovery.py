"""Opening a store that may be damaged, for the one process that owns the folder."""

from __future__ import annotations

from pathlib import Path

from voxtrace.clock import Clock, SystemClock
from voxtrace.config import prepare_data_folder
from voxtrace.store.connection import STORE_NAME, Durability, move_aside
from voxtrace.store.errors import StoreCorrupt
from voxtrace.store.sqlite import SqliteStore


def open_or_begin_again(
    folder: Path, *, durability: Durability = "normal", clock: Clock | None = None
) -> tuple[SqliteStore, str]:
    """Open the store of a folder; a damaged file is moved aside, never deleted, and a new one begun.

    Only for who holds the folder: others may have the damaged file open.

    Returns:
        The store, and what a person should know about its opening, or "".

    Raises:
        DataFolderUnusable: the folder can't be created or written.
        StoreError: the store can't be opened, for another reason than damage.
    """
    clock = clock or SystemClock()
    path = prepare_data_folder(folder) / STORE_NAME
    try:
        return SqliteStore(path, durability=durability, clock=clock), ""
    except StoreCorrupt as damage:
        notice = told_of_damage(damage, move_aside(path, clock.wall_ns()))
    return SqliteStore(path, durability=durability, clock=clock), notice


def told_of_damage(damage: StoreCorrupt, aside: Path) -> str:
    """What a person should know."""
    return f"{damage.path} was damaged ({damage.why}): it was moved to {aside}, and a new one begun"
