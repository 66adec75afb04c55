"""What a command of the command line is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import ClassVar, Protocol


class Command(Protocol):
    """One file per command: it turns arguments into options, calls one function, returns an exit code.

    Exit codes: 0 good; 1 the verdict is fail or inconclusive; 2 wrong usage or input; 3 the target or the
    store can't be reached. A `VoxtraceError` that leaves `run` becomes its message and its exit code.
    """

    name: ClassVar[str]
    details: ClassVar[str]  # what `voxtrace NAME --help` teaches, with examples

    def arguments(self, parser: ArgumentParser) -> None:
        """Add the command's own arguments; `--data` is there already."""
        ...

    def run(self, args: Namespace) -> int:
        """Do it and answer with an exit code."""
        ...
