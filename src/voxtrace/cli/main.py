"""`voxtrace COMMAND`: finds the command, runs it, and turns what went wrong into one clear line."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from voxtrace import __version__
from voxtrace.cli.command import Command
from voxtrace.cli.lifeline import follow_supervisor
from voxtrace.config import default_data_folder
from voxtrace.errors import EXIT_USAGE, VoxtraceError

# In the order in which a newcomer meets them. Each name is a module of this room with a class of that name.
# fmt: off
COMMANDS: tuple[str, ...] = (
    "up",
    "serve",
    "watch",
    "say",
    "play",
    "requests",
    "show",
    "conversation",
    "sessions",
    "report",
    "compare",
    "whatif",
    "recommend",
    "load",
    "import",
    "export",
    "schema",
    "recompute",
    "prune",
    "cache",
    "voices",
    "config",
    "doctor",
)
# fmt: on

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def load_command(name: str) -> Command:
    """The command of that name; a module whose name is a keyword has an underscore behind it."""
    module = import_module(f"voxtrace.cli.{name if name != 'import' else 'import_'}")
    command: Command = getattr(module, f"{name.capitalize()}Command")()
    return command


def build_parser(names: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """The parser of the whole command line, or of the commands named."""
    parser = argparse.ArgumentParser(
        prog="voxtrace",
        description="How long until somebody hears something, why, and what would make it shorter?",
        epilog='Start with "voxtrace up"; then, in a second shell: voxtrace say "Hello world"',
    )
    parser.add_argument("--version", action="version", version=f"voxtrace {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in names:
        command = load_command(name)
        sub = commands.add_parser(
            name,
            help=command.help,
            description=f"{command.help[:1].upper()}{command.help[1:]}.",
            epilog=command.details,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.add_argument(
            "--data",
            type=Path,
            default=default_data_folder(),
            metavar="DIR",
            help="folder of the spool, the store and voxtrace.toml (also VOXTRACE_DATA)",
        )
        command.arguments(sub)
        sub.set_defaults(run=command.run)
    return parser


def _needed(arguments: Sequence[str]) -> Sequence[str]:
    """The commands to import: `voxtrace say` must not wait for a web framework."""
    if arguments and arguments[0] in COMMANDS:
        return arguments[:1]
    return () if arguments[:1] == ["--version"] else COMMANDS


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
    arguments = list(sys.argv[1:] if argv is None else argv)
    with _imports_kept():
        parser = build_parser(_needed(arguments))
    if not arguments:
        parser.print_help(sys.stderr)
        return EXIT_USAGE
    args = parser.parse_args(arguments)
    follow_supervisor()
    try:
        code: int = args.run(args)
    except VoxtraceError as error:
        print(f"voxtrace: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code
