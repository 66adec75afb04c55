"""What a change would do, as a person sees it."""

import json

from rich.console import Console

from tests.analysis.test_whatif import answer, recorded
from voxtrace.analysis.whatif import Supposing, read_wishes
from voxtrace.reports.whatif_report import whatif_to_json, whatif_to_markdown, whatif_to_terminal


def effects():
    wishes = read_wishes(["llm.first_token=300ms"], ["memory storage"])
    supposing = Supposing(wishes)
    for n in range(1, 41):
        supposing.add("conversation, L2", recorded(answer(100.0 * n, 4_000 / n, f"r{n}")))
    return wishes, supposing.effects()


def test_a_change_for_a_terminal(golden):
    console = Console(width=100, highlight=False, force_terminal=False)
    with console.capture() as captured:
        console.print(whatif_to_terminal(*effects()))

    golden("whatif.txt", "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n")


def test_a_change_as_markdown(golden):
    golden("whatif.md", whatif_to_markdown(*effects()))


def test_a_change_as_json():
    told = json.loads(json.dumps(whatif_to_json(*effects())))
    sound = told["populations"][0]["outcomes"]["first_sound_ms"]

    assert sound["gained"]["measured"] == 40
    assert sound["after"]["intervals"]["p50"]["method"] == "order statistics, exact binomial"
