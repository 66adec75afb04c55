"""`--timezone`, for commands that read files of other tools."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from datetime import timedelta, timezone, tzinfo

from voxtrace.errors import InvalidOption

_OFFSET = re.compile(r"(?:UTC)?([+-])(\d{1,2}):?([0-5]\d)?", re.IGNORECASE)


def zone_argument(parser: ArgumentParser) -> None:
    """`--timezone`."""
    parser.add_argument(
        "--timezone",
        metavar="ZONE",
        help="of times that were written without one: Europe/Berlin, UTC, +02:00 (default: this machine's)",
    )


def zone_asked(args: Namespace) -> tzinfo | None:
    """The zone that the arguments name; None: this machine's.

    Raises:
        InvalidOption: there is none of that name.
    """
    return None if args.timezone is None else zone_named(args.timezone)


def zone_named(name: str) -> tzinfo:
    """The zone that a person means.

    Raises:
        InvalidOption: there is none of that name.
    """
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # 3 ms to load, and seldom needed

    offset = _OFFSET.fullmatch(name)
    if offset:
        sign, hours, minutes = offset[1], int(offset[2]), int(offset[3] or 0)
        if hours <= 14:
            return timezone((-1 if sign == "-" else 1) * timedelta(hours=hours, minutes=minutes))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as why:
        raise InvalidOption("--timezone", name, "name a zone such as Europe/Berlin, UTC or +02:00") from why
