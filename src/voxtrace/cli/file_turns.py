"""Files of other tools as a source of turns: read and measured now, and kept nowhere."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from pathlib import PurePath

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
from voxtrace.collector.held.turns import HeldTurns
from voxtrace.collector.importing import FileReport, Importing
from voxtrace.collector.reading import ReadOptions
from voxtrace.collector.sources import STANDARD_INPUT, find_sources
from voxtrace.errors import VoxtraceError
from voxtrace.reports.words import counted, point_in_time
from voxtrace.store import Accounts

# Events that are read before they are handed on: 20 ms of work, so that whoever measures need not wait.
PIECE_EVENTS = 4_000
# All cores measure already; one more process that reads ahead would cost more than it saves.
NEVER_AHEAD = 2**62
SESSIONS_NAMED = 5


class NothingRead(VoxtraceError):
    """None of the files holds an event."""

    def __init__(self, missing: Sequence[str]) -> None:
        """`missing` are paths at which there is nothing."""
        told = "not one event was read from these files; the reasons stand above"
        if missing:
            # Whoever thinks of `voxtrace show ID` may have typed the name of a session.
            session = missing[0] if not PurePath(missing[0]).suffix and "/" not in missing[0] else "ID"
            told += (
                "\nPATH is a log to read now; a session of the data folder is asked for with: "
                f"voxtrace report --session {shlex.quote(session)}"
            )
        super().__init__(told)
        self.missing = tuple(missing)


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
            raise NothingRead([path for path in paths if path != STANDARD_INPUT and not os.path.lexists(path)])
        if _are_one_screen():
            print(file=sys.stderr)

    def close(self) -> None:
        """Nothing is open any more."""

    def pages(self, asked: AskedTurns) -> Iterator[Columns]:
        """See `TurnSource`."""
        is_empty = True
        for page in self._held.pages(asked.query, asked.most):
            is_empty = False
            yield page
        if is_empty and (held := _held_words(self._held.all_turns)):
            print(held, file=sys.stderr)

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


def _are_one_screen() -> bool:
    """Whether a person sees what goes to stderr right above the report."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdout, sys.stderr))


def _held_words(turns: HeldTurns) -> str:
    """What there would be, for who asked for a session or a time of which there is nothing."""
    span, sessions = turns.span_wall_ns(), turns.session_ids()
    if span is None:
        return ""
    first, last = (point_in_time(wall_ns) for wall_ns in span)
    told = f"these files hold {counted(len(turns), 'turn')} from {first} to {last}"
    if not sessions:
        return f"{told}, of no session"
    more = f" and {len(sessions) - SESSIONS_NAMED:,} more" if len(sessions) > SESSIONS_NAMED else ""
    return f"{told}, of {counted(len(sessions), 'session')}: {', '.join(map(repr, sessions[:SESSIONS_NAMED]))}{more}"


def _listed(held: HeldTurn) -> tuple[int, str]:
    return held.started_wall_ns, held.turn.request_id
