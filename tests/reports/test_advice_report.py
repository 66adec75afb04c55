"""What would help most, in words."""

from rich.console import Console

from tests.judge.test_recommendations import chunk, turn
from voxtrace.analysis.cases import case_of
from voxtrace.judge.recommendations import recommend
from voxtrace.reports.advice_report import advice_to_json, advice_to_markdown, advice_to_terminal, short_advice

# The second piece has the words of the first, and is made while that one is played.
AGAIN = recommend([case_of(turn(*chunk(0, 10, 100, 5_000, text_hash="a"), *chunk(1, 120, 900, 5_000, text_hash="a")))])


def printed():
    console = Console(width=200, color_system=None)
    with console.capture() as captured:
        console.print(advice_to_terminal(AGAIN, 1))
    return captured.get()


def test_work_done_twice_that_nobody_waits_for_is_said_so_in_words_and_comes_last():
    line = [line for line in printed().splitlines() if "same_text_twice" in line]
    rest = advice_to_markdown(AGAIN, 1)

    assert line[-1].startswith("Over their thresholds, but a change would spare nobody waiting: ")
    assert "same_text_twice (p50 780.0 ms (none of it is needed); " in line[-1]
    assert "1 of 1 turn (100.0%); it costs processor time)" in line[-1]
    assert rest.index("spare nobody waiting") > rest.index("Within their thresholds")
    assert "at most 0 " not in rest


def test_as_json_a_gain_of_nothing_has_its_words_and_what_is_kept_has_none():
    words = {each["rule"]: each["gain_words"] for each in advice_to_json(AGAIN, 1)["findings"]}

    assert words["same_text_twice"] == "would spare nobody waiting; it costs processor time"
    assert words["gaps_in_the_answer"] is None
    assert advice_to_json(AGAIN, 1)["findings"][-1]["standing"] == "hidden"


def test_below_a_report_only_what_helps_is_named():
    assert not any("same_text_twice" in line for line in short_advice(AGAIN))
