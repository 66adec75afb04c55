"""The help of a command: paragraphs as wide as the terminal, examples as they are written."""

from __future__ import annotations

from argparse import HelpFormatter
from textwrap import fill


class HelpText(HelpFormatter):
    """Fills paragraphs; a block with an indented line is examples or a list, and is left as it is."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        blocks = text.rstrip().split("\n\n")
        return "\n\n".join(each if _is_written(each) else fill(each, width) for each in blocks) + "\n"


def _is_written(block: str) -> bool:
    """Whether it is to be seen as it was written."""
    return any(line.startswith(" ") for line in block.splitlines())
