"""Turns for other tools."""

import csv
from io import StringIO

from tests.reports.test_pages import CONVERSATION, population
from voxtrace.analysis import assemble, summarize
from voxtrace.analysis.definitions import DEFINITIONS
from voxtrace.reports.csv_report import COLUMNS, write_csv
from voxtrace.reports.html_report import summary_to_html
from voxtrace.testing.turns import client_events, event

# How the name of a column ends that holds numbers of a unit.
UNITS = {
    "ms": "_ms",
    "count": "_count",
    "characters": "_chars",
    "tokens": "_tokens",
    "1/s": "_per_s",
    "ns/token": "_ns_per_token",
}


def rows(*turns):
    paper = StringIO()
    write_csv(turns, paper)
    return list(csv.DictReader(StringIO(paper.getvalue())))


def test_a_row_holds_the_values_and_the_reasons_of_those_that_are_missing():
    (row,) = rows(assemble("r1", client_events(leading_silence=None)))

    assert (row["request_id"], row["ttfb_ms"], row["ttfa_ms"], row["outcome"]) == ("r1", "120.0", "", "ok")
    assert "ttfa_ms: no audible sample" in row["not_measured"]


def test_a_lower_bound_says_that_it_is_one():
    (row,) = rows(assemble("r1", CONVERSATION))

    assert row["voice_to_voice_ms"] == "5890.0"
    assert "voice_to_voice_ms: at least" in row["not_measured"]


def test_every_number_of_a_row_has_its_unit_in_the_name_of_its_column_or_is_a_ratio():
    assert {"started_unix_s", "total_ms", "text_chars"} <= set(COLUMNS)
    assert all(each.name.endswith(UNITS[each.unit]) for each in DEFINITIONS if each.unit != "ratio")


def test_what_is_not_known_of_a_turn_is_an_empty_cell():
    (row,) = rows(assemble("alone", [event("anything", 0)]))

    assert {row[each.name] for each in DEFINITIONS} | {row["total_ms"], row["text_chars"]} == {""}


def test_a_label_that_no_event_told_is_an_empty_cell_and_a_word_of_the_log_stays():
    (alone,) = rows(assemble("alone", [event("anything", 0)]))
    (named,) = rows(assemble("named", [event("server.request_received", 0, engine="unknown")]))

    assert [alone[name] for name in ("outcome", "cache", "start", "truth", "engine")] == [""] * 5
    assert (alone["source"], named["engine"]) == ("real", "unknown")


def test_what_a_log_says_is_no_formula_in_a_spreadsheet():
    (row,) = rows(assemble("=cmd|' /C calc'!A0", [event("stt_end", 0), event("playback_start", 5)]))

    assert row["request_id"].startswith("'=")


def test_no_turns_are_a_head_without_rows():
    paper = StringIO()

    assert write_csv([], paper) == 0
    assert paper.getvalue().strip() == ",".join(COLUMNS)


def test_a_page_of_a_summary(golden):
    turns = population()

    golden("summary.html", summary_to_html(summarize(turns), turns[:2]))


def test_nothing_in_a_log_becomes_a_part_of_the_page():
    evil = "<script>alert(1)</script>"
    turn = assemble(evil, [event(f"{evil}_start", 0, evil), event(f"{evil}_end", 5, evil)])
    page = summary_to_html(summarize([turn]), [turn])

    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_table_page(golden):
    paper = StringIO()
    write_csv([*population()[-3:], assemble("r1", CONVERSATION)], paper)
    golden("requests.csv", paper.getvalue().replace("\r\n", "\n"))


def test_a_page_says_by_which_number_a_turn_is_slow_what_its_colours_mean_and_why_a_rule_doubts():
    turns = [assemble("r1", CONVERSATION)]
    page = summary_to_html(summarize(turns), turns)

    assert "voice_to_voice_ms ≥ 5,890 ms, total 8,450 ms" in page
    assert "nobody waited for it" in page
    assert "Without the end of speech, voice-to-voice is a lower bound." in page
