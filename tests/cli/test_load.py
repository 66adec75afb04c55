"""`voxtrace load`: from arguments to a page."""

from __future__ import annotations

import json
from array import array
from collections import Counter, deque
from io import StringIO

import pytest
from rich.console import Console

from tests.client.answers import pcm, whole
from tests.loadtest.far_end import FarEnd
from voxtrace.analysis.quantiles import distribution
from voxtrace.cli.load import read_mix
from voxtrace.cli.load_live import picture
from voxtrace.cli.load_outcome import Judging, conclude
from voxtrace.cli.load_page import load_to_json, load_to_markdown, load_to_terminal
from voxtrace.cli.main import main
from voxtrace.errors import InvalidOption
from voxtrace.judge.limits import parse_limit
from voxtrace.loadtest.arrivals import OpenLoop
from voxtrace.loadtest.generator import Progress, Run
from voxtrace.loadtest.plan import Workload, make_plan
from voxtrace.loadtest.record import Record, Told
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

MS = NANOS_PER_MILLI
CLOCK = "host/1.a/boot"
SPEECH = pcm(10, 100)
QUICKLY = ("--warm-up", "1", "--for", "0.2", "--rate", "100", "--quiet")


def record_of(planned, started_ns, ttfa_ms, refused):
    """A request that began 0.1 ms late, and whose first sound is 10 ms of silence and then speech."""
    due = started_ns + planned.at
    record = Record(planned, f"{planned.number:032x}", 50, due, due + MS // 10, due + MS // 5)
    # No two alike to the microsecond: such times would be refused as a replay.
    record.headers_ns = record.first_byte_ns = due + (ttfa_ms - 10) * MS + planned.number * 7_000
    record.ended_ns = record.headers_ns + 5 * MS
    if refused:
        record.status, record.error, record.error_message = 429, "busy", "the server is busy (429): too many wait"
        return record
    record.status, record.outcome, record.body_bytes, record.leading_silence_ns = 200, "ok", 96_000, 10 * MS
    record.headers = {"content-type": "audio/pcm", "x-voxtrace-cache": "miss"}
    record.arrivals = array("q", [record.first_byte_ns, 48_000, 1000 * MS, record.ended_ns, 48_000, 1000 * MS])
    return record


def outcome_of(late_ns=100_000, limits=()):
    """A run of one hundred requests a second for two seconds, every 20th of which was refused."""
    plan = make_plan(OpenLoop(100, 2, "constant"), Workload({"short": 3, "medium": 1}), run="bado")
    run = Run(plan, Told(plan.workload, "http://127.0.0.1:8880/v1/audio/speech", 10**18), NANOS_PER_SECOND)
    run.offered = run.sent = run.completed = len(plan.requests)
    run.offering_ns, run.ended_ns = 2 * NANOS_PER_SECOND, 3 * NANOS_PER_SECOND + 100 * MS
    run.cpu_ns, run.connections, run.errors = 100 * MS, 4, Counter(busy=10)
    run.late_ns, run.lag_ns = array("q", [late_ns] * 200), array("q", [200_000] * 100)
    records = deque(
        record_of(each, run.started_ns, 40 + each.number % 37, each.number % 20 == 7) for each in plan.requests
    )
    judging = Judging([parse_limit(limit) for limit in limits])
    return conclude(run, records, CLOCK, judging=judging)


def page(renderable):
    paper = StringIO()
    Console(width=120, color_system=None, file=paper, highlight=False).print(renderable)
    return "\n".join(line.rstrip() for line in paper.getvalue().splitlines()) + "\n"


LIMITS = ("ttfa_p95<=100ms", "ttfa_p50<=10ms", "error_rate<=1%", "continuity>=99%")


def test_the_page_for_a_terminal(golden):
    golden("load.txt", page(load_to_terminal(outcome_of(limits=LIMITS))))


def test_the_page_as_markdown(golden):
    golden("load.md", load_to_markdown(outcome_of(limits=LIMITS)))


def test_the_page_of_a_run_that_is_not_valid(golden):
    golden("load_invalid.txt", page(load_to_terminal(outcome_of(late_ns=9 * MS, limits=LIMITS))))


def test_programs_get_every_number_with_what_it_rests_on():
    read = json.loads(json.dumps(load_to_json(outcome_of(limits=LIMITS))))
    ttfa = read["scenarios"]["short"]["groups"][0]["metrics"]["ttfa_ms"]

    assert read["valid"] is True
    assert read["plan"]["run"] == "bado"
    assert read["rates"] == {"offered_per_s": 100.0, "sent_per_s": 100.0, "completed_per_s": pytest.approx(200 / 2.1)}
    assert [each["code"] for each in read["errors"]] == ["busy"]
    assert {each["limit"]: each["verdict"] for each in read["limits"]}["error_rate<=1%"] == "fail"
    assert ttfa["measured"] == ttfa["expected"] > 100


def test_time_to_first_audio_counts_from_the_plan_and_from_the_sending():
    metrics = outcome_of().scenarios["short"].groups[0].metrics

    assert metrics["ttfa_ms"].smallest == pytest.approx(40)
    assert metrics["ttfa_from_send_ms"].smallest == pytest.approx(39.8)


def test_no_limit_is_kept_by_a_run_that_is_not_valid():
    outcome = outcome_of(late_ns=9 * MS, limits=["ttfa_p95<=100ms", "ttfa_p50<=10ms"])

    assert [verdict.state for verdict in outcome.verdicts] == ["inconclusive", "inconclusive"]
    assert not outcome.is_good


def test_records_are_let_go_while_they_are_measured():
    plan = make_plan(OpenLoop(10, 1, "constant"), Workload({"short": 1}), run="bado")
    run = Run(plan, Told(plan.workload, "http://127.0.0.1", 10**18), 0)
    records = deque(record_of(each, 0, 40, refused=False) for each in plan.requests)
    left = []
    conclude(run, records, CLOCK, show=lambda done: left.append(len(records)))

    assert left == list(range(len(plan.requests) - 1, -1, -1))


def test_the_picture_while_it_runs(golden):
    told = Told(Workload({"short": 1}), "", 0)
    few, many = (distribution([float(n) for n in range(count)], count) for count in (7, 100))
    now = Progress(2.5, 250, 249, 240, 9, Counter(busy=3), told)
    calm = Progress(2.5, 250, 249, 240, 9, Counter(), told)

    golden("load_live.txt", page(picture(now, 10, few)) + page(picture(calm, 10, many)))


@pytest.mark.parametrize(
    ("text", "mix"), [("short", {"short": 1}), ("short=9, long=1", {"short": 9, "long": 1}), ("x=0.5", {"x": 0.5})]
)
def test_a_mix_is_read(text, mix):
    assert read_mix(text) == mix


def test_a_weight_that_is_no_number_is_refused():
    with pytest.raises(InvalidOption, match="no weight"):
        read_mix("short=many")


def test_a_load_test_of_a_server_ends_with_its_numbers(capsys):
    with FarEnd(lambda _: [whole(SPEECH)]) as server:
        code = main(["load", server.url, *QUICKLY, "--json"])
    read = json.loads(capsys.readouterr().out)

    assert code == 0
    assert read["counts"]["completed"] == read["counts"]["offered"] > 5
    assert read["scenarios"]["short"]["outcomes"] == {"ok": read["counts"]["completed"]}
    assert all(b"X-Voxtrace-Source: load" in request for request in server.requests)


def test_repeated_texts_were_all_said_before_the_run_begins(capsys):
    with FarEnd(lambda _: [whole(SPEECH)]) as server:
        main(["load", server.url, *QUICKLY, "--json", "--repeat"])
    counted = json.loads(capsys.readouterr().out)["counts"]["completed"]
    bodies = [request.partition(b"\r\n\r\n")[2] for request in server.requests]

    assert set(bodies[-counted:]) <= set(bodies[:-counted])


def test_a_limit_for_which_there_is_too_little_ends_with_one(capsys):
    with FarEnd(lambda _: [whole(SPEECH)]) as server:
        code = main(["load", server.url, *QUICKLY, "--expect", "ttfa_p95<=10s"])

    assert code == 1
    assert "inconclusive" in capsys.readouterr().out


def test_a_server_that_never_speaks_is_not_loaded(capsys):
    with FarEnd(lambda _: [whole(b'{"error":{"message":"no voice x"}}', 400, "application/json")]) as server:
        code = main(["load", server.url, *QUICKLY])

    assert code == 3
    assert "no voice x" in capsys.readouterr().err
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "flags",
    [
        ["--rate", "0"],
        ["--users", "3", "--rate", "3"],
        ["--texts", "epic"],
        ["--arrivals", "ramp"],
        ["--expect", "fast"],
        ["--rate", "5000", "--for", "3600"],
        ["--real-time", "--format", "flac"],
        ["--timeout", "nan"],
    ],
)
def test_what_can_not_be_run_is_told_before_anything_is_sent(flags, capsys):
    assert main(["load", "http://127.0.0.1:9", *flags]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_another_machine_is_not_loaded_by_accident(capsys):
    assert main(["load", "http://192.0.2.1"]) == 2
    assert "--allow-remote" in capsys.readouterr().err


def test_the_events_are_kept_where_that_is_asked_for(tmp_path, capsys):
    with FarEnd(lambda _: [whole(SPEECH)]) as server:
        main(["load", server.url, *QUICKLY, "--json", "--record", "--data", str(tmp_path)])
    sent = json.loads(capsys.readouterr().out)["counts"]["completed"]
    lines = b"".join(path.read_bytes() for path in tmp_path.glob("spool/*.jsonl")).splitlines()
    ends = [json.loads(line) for line in lines if b"REQUEST_COMPLETE" in line]

    assert len(ends) == sent
    assert {end["service"] for end in ends} == {"loadtest"}
