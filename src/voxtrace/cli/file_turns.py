"""Files of other tools as a source of turns: read and measured now, and kept nowhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import tzinfo

from msgspec.structs import replace

from voxtrace.analysis import Measured
from voxtrace.analysis.cases import Case, cases_at_hand
from voxtrace.analysis.columns import Columns
from voxtrace.cli.asked_turns import AskedTurns
from voxtrace.cli.import_progress import Progress
from voxtrace.cli.import_summary import read_to_text
from voxtrace.cli.patience import Patience
from voxtrace.cli.small_records import no_search_for_cycles
from voxtrace.collector.held.batch import HeldTurn
from voxtrace.collector.held.events import Held
from voxtrace.collector.importing import FileReport, Importing
from voxtrace.collector.reading import ReadOptions
from voxtrace.collector.sources import find_sources
from voxtrace.errors import VoxtraceError
from voxtrace.store import Accounts

# Events that are read before they are handed on: 20 ms of work, so that whoever measures need not wait.
PIECE_EVENTS = 4_000
# All cores measure already; one more process that reads ahead would cost more than it saves.
NEVER_AHEAD = 2**62


class NothingRead(VoxtraceError):
    """None of the files holds an event."""

    def __init__(self) -> None:
        super().__init__("not one event was read from these files; the reasons stand above")


class FileTurns:
    """Turns of files."""

    def __init__(self, paths: Sequence[str], zone: tzinfo | None) -> None:
        """Read and measure all. What became of each file is told on stderr, because stdout is for the report.

        Raises:
            NothingRead: there is no event in them.
            TooMuchToHold: there are too many.
        """
        self._held = Held()
        reports: list[FileReport] = []
        try:
            run = Importing(self._held, ReadOptions(zone=zone, ahead_bytes=NEVER_AHEAD), PIECE_EVENTS)
            with Progress() as progress, no_search_for_cycles():
                reports.extend(run.read_all(find_sources(paths), progress.opened, progress.read))
            with Patience("measuring turns") as patience, no_search_for_cycles():
                self._held.finish(patience.at)
        finally:
            self._held.close()
            print(f"{read_to_text(reports)}; nothing was kept", file=sys.stderr)
        if not any(report.read for report in reports):
            raise NothingRead

    def close(self) -> None:
        """Nothing is open any more."""

    def pages(self, asked: AskedTurns) -> Iterator[Columns]:
        """See `TurnSource`."""
        return self._held.pages(asked.query, asked.most)

    def cases(self, request_ids: Sequence[str]) -> list[Case]:
        """See `TurnSource`."""
        return cases_at_hand(
            [
                replace(held.turn, started_wall_ns=held.started_wall_ns, session_id=held.session_id)
                for held in self._held.turns(request_ids)
            ]
        )

    def turns(self, request_ids: Sequence[str]) -> Sequence[Measured]:
        """See `TurnSource`."""
        found = sorted(self._held.turns(request_ids), key=_listed, reverse=True)
        return [held.turn for held in found]

    def accounts(self) -> Accounts:
        """See `TurnSource`."""
        return self._held.accounts()


def _listed(held: HeldTurn) -> tuple[int, str]:
    return held.started_wall_ns, held.turn.request_id
