"""`voxtrace cache`: what the speech server keeps, whether it pays, and how to fill or empty it."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from voxtrace.cli.health import ask
from voxtrace.config import LOOPBACK, SERVE_PORT
from voxtrace.errors import InvalidOption, Unreachable

if TYPE_CHECKING:
    from rich.table import Table

SERVER = f"http://{LOOPBACK}:{SERVE_PORT}"
MIB = 1024 * 1024
# What the levels are called where their short names say too little.
LEVELS = {"first": "first pieces", "later": "later pieces", "engine": "engine state"}


class CacheCommand:
    """Looks after the cache of a running speech server."""

    name: ClassVar[str] = "cache"
    details: ClassVar[str] = """\
Pieces of speech that were made once are kept in memory and on the disk. Requests with `Cache-Control: no-cache` are
never answered from it and never fill it, so a measurement can't mistake a replay for synthesis.

  voxtrace cache stats
  voxtrace cache analyze                   which pieces are asked for often (by length and hash, not by their words)
  voxtrace cache warm greetings.txt        speak every line once, so that the first caller need not wait
  voxtrace cache clear
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("do", choices=("stats", "analyze", "warm", "clear"), help="what to do")
        parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="for warm: one text a line; -: stdin")
        parser.add_argument("--url", default=SERVER, help="the speech server (default: %(default)s)")
        parser.add_argument("--voice", default="alloy", help="for warm: the voice to speak with (default: %(default)s)")
        parser.add_argument("--speed", type=float, default=1.0, help="for warm: from 0.25 to 4 (default: %(default)s)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, args: Namespace) -> int:
        if args.do == "clear":
            told: dict[str, Any] = _ask(args.url, "/performance/clear_cache", "POST")
            text: Table | str = f"{told['cleared']} pieces forgotten"
        elif args.do == "warm":
            told = _warm(args)
            text = f"{told['spoken']} of {told['texts']} texts spoken, {told['failed']} failed"
        else:
            status = _ask(args.url, "/status")
            told = status["cache"]
            if told is None:
                raise InvalidOption("cache_mib", 0, f"the server at {args.url} keeps nothing")
            told["levels"] |= status["levels"]
            text = _pieces(told["pieces"]) if args.do == "analyze" else _levels(told)
        if args.json:
            print(json.dumps(told["pieces"] if args.do == "analyze" else told, indent=2))
            return 0
        _print(text)
        if args.do == "stats":
            print(_in_words(told))
        return 1 if told.get("failed") else 0


def _ask(url: str, path: str, method: str = "GET") -> dict[str, Any]:
    answer = ask(url, path, method)
    if answer is None:
        raise Unreachable(url, "nothing answers there", "start it with `voxtrace up` or `voxtrace serve`")
    if not answer.good:
        raise Unreachable(f"{url}{path}", f"it answered {answer.status}", "is this Voxtrace's speech server?")
    return answer.facts


def _warm(args: Namespace) -> dict[str, int]:
    if args.file is None:
        raise InvalidOption("FILE", "", "name a file with one text a line, or - for the standard input")
    try:
        text = sys.stdin.read() if str(args.file) == "-" else args.file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as why:
        raise InvalidOption("FILE", str(args.file), str(why)) from why
    from rich.console import Console
    from rich.progress import track

    from voxtrace.client.caller import Caller
    from voxtrace.client.errors import SpeechRequestFailed
    from voxtrace.client.request import SpeechRequest, endpoint
    from voxtrace.tracker import Tracker, TrackerOptions, generate_request_id

    texts = [line.strip() for line in text.splitlines() if line.strip()]
    tracker = Tracker("client", options=TrackerOptions(data=args.data))
    caller = Caller(endpoint(args.url), tracker)
    spoken = 0
    for each in track(texts, "speaking", console=Console(stderr=True), transient=True):
        asked = SpeechRequest(each, voice=args.voice, format="pcm", speed=args.speed, source="probe")
        try:
            caller.speak(asked, generate_request_id(), lambda _exchange, _body: None)
            spoken += 1
        except SpeechRequestFailed as why:
            print(f"voxtrace: {each[:40]!r}: {why}", file=sys.stderr)
    tracker.close()
    return {"texts": len(texts), "spoken": spoken, "failed": len(texts) - spoken}


def _print(what: Table | str) -> None:
    from voxtrace.cli.reading import terminal

    terminal().print(what)


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _levels(told: dict[str, Any]) -> Table:
    table = _table("level", "entries", "MiB", "hits", "misses", "hit rate", "refused", "evicted", "expired")
    for name, level in told["levels"].items():
        rate = "—" if level["hit_rate"] is None else f"{level['hit_rate']:.1%}"
        counts = (str(level[key]) for key in ("hits", "misses"))
        gone = (str(level[key]) for key in ("refused", "evicted", "expired"))
        # The models of an engine and the store of another server are not measured here.
        entries = "—" if name == "shared" else str(level["entries"])
        size = "—" if name in ("shared", "engine") else f"{level['bytes'] / MIB:.1f}"
        table.add_row(LEVELS.get(name, name), entries, size, *counts, rate, *gone)
    return table


def _in_words(told: dict[str, Any]) -> str:
    shared, predicted = told["shared"], told["predicted"]
    lines = [
        f"{shared} requests joined work in progress; {predicted['popular']} pieces are asked for often",
        f"made ahead: {predicted['filled']}, of which {predicted['used']} were asked for and "
        f"{predicted['wasted']} were not ({predicted['wasted_bytes'] / MIB:.1f} MiB wasted)",
    ]
    return "\n".join([*lines, *(f"the level {level} fails: {why}" for level, why in told["broken"].items())])


def _pieces(pieces: list[dict[str, Any]]) -> Table | str:
    if not pieces:
        return "nothing was asked for often enough yet"
    table = _table("piece", "uses", "characters", "voice", "kept")
    for piece in pieces:
        kept = "yes" if piece["kept"] else "no"
        table.add_row(piece["key"], str(piece["uses"]), str(piece["chars"]), piece["voice"], kept)
    return table
