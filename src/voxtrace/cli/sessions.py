"""`voxtrace sessions [ID]`: conversations as a whole, and what changes while one goes on."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any, ClassVar

from voxtrace.analysis.choosing import Choosing
from voxtrace.analysis.filters import read_filter
from voxtrace.analysis.kv_reuse import PromptText, prompt_text
from voxtrace.analysis.session_turns import session_turns
from voxtrace.analysis.sessions import explained, first_requests
from voxtrace.cli.arguments import from_one, hours
from voxtrace.cli.asked_turns import hours_ago, latest, where_argument
from voxtrace.cli.patience import Patience
from voxtrace.cli.reading import open_for_reading, terminal
from voxtrace.cli.session_pages import (
    MOST_TURNS,
    Looking,
    bundle_pages,
    bundles,
    first_place,
    fitting,
    one_session,
    read_session,
)
from voxtrace.clock import wall_ns
from voxtrace.reports.choice_report import choice_to_json, choice_words
from voxtrace.reports.html_report import sections_to_html
from voxtrace.reports.sections import Section, sections_to_markdown, sections_to_terminal
from voxtrace.reports.session_json import explained_to_json, list_to_json
from voxtrace.reports.session_report import LIST_METHOD, METHOD, Listed, list_sections, session_sections
from voxtrace.reports.words import counted
from voxtrace.store import SessionQuery, SqliteStore

SHOWN = 20
WINDOW = 1000  # newest sessions among which `--slow` and `--where` look, unless --last says otherwise
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
  voxtrace sessions --slow                those in which somebody waited longest
  voxtrace sessions --where engine=kokoro,cache=miss        of such turns alone
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
            help=f"look at the newest N sessions (default {SHOWN}; with --slow or --where {WINDOW:,}), or of one at "
            "its newest N turns",
        )
        where_argument(parser)
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
    where = read_filter(args.where, now)
    row = one_session(store, args.id)
    session, pages = read_session(store, row, most, now, where)
    choosing = Choosing(where)
    for page in pages:
        choosing.rows(page)
    choice = choosing.choice()
    turns = session_turns(pages, first_place=first_place(row, most), now_wall_ns=now)
    texts = _texts(store, [turn.request_id for turn in turns if turn.population.kind == "conversation"][-MOST_TEXTS:])
    found = explained(session, turns, texts, None if where.is_all else fitting(pages, where))
    # Of twenty thousand turns the JSON takes as much memory as the turns.
    told = explained_to_json(found) | {"filter": choice_to_json(choice)} if args.format == "json" else {}
    return told, list(session_sections(found, choice_words(choice)))


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
    where = read_filter(args.where, now)
    is_searched = args.slow or not where.is_all
    since = latest(hours_ago(args.hours, now), where.since_wall_ns)
    rows = store.sessions(SessionQuery(limit=args.last or (WINDOW if is_searched else SHOWN), since_wall_ns=since))
    looked_at, choice = len(rows), None
    looking = Looking(where)
    if is_searched:
        with Patience("reading sessions") as patience:
            read = 0
            for bundle in bundles(rows):
                for page in bundle_pages(store, bundle):
                    looking.add(page)
                read += len(bundle)
                patience.at(read, len(rows))
        choice = looking.choice()
        rows = looking.longest_first(rows) if args.slow else rows
        rows = looking.with_turns(rows)
    found, rows = len(rows), rows[:SHOWN] if is_searched else rows
    with Patience("reading sessions") as patience:
        sessions = []
        for row in rows:
            sessions.append(read_session(store, row, MOST_TURNS, now, where)[0])
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
        filtered="" if choice is None or where.is_all else f"{choice_words(choice)}, in {counted(found, 'session')}",
    )
    width = ID_WIDTH if args.format == "terminal" else None
    told = list_to_json(listed)
    if choice is not None:
        told["filter"] = choice_to_json(choice) | {"sessions": found}
    return told, list(list_sections(listed, width))
