"""`voxtrace recompute`: derive every number again from the stored events."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import ClassVar

from rich.console import Console
from rich.progress import Progress

from voxtrace.cli.small_records import no_search_for_cycles
from voxtrace.collector import recompute
from voxtrace.store import open_store
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
                done = recompute(store, lambda done, total: shown.update(task, completed=done, total=total))
        finally:
            store.close()
        print(f"{done} turns derived again")
        return 0
