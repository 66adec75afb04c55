"""`voxtrace whatif`: what another length of a step would do to the wait."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from voxtrace.analysis.choosing import Choosing
from voxtrace.analysis.columns import Columns
from voxtrace.analysis.filters import NoSuchTurns
from voxtrace.analysis.groups import MEASURED_OUTCOMES
from voxtrace.analysis.summing import population_names
from voxtrace.analysis.whatif import Replayable, Supposing, read_wishes
from voxtrace.cli.asked_turns import asked_turns, turns_arguments
from voxtrace.cli.column_pages import pages_with_steps
from voxtrace.cli.patience import Patience
from voxtrace.cli.reading import open_measured, terminal
from voxtrace.clock import wall_ns
from voxtrace.reports.choice_report import choice_to_json, choice_words
from voxtrace.reports.whatif_report import whatif_to_json, whatif_to_markdown, whatif_to_terminal

DEFAULT_LAST = 100_000


class WhatifCommand:
    """Replays turns with a change."""

    name: ClassVar[str] = "whatif"
    details: ClassVar[str] = """\
A step is named as `show` and `report` name it ("first token", metadata-call), or by the stage that ends it
(llm.first_token, tts.metadata). LENGTH is 300ms, 1.5s, -20%, 0.5x, +50ms or -50ms. What ran beside a longer branch
gains nothing, and percentiles are never added. A name that no turn has is answered with those that there are.

  voxtrace whatif --set llm.first_token=300ms
  voxtrace whatif --drop tts.metadata --set "language model=-20%"
  voxtrace whatif --set synthesis=0.5x --where engine=kokoro --format markdown
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--set", dest="sets", action="append", default=[], metavar="STEP=LENGTH", help="how long a step would take"
        )
        parser.add_argument(
            "--drop", dest="drops", action="append", default=[], metavar="STEP", help="a step that would be gone"
        )
        turns_arguments(parser, DEFAULT_LAST)
        parser.add_argument(
            "--format", choices=("terminal", "markdown", "json"), default="terminal", help="how to print"
        )
        parser.add_argument(
            "--json", dest="format", action="store_const", const="json", help="the same as --format json"
        )

    def run(self, args: Namespace) -> int:
        wishes = read_wishes(args.sets, args.drops)
        asked = asked_turns(args, wall_ns())
        choosing, supposing, replayed = Choosing(asked.where), Supposing(wishes), 0
        store = open_measured(args.data)
        try:
            with Patience("replaying turns") as patience:
                seen = 0
                for page, turns in pages_with_steps(store, asked.query, asked.most):
                    fits = choosing.rows(page) & page.with_label("outcome", MEASURED_OUTCOMES)
                    for population, turn in _chosen(page, turns, np.flatnonzero(fits).tolist()):
                        supposing.add(population, turn)
                        replayed += 1
                    seen += len(page)
                    patience.at(seen)
        finally:
            store.close()
        choice = choosing.choice()
        if not replayed:  # what failed or was called off has no length
            raise NoSuchTurns(asked.where.told, {"outcome": ("error or cancelled",)} if choice.turns else {})
        effects = supposing.effects()
        head = [words] if (words := choice_words(choice)) else []
        if args.format == "json":
            print(json.dumps(whatif_to_json(wishes, effects) | {"filter": choice_to_json(choice)}, indent=2))
        elif args.format == "markdown":
            print(whatif_to_markdown(wishes, effects, head), end="")
        else:
            terminal().print(whatif_to_terminal(wishes, effects, head))
        return 0


def _chosen(page: Columns, turns: list[Replayable], rows: list[int]) -> Iterator[tuple[str, Replayable]]:
    names = population_names(page)
    for row in rows:
        yield names[row], turns[row]
