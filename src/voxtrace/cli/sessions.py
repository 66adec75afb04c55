"""`voxtrace sessions [ID]`: conversations as a whole, and what changes while one goes on."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any, ClassVar

from voxtrace.analysis.kv_reuse import PromptText, prompt_text
from voxtrace.analysis.session_turns import session_turns
from voxtrace.analysis.sessions import explained, first_requests
from voxtrace.cli.arguments import from_one, hours
from voxtrace.cli.patience import Patience
from voxtrace.cli.reading import open_for_reading, terminal
from voxtrace.cli.session_pages import (
    MOST_TURNS,
    LongestWaits,
    bundle_pages,
    bundles,
    first_place,
    one_session,
    read_session,
)
from voxtrace.clock import wall_ns
from voxtrace.reports.html_report import sections_to_html
from voxtrace.reports.session_json import explained_to_json, list_to_json
from voxtrace.reports.session_report import (
    LIST_METHOD,
    METHOD,
    Listed,
    Section,
    list_sections,
    sections_to_markdown,
    sections_to_terminal,
    session_sections,
)
from voxtrace.reports.words import counted
from voxtrace.store import SessionQuery, SessionRow, SqliteStore
from voxtrace.units import NANOS_PER_SECOND

SHOWN = 20
SLOW_WINDOW = 1000  # newest sessions among which `--slow` looks, unless --last says otherwise
ID_WIDTH = 18  # of a session in a terminal's list
TEXTS_AT_ONCE = 200
MOST_TEXTS = 2000  # turns whose events are read for the text of their prompts


class SessionsCommand:
    """Lists sessions, or explains one."""

    name: ClassVar[str] = "sessions"
    details: ClassVar[str] = """\
A number that is not known is said so in words and is never 0. Cold turns, warm turns and the first turn of a session
are never mixed in one number. docs/sessions.md tells how each is found.

  voxtrace sessions
  voxtrace sessions --slow                those in which somebody waited longest, of the newest 1000
  voxtrace sessions kitchen               one session; a piece of its id will do, or `last`
  voxtrace sessions last --json | jq '.populations[0].trends'
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "id", nargs="?", help="session id, a piece of one that no other has, or `last` for the newest"
        )
        parser.add_argument(
            "--last",
            type=from_one,
            metavar="N",
            help=f"look at the newest N sessions (default {SHOWN}), or of one session at its newest N turns",
        )
        parser.add_argument("--hours", type=hours, metavar="H", help="only sessions with a turn in the last H hours")
        parser.add_argument(
            "--slow", action="store_true", help=f"the {SHOWN} in which somebody waited longest, that one first"
        )
        parser.add_argument(
            "--format", choices=("terminal", "markdown", "html", "json"), default="terminal", help="how to print"
        )
        parser.add_argument(
            "--json", dest="format", action="store_const", const="json", help="the same as --format json"
        )

    def run(self, args: Namespace) -> int:
        store = open_for_reading(args.data)
        try:
            if args.id is not None:
                told, sections = _one(store, args)
                method = METHOD
            else:
                told, sections = _all(store, args)
                method = LIST_METHOD
        finally:
            store.close()
        if args.format == "json":
            print(json.dumps(told, indent=2))
        elif args.format == "html":
            print(sections_to_html(sections, method), end="")
        elif args.format == "markdown":
            print(sections_to_markdown(sections, method), end="")
        elif args.id is None and not told["sessions"]:
            print(_nothing(told["turns_without_session"]))
        else:
            terminal().print(sections_to_terminal(sections, method))
        return 0


def _nothing(without: int) -> str:
    if without:
        told = counted(without, "turn")
        return f"no sessions in that range; {told} without one (the session_id of an event says to which it belongs)"
    return "no sessions in that range; they come with events that name a session_id, or with voxtrace import FILE"


def _one(store: SqliteStore, args: Namespace) -> tuple[dict[str, Any], list[Section]]:
    now, most = wall_ns(), args.last or MOST_TURNS
    row = one_session(store, args.id)
    session, pages = read_session(store, row, most, now)
    turns = session_turns(pages, first_place=first_place(row, most), now_wall_ns=now)
    texts = _texts(store, [turn.request_id for turn in turns if turn.population.kind == "conversation"][-MOST_TEXTS:])
    found = explained(session, turns, texts)
    # Of twenty thousand turns the JSON takes as much memory as the turns.
    return explained_to_json(found) if args.format == "json" else {}, list(session_sections(found))


def _texts(store: SqliteStore, request_ids: Sequence[str]) -> dict[str, PromptText]:
    found: dict[str, PromptText] = {}
    with Patience("reading prompts") as patience:
        for begin in range(0, len(request_ids), TEXTS_AT_ONCE):
            for request_id, events in store.events_of(request_ids[begin : begin + TEXTS_AT_ONCE]).items():
                text = prompt_text(events)
                if text is not None:
                    found[request_id] = text
            patience.at(begin)
    return found


def _all(store: SqliteStore, args: Namespace) -> tuple[dict[str, Any], list[Section]]:
    now = wall_ns()
    since = None if args.hours is None else now - int(args.hours * 3600 * NANOS_PER_SECOND)
    window = args.last or (SLOW_WINDOW if args.slow else SHOWN)
    rows = store.sessions(SessionQuery(limit=window, since_wall_ns=since))
    looked_at = len(rows)
    if args.slow:
        rows = _slowest(store, rows)[:SHOWN]
    with Patience("reading sessions") as patience:
        sessions = []
        for row in rows:
            sessions.append(read_session(store, row, MOST_TURNS, now)[0])
            patience.at(len(sessions), len(rows))
    counts = store.session_counts()
    listed = Listed(
        sessions=sessions,
        in_store=counts.sessions,
        turns=counts.turns,
        without=counts.without,
        looked_at=looked_at,
        is_slowest=args.slow,
        firsts=first_requests(sessions),
    )
    width = ID_WIDTH if args.format == "terminal" else None
    return list_to_json(listed), list(list_sections(listed, width))


def _slowest(store: SqliteStore, rows: Sequence[SessionRow]) -> list[SessionRow]:
    waits, read = LongestWaits(), 0
    with Patience("reading sessions") as patience:
        for bundle in bundles(rows):
            for page in bundle_pages(store, bundle):
                waits.add(page)
            read += len(bundle)
            patience.at(read, len(rows))
    return waits.longest_first(rows)
