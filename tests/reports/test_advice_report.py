"""What would help most, in words."""

from rich.console import Console

from tests.judge.test_recommendations import chunk, turn
from voxtrace.analysis.cases import case_of
from voxtrace.judge.recommendations import recommend
from voxtrace.reports.advice_report import advice_to_json, advice_to_markdown, advice_to_terminal, short_advice
from voxtrace.testing.turns import event

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


def test_what_is_unknown_stands_by_what_has_to_be_logged_to_know_it():
    findings = recommend([case_of(turn(event("v34_memory_storage_start", 5), event("heard", 30, "player")))])
    lines = advice_to_markdown(findings, 1).split("that is no pass")[1].split("Within")[0].splitlines()
    told = {line.partition(": ")[0]: line.partition(": ")[2] for line in lines if line.startswith("- ")}
    unknown = {each.rule for each in findings if each.standing == "unknown"}

    assert told["- context.classification_start, context.classification_complete"] == (
        "serial_calls (classification, embedding), serial_calls (classification, retrieval), slow_classification"
    )
    assert "slow_pace (with chunk and text_length)" in told["- tts.synthesis_start, tts.synthesis_complete"]
    assert all(any(rule in rules for rules in told.values()) for rule in unknown)
    assert len(told) <= len(unknown) / 2


def test_as_json_each_unknown_rule_says_what_it_wants():
    findings = recommend([case_of(turn(event("heard", 30, "player")))])
    wants = {each["rule"]: each["want"] for each in advice_to_json(findings, 1)["findings"]}

    assert wants["slow_pace"] == {
        "events": ["tts.synthesis_start", "tts.synthesis_complete"],
        "with": ["chunk", "text_length"],
        "words": None,
    }
    assert wants["unexplained_wait"] is None


def test_below_a_report_only_what_helps_is_named():
    assert not any("same_text_twice" in line for line in short_advice(AGAIN))
