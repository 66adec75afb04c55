"""`voxtrace COMMAND`: finds the command, runs it, and turns what went wrong into one clear line."""

from __future__ import annotations

import argparse
import errno
import gc
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from voxtrace import __version__
from voxtrace.cli.command import Command
from voxtrace.cli.help_text import HelpText
from voxtrace.cli.lifeline import follow_supervisor
from voxtrace.config import default_data_folder
from voxtrace.errors import EXIT_USAGE, VoxtraceError

# What each does, in the order in which a newcomer meets them. Each name is a module of this room with a class of that
# name; what it does stands here, so that nothing has to be imported to say what there is.
# fmt: off
COMMANDS: dict[str, str] = {
    "up": "start the speech server and the dashboard, and keep both running",
    "serve": "start the speech server",
    "watch": "collect events and show the dashboard",
    "say": "speak a text and show how long it took to be heard, and why",
    "play": "start the player: sound over a WebSocket, heard without gaps, and when it was heard",
    "requests": "list the newest or the slowest requests",
    "show": "show where the time of one request went",
    "conversation": "tell one turn of a conversation: targets, root cause, what helps, what the user heard",
    "sessions": "list sessions, or explain one: trends over its turns, prompts, first turn, KV cache",
    "report": "summarise requests: percentiles, where the time went, what was not measured",
    "compare": "compare two populations: which step got slower or faster, and whether that can be chance",
    "whatif": "replay every turn with a step shorter, longer or gone, and take the percentiles again",
    "recommend": "say what would help most: stage, owner, what to change, and the gain by a replay",
    "load": "send many requests at planned moments and measure what every listener would have heard",
    "import": "read logs and result files of other tools into the store",
    "export": "write requests or events for other tools: CSV, Parquet, JSON lines, Perfetto",
    "schema": "print the JSON Schema of what a command prints with --json",
    "recompute": "derive every number again from the stored events",
    "prune": "forget old requests now",
    "cache": "see, fill or empty the speech that the server keeps",
    "voices": "add, list and check voice models (Kokoro, Piper)",
    "config": "show every setting, its value and where it came from",
    "doctor": "send an event and a sentence, read both back, and say what is wrong",
}
# fmt: on

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def load_command(name: str) -> Command:
    """The command of that name; a module whose name is a keyword has an underscore behind it."""
    module = import_module(f"voxtrace.cli.{name if name != 'import' else 'import_'}")
    command: Command = getattr(module, f"{name.capitalize()}Command")()
    return command


def build_parser(loaded: Collection[str] = COMMANDS) -> argparse.ArgumentParser:
    """The parser of the whole command line; commands that are not to be `loaded` are named and take no arguments."""
    parser = argparse.ArgumentParser(
        prog="voxtrace",
        description="How long until somebody hears something, why, and what would make it shorter?",
        epilog='Start with "voxtrace up"; then, in a second shell: voxtrace say "Hello world"',
    )
    parser.add_argument("--version", action="version", version=f"voxtrace {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, does in COMMANDS.items():
        sub = commands.add_parser(
            name,
            help=does,
            description=f"{does[:1].upper()}{does[1:]}.",
            formatter_class=HelpText,
        )
        if name in loaded:
            _add_arguments(sub, load_command(name))
    return parser


def _add_arguments(parser: argparse.ArgumentParser, command: Command) -> None:
    parser.epilog = command.details
    parser.add_argument(
        "--data",
        type=Path,
        default=default_data_folder(),
        metavar="DIR",
        help="folder of the spool, the store and voxtrace.toml (also VOXTRACE_DATA)",
    )
    command.arguments(parser)
    parser.set_defaults(run=command.run)


@contextmanager
def _imports_kept() -> Iterator[None]:
    """What is imported here lives to the end: no collection has to walk over it, now or later (40 ms of a report)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # once: what came since then may be garbage
            gc.freeze()
        if was_on:
            gc.enable()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit code; see `Command`.
    """
    # NumPy's algebra, of which nothing is used, would start a thread for each core: 30 ms of every command, and more
    # where there are more cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _run(arguments)
        if sys.stdout is not None:  # as where a shell closed it
            sys.stdout.flush()  # what goes wrong here would be told by nobody at the exit
        return code
    except VoxtraceError as error:
        print(f"voxtrace: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Python would complain again when it flushes at exit.
        _write_nowhere()
        return 0
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _write_nowhere()
        print("voxtrace: no space is left on the disk that the output goes to", file=sys.stderr)
        return EXIT_USAGE


def _write_nowhere() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: Sequence[str]) -> int:
    with _imports_kept():
        parser = build_parser(arguments[:1])  # `voxtrace say` must not wait for a web framework
    if not arguments:
        parser.print_help(sys.stderr)
        return EXIT_USAGE
    args = parser.parse_args(arguments)
    follow_supervisor()
    code: int = args.run(args)
    return code
