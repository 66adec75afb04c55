"""`voxtrace conversation [ID]`: one turn told from its targets to what the user heard."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from voxtrace.analysis import Turn
from voxtrace.analysis.crowds import MAX_EVENTS_OF_A_TURN
from voxtrace.cli.budgets import budget_arguments, budgets_asked
from voxtrace.cli.reading import UnknownRequest, one_turn, open_for_reading, terminal, turns_with_progress
from voxtrace.errors import EXIT_FAIL, InvalidOption, VoxtraceError
from voxtrace.judge.turn_story import TurnStory, tell
from voxtrace.reports.conversation_html import story_to_html
from voxtrace.reports.conversation_report import (
    slowest,
    stories_to_json,
    story_to_json,
    story_to_markdown,
    story_to_terminal,
)
from voxtrace.reports.session_story import session_sections
from voxtrace.store import RequestQuery, SqliteStore

LOOKED_THROUGH = 20_000  # newest requests, for one that is a turn of a conversation
MOST_TURNS = 1_000  # of a session


class NoConversation(VoxtraceError):
    """Nothing in the store is a turn of a conversation."""

    def __init__(self, session_id: str | None) -> None:
        where = f"in session {session_id!r}" if session_id else f"among the newest {LOOKED_THROUGH:,} requests"
        super().__init__(f"no turn of a conversation {where}; `voxtrace requests` lists what there is, by its ID")
        self.session_id = session_id


class ConversationCommand:
    """Tells one turn, or the turns of a session."""

    name: ClassVar[str] = "conversation"
    details: ClassVar[str] = """\
Without an id it is the newest turn of a conversation. Of a session all turns are judged, and the one in which
somebody waited longest is told. With --budget the exit code is 1 unless every line is kept.

  voxtrace conversation
  voxtrace conversation 4bf92f35 --html turn.html       one file, without any network
  voxtrace conversation --session S1 --markdown > session.md
  voxtrace conversation last --budget mine.toml --json | jq '.root_cause'
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "id", nargs="?", help="request id, or a piece of one that no other has (default: the newest)"
        )
        parser.add_argument("--session", metavar="ID", help="all turns of this session, and the slowest of them told")
        budget_arguments(parser)
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--markdown", action="store_true", help="print markdown")
        form.add_argument("--json", action="store_true", help="print JSON")
        form.add_argument("--html", type=Path, metavar="FILE", help="write a page that needs nothing else")

    def run(self, args: Namespace) -> int:
        if args.id and args.session:
            raise InvalidOption("session", args.session, f"give either a session or the id of one turn ({args.id})")
        profiles = budgets_asked(args.budget)
        store = open_for_reading(args.data)
        try:
            turns = _turns(store, args)
        finally:
            store.close()
        stories = [tell(turn, profiles) for turn in turns]
        story = slowest(stories)
        before = session_sections(args.session, stories) if args.session else []
        if args.json:
            told = stories_to_json(args.session, stories) if args.session else story_to_json(story)
            print(json.dumps(told, indent=2))
        elif args.markdown:
            print(story_to_markdown(story, before), end="")
        elif args.html:
            _write(args.html, story_to_html(story, before))
            print(f"written: {args.html}")
        else:
            terminal().print(story_to_terminal(story, before))
        return _exit_code(stories, args)


def _turns(store: SqliteStore, args: Namespace) -> list[Turn]:
    """The turns that are asked for, in order of time."""
    if args.id and args.id != "last":
        return [one_turn(store, args.id)]
    query, most = RequestQuery(session_id=args.session), MOST_TURNS if args.session else LOOKED_THROUGH
    found = []
    for turn in turns_with_progress(store, query, most):
        if turn.kind == "conversation":
            found.append(turn.request_id)
            if not args.session:
                break
    if not found:
        raise NoConversation(args.session)
    # A crowd of events under one id is no turn that could be told.
    few = [row.request_id for row in store.requests(found) if row.event_count <= MAX_EVENTS_OF_A_TURN]
    if not few:
        raise UnknownRequest(found[0], [])
    return sorted((one_turn(store, each) for each in few), key=lambda turn: turn.started_wall_ns)


def _write(path: Path, page: str) -> None:
    try:
        path.write_text(page, "utf-8", newline="\n")
    except OSError as why:
        raise InvalidOption("html", str(path), f"it can't be written: {why.strerror}") from why


def _exit_code(stories: Sequence[TurnStory], args: Namespace) -> int:
    """Who names a budget wants it kept; who only looks gets no verdict from the shell."""
    good = ("pass", "warning", *(("inconclusive",) if args.allow_inconclusive else ()))
    return 0 if not args.budget or all(story.verdict in good for story in stories) else EXIT_FAIL
