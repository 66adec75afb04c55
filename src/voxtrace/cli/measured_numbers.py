"""What the speech server answers when it is asked how fast it was: read from the store, computed by analysis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from voxtrace.clock import wall_ns
from voxtrace.errors import VoxtraceError

NEWEST = 200  # requests: enough for a p95, and read in some milliseconds


class NothingMeasured(VoxtraceError):
    """There is no store to read from."""

    def __init__(self, why: str) -> None:
        super().__init__(f"no numbers yet: {why}; `voxtrace watch` or `voxtrace up` measures what this server notes")
        self.why = why


def measured_numbers(folder: Path) -> dict[str, Any]:
    """A summary of the newest requests in the store of a data folder.

    What still waits in the spool is not taken in: that is the work of `voxtrace watch`, and `to` says up to when
    the numbers go.

    Raises:
        NothingMeasured: there is no store yet, or it can't be read.
    """
    # Loaded on the first question: a server that nobody asks does not pay for it.
    from voxtrace.analysis.summary import summarize
    from voxtrace.cli.reading import measured_turns
    from voxtrace.reports.json_report import summary_to_json
    from voxtrace.store import open_store
    from voxtrace.store.errors import StoreError
    from voxtrace.store.ports import RequestQuery

    try:
        store = open_store(folder, readonly=True)
    except StoreError as why:
        raise NothingMeasured(str(why)) from why
    try:
        turns = measured_turns(store, store.recent(RequestQuery(limit=NEWEST)))
        return summary_to_json(summarize(turns, wall_ns()))
    finally:
        store.close()
