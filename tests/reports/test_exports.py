"""Turns for other tools."""

import csv
import json
from io import StringIO

from tests.reports.test_pages import CONVERSATION, population
from voxtrace.analysis import assemble, summarize
from voxtrace.reports.csv_report import COLUMNS, write_csv
from voxtrace.reports.html_report import summary_to_html
from voxtrace.reports.trace_events import PARTS, trace_events
from voxtrace.testing.turns import client_events, event


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


def test_what_a_log_says_is_no_formula_in_a_spreadsheet():
    (row,) = rows(assemble("=cmd|' /C calc'!A0", [event("stt_end", 0), event("playback_start", 5)]))

    assert row["request_id"].startswith("'=")


def test_no_turns_are_a_head_without_rows():
    paper = StringIO()

    assert write_csv([], paper) == 0
    assert paper.getvalue().strip() == ",".join(COLUMNS)


def test_the_parts_of_a_trace_tile_the_turn_on_a_lane_of_their_own():
    turn = assemble("r1", CONVERSATION)
    events = trace_events([turn])["traceEvents"]
    lanes = {each["tid"]: each["args"]["name"] for each in events if each["name"] == "thread_name"}
    parts = [each for each in events if each["ph"] == "X" and lanes[each["tid"]] == PARTS]

    assert sum(part["dur"] for part in parts) * 1000 == turn.total
    assert {"stt", "v34", "tts"} <= set(lanes.values())
    assert json.loads(json.dumps(events)) == events


def test_a_page_of_a_summary(golden):
    turns = population()

    golden("summary.html", summary_to_html(summarize(turns), turns[:2]))


def test_nothing_in_a_log_becomes_a_part_of_the_page():
    evil = "<script>alert(1)</script>"
    turn = assemble(evil, [event(f"{evil}_start", 0, evil), event(f"{evil}_end", 5, evil)])
    page = summary_to_html(summarize([turn]), [turn])

    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def chunked():
    """Two chunks of speech that are made at the same time, and a third one after them."""
    told = [event("v34_webhook_received", 0, "v34"), event("v34_ollama_received", 900, "v34")]
    for chunk, (begin, end) in enumerate([(950, 1700), (1000, 1900), (1950, 2100)]):
        told += [event("chunk_tts_start", begin, "v34", chunk=chunk), event("chunk_tts_end", end, "v34", chunk=chunk)]
    return assemble("r2", [*told, event("tts_audio_playback_start", 1750, "tts")])


def test_a_trace_page(golden):
    golden("trace.json", json.dumps(trace_events([assemble("r1", CONVERSATION), chunked()]), indent=1) + "\n")


def test_a_table_page(golden):
    paper = StringIO()
    write_csv([*population()[-3:], assemble("r1", CONVERSATION)], paper)
    golden("requests.csv", paper.getvalue().replace("\r\n", "\n"))


def test_a_trace_keeps_the_rules_of_its_format():
    turns = [
        assemble("r1", CONVERSATION),
        chunked(),
        assemble("parts", [event("a_start", 0, "parts"), event("a_end", 9, "parts")]),
    ]
    document = trace_events([*turns, *population()])
    events = document["traceEvents"]
    timed = [each for each in events if each["ph"] != "M"]
    named = {(each["pid"], each["tid"]) for each in events if each["name"] == "thread_name"}

    assert {each["ph"] for each in events} == {"M", "X", "i"}
    assert all(each["ts"] >= 0 and each.get("dur", 0) >= 0 for each in timed)
    assert [each["ts"] for each in timed] == sorted(each["ts"] for each in timed)
    assert {(each["pid"], each["tid"]) for each in timed} <= named
    assert len(named) == sum(each["name"] == "thread_name" for each in events)
    assert float(document["otherData"]["zero_unix_s"]) * 1e9 == min(turn.started_wall_ns for turn in turns)


def test_bars_of_one_lane_lie_within_each_other_or_apart_and_chunks_made_at_once_have_lanes_of_their_own():
    events = trace_events([chunked()])["traceEvents"]
    bars = [each for each in events if each["ph"] == "X"]
    names = {each["tid"]: each["args"]["name"] for each in events if each["name"] == "thread_name"}
    chunks = [names[each["tid"]] for each in bars if "chunk" in each["args"] and names[each["tid"]] != "tts"]

    assert chunks == ["v34", "v34 (2)", "v34"]
    for lane in {each["tid"] for each in bars}:
        open_ends = []
        for bar in (each for each in bars if each["tid"] == lane):
            while open_ends and open_ends[-1] <= bar["ts"]:
                open_ends.pop()

            assert not open_ends or bar["ts"] + bar["dur"] <= open_ends[-1]
            open_ends.append(bar["ts"] + bar["dur"])
