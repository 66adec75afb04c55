"""`voxtrace recompute`: derive every number again from the stored events."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from rich.console import Console
from rich.progress import Progress

from voxtrace.cli.reading import MANY
from voxtrace.cli.small_records import no_search_for_cycles
from voxtrace.collector.measure import measure, recompute
from voxtrace.store import RequestQuery, Store, open_store
from voxtrace.store.connection import require_store


class RecomputeCommand:
    """Derives all turns again."""

    name: ClassVar[str] = "recompute"
    details: ClassVar[str] = """\
Events are the only truth in the store; what was derived from them can be forgotten and derived again
at any time, with the same result. It may run while `voxtrace up` does.

  voxtrace recompute
"""

    def arguments(self, parser: ArgumentParser) -> None:
        """It takes none of its own."""

    def run(self, args: Namespace) -> int:
        require_store(args.data)
        store = open_store(args.data)
        try:
            with Progress(console=Console(stderr=True), transient=True) as shown, no_search_for_cycles():
                task = shown.add_task("turns", total=None)
                done = _recompute(store, args.data, lambda done, total: shown.update(task, completed=done, total=total))
        finally:
            store.close()
        print(f"{done} turns derived again")
        return 0


def _recompute(store: Store, folder: Path, on_progress: Callable[[int, int], None]) -> int:
    """By as many processes as there are cores where the turns are many; few are done before those have started."""
    if not _are_many(store):
        return recompute(store, on_progress)
    from concurrent.futures.process import BrokenProcessPool

    from voxtrace.collector.measure_apart import measure_apart  # with what starts processes, for those who need it

    total, derived = store.forget_derived(), 0

    def on_derived(done: int) -> None:
        nonlocal derived
        derived = done
        on_progress(done, max(done, total))

    on_derived(0)
    try:
        return measure_apart(store, folder, on_derived)
    except (
        BrokenProcessPool
    ):  # one was killed, as where memory runs out; what is stored stays, and the rest is done here
        return derived + len(measure(store))


def _are_many(store: Store) -> bool:
    return len(store.recent(RequestQuery(limit=MANY))) == MANY
