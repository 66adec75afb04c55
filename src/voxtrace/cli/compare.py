"""`voxtrace compare`: two populations beside each other."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from voxtrace.analysis.choosing import Choosing
from voxtrace.analysis.columns import Columns
from voxtrace.analysis.compare import Comparing, Comparison
from voxtrace.analysis.filters import NoSuchTurns, UnreadableFilter, read_filter
from voxtrace.cli.arguments import from_one
from voxtrace.cli.column_pages import column_pages
from voxtrace.cli.patience import Patience
from voxtrace.cli.reading import open_measured, terminal
from voxtrace.clock import wall_ns
from voxtrace.reports.compare_report import comparison_to_json, comparison_to_markdown, comparison_to_terminal
from voxtrace.store import RequestQuery, SqliteStore

DEFAULT_LAST = 100_000
MOST_PROVIDERS = 5  # the usual one, and those that are compared with it


class CompareCommand:
    """Compares two populations."""

    name: ClassVar[str] = "compare"
    details: ClassVar[str] = """\
A and B are filters: KEY=VALUE with commas between. Keys are engine, provider, voice, format, model, version, kind,
outcome, cache, start, source, truth, origin, mode, hedged, transport (http, live, wyoming, wyoming-live), since, until
(a time, UTC where it tells no zone, or an age as 2h), and the names of labels or flags that events carry. VALUE may be
ONE|OTHER; "all" is every turn. What the filters do not name is never mixed: cached requests are compared with cached
ones, cold ones with cold ones.

  voxtrace compare engine=espeak-ng engine=kokoro
  voxtrace compare version=1.4 version=1.5 --format markdown
  voxtrace compare since=2025-11-01,until=2025-11-08 since=2025-11-08
  voxtrace compare new_prompt=false new_prompt=true --json
  voxtrace compare --view providers       each engine and what it ran on, against the most used one
  voxtrace compare --view cache           cached requests against others
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("sides", nargs="*", metavar="A B", help="the two filters; or give them as --a and --b")
        parser.add_argument("--a", metavar="FILTER", help="what B is compared with")
        parser.add_argument("--b", metavar="FILTER", help="what is compared")
        parser.add_argument("--view", choices=("providers", "cache"), help="a comparison that needs no filters")
        parser.add_argument("--last", type=from_one, default=DEFAULT_LAST, metavar="N", help="only the newest N")
        parser.add_argument(
            "--format", choices=("terminal", "markdown", "json"), default="terminal", help="how to print"
        )
        parser.add_argument(
            "--json", dest="format", action="store_const", const="json", help="the same as --format json"
        )

    def run(self, args: Namespace) -> int:
        now = wall_ns()
        asked = _asked(args)
        store = open_measured(args.data)
        try:
            if args.view == "providers":
                pages = list(_pages(store, RequestQuery(), args.last))
                asked = _providers(pages)
                found = [compare(pages, pair, now) for pair in asked]
            else:
                found = [compare(_pages(store, _between(asked[0], now), args.last), asked[0], now)]
            is_cut = sum(each.looked_at for each in found[:1]) >= args.last
        finally:
            store.close()
        if is_cut:
            print(f"only the newest {args.last:,} turns were looked at; --last N looks at more", file=sys.stderr)
        self._print(found, args.format)
        return 0

    def _print(self, found: Sequence[Comparison], form: str) -> None:
        if form == "json":
            told = [comparison_to_json(each) for each in found]
            print(json.dumps(told[0] if len(told) == 1 else told, indent=2))
        elif form == "markdown":
            print("\n".join(map(comparison_to_markdown, found)), end="")
        else:
            console = terminal()
            for each in found:
                console.print(comparison_to_terminal(each))


def _asked(args: Namespace) -> list[tuple[str, str]]:
    """The filters as they were given.

    Raises:
        UnreadableFilter: there are not two.
    """
    if args.view:
        return [("cache=miss", "cache=hit")]
    given = [each for each in (args.a, args.b) if each is not None] if args.a or args.b else args.sides
    if len(given) != 2 or (args.sides and (args.a or args.b)):
        raise UnreadableFilter(" ".join(args.sides), "a comparison takes two filters, or --view")
    return [(given[0], given[1])]


def _between(told: tuple[str, str], now: int) -> RequestQuery:
    """The times that both filters leave, so that the newest turns are the newest of those."""
    sides = [read_filter(each, now) for each in told]
    since, until = ([getattr(side, name) for side in sides] for name in ("since_wall_ns", "until_wall_ns"))
    return RequestQuery(
        since_wall_ns=None if None in since else min(since), until_wall_ns=None if None in until else max(until)
    )


def _pages(store: SqliteStore, query: RequestQuery, most: int) -> Iterator[Columns]:
    with Patience("reading turns") as patience:
        read = 0
        for page in column_pages(store, query, most):
            yield page
            read += len(page)
            patience.at(read)


def compare(pages: Iterable[Columns], told: tuple[str, str], now: int) -> Comparison:
    """The comparison of two filters.

    Raises:
        UnreadableFilter: one can't be read.
        UnknownFilterName: no turn has a name that one asks for.
        NoSuchTurns: no turn fits one.
    """
    sides = Choosing(read_filter(told[0], now)), Choosing(read_filter(told[1], now))
    comparing = Comparing(sides[0].where, sides[1].where, now)
    for page in pages:
        comparing.add(page)
        for side in sides:
            side.rows(page)
    for side in sides:
        side.choice()
    return comparing.comparison()


def _providers(pages: Sequence[Columns]) -> list[tuple[str, str]]:
    """Each engine and provider against the one with most turns.

    Raises:
        NoSuchTurns: there are not two.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for page in pages:
        counts.update(zip(page.words_of("engine"), page.words_of("provider"), strict=True))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    named = [pair for pair, _ in ordered if pair[0]][:MOST_PROVIDERS]
    if len(named) < 2:
        raise NoSuchTurns("a second engine or provider", {"engine": {engine for engine, _ in named}})
    filters = [f"engine={engine},provider={provider}" for engine, provider in named]
    return [(filters[0], other) for other in filters[1:]]
