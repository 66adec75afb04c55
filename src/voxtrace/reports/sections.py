"""Pages made of sections: a title with lines, or with a table, or with both. All forms show the same sections."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from rich.console import Group as Stack
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

STYLES = {"pass": "green", "warning": "yellow", "fail": "bold red", "inconclusive": "yellow"}

_INDENT = 2
# What a line of a list begins with: its number, or a moment and its unit set to the right.
_MARK = re.compile(r" *\d[\d,.]* (?:ms|s)  |\d+\. ")
SHORT = 14  # characters: a moment, "≥ 13,667 ms"


class Section(Struct, frozen=True):
    """One part of a page."""

    title: str
    lines: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    numbers: frozenset[int] = frozenset()  # columns that are set to the right

    @property
    def heading(self) -> str:
        """The title where capitals are no heading: on a page and in Markdown."""
        return self.title.capitalize() if self.title.isupper() else self.title


def section_to_terminal(section: Section) -> list[RenderableType]:
    """For people at a terminal; what is short is never broken over lines, a number above all."""
    blocks: list[RenderableType] = [Text(section.title, style="bold")]
    blocks += [_hanging(line) for line in section.lines]
    if section.rows:
        table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
        for index, name in enumerate(section.head):
            justify: Literal["left", "right"] = "right" if index in section.numbers else "left"
            is_short = all(len(row[index]) <= SHORT for row in section.rows)
            # The heading may be broken where the cells below it may not.
            least = max((len(row[index]) for row in section.rows), default=0) if is_short else None
            table.add_column(name, justify=justify, min_width=least, overflow="fold")
        for row in section.rows:
            table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
        blocks.append(table)
    return [*blocks, Text()]


def _hanging(line: str) -> RenderableType:
    """What does not fit goes on behind the mark (a number, a moment), not under it."""
    mark = found[0] if (found := _MARK.match(line)) else ""
    table = Table.grid()
    table.add_column(min_width=len(mark) + _INDENT, no_wrap=True)
    table.add_column()
    table.add_row(" " * _INDENT + mark, Text(line[len(mark) :]))
    return table


def section_to_markdown(section: Section, level: int = 2) -> list[str]:
    """For an issue, a chat or a file."""
    lines = [f"{'#' * level} {_cell(section.heading)}", ""]
    lines += [f"- {' '.join(line.split())}" for line in section.lines]
    if section.rows:
        lines += [""] if section.lines else []
        aligned = ["---:" if index in section.numbers else "---" for index in range(len(section.head))]
        lines += ["| " + " | ".join(map(_cell, cells)) + " |" for cells in (section.head, aligned, *section.rows)]
    return [*lines, ""]


def sections_to_terminal(sections: Sequence[Section], method: str) -> RenderableType:
    """A page that is nothing but sections."""
    blocks = [block for section in sections for block in section_to_terminal(section)]
    return Stack(*blocks, Text(method, style="dim"))


def sections_to_markdown(sections: Sequence[Section], method: str) -> str:
    """The same as Markdown; the first section is the title of it all."""
    lines = [line for number, each in enumerate(sections) for line in section_to_markdown(each, 2 if number else 1)]
    return "\n".join([*lines, f"_{method}_", ""])


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
