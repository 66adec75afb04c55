"""`voxtrace say TEXT`: speak through any OpenAI-compatible server, and see where the time went."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from voxtrace.errors import InvalidOption

if TYPE_CHECKING:
    from voxtrace.client.saying import Saying

# Texts from here on take long enough to want a display of what is going on.
LONG_TEXT_CHARS = 1000


class SayCommand:
    """Speaks a text. Modules that take long to load wait until the text is on its way."""

    name: ClassVar[str] = "say"
    details: ClassVar[str] = """\
It plays where there is a sound device and writes a file where there is none. Works with every server that speaks
OpenAI's /v1/audio/speech; a text beyond the 4,096 characters of one request is cut at the ends of sentences.

  voxtrace say "Hello world"
  echo "Hello world" | voxtrace say --format mp3 --out hello.mp3
  voxtrace say '<speak>One <break time="1s"/> two</speak>'
  voxtrace say --file story.txt --out - | ffplay -nodisp -autoexit -
  voxtrace say "Hello" --player ws://127.0.0.1:8081
  voxtrace say "Hello" --url https://api.openai.com --key-env OPENAI_API_KEY --voice nova
"""

    def arguments(self, parser: ArgumentParser) -> None:
        from voxtrace.client.request import DEFAULT_URL, FORMATS

        parser.add_argument("text", nargs="*", metavar="TEXT", help="what to say; - or nothing: standard input")
        parser.add_argument("--file", type=Path, metavar="FILE", help="say the text of this file")
        parser.add_argument("--url", default=DEFAULT_URL, help="the speech server (default: %(default)s)")
        parser.add_argument("--voice", default="alloy", help="name of the voice (default: %(default)s)")
        parser.add_argument("--format", default="wav", choices=FORMATS, help="what to ask for (default: %(default)s)")
        parser.add_argument("--speed", type=float, default=1.0, help="from 0.25 to 4 (default: %(default)s)")
        parser.add_argument(
            "--as-written", action="store_true", help="do not read numbers and signs as words; for Voxtrace's server"
        )
        parser.add_argument("--model", default="tts-1", help="name of the model (default: %(default)s)")
        parser.add_argument(
            "--out", metavar="FILE", help="write the sound to this file and do not play it; -: to stdout"
        )
        parser.add_argument(
            "--player",
            metavar="URL",
            help="play through this player daemon (default: that of the data folder if one runs and can be heard)",
        )
        parser.add_argument("--request-id", metavar="ID", help="use this id instead of a new one")
        parser.add_argument("--timeout", type=float, metavar="S", help="longest wait for a connection or a byte")
        parser.add_argument("--key-env", metavar="NAME", help="environment variable that holds the server's API key")
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument("--quiet", action="store_true", help="print errors only")

    def run(self, args: Namespace) -> int:
        from voxtrace.client.output import STANDARD_OUTPUT

        said = _say(read_text(args), args)
        report = sys.stderr if args.out == STANDARD_OUTPUT else sys.stdout
        if args.json or (said.was_heard and not args.quiet):
            from voxtrace.cli.said import print_json, print_report

            (print_json if args.json else print_report)(said, args.data, report)
        if said.failure is not None:
            raise said.failure
        return 0


def read_text(args: Namespace) -> str:
    """The text out of the arguments, a file or the standard input.

    Raises:
        InvalidOption: there is none, more than one, or it is not UTF-8.
    """
    given = " ".join(args.text)
    if args.file and given:
        raise InvalidOption("text", given, "give a text or --file, not both")
    if not args.file and given not in ("", "-"):
        return given
    if not args.file and sys.stdin.isatty() and given != "-":
        raise InvalidOption("text", "", 'there is nothing to say; try: voxtrace say "Hello world"')
    where = str(args.file or "standard input")
    try:
        raw = args.file.read_bytes() if args.file else sys.stdin.buffer.read()
        return str(raw.decode("utf-8-sig"))
    except OSError as why:
        raise InvalidOption("file", where, why.strerror or str(why)) from why
    except UnicodeDecodeError as why:
        raise InvalidOption("text", where, f"it is not UTF-8 at byte {why.start}") from why


def _say(text: str, args: Namespace) -> Saying:
    from dataclasses import replace

    from voxtrace.client.caller import Timeouts
    from voxtrace.client.request import SpeechRequest, endpoint
    from voxtrace.client.saying import SayOptions, say
    from voxtrace.tracker import Tracker, from_environment

    if args.timeout is not None and not 0 < args.timeout < 86_400:
        raise InvalidOption("timeout", args.timeout, "must be more than 0 seconds")
    wait = args.timeout
    options = SayOptions(
        endpoint=endpoint(args.url),
        request=SpeechRequest(text, args.voice, args.format, args.speed, args.model, as_written=args.as_written),
        out=args.out,
        player=_player(args),
        request_id=args.request_id,
        timeouts=Timeouts() if wait is None else Timeouts(wait, wait, wait),
        api_key=key_of(args.key_env),
    )
    tracker = Tracker("client", options=replace(from_environment(), data=args.data))
    try:
        if len(text) < LONG_TEXT_CHARS or args.quiet or args.json or not sys.stderr.isatty():
            return say(options, tracker)
        from voxtrace.cli.said import progress

        with progress() as show:
            return say(options, tracker, show)
    finally:
        tracker.close()


def _player(args: Namespace) -> str:
    """The player daemon to play through; "" for what this machine has."""
    given: str | None = args.player
    if given is None:
        from voxtrace.cli.nearby_player import find_player_daemon

        return "" if args.out else find_player_daemon(args.data)
    if args.out:
        raise InvalidOption("player", given, "with --out nothing is played; give one of the two")
    if not given.startswith(("ws://", "wss://")):
        raise InvalidOption("player", given, "must look like ws://127.0.0.1:8081")
    return given


def key_of(variable: str | None) -> str:
    """The API key out of the environment variable of that name; "" where none is named.

    Raises:
        InvalidOption: there is no such variable.
    """
    if variable is None:
        return ""
    if not os.environ.get(variable):
        raise InvalidOption("key-env", variable, "no environment variable of that name is set")
    return os.environ[variable]
