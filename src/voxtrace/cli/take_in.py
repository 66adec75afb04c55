"""What `voxtrace watch` does all the time, where none runs: who looks wants to see what happened, and soon."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from voxtrace.cli.folder_lock import only_one
from voxtrace.cli.patience import Patience
from voxtrace.errors import DataFolderInUse, VoxtraceError
from voxtrace.store import open_store

SPOOL = "spool"


def take_in_spool(folder: Path) -> None:
    """Move the events that wait in the folder's spool into its store, unless a `watch` is at it.

    Where that can't be done, it is said on stderr how many events the numbers that follow are without.
    """
    spool = folder / SPOOL
    if not any(spool.glob("*.jsonl")):
        return
    # 30 ms to load, and seldom needed.
    from voxtrace.collector.collector import Collector
    from voxtrace.collector.spool import count_waiting

    try:
        with only_one(folder, "watch"):
            store = open_store(folder)
            try:
                collector = Collector(store, folder)
                with Console(stderr=True).status("taking in the events that wait in the spool"):
                    while (tick := collector.tick()).events or tick.rejected:
                        pass
            finally:
                store.close()
    except DataFolderInUse:
        return  # a `watch` does it
    except (VoxtraceError, OSError) as why:
        waiting = count_waiting(spool, {})
        print(f"voxtrace: up to {waiting} events wait in {spool} and are not in what follows: {why}", file=sys.stderr)


def keep_numbers(folder: Path) -> None:
    """Work out the numbers of all turns that have none, and keep them, unless a `watch` is at it.

    Where that can't be done nothing is said: who reads works out what is not kept.
    """
    from concurrent.futures.process import BrokenProcessPool

    from voxtrace.collector.measure_apart import measure_apart

    try:
        with only_one(folder, "watch"):
            store = open_store(folder)
            try:
                with Patience("measuring turns") as patience:
                    measure_apart(store, folder, patience.at)
            finally:
                store.close()
    except (VoxtraceError, OSError, BrokenProcessPool):
        return
