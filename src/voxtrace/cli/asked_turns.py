"""Which turns a command is about: the same words for it in every command."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from msgspec import Struct

from voxtrace.analysis.filters import Filter, read_filter
from voxtrace.cli.arguments import from_one, hours
from voxtrace.store import RequestQuery
from voxtrace.units import NANOS_PER_SECOND


class AskedTurns(Struct, frozen=True):
    """What the arguments mean."""

    where: Filter
    query: RequestQuery
    most: int  # the newest ones that are looked at


def where_argument(parser: ArgumentParser) -> None:
    """`--where`."""
    parser.add_argument(
        "--where",
        default="all",
        metavar="FILTER",
        help="only turns that fit, such as engine=kokoro,cache=miss,since=2h; `voxtrace compare --help` lists the keys",
    )


def turns_arguments(parser: ArgumentParser, last: int) -> None:
    """All that choose turns; `last` is how many are looked at unless somebody says otherwise."""
    where_argument(parser)
    parser.add_argument(
        "--last", type=from_one, default=last, metavar="N", help=f"look at the newest N only (default {last:,})"
    )
    parser.add_argument("--hours", type=hours, metavar="H", help="only requests of the last H hours")
    parser.add_argument("--session", metavar="ID", help="only requests of this session")


def asked_turns(args: Namespace, now_wall_ns: int) -> AskedTurns:
    """The turns that the arguments ask for.

    Raises:
        UnreadableFilter: the filter can't be read.
    """
    where = read_filter(args.where, now_wall_ns)
    query = RequestQuery(
        session_id=args.session,
        since_wall_ns=latest(where.since_wall_ns, hours_ago(args.hours, now_wall_ns)),
        until_wall_ns=where.until_wall_ns,
    )
    return AskedTurns(where, query, args.last)


def hours_ago(length: float | None, now_wall_ns: int) -> int | None:
    """When the last so many hours began."""
    return None if length is None else now_wall_ns - int(length * 3600 * NANOS_PER_SECOND)


def latest(*moments: int | None) -> int | None:
    """The later of those that are known."""
    return max((moment for moment in moments if moment is not None), default=None)
