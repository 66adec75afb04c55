"""`voxtrace prune`: forget old requests now."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import ClassVar

from msgspec.structs import asdict

from voxtrace.clock import wall_ns
from voxtrace.config import load_settings
from voxtrace.store import Pruned, Retention, open_store
from voxtrace.store.connection import require_store
from voxtrace.units import NANOS_PER_SECOND

NANOS_PER_DAY = 86_400 * NANOS_PER_SECOND
BYTES_PER_MIB = 1024 * 1024


class PruneCommand:
    """Forgets what is older or more than is to be kept."""

    name: ClassVar[str] = "prune"
    details: ClassVar[str] = """\
`voxtrace watch` does it by itself, with the settings keep_days and keep_mib. Whole requests are forgotten,
the oldest first, with their events and numbers; what happened to every event stays in the accounts.

  voxtrace prune                 with the settings
  voxtrace prune --days 7
  voxtrace prune --mib 100
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, metavar="N", help="forget requests that ended more than N days ago")
        parser.add_argument("--mib", type=int, metavar="N", help="forget the oldest until the store is under N MiB")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, args: Namespace) -> int:
        require_store(args.data)
        settings = load_settings(args.data, {"keep_days": args.days, "keep_mib": args.mib})
        retention = Retention(
            older_than_wall_ns=wall_ns() - settings["keep_days"].value * NANOS_PER_DAY,
            max_bytes=settings["keep_mib"].value * BYTES_PER_MIB,
        )
        store = open_store(args.data, durability=settings["durability"].value)
        try:
            pruned = store.prune(retention)
        finally:
            store.close()
        print(json.dumps(asdict(pruned), indent=2) if args.json else to_text(pruned))
        return 0


def to_text(pruned: Pruned) -> str:
    """What was forgotten, in a sentence or two."""
    size = f"the store holds {pruned.bytes_after / BYTES_PER_MIB:.1f} MiB"
    if not pruned.requests:
        return f"nothing to forget; {size}"
    lost = ""
    if pruned.unmeasured:
        lost = f"\n{pruned.unmeasured} of them had not been measured; `voxtrace watch` measures as events come in"
    before = pruned.bytes_before / BYTES_PER_MIB
    return f"forgot {pruned.requests} requests of {pruned.events} events; {size}, {before:.1f} before{lost}"
