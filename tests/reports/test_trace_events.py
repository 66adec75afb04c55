"""Traces as their viewers read them: bars, instants, and the arrows between bars."""

import json
from itertools import pairwise

import pytest

from tests.reports.test_pages import CONVERSATION, population
from tests.samples import sample
from voxtrace.analysis import assemble
from voxtrace.events.codec import decode
from voxtrace.reports.trace_events import CRITICAL, HEARD, PARTS, trace_events
from voxtrace.testing.turns import client_events, event, server_events


def chunked():
    """Two chunks of speech that are made at the same time, and a third one after them."""
    told = [event("v34_webhook_received", 0, "v34"), event("v34_ollama_received", 900, "v34")]
    for chunk, (begin, end) in enumerate([(950, 1700), (1000, 1900), (1950, 2100)]):
        told += [event("chunk_tts_start", begin, "v34", chunk=chunk), event("chunk_tts_end", end, "v34", chunk=chunk)]
    return assemble("r2", [*told, event("tts_audio_playback_start", 1750, "tts")])


def spoken(*, audio=True):
    """A model that streams its answer, and two chunks of it that are spoken one beside the other."""
    told = [
        event("v34_webhook_received", 0, "v34"),
        event("v34_ollama_sent", 10, "v34"),
        event("llm_first_token", 200, "v34"),
        event("llm_first_sentence", 300, "v34"),
        event("v34_ollama_received", 900, "v34"),
        event("tts_audio_playback_start", 850, "player"),
    ]
    for chunk, (begin, first, end, length) in enumerate([(310, 500, 800, 400), (600, 700, 1000, 700)]):
        length_told = {"audio_duration_ms": length} if audio else {}
        told += [
            event("chunk_tts_start", begin, "tts", chunk=chunk),
            event("tts_first_audio", first, "tts", chunk=chunk),
            event("chunk_tts_end", end, "tts", chunk=chunk, **length_told),
        ]
    return assemble("spoken", told)


def named(events):
    return {(each["pid"], each["tid"]): each["args"]["name"] for each in events if each["name"] == "thread_name"}


def arrows(turns):
    """Each flow as the lanes and names of its bars, bound as Perfetto's importer binds them.

    It takes events by time, at one time longer bars first and whatever is no bar behind them, in the order of the
    file; a flow then belongs to the newest bar or instant of its thread that was not pushed out by a later one.
    """
    events = trace_events(turns)["traceEvents"]
    lanes, open_bars, found = named(events), {}, {}
    timed = [each for each in events if each["ph"] != "M"]
    for each in sorted(timed, key=lambda one: (one["ts"], -one.get("dur", 0))):
        thread = each["pid"], each["tid"]
        bars = open_bars.setdefault(thread, [])
        if each["ph"] in "Xi":
            while bars and bars[-1]["ts"] + bars[-1].get("dur", 0) <= each["ts"]:
                bars.pop()
            bars.append(each)
        else:
            key = each["id"], each["cat"], each["name"]
            assert (each["ph"] == "s") == (key not in found)
            assert each["ph"] == "s" or each["bp"] == "e"
            found.setdefault(key, []).append((each["ph"], lanes[thread], bars[-1]["name"]))
    assert all([ph for ph, *_ in way] == ["s", *"t" * (len(way) - 2), "f"] for way in found.values())
    return {name: [(lane, bar) for _, lane, bar in way] for (_, _, name), way in found.items()}


def test_the_parts_of_a_trace_tile_the_turn_on_a_lane_of_their_own():
    turn = assemble("r1", CONVERSATION)
    events = trace_events([turn])["traceEvents"]
    lanes = {each["tid"]: each["args"]["name"] for each in events if each["name"] == "thread_name"}
    parts = [each for each in events if each["ph"] == "X" and lanes[each["tid"]] == PARTS]

    assert sum(part["dur"] for part in parts) * 1000 == turn.total
    assert {"stt", "v34", "tts"} <= set(lanes.values())


def test_a_trace_page(golden):
    golden("trace.json", json.dumps(trace_events([spoken(), chunked()]), indent=1) + "\n")


def test_arrows_lead_from_the_model_to_the_synthesis_of_each_chunk_and_to_when_it_is_heard():
    ways = arrows([spoken()])

    assert ways["chunk 0"] == [("v34", "first sentence"), ("tts", "synthesis"), (HEARD, "chunk 0")]
    assert ways["chunk 1"] == [("v34", "language model"), ("tts (2)", "synthesis"), (HEARD, "chunk 1")]


def test_a_chunk_whose_length_nobody_told_is_not_drawn_as_heard():
    turn = spoken(audio=False)
    lanes = named(trace_events([turn])["traceEvents"])

    assert arrows([turn])["chunk 1"] == [("v34", "language model"), ("tts (2)", "synthesis")]
    assert HEARD not in lanes.values()


def test_what_the_listener_hears_of_the_sample_follows_without_a_gap():
    lines = sample("english_tutor/log_analysis.jsonl").read_bytes().splitlines()
    turn = assemble("sample", [decode(line) for line in lines])
    heard = [each for each in trace_events([turn])["traceEvents"] if each.get("cat") == "playout"]

    assert [(each["ts"] / 1000, each["dur"] / 1000) for each in heard] == [(14_281, 6_380), (20_661, 3_520)]
    assert set(arrows([turn])) == {"chunk 0", "chunk 1"}


def test_the_first_piece_of_a_speech_request_leads_to_its_caller():
    ways = arrows([assemble("r1", client_events() + server_events())])

    assert ways == {"piece 0": [("server", "text"), ("server", "inference of the piece"), ("client", "delivery")]}


def test_two_turns_of_one_trace_share_no_arrow_and_no_thread():
    events = trace_events([spoken(), chunked(), spoken()])["traceEvents"]
    begun = [each["id"] for each in events if each["ph"] == "s"]
    threads = [each["tid"] for each in events if each["name"] == "thread_name"]

    assert len(begun) == len(set(begun)) == 4
    assert len(threads) == len(set(threads))


def test_the_critical_path_has_a_lane_of_its_own_that_tiles_the_wait():
    events = trace_events([spoken()])["traceEvents"]
    lanes = named(events)
    path = [each for each in events if lanes.get((each["pid"], each["tid"])) == CRITICAL and each["ph"] == "X"]

    assert [each["name"] for each in path][-1] == "synthesis"
    assert all(one["ts"] + one["dur"] == other["ts"] for one, other in pairwise(path))
    assert {each["cname"] for each in path if each["cat"] == "critical"} == {"bad"}


def test_the_slack_of_a_chunk_stands_at_its_bar_only_where_it_is_known():
    def told(turn):
        bars = [each for each in trace_events([turn])["traceEvents"] if each["name"] == "synthesis"]
        return [each["args"] for each in bars if "chunk_state" in each["args"]]

    known, unknown = told(spoken()), told(spoken(audio=False))

    assert [(each["chunk_state"], each["slack_ms"]) for each in known] == [("critical", 0.0), ("hidden", 550.0)]
    assert unknown[1]["chunk_state"] == "unknown"
    assert "slack_ms" not in unknown[1]


def test_a_trace_keeps_the_rules_of_its_format():
    turns = [
        assemble("r1", CONVERSATION),
        chunked(),
        spoken(),
        assemble("parts", [event("a_start", 0, name) for name in (PARTS, CRITICAL)] + [event("a_end", 9, PARTS)]),
    ]
    document = trace_events([*turns, *population()])
    events = document["traceEvents"]
    timed = [each for each in events if each["ph"] != "M"]
    threads = named(events)

    assert {each["ph"] for each in events} == {"M", "X", "i", "s", "t", "f"}
    assert all(each["ts"] >= 0 and each.get("dur", 0) >= 0 for each in timed)
    assert [each["ts"] for each in timed] == sorted(each["ts"] for each in timed)
    assert {(each["pid"], each["tid"]) for each in timed} <= set(threads)
    assert {pid for pid, _ in threads} == {each["pid"] for each in events if each["name"] == "process_name"}
    assert all(isinstance(each["id"], int) and each["id"] > 0 for each in timed if each["ph"] in "stf")
    assert float(document["otherData"]["zero_unix_s"]) * 1e9 == min(turn.started_wall_ns for turn in turns)
    assert json.loads(json.dumps(document, allow_nan=False)) == document


@pytest.mark.parametrize("turn", [chunked(), spoken(), assemble("r1", client_events() + server_events())])
def test_bars_of_one_lane_lie_within_each_other_or_apart(turn):
    bars = [each for each in trace_events([turn])["traceEvents"] if each["ph"] == "X"]
    for lane in {each["tid"] for each in bars}:
        open_ends = []
        for bar in (each for each in bars if each["tid"] == lane):
            while open_ends and open_ends[-1] <= bar["ts"]:
                open_ends.pop()

            assert not open_ends or bar["ts"] + bar["dur"] <= open_ends[-1]
            open_ends.append(bar["ts"] + bar["dur"])


def test_chunks_that_are_made_at_once_have_lanes_of_their_own():
    events = trace_events([chunked()])["traceEvents"]
    names = named(events)
    bars = [each for each in events if each["ph"] == "X" and "chunk" in each["args"]]
    chunks = [lane for bar in bars if (lane := names[bar["pid"], bar["tid"]]) != "tts"]

    assert chunks == ["v34", "v34 (2)", "v34"]
